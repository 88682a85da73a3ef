//! Pushes: sealed, signed, tried again, and given up.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use diesel::{Connection, RunQueryDsl};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::{Scene, hub, subscribe};
use crate::support::{Browser, PushService, Setup, TestHub, within};

/// What is kept of browsers, and how often in a row each was refused.
fn subscriptions(hub: &TestHub) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut conn = diesel::SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    let query =
        "SELECT namespace || ' ' || endpoint || ' ' || refused AS line FROM push_subscriptions ORDER BY key";
    let rows: Vec<Line> = diesel::sql_query(query).load(&mut conn).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

async fn until_subscriptions(hub: &TestHub, expected: &[&String]) {
    let settled = async {
        while subscriptions(hub).iter().ne(expected.iter().copied()) {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("only these are left: {expected:?}"), settled).await;
}

#[actix_rt::test]
async fn a_push_is_sealed_for_the_browser_and_signed_by_the_hub() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    let pushed = service.next().await;
    let id = &scene.id;
    let data = json!({ "type": "permission-request", "sessionId": id, "url": format!("/sessions/{id}"), "requestId": "q1" });
    let expected = json!({ "title": "Permission Request", "body": "app (Bash)", "tag": format!("permission-{id}"), "data": data });
    assert_eq!(browser.open(&pushed), expected);
    assert_eq!(pushed.headers["ttl"], "2419200");
    assert_eq!(pushed.headers["urgency"], "high");
    assert!(pushed.headers["topic"].len() == 32 && !pushed.headers["topic"].contains(id.as_str()));

    let authorization = pushed.headers["authorization"].strip_prefix("vapid t=").unwrap();
    let (token, key) = authorization.split_once(", k=").unwrap();
    assert_eq!(web.get("/api/push/vapid-public-key").await.body["publicKey"], key);
    let point = BASE64.decode(key).unwrap();
    let parts = [&point[1..33], &point[33..]].map(|part| BASE64.encode(part));
    let key = DecodingKey::from_ec_components(&parts[0], &parts[1]).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[format!("http://{}", service.address)]);
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
    assert_eq!(claims["sub"], "mailto:me@hub.example");
    let ahead = claims["exp"].as_i64().unwrap() - hub.clock.now() / 1_000;
    assert!((1..=24 * 3_600).contains(&ahead), "{ahead}");
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn push_services_are_asked_again_and_believed() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let [gone, busy, shut, broken] = ["gone", "busy", "shut", "broken"].map(Browser::new);
    let (web, other) = (hub.web().await, hub.web_of("b").await);
    for browser in [&gone, &busy, &shut] {
        subscribe(&web, browser, &service).await;
    }
    subscribe(&other, &gone, &service).await;
    let nonsense = json!({ "endpoint": broken.endpoint(&service), "keys": { "p256dh": "p", "auth": "a" } });
    assert_eq!(web.post("/api/push/subscribe", &nonsense).await.status, 200);
    service.answer("gone", &[410]);
    service.answer("busy", &[503, 429]);
    service.answer("shut", &[403, 201, 400, 403, 400]);
    let of = |namespace: &str, browser: &Browser, refused: i64| {
        format!("{namespace} {} {refused}", browser.endpoint(&service))
    };
    let (theirs, willing) = (of("b", &gone, 0), of("default", &busy, 0));
    let [forgiven, once, twice] = [0, 1, 2].map(|refused| of("default", &shut, refused));
    let [odd, odder] = [1, 2].map(|refused| of("default", &broken, refused));
    let rounds = [
        // One that is gone is asked once, one that is busy until it takes it.
        (["busy", "busy", "busy", "gone", "shut"].as_slice(), vec![&willing, &once, &theirs, &odd]),
        (&["busy", "shut"], vec![&willing, &forgiven, &theirs, &odder]),
        (&["busy", "shut"], vec![&willing, &once, &theirs]),
        (&["busy", "shut"], vec![&willing, &twice, &theirs]),
        (&["busy", "shut"], vec![&willing, &theirs]),
        (&["busy"], vec![&willing, &theirs]),
    ];
    let mut scene = Scene::new(&hub).await;
    for (number, (asked, left)) in rounds.into_iter().enumerate() {
        scene.ask_and_wait(&hub, &[(&format!("q{number}"), "Bash")]).await;
        let mut told = Vec::new();
        while told.len() < asked.len() {
            told.push(service.next().await.to);
        }
        told.sort_unstable();
        assert_eq!(told, asked, "round {number}");
        until_subscriptions(&hub, &left).await;
    }
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_hub_that_stops_sends_what_is_on_its_way() {
    let config = "[push]\nallow_private = true\nretry_ms = 1500\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let mut service = PushService::start();
    let browser = Browser::new("phone");
    subscribe(&hub.web().await, &browser, &service).await;
    service.answer("phone", &[503]);
    let mut scene = Scene::new(&hub).await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    service.next().await;
    drop(scene);
    hub.stop().await;
    let [again] = service.unread().try_into().unwrap();
    assert_eq!(browser.open(&again)["body"], "app (Bash)");
    service.stop().await;
}
