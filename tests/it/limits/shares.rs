//! What a namespace is told of its limits.

use serde_json::{Value, json};

use super::hub;
use crate::support::{Viewer, metadata};

const CONFIG: &str = "[limits]\nconnections = 90\nstreams = 80\nstreams_per_namespace = 70\nstreams_per_token = 60\n\
                      links = 50\nlinks_per_namespace = 40\nlinks_per_token = 30\ninflight_bytes = 3000000\n\
                      inflight_bytes_per_namespace = 2000000\ninflight_bytes_per_token = 0\n";

fn share(streams: Value, links: Value, bytes: Value, requests: Value) -> Value {
    let usage = |pair: &Value| json!({ "used": pair[0], "limit": pair[1] });
    json!({ "streams": usage(&streams), "links": usage(&links), "bodyBytes": usage(&bytes), "requests": requests })
}

#[actix_rt::test]
async fn a_namespace_is_told_what_it_uses_and_only_the_owner_of_the_hub_what_all_use() {
    let mut hub = hub(CONFIG).await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let session = hub.session("t", &metadata()).await;
    let (_cli, _second) = (hub.cli(&session).await, hub.cli(&session).await);
    let viewer = Viewer::connect(&hub).await;
    let events = hub.events().await;
    let answer = web.get("/api/limits").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let of_namespace = json!({ "perSecond": 4_000, "burst": 40_000 });
    let of_token = json!({ "perSecond": 2_000, "burst": 20_000 });
    let bytes = || json!([0, 2_000_000]);
    let body = &answer.body;
    assert_eq!(body["namespace"], share(json!([1, 70]), json!([3, 40]), bytes(), of_namespace.clone()));
    assert_eq!(body["token"], share(json!([1, 60]), json!([1, 30]), json!([0, null]), of_token.clone()));
    assert_eq!(body["cliToken"], share(json!([0, 60]), json!([2, 30]), json!([0, null]), of_token.clone()));
    assert_eq!(body["hub"]["links"], json!({ "used": 3, "limit": 50 }));
    assert_eq!(body["hub"]["streams"], json!({ "used": 1, "limit": 80 }));
    assert_eq!(body["hub"]["bodyBytes"], json!({ "used": 0, "limit": 3_000_000 }));
    assert_eq!(body["hub"]["connections"]["limit"], 90);
    assert!(body["hub"]["connections"]["used"].as_u64().unwrap() >= 5, "{body}");

    let answer = stranger.get("/api/limits").await;
    assert_eq!(answer.body["namespace"], share(json!([0, 70]), json!([0, 40]), bytes(), of_namespace));
    assert_eq!(answer.body.get("hub"), None);
    assert_eq!(hub.guest().get("/api/limits").await.status, 401);
    drop((viewer, events));
    hub.stop().await;
}
