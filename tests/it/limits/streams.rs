//! Event streams.

use super::{assert_refused, hub};
use crate::support::{Events, TestHub, Web};

const PATH: &str = "/api/events?all=true";

/// Opens a stream as soon as there is room for it.
async fn granted(hub: &TestHub, web: &Web) -> Events {
    let is_free = |answer: &crate::support::Answer| answer.body["namespace"]["streams"]["used"] == 0;
    web.until("/api/limits", "the place is free", is_free).await;
    Events::open(&hub.web().await, "all=true", None).await
}

#[actix_rt::test]
async fn one_too_many_is_refused_until_another_ends() {
    for (config, text) in [
        ("[limits]\nstreams_per_namespace = 1\n", "Too many event streams of this namespace"),
        ("[limits]\nstreams_per_token = 1\n", "Too many event streams with this token"),
    ] {
        let mut hub = hub(config).await;
        let web = hub.web().await;
        let first = hub.events().await;
        assert_refused(&web.get(PATH).await, 429, "too_many_streams", text, "5");
        // Neighbours, and everything else of this namespace, go on.
        let neighbour = Events::open(&hub.web_of("b").await, "all=true", None).await;
        assert_eq!(web.get("/api/sessions").await.status, 200);
        drop(first);
        let again = granted(&hub, &web).await;
        drop((again, neighbour));
        hub.stop().await;
    }
}

#[actix_rt::test]
async fn a_full_hub_says_so_and_takes_the_next_when_there_is_room() {
    let mut hub = hub("[limits]\nstreams = 1\n").await;
    let web = hub.web().await;
    let other = Events::open(&hub.web_of("b").await, "all=true", None).await;
    let text = "The hub has no room for more event streams at the moment";
    assert_refused(&web.get(PATH).await, 503, "hub_full", text, "5");
    drop(other);
    let is_free = |answer: &crate::support::Answer| answer.body["hub"]["streams"]["used"] == 0;
    web.until("/api/limits", "there is room", is_free).await;
    drop(hub.events().await);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_stream_that_is_refused_for_another_reason_takes_no_place() {
    let mut hub = hub("[limits]\nstreams_per_token = 1\n").await;
    let web = hub.web().await;
    for _ in 0..3 {
        assert_eq!(web.get("/api/events?sessionId=unknown").await.status, 404);
    }
    drop(hub.events().await);
    hub.stop().await;
}
