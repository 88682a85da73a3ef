//! Requests in a second.

use reqwest::Method;
use serde_json::json;

use super::{assert_refused, hub};

#[actix_rt::test]
async fn a_token_that_asks_too_fast_waits_its_turn_and_nobody_else_does() {
    let mut hub = hub("[limits]\nrate_per_token = 1\nburst_per_token = 3\n").await;
    let (web, neighbour, agent) = (hub.web().await, hub.web_of("b").await, hub.agent());
    for _ in 0..3 {
        assert_eq!(web.get("/api/sessions").await.status, 200);
    }
    let text = "Too many requests with this token";
    assert_refused(&web.get("/api/sessions").await, 429, "too_many_requests", text, "1");
    // A page of another origin has to be able to read why.
    let request =
        web.request(Method::GET, "/api/sessions").header("Origin", format!("http://{}", hub.address));
    let answer = web.answer(request).await;
    assert_eq!((answer.status, answer.header("x-content-type-options")), (429, Some("nosniff")));
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"), "{answer:?}");
    // Signing in again makes no new share: it is one user.
    let again = hub.web().await;
    assert_refused(&again.get("/api/machines").await, 429, "too_many_requests", text, "1");
    assert_eq!(neighbour.get("/api/sessions").await.status, 200);
    assert_eq!(agent.get("/cli/sessions/unknown").await.status, 404, "CLIs have a token of their own");
    hub.clock.advance(1_000);
    assert_eq!(web.get("/api/sessions").await.status, 200);
    assert_refused(&web.get("/api/sessions").await, 429, "too_many_requests", text, "1");
    hub.stop().await;
}

#[actix_rt::test]
async fn pages_and_clis_of_a_namespace_have_one_limit_together() {
    let mut hub = hub("[limits]\nrate_per_namespace = 2\nburst_per_namespace = 2\n").await;
    let (web, agent) = (hub.web().await, hub.agent());
    assert_eq!(web.get("/api/sessions").await.status, 200);
    assert_eq!(agent.get("/cli/sessions/unknown").await.status, 404);
    let text = "Too many requests of this namespace";
    assert_refused(&web.get("/api/sessions").await, 429, "too_many_requests", text, "1");
    assert_refused(&agent.get("/cli/sessions/unknown").await, 429, "too_many_requests", text, "1");
    assert_eq!(hub.web_of("b").await.get("/api/sessions").await.status, 200);
    hub.clock.advance(500);
    assert_eq!(web.get("/api/sessions").await.status, 200);
    hub.stop().await;
}

#[actix_rt::test]
async fn strangers_wait_by_address_and_whoever_has_a_token_does_not() {
    let mut hub = hub("[limits]\nrate_per_address = 1\nburst_per_address = 3\n").await;
    let (web, guest) = (hub.web().await, hub.guest());
    let forged = guest.with_token("a.b.c");
    assert_eq!(guest.get("/api/sessions").await.status, 401);
    assert_eq!(forged.get("/api/sessions").await.status, 401);
    assert_eq!(forged.get("/cli/sessions/x").await.status, 401);
    let text = "Too many requests without a token from this address";
    assert_refused(&forged.get("/api/sessions").await, 429, "too_many_requests", text, "1");
    assert_refused(&guest.get("/api/nowhere").await, 429, "too_many_requests", text, "1");
    // From the same address: who has a token, who signs in, and what is open to all.
    assert_eq!(web.get("/api/sessions").await.status, 200);
    assert_eq!(hub.web().await.get("/api/sessions").await.status, 200);
    assert_eq!((guest.get("/health").await.status, guest.get("/").await.status), (200, 200));
    hub.clock.advance(1_000);
    assert_eq!(forged.get("/api/sessions").await.status, 401);
    hub.stop().await;
}

#[actix_rt::test]
async fn nothing_is_limited_where_the_limit_is_zero() {
    let config = "[limits]\nrate_per_namespace = 0\nburst_per_namespace = 1\nrate_per_token = 0\n\
                  burst_per_token = 1\nrate_per_address = 0\nburst_per_address = 1\nstreams = 0\n\
                  streams_per_namespace = 0\nstreams_per_token = 0\n";
    let mut hub = hub(config).await;
    let (web, guest) = (hub.web().await, hub.guest());
    for _ in 0..20 {
        assert_eq!(
            (web.get("/api/machines").await.status, guest.get("/api/machines").await.status),
            (200, 401)
        );
    }
    drop(hub.events().await);
    let answer = web.get("/api/limits").await;
    assert_eq!(answer.body["namespace"]["streams"]["limit"], json!(null));
    assert_eq!(answer.body["token"]["requests"], json!({ "perSecond": null, "burst": 1 }));
    hub.stop().await;
}
