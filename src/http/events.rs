//! The event stream: who may have it, where it goes on, and the first frames.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use bytes::Bytes;
use serde::Deserialize;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    streams::{Filter, NewStream, StreamBody, Streams},
};
use crate::{
    domain::{
        cursor::{self, EventCursor, Verdict},
        ids::{MachineId, SessionId},
    },
    namespace::{GetHome, Hub, SetVisibility, Subscribed, Visibility, plain_frame},
    store::{self, journal},
    wire::{events, rest},
};

/// Under the idle limit of every proxy in use, and of released pages (45 s).
const HEARTBEAT: Duration = Duration::from_secs(25);

/// The most events that are replayed from the store. Who missed more reads everything anew faster.
const REPLAY: i64 = 20_000;
const REPLAY_PAGE: i64 = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamQuery {
    all: Option<String>,
    session_id: Option<String>,
    machine_id: Option<String>,
    visibility: Option<String>,
    last_event_id: Option<String>,
}

fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.trim().is_empty())
}

fn visibility(text: Option<&str>) -> Visibility {
    if text == Some("visible") { Visibility::Visible } else { Visibility::Hidden }
}

/// Every change of the namespace, of one session or of one machine, as Server-Sent Events. A client that names the last
/// id it has seen gets exactly what it missed (`resume:"ok"`), or is told to read everything anew (`gap`).
#[utoipa::path(
    get, path = "/api/events", tag = "events",
    params(
        ("all" = Option<String>, Query, description = "`true` or `1`: everything in the namespace"),
        ("sessionId" = Option<String>, Query), ("machineId" = Option<String>, Query),
        ("visibility" = Option<String>, Query, description = "`visible` while somebody looks at the page"),
        ("lastEventId" = Option<String>, Query, description = "the header `Last-Event-ID` wins over it"),
        ("token" = Option<String>, Query, description = "for released pages only; use the header"),
    ),
    responses(
        (status = 200, description = "text/event-stream"),
        (status = 401, body = rest::ErrorBody), (status = 403, body = rest::ErrorBody),
        (status = 404, body = rest::ErrorBody),
    ),
)]
pub async fn stream(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    streams: web::Data<Streams>,
    query: web::Query<StreamQuery>,
    req: HttpRequest,
) -> ApiResult<HttpResponse> {
    let session = given(query.session_id.as_ref());
    let machine = given(query.machine_id.as_ref());
    if let Some(id) = session {
        super::session(&hub, &caller, id).await?;
    }
    if let Some(id) = machine {
        super::machine(&hub, &caller, id).await?;
    }
    let filter = Filter {
        all: matches!(query.all.as_deref(), Some("true" | "1")),
        session: session.map(SessionId::from),
        machine: machine.map(MachineId::from),
    };
    let header = req.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok().map(str::to_owned));
    let presented = given(header.as_ref()).or_else(|| given(query.last_event_id.as_ref()));

    let tenant = hub.tenant(&caller.namespace).await.map_err(|_| ApiError::not_connected())?;
    let gone = tenant.send(GetHome).await?.gone;
    let tail = streams.open(caller.namespace.clone(), &tenant, shared.env.settings.tail).await;
    let start = start(&shared, &caller, &filter, presented, &tail).await?;

    let id = uuid::Uuid::new_v4().to_string();
    let epoch: Arc<str> = shared.env.store.epoch().into();
    let place =
        (start.told > 0).then(|| EventCursor::new(&epoch, caller.namespace.as_str(), start.told).to_string());
    let mut first = vec![plain_frame(&events::connected(&id, start.is_resumed), place.as_deref())];
    first.extend(start.replayed);
    let is_packed = accepts_gzip(&req);
    let clock = shared.env.clock.clone();
    let visibility = visibility(query.visibility.as_deref());
    let body = StreamBody::open(NewStream {
        id: id.clone(),
        namespace: caller.namespace,
        epoch,
        filter,
        tail,
        tenant: tenant.clone(),
        offset: start.offset,
        seq: start.seq,
        first,
        is_packed,
        heartbeat: HEARTBEAT,
        now: Box::new(move || clock.now()),
        stopping: shared.stopping.clone(),
        gone,
    });
    let _ = tenant.send(Subscribed { id, visibility, toast: body.toasts() }).await;
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .append_header((header::VARY, "Accept-Encoding"));
    if is_packed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(body))
}

/// Where a stream begins.
struct Start {
    is_resumed: bool,
    /// The number told with the handshake: what the client had, or where it begins.
    told: i64,
    /// What it missed and is no longer in memory.
    replayed: Vec<Bytes>,
    /// Its place in the tail, and the number right before it.
    offset: u64,
    seq: i64,
}

type Tail = std::rc::Rc<std::cell::RefCell<super::streams::LocalTail>>;

async fn start(
    shared: &Shared,
    caller: &Caller,
    filter: &Filter,
    presented: Option<&str>,
    tail: &Tail,
) -> ApiResult<Start> {
    let fresh = || {
        let tail = tail.borrow();
        let (offset, head) = (tail.end(), tail.head());
        Start { is_resumed: false, told: head, replayed: Vec::new(), offset, seq: head }
    };
    let Some(presented) = presented else { return Ok(fresh()) };
    let namespace = caller.namespace.clone();
    let epoch = shared.env.store.epoch();
    let mut head = tail.borrow().head();
    if EventCursor::parse(presented).is_some_and(|cursor| cursor.seq > head) {
        // Another worker may have told it before this one heard of it.
        let namespace = namespace.clone();
        head = shared.env.store.read(move |conn| journal::head(conn, &namespace)).await?;
    }
    let Verdict::Resume(seq) = cursor::judge(presented, epoch, namespace.as_str(), head, 1) else {
        return Ok(fresh());
    };
    if let Some(offset) = tail.borrow().behind(seq) {
        return Ok(Start { is_resumed: true, told: seq, replayed: Vec::new(), offset, seq });
    }
    // Older than what is held in memory: from the store, up to where the tail goes on.
    let mut replayed = Vec::new();
    let mut at = seq;
    loop {
        let page = {
            let namespace = namespace.clone();
            let read = move |conn: &mut store::Connection| {
                let oldest = journal::oldest(conn, &namespace)?;
                let is_kept = oldest.is_none_or(|oldest| at + 1 >= oldest);
                if is_kept { journal::replay(conn, &namespace, at, REPLAY_PAGE).map(Some) } else { Ok(None) }
            };
            shared.env.store.read(read).await?
        };
        let Some((events, last)) = page else { return Ok(fresh()) };
        for event in events {
            if filter.passes(event.kind, event.session.as_ref(), event.machine.as_ref()) {
                let id = EventCursor::new(epoch, namespace.as_str(), event.seq).to_string();
                replayed.push(plain_frame(&event.json, Some(&id)));
            }
        }
        let is_stuck = last == at;
        at = last;
        if let Some(offset) = tail.borrow().behind(at) {
            return Ok(Start { is_resumed: true, told: seq, replayed, offset, seq: at });
        }
        if is_stuck || at - seq > REPLAY {
            return Ok(fresh());
        }
    }
}

/// An explicit `gzip` decides, else `*`; `q=0` refuses.
pub(super) fn accepts_gzip(req: &HttpRequest) -> bool {
    let Some(accepted) = req.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let quality = |wanted: &str| {
        accepted.split(',').rev().find_map(|entry| {
            let mut parts = entry.split(';');
            let name = parts.next()?.trim();
            if !name.eq_ignore_ascii_case(wanted) {
                return None;
            }
            let q = parts.find_map(|part| part.trim().strip_prefix("q=").map(str::to_owned));
            Some(q.and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(1.0))
        })
    };
    quality("gzip").or_else(|| quality("*")).is_some_and(|q| q > 0.0)
}

/// Somebody looks at a page, or looked away.
#[utoipa::path(
    post, path = "/api/visibility", tag = "events", request_body = rest::VisibilityRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody), (status = 404, body = rest::ErrorBody)),
)]
pub async fn set_visibility(caller: Caller, hub: web::Data<Hub>, body: Body) -> ApiResult<HttpResponse> {
    let request: rest::VisibilityRequest = body.read()?;
    let is_valid =
        !request.subscription_id.is_empty() && matches!(request.visibility.as_str(), "visible" | "hidden");
    if !is_valid {
        return Err(ApiError::invalid_body());
    }
    let tenant = hub.tenant(&caller.namespace).await.map_err(|_| ApiError::not_connected())?;
    let set =
        SetVisibility { id: request.subscription_id, visibility: visibility(Some(&request.visibility)) };
    if tenant.send(set).await? {
        Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
    } else {
        Err(ApiError::subscription_not_found())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn gzip_is_sent_to_who_asks_for_it() {
        let accepts = |value: &str| {
            accepts_gzip(
                &TestRequest::default().insert_header((header::ACCEPT_ENCODING, value)).to_http_request(),
            )
        };
        assert!(accepts("gzip, deflate, br"));
        assert!(accepts("br;q=1, *;q=0.1"));
        assert!(accepts("gzip;q=odd"));
        assert!(!accepts("gzip;q=0, *"));
        assert!(!accepts("br, deflate"));
        assert!(!accepts_gzip(&TestRequest::default().to_http_request()));
    }
}
