//! A scripted CLI: one Socket.IO connection, spoken by hand over a websocket.

use std::{cell::Cell, cell::RefCell, collections::HashMap, rc::Rc};

use futures_util::{SinkExt, StreamExt, stream::SplitStream};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::{
    TestHub,
    log::{Log, within},
    script::Script,
};

/// An event that the hub sent.
type Received = (String, Value);

pub struct Cli {
    pub script: Script,
    /// The id of the session or machine that it speaks for.
    pub id: String,
    shared: Rc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    outgoing: mpsc::UnboundedSender<Message>,
    log: Log<Received>,
    /// What was asked of it by `rpc-request`: method without scope, and parameters.
    calls: Log<Received>,
    acks: RefCell<HashMap<u64, oneshot::Sender<Value>>>,
    next_ack: Cell<u64>,
}

impl Drop for Cli {
    /// The line goes down without a goodbye, as when a machine is switched off.
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Cli {
    /// Connects, or panics with what the hub said.
    pub async fn connect(hub: &TestHub, auth: &Value, id: &str) -> Self {
        Self::try_connect(hub, auth, id).await.unwrap_or_else(|refusal| panic!("turned away: {refusal}"))
    }

    pub async fn try_connect(hub: &TestHub, auth: &Value, id: &str) -> Result<Self, Value> {
        within("a socket connects", async {
            let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", hub.address);
            let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let (mut sink, mut stream) = socket.split();
            sink.send(Message::text(format!("40/cli,{auth}"))).await.unwrap();
            loop {
                let frame = stream.next().await.unwrap().unwrap();
                let frame = frame.to_text().unwrap().to_owned();
                if let Some(refusal) = frame.strip_prefix("44/cli,") {
                    return Err(serde_json::from_str(refusal).unwrap());
                }
                if frame.starts_with("40/cli,") {
                    break;
                }
                // The engine may ask for the first sign of life before the namespace answers.
                if frame == "2" {
                    sink.send(Message::text("3")).await.unwrap();
                }
            }
            let (outgoing, mut waiting) = mpsc::unbounded_channel::<Message>();
            let shared = Rc::new(Shared {
                outgoing,
                log: Log::default(),
                calls: Log::default(),
                acks: RefCell::default(),
                next_ack: Cell::new(0),
            });
            let script = Script::default();
            let writer = actix_rt::spawn(async move {
                while let Some(frame) = waiting.recv().await {
                    if sink.send(frame).await.is_err() {
                        return;
                    }
                }
            });
            let reader = actix_rt::spawn(read(stream, shared.clone(), script.clone()));
            Ok(Self { script, id: id.to_owned(), shared, tasks: [writer, reader] })
        })
        .await
    }

    /// Sends an event that nobody answers.
    pub fn emit(&self, event: &str, payload: &Value) {
        self.emit_text(&json!([event, payload]).to_string());
    }

    /// Sends an event that may be no valid JSON.
    pub fn emit_text(&self, event: &str) {
        let _ = self.shared.outgoing.send(Message::text(format!("42/cli,{event}")));
    }

    /// Sends an event and waits for its acknowledgement: the list of its arguments.
    pub async fn ask(&self, event: &str, payload: &Value) -> Value {
        let number = self.shared.next_ack.get();
        self.shared.next_ack.set(number + 1);
        let (reply, answer) = oneshot::channel();
        self.shared.acks.borrow_mut().insert(number, reply);
        let event = json!([event, payload]);
        let _ = self.shared.outgoing.send(Message::text(format!("42/cli,{number}{event}")));
        within(&format!("an acknowledgement of {event}"), answer).await.unwrap()
    }

    /// Everything sent before is done when this returns.
    pub async fn flush(&self) {
        assert_eq!(self.ask("ping", &Value::Null).await, json!([]));
    }

    /// A heartbeat of a session that is not working.
    pub async fn alive(&self, time: i64) {
        self.alive_with(time, &json!({ "thinking": false })).await;
    }

    pub async fn alive_with(&self, time: i64, more: &Value) {
        let mut payload = json!({ "sid": self.id, "time": time });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.emit("session-alive", &payload);
        self.flush().await;
    }

    pub async fn say(&self, message: &Value) {
        self.emit("message", &json!({ "sid": self.id, "message": message }));
        self.flush().await;
    }

    pub async fn consume(&self, local_ids: &[&str]) {
        self.emit("messages-consumed", &json!({ "sid": self.id, "localIds": local_ids }));
        self.flush().await;
    }

    pub async fn end(&self, time: i64) {
        self.emit("session-end", &json!({ "sid": self.id, "time": time, "reason": "completed" }));
        self.flush().await;
    }

    /// Writes the agent's state as it stands after `version`.
    pub async fn write_state(&self, version: i64, state: &Value) -> Value {
        let update = json!({ "sid": self.id, "expectedVersion": version, "agentState": state });
        self.ask("update-state", &update).await[0].clone()
    }

    pub async fn write_metadata(&self, version: i64, metadata: &Value) -> Value {
        let update = json!({ "sid": self.id, "expectedVersion": version, "metadata": metadata });
        self.ask("update-metadata", &update).await[0].clone()
    }

    /// Serves a method from now on. A `None` stays silent.
    pub async fn serve(&self, method: &str, answer: impl Fn(&Value) -> Option<Value> + 'static) {
        self.script.serve(method, answer);
        self.register(&format!("{}:{method}", self.id)).await;
    }

    pub async fn register(&self, method: &str) {
        self.emit("rpc-register", &json!({ "method": method }));
        self.flush().await;
    }

    pub fn calls(&self) -> Vec<Received> {
        self.shared.calls.all()
    }

    pub async fn until_called(&self, method: &str, times: usize) -> Vec<Value> {
        let look = |calls: &[Received]| {
            let of_method: Vec<Value> = calls
                .iter()
                .filter(|(called, _)| called == method)
                .map(|(_, params)| params.clone())
                .collect();
            (of_method.len() >= times).then_some(of_method)
        };
        self.shared.calls.until(&format!("{times} calls of {method}"), look).await
    }

    /// The bodies of `update` events of one kind.
    pub fn updates(&self, kind: &str) -> Vec<Value> {
        updates(&self.shared.log.all(), kind)
    }

    pub async fn until_updates(&self, kind: &str, count: usize) -> Vec<Value> {
        let look = |log: &[Received]| Some(updates(log, kind)).filter(|found| found.len() >= count);
        self.shared.log.until(&format!("{count} updates {kind}"), look).await
    }

    pub async fn until_event(&self, event: &str) -> Value {
        let look =
            |log: &[Received]| log.iter().find(|(name, _)| name == event).map(|(_, payload)| payload.clone());
        self.shared.log.until(event, look).await
    }

    /// The payloads of the events of one name, as soon as there are so many.
    pub async fn until_events(&self, event: &str, count: usize) -> Vec<Value> {
        let look = |log: &[Received]| Some(events(log, event)).filter(|found| found.len() >= count);
        self.shared.log.until(&format!("{count} times {event}"), look).await
    }

    pub fn events(&self, event: &str) -> Vec<Value> {
        events(&self.shared.log.all(), event)
    }

    pub async fn until_over(&self) {
        self.shared.log.until_over("the socket is closed").await;
    }
}

fn updates(log: &[Received], kind: &str) -> Vec<Value> {
    log.iter()
        .filter(|(name, update)| name == "update" && update["body"]["t"] == kind)
        .map(|(_, update)| update.clone())
        .collect()
}

fn events(log: &[Received], event: &str) -> Vec<Value> {
    log.iter().filter(|(name, _)| name == event).map(|(_, payload)| payload.clone()).collect()
}

async fn read(
    mut stream: SplitStream<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    shared: Rc<Shared>,
    script: Script,
) {
    while let Some(Ok(frame)) = stream.next().await {
        let Ok(frame) = frame.to_text() else { continue };
        if frame == "2" {
            let _ = shared.outgoing.send(Message::text("3"));
        } else if let Some(event) = frame.strip_prefix("42/cli,") {
            let (ack, event) = numbered(event);
            let event: Value = serde_json::from_str(event).unwrap();
            let name = event[0].as_str().unwrap().to_owned();
            if let Some(answer) = answer(&shared, &script, &name, &event[1]) {
                let _ = shared.outgoing.send(Message::text(format!("43/cli,{}[{answer}]", ack.unwrap())));
            }
            shared.log.push((name, event[1].clone()));
        } else if let Some(acknowledged) = frame.strip_prefix("43/cli,") {
            let (number, arguments) = numbered(acknowledged);
            let waiting = shared.acks.borrow_mut().remove(&number.unwrap());
            if let Some(waiting) = waiting {
                let _ = waiting.send(serde_json::from_str(arguments).unwrap());
            }
        }
    }
    shared.log.close();
    shared.calls.close();
}

fn answer(shared: &Shared, script: &Script, name: &str, payload: &Value) -> Option<Value> {
    match name {
        "rpc-request" => {
            let method = payload["method"].as_str().unwrap();
            let method = method.split_once(':').map_or(method, |(_, method)| method).to_owned();
            let params: Value = serde_json::from_str(payload["params"].as_str().unwrap()).unwrap();
            let answer = script.called(&method, &params);
            shared.calls.push((method, params));
            answer
        }
        "update" => script.updated(payload["body"]["t"].as_str()?),
        _ => None,
    }
}

/// Splits the number of an acknowledgement off.
fn numbered(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), &text[end..])
}
