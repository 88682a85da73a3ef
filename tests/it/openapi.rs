//! The description of the HTTP surface is true.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestHub;

#[actix_rt::test]
async fn every_operation_of_the_document_is_there() {
    let mut hub = TestHub::start().await;
    let (web, agent, guest) = (hub.web().await, hub.agent(), hub.guest());
    let document = guest.get("/openapi.json").await.body;
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut made_up = path.clone();
        for name in ["id", "messageId", "requestId", "imageId", "entryId", "attachmentId"] {
            made_up = made_up.replace(&format!("{{{name}}}"), "made-up");
        }
        assert!(!made_up.contains('{'), "{path} has a parameter that this test does not know");
        if path == "/api/events" {
            // Without this it would not end.
            made_up.push_str("?sessionId=made-up");
        }
        for verb in item.as_object().unwrap().keys() {
            let method = Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap();
            let caller = if path.starts_with("/cli/") { &agent } else { &web };
            let answer = match method {
                Method::GET => caller.get(&made_up).await,
                _ => caller.send(method, &made_up, &json!({})).await,
            };
            assert_ne!(answer.code(), "unknown_path", "{verb} {path}");
            // A list of what is on people's machines needs a machine.
            let needs_machine = answer.error().starts_with("No online machine available");
            assert!(![401, 405].contains(&answer.status), "{verb} {path}: {answer:?}");
            assert!(answer.status < 500 || needs_machine, "{verb} {path}: {answer:?}");
            if made_up.contains("made-up") {
                assert_eq!(
                    (answer.status, answer.body["error"].is_string()),
                    (404, true),
                    "{verb} {path}: {answer:?}"
                );
            }
            // Nobody gets that far without a token.
            let operation = &item[verb];
            let is_open =
                operation["security"].as_array().is_some_and(|all| all.iter().any(|one| *one == json!({})));
            if !is_open {
                let request =
                    guest.request(Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap(), &made_up);
                assert_eq!(guest.answer(request).await.status, 401, "{verb} {path}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
    hub.stop().await;
}

#[test]
fn the_web_app_is_built_from_the_document_as_it_is() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/web/openapi.json");
    let committed: Value = serde_json::from_slice(&std::fs::read(committed).unwrap()).unwrap();
    let current = serde_json::to_value(wheelhouse::http::document()).unwrap();
    assert!(committed == current, "web/openapi.json is old; run: cargo run -- openapi > web/openapi.json");
}
