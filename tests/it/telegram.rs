//! Signing in from a Telegram page.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Setup, TestHub};

const BOT: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const CONFIG: &str = "[telegram]\nbot_token = \"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw\"\n";

fn signature(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

/// What Telegram hands to a page of this bot.
fn init_data(hub: &TestHub, user: &Value) -> String {
    let (date, user) = ((hub.clock.now() / 1_000).to_string(), user.to_string());
    let key = signature(b"WebAppData", BOT.as_bytes());
    let hash = signature(&key, format!("auth_date={date}\nuser={user}").as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let pairs = [("user", user), ("auth_date", date), ("hash", hash)];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[actix_rt::test]
async fn an_account_is_bound_once_and_signs_in_from_then_on() {
    let mut hub = TestHub::with(Setup { config: CONFIG, ..Setup::default() }).await;
    let guest = hub.guest();
    let ada = init_data(&hub, &json!({ "id": 42, "first_name": "Ada", "username": "ada" }));
    let by_telegram = json!({ "initData": ada, "accessToken": "not looked at" });
    let answer = guest.post("/api/auth", &by_telegram).await;
    assert_eq!((answer.status, answer.body), (401, json!({ "error": "not_bound" })));

    let bind = |token: String| json!({ "initData": ada, "accessToken": token });
    let bound = guest.post("/api/bind", &bind(hub.token("team"))).await;
    assert_eq!(bound.status, 200, "{bound:?}");
    assert_eq!(
        (&bound.body["user"]["firstName"], &bound.body["user"]["username"]),
        (&json!("Ada"), &json!("ada"))
    );
    assert_eq!(bound.body["user"].get("lastName"), None);
    // Again is the same; elsewhere is refused, and changes nothing.
    assert_eq!(guest.post("/api/bind", &bind(hub.token("team"))).await.status, 200);
    let elsewhere = guest.post("/api/bind", &bind(hub.token("default"))).await;
    assert_eq!((elsewhere.status, elsewhere.body), (409, json!({ "error": "already_bound" })));

    hub.restart().await;
    let guest = hub.guest();
    let answer = guest.post("/api/auth", &by_telegram).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = hub.session_of("team", "t", &crate::support::metadata()).await;
    let web = guest.with_token(answer.body["token"].as_str().unwrap());
    assert_eq!(web.session(&session).await["namespace"], "team");
    hub.stop().await;
}

#[actix_rt::test]
async fn data_that_proves_nothing_does_not_sign_in() {
    let mut hub = TestHub::with(Setup { config: CONFIG, ..Setup::default() }).await;
    let guest = hub.guest();
    let data = init_data(&hub, &json!({ "id": 42 }));
    for (data, text) in [
        ("", "Missing hash"),
        ("hash=00", "Missing or invalid auth_date"),
        (&data.replace("42", "43"), "Invalid initData signature"),
    ] {
        let answer = guest.post("/api/auth", &json!({ "initData": data })).await;
        assert_eq!((answer.status, answer.body), (401, json!({ "error": text })));
        let bind = json!({ "initData": data, "accessToken": hub.base_token });
        let answer = guest.post("/api/bind", &bind).await;
        assert_eq!((answer.status, answer.error()), (401, text));
    }
    let answer = guest.post("/api/bind", &json!({ "initData": data, "accessToken": "wrong" })).await;
    assert_eq!((answer.status, answer.error()), (401, "Invalid access token"));
    for body in [json!({ "initData": data }), json!({ "accessToken": hub.base_token }), json!([])] {
        let answer = guest.post("/api/bind", &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    hub.clock.advance(86_401_000);
    let answer = guest.post("/api/auth", &json!({ "initData": data })).await;
    assert_eq!((answer.status, answer.error()), (401, "initData is too old"));
    hub.stop().await;
}

#[actix_rt::test]
async fn without_a_bot_nobody_signs_in_by_telegram() {
    let mut hub = TestHub::start().await;
    let guest = hub.guest();
    let data = init_data(&hub, &json!({ "id": 42 }));
    for (path, body) in [
        ("/api/auth", json!({ "initData": data })),
        ("/api/bind", json!({ "initData": data, "accessToken": hub.base_token })),
    ] {
        let answer = guest.post(path, &body).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.error(), "Telegram authentication is disabled. Configure TELEGRAM_BOT_TOKEN.");
    }
    hub.stop().await;
}
