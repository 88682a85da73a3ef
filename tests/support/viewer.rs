//! A browser's terminal socket, spoken by hand over a websocket.

use std::rc::Rc;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_tungstenite::tungstenite::Message;

use super::{
    TestHub,
    log::{Log, within},
};

type Received = (String, Value);

const GONE: &str = "Session is inactive or unavailable.";

fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
}

pub struct Viewer {
    outgoing: mpsc::UnboundedSender<Message>,
    log: Rc<Log<Received>>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Viewer {
    /// The page is closed without a goodbye.
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Viewer {
    /// Connects for the default namespace.
    pub async fn connect(hub: &TestHub) -> Self {
        let token = hub.web().await.token.unwrap();
        Self::try_connect(hub, &json!({ "token": token })).await.unwrap()
    }

    pub async fn of(hub: &TestHub, namespace: &str) -> Self {
        let token = hub.web_of(namespace).await.token.unwrap();
        Self::try_connect(hub, &json!({ "token": token })).await.unwrap()
    }

    pub async fn try_connect(hub: &TestHub, auth: &Value) -> Result<Self, Value> {
        within("a terminal socket connects", async {
            let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", hub.address);
            let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let (mut sink, mut stream) = socket.split();
            sink.send(Message::text(format!("40/terminal,{auth}"))).await.unwrap();
            loop {
                let frame = stream.next().await.unwrap().unwrap();
                let frame = frame.to_text().unwrap();
                if let Some(refusal) = frame.strip_prefix("44/terminal,") {
                    return Err(serde_json::from_str(refusal).unwrap());
                }
                if frame.starts_with("40/terminal,") {
                    break;
                }
            }
            let (outgoing, mut waiting) = mpsc::unbounded_channel::<Message>();
            let log = Rc::<Log<Received>>::default();
            let writer = actix_rt::spawn(async move {
                while let Some(frame) = waiting.recv().await {
                    if sink.send(frame).await.is_err() {
                        return;
                    }
                }
            });
            let (replies, received) = (outgoing.clone(), log.clone());
            let reader = actix_rt::spawn(async move {
                while let Some(Ok(frame)) = stream.next().await {
                    let Ok(frame) = frame.to_text() else { continue };
                    if frame == "2" {
                        let _ = replies.send(Message::text("3"));
                    } else if let Some(event) = frame.strip_prefix("42/terminal,") {
                        let event: Value = serde_json::from_str(event).unwrap();
                        received.push((event[0].as_str().unwrap().to_owned(), event[1].clone()));
                    }
                }
                received.close();
            });
            Ok(Self { outgoing, log, tasks: [writer, reader] })
        })
        .await
    }

    pub fn emit(&self, event: &str, payload: &Value) {
        let _ = self.outgoing.send(Message::text(format!("42/terminal,{}", json!([event, payload]))));
    }

    /// Opens a terminal without waiting for what becomes of it.
    pub fn create(&self, session: &str, terminal: &str) {
        let size = json!({ "sessionId": session, "terminalId": terminal, "cols": 80, "rows": 24 });
        self.emit("terminal:create", &size);
    }

    /// Everything sent before has been taken when this returns: a terminal that cannot be is refused behind it.
    pub async fn settle(&self) {
        let marker = uuid::Uuid::new_v4().to_string();
        self.create("nobody", &marker);
        let is_refusal =
            |(name, payload): &Received| name == "terminal:error" && payload["terminalId"] == marker;
        self.log.until("a marker", |log| log.iter().find(|event| is_refusal(event)).map(drop)).await;
    }

    /// Everything heard so far, without what [`Self::settle`] was answered.
    pub fn heard(&self) -> Vec<Received> {
        let is_marker = |(_, payload): &Received| {
            payload["message"] == GONE && payload["terminalId"].as_str().is_some_and(is_uuid)
        };
        self.log.all().into_iter().filter(|event| !is_marker(event)).collect()
    }

    pub async fn until(&self, event: &str) -> Value {
        self.until_nth(event, 1).await
    }

    /// The payload of the `count`th event of this name.
    pub async fn until_nth(&self, event: &str, count: usize) -> Value {
        let look = |log: &[Received]| {
            log.iter().filter(|(name, _)| name == event).nth(count - 1).map(|(_, payload)| payload.clone())
        };
        self.log.until(&format!("{event}, {count} times"), look).await
    }
}
