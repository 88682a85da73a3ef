//! One connection of a CLI, on raw frames.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub struct Socket {
    line: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_ack: u64,
}

/// What came over it.
#[derive(Debug)]
pub enum Frame {
    Event { name: String, payload: Value, ack: Option<u64> },
    Ack { number: u64, answer: Value },
    Other,
}

impl Socket {
    /// `None`: nobody there, or nobody answers.
    pub async fn connect(address: &str, auth: &Value) -> Option<Self> {
        let opening = async {
            let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
            let (mut line, _) = tokio_tungstenite::connect_async(url).await.ok()?;
            line.send(Message::text(format!("40/cli,{auth}"))).await.ok()?;
            loop {
                let frame = line.next().await?.ok()?;
                let frame = frame.to_text().ok()?;
                if frame == "2" {
                    line.send(Message::text("3")).await.ok()?;
                } else if frame.starts_with("40/cli,") {
                    return Some(Self { line, next_ack: 0 });
                } else if frame.starts_with("44/cli,") {
                    return None;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(3), opening).await.ok()?
    }

    pub async fn emit(&mut self, event: &str, payload: &Value) -> Option<()> {
        let frame = format!("42/cli,{}", json!([event, payload]));
        self.line.send(Message::text(frame)).await.ok()
    }

    /// Sends what wants an answer, and answers its number.
    pub async fn ask(&mut self, event: &str, payload: &Value) -> Option<u64> {
        let number = self.next_ack;
        self.next_ack += 1;
        let frame = format!("42/cli,{number}{}", json!([event, payload]));
        self.line.send(Message::text(frame)).await.ok()?;
        Some(number)
    }

    pub async fn answer(&mut self, number: u64, answer: &Value) -> Option<()> {
        self.line.send(Message::text(format!("43/cli,{number}[{answer}]"))).await.ok()
    }

    /// The next frame; `None` when the line is down.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = self.line.next().await?.ok()?;
        let text = frame.to_text().ok()?;
        if text == "2" {
            self.line.send(Message::text("3")).await.ok()?;
            return Some(Frame::Other);
        }
        if let Some(event) = text.strip_prefix("42/cli,") {
            let (ack, event) = numbered(event);
            let event: Value = serde_json::from_str(event).ok()?;
            let name = event[0].as_str()?.to_owned();
            return Some(Frame::Event { name, payload: event[1].clone(), ack });
        }
        if let Some(answer) = text.strip_prefix("43/cli,") {
            let (number, answer) = numbered(answer);
            let answer: Value = serde_json::from_str(answer).ok()?;
            return Some(Frame::Ack { number: number?, answer: answer[0].clone() });
        }
        Some(Frame::Other)
    }
}

fn numbered(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (number.parse().ok(), rest)
}
