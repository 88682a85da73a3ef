//! The hub knows which sessions have news for a person.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestHub, Web, metadata};

fn said(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text } })
}

async fn see(web: &Web, id: &str, body: &Value) -> Answer {
    web.send(Method::PUT, &format!("/api/sessions/{id}/seen"), body).await
}

/// Whether the list shows the session as unread.
async fn until_unread(web: &Web, is_unread: bool) {
    web.until("/api/sessions", &format!("unread: {is_unread}"), |answer| {
        answer.body["sessions"][0]["unread"] == is_unread
    })
    .await;
}

#[actix_rt::test]
async fn a_session_is_unread_until_somebody_saw_it() {
    let mut hub = TestHub::start().await;
    let (web, events) = (hub.web().await, hub.events().await);
    let (id, cli) = hub.live_session("t", &metadata()).await;
    // Without conversation there are no news.
    until_unread(&web, false).await;
    hub.clock.advance(1_000);
    cli.say(&said("first")).await;
    until_unread(&web, true).await;

    let updated_at = web.session(&id).await["updatedAt"].as_i64().unwrap();
    let answer = see(&web, &id, &json!({ "at": updated_at })).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({ "ok": true, "seenAt": updated_at, "unread": false }))
    );
    until_unread(&web, false).await;
    let event = events.until("it is told", |event| event.is("session-seen").then(|| event.clone())).await;
    assert_eq!((event.session(), &event.data["seenAt"]), (id.as_str(), &json!(updated_at)));
    assert!(event.id.is_some());

    hub.clock.advance(1_000);
    cli.say(&said("second")).await;
    until_unread(&web, true).await;
    hub.restart().await;
    let web = hub.web().await;
    until_unread(&web, true).await;
    // Nothing is named: as it is now.
    let answer = web.answer(web.request(Method::PUT, &format!("/api/sessions/{id}/seen"))).await;
    assert_eq!((&answer.body["seenAt"], &answer.body["unread"]), (&json!(updated_at + 1_000), &json!(false)));
    hub.restart().await;
    until_unread(&hub.web().await, false).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn what_was_seen_stays_seen_and_the_future_cannot_be() {
    let mut hub = TestHub::start().await;
    let (web, events) = (hub.web().await, hub.events().await);
    let (id, cli) = hub.live_session("t", &metadata()).await;
    hub.clock.advance(1_000);
    cli.say(&said("first")).await;
    let updated_at = web.session(&id).await["updatedAt"].as_i64().unwrap();
    let answer = see(&web, &id, &json!({ "at": updated_at - 1 })).await;
    assert_eq!((&answer.body["seenAt"], &answer.body["unread"]), (&json!(updated_at - 1), &json!(true)));
    let answer = see(&web, &id, &json!({ "at": 5 })).await;
    assert_eq!((&answer.body["seenAt"], &answer.body["unread"]), (&json!(updated_at - 1), &json!(true)));
    let answer = see(&web, &id, &json!({ "at": updated_at + 1_000_000 })).await;
    assert_eq!((&answer.body["seenAt"], &answer.body["unread"]), (&json!(updated_at), &json!(false)));
    hub.clock.advance(1_000);
    cli.say(&said("second")).await;
    until_unread(&web, true).await;
    let told = events.all().into_iter().filter(|event| event.is("session-seen")).count();
    assert_eq!(told, 2, "only what changed is told");

    for wrong in [json!({ "at": "x" }), json!({ "at": -1 }), json!({ "at": 1.5 }), json!([1, 2])] {
        assert_eq!(see(&web, &id, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(see(&web, "made-up", &json!({})).await.status, 404);
    assert_eq!(see(&hub.web_of("b").await, &id, &json!({})).await.status, 403);
    // Released pages refetch on keys that they do not know in sessions and patches.
    assert_eq!(web.session(&id).await.get("unread"), None);
    hub.stop().await;
}
