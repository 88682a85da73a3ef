//! Payloads as large as the protocol allows, and larger.

use serde_json::json;

use super::{Bystander, raw::Raw};
use crate::support::{Setup, TestHub, metadata};

const MIB: usize = 1024 * 1024;

#[actix_rt::test]
async fn forty_mebibytes_are_taken_and_sixty_end_the_line() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let session = hub.session("large", &metadata()).await;
    let auth = json!({ "token": hub.base_token, "sessionId": session });
    let mut socket = Raw::join(&hub, "/cli", &auth).await;
    let text = "x".repeat(40 * MIB);
    socket
        .emit(&format!(
            r#"["message",{{"sid":"{session}","message":{{"role":"user","content":{{"type":"text","text":"{text}"}}}}}}]"#
        ))
        .await;
    assert!(socket.flush().await);
    let number =
        socket.ask(&format!(r#"["update-state",{{"sid":"{session}","expectedVersion":"{text}"}}]"#)).await;
    assert!(socket.flush().await);
    assert_eq!(socket.acks(number), [r#"[{"result":"error"}]"#]);
    bystander.comes_back().await;
    bystander.goes_on(&hub, "large events").await;

    socket.emit(&format!(r#"["message",{{"sid":"{session}","message":"{}"}}]"#, "y".repeat(60 * MIB))).await;
    socket.until_over().await;
    let messages = bystander.web.messages(&session).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["content"]["content"]["text"].as_str().unwrap().len(), text.len());
    bystander.goes_on(&hub, "an event over the limit").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn bodies_of_forty_mebibytes_are_answered_and_larger_ones_refused() {
    let config = "[stop]\ndrain_ms = 1000\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let mut bystander = Bystander::of(&hub).await;
    let (session, _cli) = hub.live_session("large", &metadata()).await;
    let path = format!("/api/sessions/{session}/messages");
    let web = hub.web().await;
    let long = "x".repeat(40 * MIB);
    let answer = web.post(&path, &json!({ "text": long, "localId": "l" })).await;
    assert!([200, 400, 413].contains(&answer.status), "{}", answer.status);
    let answer = web.post(&path, &json!({ "text": 1, "localId": long })).await;
    assert_eq!((answer.status, answer.error().is_empty()), (400, false));
    let answer = web.post_text(&path, &"[".repeat(40 * MIB)).await;
    assert_eq!((answer.status, answer.error().is_empty()), (400, false));
    bystander.comes_back().await;
    bystander.goes_on(&hub, "large bodies").await;
    let answer = web.post_text(&path, &"x".repeat(70 * MIB)).await;
    assert_eq!((answer.status, answer.error()), (413, "Request body too large"));
    bystander.goes_on(&hub, "a body over the limit").await;
    // The session's process has never read the long prompt, which holds up the stop no longer than it may.
    hub.stop().await;
}
