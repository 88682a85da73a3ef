//! A browser that reads the stream of everything and comes back with the number that it has.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::spawn_local;

use super::{
    Scene, Web,
    ledger::{Ledger, Told},
};

/// Starts to watch.
pub fn start(scene: &Scene) {
    let scene = scene.clone();
    spawn_local(async move {
        // The token, by a way that the plan leaves alone for this one request.
        let body = serde_json::json!({ "accessToken": &*scene.token });
        let guest = Web::new(&scene.requests.address, "");
        let answer = guest.insist(reqwest::Method::POST, "/api/auth", Some(&body)).await;
        let mut reader =
            Reader { ledger: scene.ledger.clone(), last: None, last_id: None, recent: VecDeque::new() };
        let token = answer["token"].as_str().unwrap_or_default().to_owned();
        while !scene.over.is_cancelled() {
            tokio::select! {
                _ = reader.follow(&scene.sockets.address, &token) => {}
                () = scene.over.cancelled() => return,
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
}

struct Reader {
    ledger: Rc<Ledger>,
    /// The number of the last event, and its whole id.
    last: Option<i64>,
    last_id: Option<String>,
    /// What came before, for messages.
    recent: VecDeque<String>,
}

const RECENT: usize = 12;

impl Reader {
    async fn follow(&mut self, address: &str, token: &str) -> Option<()> {
        let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(2)).build().ok()?;
        let mut request = client.get(format!("http://{address}/api/events?all=true")).bearer_auth(token);
        if let Some(last) = &self.last_id {
            request = request.header("Last-Event-ID", last);
        }
        let response = tokio::time::timeout(Duration::from_secs(4), request.send()).await.ok()?.ok()?;
        if response.status() != 200 {
            return None;
        }
        let mut chunks = response.bytes_stream();
        let mut text = Vec::new();
        while let Some(Ok(chunk)) = chunks.next().await {
            text.extend_from_slice(&chunk);
            while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = text.drain(..end + 2).collect();
                self.take(std::str::from_utf8(&frame).ok()?);
            }
        }
        None
    }

    fn take(&mut self, frame: &str) {
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let Some(data) = line("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok()) else {
            return;
        };
        let id = line("id: ").map(str::to_owned);
        let number = id.as_ref().and_then(|id| id.split(':').nth(1)?.parse::<i64>().ok());
        self.recent.push_back(format!("{id:?} {}", data["type"]));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let is_handshake = data["type"] == "connection-changed";
        self.ledger.is_watched.set(true);
        if is_handshake && self.last.is_some() && data["data"]["resume"] != "ok" {
            self.ledger.violation(format!("the stream could not be resumed: {data}"));
        }
        if let Some(number) = number {
            if let Some(last) = self.last {
                let is_next = number == last + 1;
                let is_place = number == last;
                if !(is_next || is_place) {
                    let before = &self.recent;
                    self.ledger
                        .violation(format!("event {number} came after {last}: {data}; before: {before:?}"));
                }
            }
            self.last = Some(number);
            self.last_id = id;
        }
        if data["type"] == "message-received" {
            self.heard(&data);
        }
    }

    fn heard(&self, event: &Value) {
        let message = &event["message"];
        let content = &message["content"]["content"];
        let text = content["data"]["text"].as_str().or(content["text"].as_str()).unwrap_or_default();
        let (Some(id), Some(seq)) = (message["id"].as_str(), message["seq"].as_i64()) else { return };
        let session = event["sessionId"].as_str().unwrap_or_default().to_owned();
        let told = Told { session, seq, text: text.to_owned() };
        let before = self.ledger.told.borrow_mut().insert(id.to_owned(), told.clone());
        if before.is_some_and(|before| before != told) {
            self.ledger.violation(format!("message {id} was told twice and differently"));
        }
    }
}
