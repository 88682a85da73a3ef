//! Bytes of request bodies that are under way.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{assert_refused, hub};
use crate::support::{TestHub, Web, within};

const PATH: &str = "/api/visibility";

/// A body that is announced, and of which only some comes.
async fn upload(hub: &TestHub, web: Option<&Web>, framing: &str, some: &[u8]) -> TcpStream {
    let mut line = TcpStream::connect(&hub.address).await.unwrap();
    let token = web.and_then(|web| web.token.as_deref()).unwrap_or("none");
    let path = if web.is_some() { PATH } else { "/api/auth" };
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{framing}\r\n\r\n");
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(some).await.unwrap();
    line
}

/// What comes back on a line, to its head's end and some of its body.
async fn answered(line: &mut TcpStream) -> String {
    within("an answer", async {
        let mut seen = Vec::new();
        let mut chunk = [0; 4_096];
        while !String::from_utf8_lossy(&seen).contains('}') {
            let count = line.read(&mut chunk).await.unwrap();
            assert!(count > 0, "{:?}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&chunk[..count]);
        }
        String::from_utf8(seen).unwrap()
    })
    .await
}

async fn until_used(web: &Web, bytes: u64) {
    let what = format!("{bytes} bytes are under way");
    web.until("/api/limits", &what, |answer| answer.body["hub"]["bodyBytes"]["used"] == bytes).await;
}

fn body(size: usize) -> serde_json::Value {
    json!({ "subscriptionId": "x".repeat(size), "visibility": "visible" })
}

#[actix_rt::test]
async fn what_is_announced_is_taken_at_once_and_given_back_when_the_line_ends() {
    let mut hub = hub("[limits]\ninflight_bytes_per_namespace = 150000\n").await;
    let (web, neighbour) = (hub.web().await, hub.web_of("b").await);
    let line = upload(&hub, Some(&web), "Content-Length: 100000", b"{").await;
    until_used(&web, 100_000).await;
    let text = "Too many bytes of request bodies at once of this namespace";
    assert_refused(&web.post(PATH, &body(60_000)).await, 429, "too_many_bytes", text, "1");
    // Smaller ones fit, and those of others.
    assert_eq!(web.post(PATH, &body(10_000)).await.status, 404);
    assert_eq!(neighbour.post(PATH, &body(60_000)).await.status, 404);
    drop(line);
    until_used(&web, 0).await;
    assert_eq!(web.post(PATH, &body(60_000)).await.status, 404);
    // What would not fit alone either is not put off.
    let answer = web.post(PATH, &body(160_000)).await;
    assert_eq!((answer.status, answer.error()), (413, "Request body too large"));
    hub.stop().await;
}

#[actix_rt::test]
async fn what_is_not_announced_is_counted_as_it_comes() {
    let mut hub = hub("[limits]\ninflight_bytes = 150000\n").await;
    let web = hub.web().await;
    let chunk = [b"11170\r\n".as_slice(), &[b' '; 70_000], b"\r\n"].concat();
    let chunked = "Transfer-Encoding: chunked";
    let mut line = upload(&hub, Some(&web), chunked, &chunk).await;
    until_used(&web, 70_000).await;
    let mut other = upload(&hub, Some(&hub.web_of("b").await), chunked, &chunk).await;
    until_used(&web, 140_000).await;
    line.write_all(&chunk).await.unwrap();
    let answer = answered(&mut line).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("hub_full"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    until_used(&web, 70_000).await;
    // The other has its end, and is answered as ever.
    other.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = self::answered(&mut other).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    until_used(&web, 0).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn an_upload_that_stalls_is_given_up_and_its_share_is_free() {
    let mut hub = hub("[limits]\nbody_stall_ms = 300\ninflight_bytes_per_token = 150000\n").await;
    let web = hub.web().await;
    for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut line = upload(&hub, Some(&web), framing, b"3\r\n{  \r\n").await;
        let answer = answered(&mut line).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_stalled"), "{answer}");
        until_used(&web, 0).await;
        assert_eq!(web.post(PATH, &body(140_000)).await.status, 404);
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn strangers_have_a_share_of_their_own() {
    let mut hub = hub("[limits]\ninflight_bytes_per_address = 150000\n").await;
    let web = hub.web().await;
    // The first 4 KiB are free; with them all is taken that there is.
    let line = upload(&hub, None, "Content-Length: 154096", b"{").await;
    until_used(&web, 150_000).await;
    let long = json!({ "accessToken": "x".repeat(20_000) });
    let text = "Too many bytes of request bodies at once without a token from this address";
    assert_refused(&hub.guest().post("/api/auth", &long).await, 429, "too_many_bytes", text, "1");
    assert_eq!(web.post(PATH, &body(140_000)).await.status, 404);
    assert_eq!(hub.web().await.get("/api/sessions").await.status, 200, "a token is short");
    drop(line);
    until_used(&web, 0).await;
    assert_eq!(hub.guest().post("/api/auth", &long).await.status, 401);
    hub.stop().await;
}
