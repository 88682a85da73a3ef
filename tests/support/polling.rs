//! A Socket.IO client that has no websocket: each packet is asked for or posted.

use std::collections::VecDeque;

use reqwest::Method;
use serde_json::Value;

use super::{Web, log::within};

/// Stands between packets of one answer.
const BETWEEN: char = '\u{1e}';

pub struct Polling {
    web: Web,
    path: String,
    namespace: &'static str,
    waiting: VecDeque<String>,
    acknowledged: u64,
}

impl Polling {
    /// Connects to a namespace such as `/cli`.
    pub async fn connect(web: &Web, namespace: &'static str, auth: &Value) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling";
        let opened = web.get(path).await;
        let opened = opened.body.as_str().unwrap().strip_prefix('0').unwrap().to_owned();
        let opened: Value = serde_json::from_str(&opened).unwrap();
        let path = format!("{path}&sid={}", opened["sid"].as_str().unwrap());
        let mut this = Self { web: web.clone(), path, namespace, waiting: VecDeque::new(), acknowledged: 0 };
        this.post(&format!("40{namespace},{auth}")).await;
        this.until(&format!("40{namespace},")).await;
        this
    }

    pub async fn emit(&self, event: &Value) {
        self.post(&format!("42{},{event}", self.namespace)).await;
    }

    /// Sends an event and waits for its acknowledgement.
    pub async fn ask(&mut self, event: &Value) -> Value {
        let number = self.acknowledged;
        self.acknowledged += 1;
        self.post(&format!("42{},{number}{event}", self.namespace)).await;
        let answer = self.until(&format!("43{},{number}", self.namespace)).await;
        serde_json::from_str(&answer).unwrap()
    }

    /// The payload of the next event of this name.
    pub async fn until_event(&mut self, name: &str) -> Value {
        let start = format!("42{},[\"{name}\",", self.namespace);
        let rest = self.until(&start).await;
        serde_json::from_str(rest.strip_suffix(']').unwrap()).unwrap()
    }

    async fn post(&self, packet: &str) {
        let answer = self.web.post_text(&self.path, packet).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, Some("ok")), "{packet}");
    }

    /// What stands behind `start` in the next packet that begins so. Those before it are dropped.
    async fn until(&mut self, start: &str) -> String {
        within(start, async {
            loop {
                while let Some(packet) = self.waiting.pop_front() {
                    if packet == "2" {
                        self.post("3").await;
                    } else if let Some(rest) = packet.strip_prefix(start) {
                        return rest.to_owned();
                    }
                }
                let answer = self.web.answer(self.web.request(Method::GET, &self.path)).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let text = String::from_utf8(answer.bytes).unwrap();
                self.waiting.extend(text.split(BETWEEN).map(str::to_owned));
            }
        })
        .await
    }
}
