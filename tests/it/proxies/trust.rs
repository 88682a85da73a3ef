//! Whom the hub takes for the caller.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Method;
use serde_json::json;

use super::nginx::Nginx;
use crate::support::{Setup, TestHub, Web, metadata};

const SPOOFED: [(&str, &str); 2] =
    [("X-Forwarded-For", "198.51.100.1"), ("CF-Connecting-IP", "198.51.100.2")];

/// The status of a wrong token with these headers.
async fn wrong(web: &Web, headers: &[(&str, &str)]) -> u16 {
    let request = web.request(Method::POST, "/api/auth").json(&json!({ "accessToken": "wrong" }));
    web.answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
        .await
        .status
}

#[actix_rt::test]
async fn nobody_is_believed_by_default() {
    let mut hub = TestHub::with(Setup { config: "[login]\nfailures = 1\n", ..Setup::default() }).await;
    let guest = hub.guest();
    assert_eq!(wrong(&guest, &[]).await, 401);
    assert_eq!(wrong(&guest, &SPOOFED).await, 429, "it is the same caller");
    hub.stop().await;
}

#[actix_rt::test]
async fn behind_nginx_callers_are_told_apart_and_cannot_choose_their_address() {
    let config = "[login]\nfailures = 1\n[proxy]\ntrusted = [\"127.0.0.1\"]\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let nginx = Nginx::before(&mut hub).await;
    let from = |last| Web::from_address(&nginx.plain, IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    assert_eq!(wrong(&from(2), &[]).await, 401);
    assert_eq!(wrong(&from(2), &SPOOFED).await, 429);
    assert_eq!(wrong(&from(3), &SPOOFED).await, 401, "another address");
    assert_eq!(wrong(&from(3), &[]).await, 429);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_decision_names_the_caller_behind_the_proxy() {
    let config =
        "[proxy]\ntrusted = [\"127.0.0.1\"]\nheaders = [\"cf-connecting-ip\", \"x-forwarded-for\"]\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let request = json!({ "tool": "Bash", "arguments": {}, "createdAt": 77 });
    let state = json!({ "controlledByUser": false, "requests": { "r1": request }, "completedRequests": {} });
    assert_eq!(cli.write_state(1, &state).await["result"], "success");
    let web = hub.web().await;
    let approve = web.request(Method::POST, &format!("/api/sessions/{id}/permissions/r1/approve"));
    let approve =
        approve.json(&json!({})).header("CF-Connecting-IP", "203.0.113.9").header("User-Agent", "a phone");
    assert_eq!(web.answer(approve).await.status, 200);
    let status = web.get(&format!("/api/sessions/{id}/status")).await.body;
    assert_eq!(status["decisions"][0]["from"], "203.0.113.9 a phone", "{status}");
    hub.stop().await;
}
