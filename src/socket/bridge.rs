//! One port for actix-web and Socket.IO: requests to the engine's path are handed to it here. Polling requests are
//! converted and answered; a websocket is answered with `101` and its two byte streams are joined to the engine.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{body::BodyStream, ws};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{Method, StatusCode, header},
    web,
};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
    time::Sleep,
};
use tokio_util::sync::PollSender;

use super::{Sockets, Wire, place::Place};
use crate::{
    http::{ApiError, Shared, address},
    limits::Who,
};

/// How long a write may wait for a peer that does not read.
const STALL: Duration = Duration::from_secs(20);
/// Chunks under way in each direction. Small: what waits here is memory per socket.
const CHUNKS: usize = 8;
const CHUNK: usize = 64 * 1024;

/// Answers every request to the engine's path.
pub async fn serve(
    req: HttpRequest,
    payload: web::Payload,
    sockets: web::Data<Sockets>,
    shared: web::Data<Arc<Shared>>,
) -> HttpResponse {
    let cors = origin(&req, &shared);
    if req.method() == Method::OPTIONS {
        let mut response = HttpResponse::NoContent();
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST"));
        if let Some(asked) = req.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()));
        }
        return with_cors(response.finish(), &cors);
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(req.query_string().as_bytes()).into_owned().collect();
    let parameter = |key: &str| query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let refused = match (parameter("transport"), parameter("sid")) {
        (Some("polling" | "websocket"), sid) => {
            if sid.is_none() && req.method() != Method::GET {
                Some((2, "Bad handshake method"))
            } else if parameter("EIO") != Some("4") {
                Some((5, "Unsupported protocol version"))
            } else {
                None
            }
        }
        _ => Some((0, "Transport unknown")),
    };
    if let Some((code, message)) = refused {
        return with_cors(refusal(StatusCode::BAD_REQUEST, code, message), &cors);
    }
    if matches!(cors, Origin::Refused) {
        return with_cors(refusal(StatusCode::FORBIDDEN, 4, "Origin not allowed"), &cors);
    }
    let place = match parameter("sid") {
        Some(_) => None,
        // Nobody has said yet who comes. Clients try again after this.
        None => match sockets.strangers.enter(&shared.limits, &Who::stranger(address(&req, &shared))) {
            Ok(place) => Some(place),
            Err(refusal) => return with_cors(ApiError::from(refusal).error_response(), &cors),
        },
    };
    let response = if req.head().upgrade() {
        upgrade(&req, payload, &sockets, parameter("sid"), place)
    } else {
        poll(&req, payload, &sockets, place).await
    };
    with_cors(response, &cors)
}

fn refusal(status: StatusCode, code: u8, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "code": code, "message": message }))
}

/// What a request's `Origin` means. CLIs send none.
enum Origin {
    Absent,
    Any,
    Allowed(String),
    Refused,
}

fn origin(req: &HttpRequest, shared: &Shared) -> Origin {
    let text = |name| req.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = req.headers().get(header::ORIGIN) else { return Origin::Absent };
    if matches!(shared.cors, crate::config::CorsOrigins::Any) {
        return Origin::Any;
    }
    let Ok(origin) = origin.to_str() else { return Origin::Refused };
    // A page of this very hub, under whatever name it was opened.
    let is_own = origin.split_once("://").is_some_and(|(_, host)| text(header::HOST) == Some(host));
    if is_own || shared.allows(origin) { Origin::Allowed(origin.to_owned()) } else { Origin::Refused }
}

fn with_cors(mut response: HttpResponse, origin: &Origin) -> HttpResponse {
    let headers = response.headers_mut();
    let allowed = match origin {
        Origin::Absent => None,
        Origin::Any => Some("*"),
        Origin::Allowed(origin) => Some(origin.as_str()),
        // Released hubs say this word; browsers take it for a refusal.
        Origin::Refused => Some("false"),
    };
    if let Some(Ok(value)) = allowed.map(header::HeaderValue::from_str) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    }
    if !matches!(origin, Origin::Any) {
        headers.append(header::VARY, header::HeaderValue::from_static("Origin"));
    }
    response
}

/// The request in the engine's types.
fn converted<B>(req: &HttpRequest, body: B) -> Option<http::Request<B>> {
    let target = req.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut request = http::Request::builder().method(req.method().as_str()).uri(target);
    for (name, value) in req.headers() {
        request = request.header(name.as_str(), value.as_bytes());
    }
    request.body(body).ok()
}

async fn poll(
    req: &HttpRequest,
    payload: web::Payload,
    sockets: &Sockets,
    place: Option<Arc<Place>>,
) -> HttpResponse {
    let body = match payload.to_bytes_limited(sockets.frame_limit).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return HttpResponse::BadRequest().finish(),
        Err(_) => return HttpResponse::PayloadTooLarge().finish(),
    };
    let Some(mut request) = converted(req, Full::new(body)) else {
        return HttpResponse::BadRequest().finish();
    };
    if let Some(place) = &place {
        request.extensions_mut().insert(place.clone());
    }
    let Ok(answer) = Service::call(&sockets.service, request).await;
    let (parts, body) = answer.into_parts();
    let bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return HttpResponse::InternalServerError().finish(),
    };
    if let Some((place, sid)) = place.zip(opened(&bytes)) {
        sockets.polled.insert(sid.clone(), &place);
        actix_rt::spawn(watch(place.overdue(), sid, sockets.clone()));
    }
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::BAD_REQUEST
        && let Some((code, message)) = engine_error(&bytes)
    {
        return refusal(status, code, &message);
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        if name != http::header::CONTENT_LENGTH {
            response.append_header((name.as_str(), value.as_bytes()));
        }
    }
    response.body(bytes)
}

/// The engine writes its codes as text; released clients compare numbers.
fn engine_error(body: &[u8]) -> Option<(u8, String)> {
    let error: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some((error.get("code")?.as_str()?.parse().ok()?, error.get("message")?.as_str()?.to_owned()))
}

/// The name that the engine gave a session by polling.
fn opened(answer: &[u8]) -> Option<String> {
    let open: serde_json::Value = serde_json::from_slice(answer.strip_prefix(b"0")?).ok()?;
    Some(open.get("sid")?.as_str()?.to_owned())
}

/// Closes a session by polling when it has to go.
async fn watch(overdue: impl Future<Output = ()>, sid: String, sockets: Sockets) {
    overdue.await;
    close(&sid, &sockets).await;
    if let Some(place) = sockets.polled.remove(&sid) {
        place.end();
    }
}

fn upgrade(
    req: &HttpRequest,
    payload: web::Payload,
    sockets: &Sockets,
    sid: Option<&str>,
    place: Option<Arc<Place>>,
) -> HttpResponse {
    let mut handshake = match ws::handshake(req.head()) {
        Ok(handshake) => handshake,
        Err(error) => {
            let response = actix_http::Response::from(error).map_into_boxed_body();
            return HttpResponse::from(response);
        }
    };
    let Some(mut request) = converted(req, ()) else { return HttpResponse::BadRequest().finish() };
    let wire = Arc::new(Wire::default());
    request.extensions_mut().insert(wire.clone());
    if let Some(place) = &place {
        request.extensions_mut().insert(place.clone());
    }
    let (to_engine, from_peer) = mpsc::channel(CHUNKS);
    let (to_peer, from_engine) = mpsc::channel(CHUNKS);
    let line =
        Line { incoming: from_peer, read: Bytes::new(), outgoing: PollSender::new(to_peer), stalled: None };
    if let Err(error) = Service::call(&sockets.service, (line, request)).into_inner() {
        return HttpResponse::BadRequest().body(error.to_string());
    }
    let known = place.clone().or_else(|| sockets.polled.get(sid?));
    actix_rt::spawn(pump(payload, to_engine, wire.clone(), known.map(|place| place.overdue())));
    let probe = sid.map(|sid| Probe { sid: sid.to_owned(), sockets: sockets.clone() });
    let body =
        BodyStream::new(Outgoing { from_engine, wire, is_over: false, _probe: probe, _end: place.map(End) });
    match handshake.message_body(body) {
        Ok(response) => HttpResponse::from(response.map_into_boxed_body()),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Carries what the peer sends to the engine, as long as the actors keep up.
async fn pump(
    mut payload: web::Payload,
    to_engine: mpsc::Sender<Bytes>,
    wire: Arc<Wire>,
    overdue: Option<impl Future<Output = ()>>,
) {
    let overdue = async {
        match overdue {
            Some(overdue) => overdue.await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(overdue);
    loop {
        let next = tokio::select! {
            next = payload.next() => next,
            () = wire.is_cut() => return,
            () = &mut overdue => return,
            () = to_engine.closed() => return,
        };
        let Some(Ok(chunk)) = next else { return };
        if to_engine.send(chunk).await.is_err() {
            return;
        }
        tokio::select! {
            () = wire.eased() => {}
            () = wire.is_cut() => return,
        }
    }
}

/// The body of the `101` answer: what the engine sends to the peer.
struct Outgoing {
    from_engine: mpsc::Receiver<Bytes>,
    wire: Arc<Wire>,
    is_over: bool,
    _probe: Option<Probe>,
    _end: Option<End>,
}

/// A line that is gone makes room for another.
struct End(Arc<Place>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Stream for Outgoing {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = ready!(self.from_engine.poll_recv(cx)).or_else(|| {
            self.is_over = true;
            self.wire.last().cloned()
        });
        Poll::Ready(next.map(Ok))
    }
}

/// A websocket that was to take over from polling. If it goes before it did, the engine would wait for it for ever:
/// the session is closed, so that the client starts a new one.
struct Probe {
    sid: String,
    sockets: Sockets,
}

impl Drop for Probe {
    fn drop(&mut self) {
        let (sid, sockets) = (self.sid.clone(), self.sockets.clone());
        actix_rt::spawn(async move { close(&sid, &sockets).await });
    }
}

/// Closes a session by what its client would send for that.
async fn close(sid: &str, sockets: &Sockets) {
    let target = format!("{}?EIO=4&transport=polling&sid={sid}", super::PATH);
    let close = http::Request::builder().method("POST").uri(target).body(Full::new(Bytes::from_static(b"1")));
    if let Ok(close) = close {
        drop(Service::call(&sockets.service, close).await);
    }
}

/// The engine's end of the line.
struct Line {
    incoming: mpsc::Receiver<Bytes>,
    read: Bytes,
    outgoing: PollSender<Bytes>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.read.is_empty() {
            match ready!(self.incoming.poll_recv(cx)) {
                Some(chunk) => self.read = chunk,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.read.len().min(into.remaining());
        into.put_slice(self.read.get(..count).unwrap_or_default());
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        match self.outgoing.poll_reserve(cx) {
            Poll::Ready(Ok(())) => {
                self.stalled = None;
                let chunk = bytes.get(..bytes.len().min(CHUNK)).unwrap_or(bytes);
                self.outgoing.send_item(Bytes::copy_from_slice(chunk)).map_err(|_| gone())?;
                Poll::Ready(Ok(chunk.len()))
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(gone())),
            Poll::Pending => {
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
                ready!(stalled.as_mut().poll(cx));
                Poll::Ready(Err(std::io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.outgoing.close();
        Poll::Ready(Ok(()))
    }
}
