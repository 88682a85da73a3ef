//! Browsers and phones that ask for pushes.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_types::Text};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestHub;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What the database holds, row by row.
fn stored(hub: &TestHub, query: &str) -> Vec<String> {
    let mut conn = diesel::SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    let rows: Vec<Line> = diesel::sql_query(query).load(&mut conn).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

fn subscriptions(hub: &TestHub) -> Vec<String> {
    let columns = "namespace || ' ' || endpoint || ' ' || p256dh || ' ' || auth";
    stored(hub, &format!("SELECT {columns} AS line FROM push_subscriptions ORDER BY key"))
}

fn devices(hub: &TestHub) -> Vec<String> {
    let columns =
        "namespace || ' ' || token || ' ' || platform || ' ' || device_id || ' ' || coalesce(push_key, '-')";
    stored(hub, &format!("SELECT {columns} AS line FROM devices ORDER BY key"))
}

#[actix_rt::test]
async fn the_key_of_the_hub_is_made_once() {
    let mut hub = TestHub::start().await;
    let path = "/api/push/vapid-public-key";
    let answer = hub.web().await.get(path).await;
    let key = answer.body["publicKey"].as_str().unwrap().to_owned();
    let point = URL_SAFE_NO_PAD.decode(&key).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
    assert_eq!(hub.web_of("b").await.get(path).await.body["publicKey"], json!(key));
    let settings = std::fs::read_to_string(hub.home().join("settings.json")).unwrap();
    let settings: Value = serde_json::from_str(&settings).unwrap();
    assert_eq!(settings["vapidKeys"]["publicKey"], json!(key));
    let private = settings["vapidKeys"]["privateKey"].as_str().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(private).unwrap().len(), 32);
    hub.restart().await;
    assert_eq!(hub.web().await.get(path).await.body, json!({ "publicKey": key }));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_browser_subscribes_and_leaves_in_its_own_namespace() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let path = "/api/push/subscribe";
    let endpoint = "https://fcm.googleapis.com/fcm/send/x";
    let with = |auth: &str| json!({ "endpoint": endpoint, "keys": { "p256dh": "p", "auth": auth }, "expirationTime": null });
    for (caller, auth) in [(&web, "old"), (&stranger, "theirs"), (&web, "new")] {
        assert_eq!(caller.post(path, &with(auth)).await.body, json!({ "ok": true }));
    }
    assert_eq!(subscriptions(&hub), [format!("default {endpoint} p new"), format!("b {endpoint} p theirs")]);
    let gone = json!({ "endpoint": endpoint });
    for _ in 0..2 {
        let answer = web.send(Method::DELETE, path, &gone).await;
        assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    }
    assert_eq!(subscriptions(&hub), [format!("b {endpoint} p theirs")]);
    for body in [
        json!({}),
        json!({ "endpoint": endpoint }),
        json!({ "endpoint": "", "keys": { "p256dh": "p", "auth": "a" } }),
        json!({ "endpoint": endpoint, "keys": { "p256dh": "p", "auth": "" } }),
        json!({ "endpoint": endpoint, "keys": { "p256dh": 1, "auth": "a" } }),
        json!({ "endpoint": endpoint, "keys": { "p256dh": "p".repeat(5_000), "auth": "a" } }),
    ] {
        let answer = web.post(path, &body).await;
        assert_eq!((answer.status, answer.body), (400, json!({ "error": "Invalid body" })), "{body}");
    }
    assert_eq!(web.send(Method::DELETE, path, &json!({})).await.error(), "Invalid body");
    for inside in [
        "http://fcm.googleapis.com/x",
        "https://localhost/x",
        "https://127.0.0.1:3006/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest",
        "https://nas.local/x",
        "nonsense",
    ] {
        let body = json!({ "endpoint": inside, "keys": { "p256dh": "p", "auth": "a" } });
        let answer = web.post(path, &body).await;
        assert_eq!(
            (answer.status, answer.error()),
            (400, "The push endpoint must be a public https address"),
            "{inside}"
        );
    }
    assert_eq!(subscriptions(&hub).len(), 1);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_phone_registers_with_the_key_it_needs() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let path = "/api/devices/register";
    let key = STANDARD.encode([255; 32]);
    let bare = key.trim_end_matches('=');
    for (caller, body) in [
        (&web, json!({ "token": "t1", "platform": "phone", "deviceId": "d" })),
        (&web, json!({ "token": "t2", "platform": "wear", "deviceId": "d", "pushKey": 7 })),
        (&web, json!({ "token": "t3", "platform": "ios", "deviceId": "i", "pushKey": bare })),
        (&web, json!({ "token": "t4", "platform": "phone", "deviceId": "d", "pushKey": key })),
        (&stranger, json!({ "token": "t2", "platform": "phone", "deviceId": "d" })),
    ] {
        let answer = caller.post(path, &body).await;
        assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })), "{body}");
    }
    // A token belongs to whoever registered it last.
    let expected =
        [format!("default t4 phone d {key}"), format!("default t3 ios i {key}"), "b t2 phone d -".into()];
    assert_eq!(devices(&hub), expected);
    for (field, body) in [
        ("token", json!({ "token": "", "platform": "phone", "deviceId": "d" })),
        ("platform", json!({ "token": "t", "platform": "pager", "deviceId": "d" })),
        ("deviceId", json!({ "token": "t", "platform": "phone", "deviceId": "x".repeat(129) })),
        ("pushKey", json!({ "token": "t", "platform": "ios", "deviceId": "d" })),
        (
            "pushKey",
            json!({ "token": "t", "platform": "ios", "deviceId": "d", "pushKey": STANDARD.encode([1; 31]) }),
        ),
        ("pushKey", json!({ "token": "t", "platform": "phone", "deviceId": "d", "pushKey": null })),
        ("pushKey", json!({ "token": "t", "platform": "phone", "deviceId": "d", "pushKey": "no base64" })),
    ] {
        let answer = web.post(path, &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
        let issues = &answer.body["issues"];
        assert!(issues["formErrors"].is_array() && issues["fieldErrors"][field][0].is_string(), "{issues}");
    }
    assert_eq!(web.post_text(path, "{").await.body["issues"]["formErrors"][0], "Expected an object");
    let answer = web.send(Method::DELETE, path, &json!({})).await;
    assert!(answer.status == 400 && answer.body["issues"]["fieldErrors"]["token"].is_array(), "{answer:?}");
    for caller in [&stranger, &web] {
        let answer = caller.send(Method::DELETE, path, &json!({ "token": "t3" })).await;
        assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
        let left = usize::from(caller.token == stranger.token);
        assert_eq!(devices(&hub).len(), 2 + left);
    }
    hub.stop().await;
}
