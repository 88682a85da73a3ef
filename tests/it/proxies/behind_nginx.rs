//! A real nginx with its defaults for buffering: everything passes as it does without.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, Version};
use serde_json::{Value, json};

use super::nginx::Nginx;
use crate::support::{Events, Polling, Setup, TestHub, Viewer, Web, agent_says, metadata, within};

const BEATING: Setup = Setup { config: "[events]\nheartbeat_ms = 200\n", poison: None, patience: None };

/// Clients of the default namespace, over HTTP/1.1 and over HTTP/2 with TLS.
async fn clients(hub: &TestHub, nginx: &Nginx) -> [Web; 2] {
    [hub.web().await, nginx.web(hub).await]
}

#[actix_rt::test]
async fn it_speaks_both_versions_of_http() {
    let mut hub = TestHub::start().await;
    let nginx = Nginx::before(&mut hub).await;
    for (web, version) in clients(&hub, &nginx).await.iter().zip([Version::HTTP_11, Version::HTTP_2]) {
        let response =
            within("an answer", web.request(Method::GET, "/api/events?all=true").send()).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        assert_eq!(response.headers()["server"].to_str().unwrap().split('/').next(), Some("nginx"));
        assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn each_event_arrives_before_the_next_is_sent() {
    let mut hub = TestHub::start().await;
    let nginx = Nginx::before(&mut hub).await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let mut streams = Vec::new();
    for web in clients(&hub, &nginx).await {
        for encoding in ["identity", "gzip"] {
            let stream = Events::open_with(&web, "all=true", None, encoding).await;
            assert_eq!(stream.is_packed, encoding == "gzip");
            streams.push(stream);
        }
    }
    for number in 0..20 {
        let text = format!("m{number}");
        cli.say(&agent_says(&text)).await;
        for stream in &streams {
            stream.until_message(&text).await;
        }
    }
    assert_eq!(nginx.errors(), "");
    hub.stop().await;
}

#[actix_rt::test]
async fn heartbeats_pass() {
    let mut hub = TestHub::with(BEATING).await;
    let nginx = Nginx::before(&mut hub).await;
    for web in clients(&hub, &nginx).await {
        for encoding in ["identity", "gzip"] {
            let stream = Events::open_with(&web, "all=true", None, encoding).await;
            let beats = |events: &[crate::support::Event]| {
                (events.iter().filter(|event| event.is("heartbeat")).count() >= 4).then_some(())
            };
            stream.until_all("four heartbeats", beats).await;
        }
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_stream_resumes_by_header_and_by_address() {
    let mut hub = TestHub::start().await;
    let nginx = Nginx::before(&mut hub).await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    for (number, web) in clients(&hub, &nginx).await.iter().enumerate() {
        let [before, missed] = ["before", "missed"].map(|text| format!("{text} {number}"));
        let first = Events::open(web, "all=true", None).await;
        cli.say(&agent_says(&before)).await;
        let last = first.until_message(&before).await.id.unwrap();
        drop(first);
        cli.say(&agent_says(&missed)).await;
        let by_header = Events::open(web, "all=true", Some(&last)).await;
        let by_address = Events::open(web, &format!("all=true&lastEventId={last}"), None).await;
        for resumed in [by_header, by_address] {
            assert_eq!(resumed.resume(), "ok");
            resumed.until_message(&missed).await;
            let texts: Vec<String> =
                resumed.all().iter().filter_map(|event| event.message_text().map(str::to_owned)).collect();
            assert_eq!(texts, [missed.clone()]);
        }
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_cli_works_by_websocket_and_by_polling() {
    let mut hub = TestHub::start().await;
    let nginx = Nginx::before(&mut hub).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("by websocket")).await;
    let auth = json!({ "token": hub.base_token, "sessionId": id });
    for web in [hub.guest(), Web::over_http2(&nginx.secure)] {
        let mut polling = Polling::connect(&web, "/cli", &auth).await;
        polling.emit(&json!(["message", { "sid": id, "message": agent_says("by polling") }])).await;
        assert_eq!(polling.ask(&json!(["ping", null])).await, json!([]));
        hub.web().await.prompt(&id, &json!({ "text": "hello", "localId": web.address })).await;
        let update = polling.until_event("update").await;
        assert_eq!(update["body"]["t"], "new-message");
    }
    let said = |message: &Value| message["content"]["content"]["data"]["text"].as_str().map(str::to_owned);
    let texts: Vec<String> = hub.web().await.messages(&id).await.iter().filter_map(said).collect();
    assert_eq!(texts, ["by websocket", "by polling", "by polling"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_terminal_works() {
    let mut hub = TestHub::start().await;
    let _nginx = Nginx::before(&mut hub).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let viewer = Viewer::connect(&hub).await;
    viewer.create(&id, "t1");
    cli.until_event("terminal:open").await;
    cli.emit("terminal:ready", &json!({ "sessionId": id, "terminalId": "t1" }));
    viewer.until("terminal:ready").await;
    viewer.emit("terminal:write", &json!({ "terminalId": "t1", "data": "ls\n" }));
    assert_eq!(cli.until_event("terminal:write").await["data"], "ls\n");
    let screen = "a long screen 😀 ".repeat(4_000);
    cli.emit("terminal:output", &json!({ "sessionId": id, "terminalId": "t1", "data": screen }));
    assert_eq!(viewer.until("terminal:output").await["data"], screen);
    hub.stop().await;
}

#[actix_rt::test]
async fn forty_megabytes_pass_in_both_directions() {
    let limits =
        "[scratchlist]\nattachment_bytes = 60000000\nentry_bytes = 60000000\nsession_bytes = 300000000\n";
    let mut hub = TestHub::with(Setup { config: limits, ..Setup::default() }).await;
    let nginx = Nginx::before(&mut hub).await;
    let id = hub.session("t", &metadata()).await;
    let notes = format!("/api/sessions/{id}/scratchlist");
    let content: Vec<u8> = (0..30 << 20).map(|place: u32| place.to_le_bytes()[place as usize % 3]).collect();
    let body = json!({ "filename": "a.png", "mimeType": "image/png", "content": STANDARD.encode(&content) });
    assert!(body.to_string().len() > 40_000_000);
    for web in clients(&hub, &nginx).await {
        let answer = web.post(&format!("{notes}/upload"), &body).await;
        assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{}", answer.error());
        let attachment = &answer.body["attachment"];
        let entry = json!({ "text": "a picture", "attachments": [attachment] });
        assert_eq!(web.post(&notes, &entry).await.status, 201);
        let place = format!("{notes}/attachments/{}", attachment["id"].as_str().unwrap());
        let back = web.get(&place).await;
        assert!(back.status == 200 && back.bytes == content, "{} bytes", back.bytes.len());
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_long_list_passes() {
    let mut hub = TestHub::start().await;
    let direct = hub.web().await;
    for number in 0..400 {
        let mut metadata = metadata();
        metadata["name"] = json!(format!("{number} {}", "a rather long name ".repeat(10)));
        hub.session(&format!("t{number}"), &metadata).await;
    }
    let plain = direct.get("/api/sessions").await;
    assert!(plain.bytes.len() > 100_000 && plain.body["sessions"].as_array().unwrap().len() == 400);
    let nginx = Nginx::before(&mut hub).await;
    for web in clients(&hub, &nginx).await {
        assert_eq!(web.get("/api/sessions").await.bytes, plain.bytes);
        let packed = web.request(Method::GET, "/api/sessions").header("Accept-Encoding", "gzip");
        let packed = web.answer(packed).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let mut opened = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.bytes.as_slice()), &mut opened)
            .unwrap();
        assert_eq!(opened, plain.bytes);
    }
    hub.stop().await;
}
