//! A socket on which anything can be sent, and which looks at what comes back as text.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::support::{TestHub, within};

type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct Raw {
    namespace: &'static str,
    sink: SplitSink<Line, Message>,
    seen: Rc<Seen>,
    reader: JoinHandle<()>,
    next_ack: u64,
}

#[derive(Default)]
struct Seen {
    acks: RefCell<HashMap<u64, Vec<String>>>,
    frames: RefCell<Vec<String>>,
    is_over: std::cell::Cell<bool>,
    changed: tokio::sync::Notify,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Raw {
    /// A websocket that has joined no namespace.
    pub async fn open(hub: &TestHub) -> Self {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", hub.address);
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, _) = within("a websocket opens", async {
            tokio_tungstenite::connect_async_with_config(url, Some(config), false).await.unwrap()
        })
        .await;
        let (sink, mut stream) = socket.split();
        let seen = Rc::new(Seen::default());
        let kept = seen.clone();
        let reader = actix_rt::spawn(async move {
            while let Some(Ok(frame)) = stream.next().await {
                let Ok(text) = frame.to_text() else { continue };
                if let Some((number, arguments)) = acknowledged(text) {
                    kept.acks.borrow_mut().entry(number).or_default().push(arguments.to_owned());
                } else if text.len() < 4_096 {
                    kept.frames.borrow_mut().push(text.to_owned());
                }
                kept.changed.notify_waiters();
            }
            kept.is_over.set(true);
            kept.changed.notify_waiters();
        });
        Self { namespace: "", sink, seen, reader, next_ack: 0 }
    }

    pub async fn join(hub: &TestHub, namespace: &'static str, auth: &Value) -> Self {
        let mut this = Self::open(hub).await;
        this.namespace = namespace;
        this.send(&format!("40{namespace},{auth}")).await;
        this.until("it is let in", |seen| {
            seen.frames
                .borrow()
                .iter()
                .any(|frame| frame.starts_with(&format!("40{namespace},")))
                .then_some(())
        })
        .await;
        this
    }

    /// Sends a text frame; a line that is closed takes it as well.
    pub async fn send(&mut self, frame: &str) {
        self.send_frame(Message::text(frame)).await;
    }

    pub async fn send_frame(&mut self, frame: Message) {
        let _ = within("a frame is taken", self.sink.send(frame)).await;
    }

    pub async fn emit(&mut self, event: &str) {
        self.send(&format!("42{},{event}", self.namespace)).await;
    }

    /// Sends an event that wants an acknowledgement, and answers its number.
    pub async fn ask(&mut self, event: &str) -> u64 {
        let number = self.next_ack;
        self.next_ack += 1;
        self.send(&format!("42{},{number}{event}", self.namespace)).await;
        number
    }

    /// Everything before is done. `false` when the line is closed.
    pub async fn flush(&mut self) -> bool {
        let number = self.ask("[\"ping\"]").await;
        self.until("the barrier", |seen| {
            let is_done = seen.acks.borrow().contains_key(&number);
            (is_done || seen.is_over.get()).then_some(is_done)
        })
        .await
    }

    /// The acknowledgements with this number, as JSON lists.
    pub fn acks(&self, number: u64) -> Vec<String> {
        self.seen.acks.borrow().get(&number).cloned().unwrap_or_default()
    }

    pub fn forget(&self) {
        self.seen.acks.borrow_mut().clear();
        self.seen.frames.borrow_mut().clear();
    }

    pub async fn until_frame(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        self.until(what, |seen| seen.frames.borrow().iter().find(|frame| is_it(frame)).cloned()).await
    }

    pub async fn until_over(&self) {
        self.until("the line is closed", |seen| seen.is_over.get().then_some(())).await;
    }

    async fn until<R>(&self, what: &str, look: impl Fn(&Seen) -> Option<R>) -> R {
        within(what, async {
            loop {
                let changed = self.seen.changed.notified();
                if let Some(found) = look(&self.seen) {
                    return found;
                }
                changed.await;
            }
        })
        .await
    }
}

/// The number and the arguments of an acknowledgement, of whichever namespace.
fn acknowledged(frame: &str) -> Option<(u64, &str)> {
    let rest = frame.strip_prefix("43/")?;
    let (_, rest) = rest.split_once(',')?;
    let end = rest.find('[')?;
    Some((rest.get(..end)?.parse().ok()?, rest.get(end..)?))
}
