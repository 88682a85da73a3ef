//! A reader of an event stream, as a browser has it.

use std::{cell::RefCell, rc::Rc};

use flate2::{Decompress, FlushDecompress};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    Web,
    log::{Log, within},
};

/// One frame.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: Option<String>,
    pub data: Value,
}

impl Event {
    pub fn kind(&self) -> &str {
        self.data["type"].as_str().unwrap_or_default()
    }

    pub fn is(&self, kind: &str) -> bool {
        self.kind() == kind
    }

    pub fn session(&self) -> &str {
        self.data["sessionId"].as_str().unwrap_or_default()
    }

    /// The content of the session or the patch that it carries.
    pub fn patch(&self) -> &Value {
        &self.data["data"]
    }

    pub fn message_text(&self) -> Option<&str> {
        let content = &self.data["message"]["content"]["content"];
        content["data"]["text"].as_str().or_else(|| content["text"].as_str())
    }
}

pub struct Events {
    log: Rc<Log<Event>>,
    reader: JoinHandle<()>,
    pub is_packed: bool,
    farewell: Rc<RefCell<Option<String>>>,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Events {
    pub async fn open(web: &Web, query: &str, last: Option<&str>) -> Self {
        Self::open_with(web, query, last, "identity").await
    }

    pub async fn open_with(web: &Web, query: &str, last: Option<&str>, encoding: &str) -> Self {
        let opened = Self::try_open(web, query, last, encoding).await;
        opened.unwrap_or_else(|| panic!("a stream was cut before it began"))
    }

    /// `None` when the line was cut before the handshake had come.
    pub async fn try_open(web: &Web, query: &str, last: Option<&str>, encoding: &str) -> Option<Self> {
        let mut request =
            web.request(Method::GET, &format!("/api/events?{query}")).header("Accept-Encoding", encoding);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = within("a stream begins", request.send()).await.ok()?;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let is_packed = response.headers().get("content-encoding").is_some_and(|value| value == "gzip");
        let log = Rc::new(Log::default());
        let farewell = Rc::default();
        let reader = actix_rt::spawn(read(response, is_packed, log.clone(), Rc::clone(&farewell)));
        let this = Self { log, reader, is_packed, farewell };
        let is_it = |event: &Event| event.is("connection-changed").then_some(());
        this.until_or_over("the handshake", is_it).await.map(|()| this)
    }

    pub fn all(&self) -> Vec<Event> {
        self.log.all()
    }

    /// `ok` or `gap`.
    pub fn resume(&self) -> String {
        self.all()[0].data["data"]["resume"].as_str().unwrap().to_owned()
    }

    pub fn subscription(&self) -> String {
        self.all()[0].data["data"]["subscriptionId"].as_str().unwrap().to_owned()
    }

    /// The first frame, ever, that `look` takes.
    pub async fn until<R>(&self, what: &str, look: impl Fn(&Event) -> Option<R>) -> R {
        self.log.until(what, |events| events.iter().find_map(&look)).await
    }

    /// The same, but `None` when the stream ends before.
    pub async fn until_or_over<R>(&self, what: &str, look: impl Fn(&Event) -> Option<R>) -> Option<R> {
        self.log.until_or_over(what, |events| events.iter().find_map(&look)).await
    }

    /// As soon as the frames so far are as `look` wants them.
    pub async fn until_all<R>(&self, what: &str, look: impl FnMut(&[Event]) -> Option<R>) -> R {
        self.log.until(what, look).await
    }

    pub async fn until_message(&self, text: &str) -> Event {
        let is_it = |event: &Event| (event.message_text() == Some(text)).then(|| event.clone());
        self.until(&format!("the message {text}"), is_it).await
    }

    /// The first change of a session that carries this value.
    pub async fn until_patch(&self, session: &str, key: &str, value: &Value) -> Event {
        let is_it = |event: &Event| {
            let is_it =
                event.is("session-updated") && event.session() == session && event.patch()[key] == *value;
            is_it.then(|| event.clone())
        };
        self.until(&format!("{key} = {value}"), is_it).await
    }

    /// Waits for the end, and answers the reason that the hub gave for it.
    pub async fn until_over(&self) -> Option<String> {
        self.log.until_over("the stream ends").await;
        self.farewell.borrow().clone()
    }

    pub fn last_id(&self) -> Option<String> {
        self.all().iter().rev().find_map(|event| event.id.clone())
    }
}

async fn read(
    response: reqwest::Response,
    is_packed: bool,
    log: Rc<Log<Event>>,
    farewell: Rc<RefCell<Option<String>>>,
) {
    let mut inflate = Inflate::default();
    let mut text = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        if is_packed {
            inflate.add(&chunk, &mut text);
        } else {
            text.extend_from_slice(&chunk);
        }
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = text.drain(..end + 2).collect();
            let frame = std::str::from_utf8(&frame).unwrap();
            match frame.strip_prefix(": ") {
                Some(comment) => *farewell.borrow_mut() = Some(comment.trim_end().to_owned()),
                None => log.push(parse(frame)),
            }
        }
    }
    log.close();
}

fn parse(frame: &str) -> Event {
    let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
    let data = line("data: ").unwrap_or_else(|| panic!("a frame without data: {frame:?}"));
    // Half characters are replaced; what is nested too deep for us is a text.
    let read = wheelhouse::domain::json::read_text(data).unwrap_or_else(|| Value::String(data.to_owned()));
    Event { id: line("id: ").map(str::to_owned), data: read }
}

/// Reads a gzip stream as far as it has come.
#[derive(Default)]
struct Inflate {
    header: Vec<u8>,
    inner: Option<Decompress>,
}

impl Inflate {
    fn add(&mut self, mut chunk: &[u8], into: &mut Vec<u8>) {
        if self.inner.is_none() {
            let missing = (10 - self.header.len()).min(chunk.len());
            self.header.extend_from_slice(&chunk[..missing]);
            chunk = &chunk[missing..];
            if self.header.len() < 10 {
                return;
            }
            assert_eq!(self.header[..3], [0x1f, 0x8b, 8]);
            self.inner = Some(Decompress::new(false));
        }
        let inflate = self.inner.as_mut().unwrap();
        let start = inflate.total_in();
        loop {
            let taken = usize::try_from(inflate.total_in() - start).unwrap();
            let before = into.len();
            into.reserve(64 * 1024);
            inflate.decompress_vec(&chunk[taken..], into, FlushDecompress::Sync).unwrap();
            let taken = usize::try_from(inflate.total_in() - start).unwrap();
            if taken == chunk.len() && into.len() < into.capacity() {
                return;
            }
            assert!(into.len() > before || taken < chunk.len(), "nothing moves");
        }
    }
}
