//! The event stream: who may have it, where it goes on, and the first frames.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    streams::{self, Filter, NewStream, Place, Shelf, StreamBody, Streams, Wire},
};
use crate::{
    domain::{
        cursor::{self, EventCursor, Verdict},
        ids::{MachineId, SessionId},
    },
    namespace::{Hub, Mark, SetVisibility, Subscribed, Visibility, plain_frame},
    store::journal,
    wire::{events, rest},
};

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
        (status = 429, body = rest::ErrorBody, description = "too many streams; see Retry-After"),
        (status = 503, body = rest::ErrorBody),
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
    let permit = shared.limits.stream(caller.who())?;
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
    let visit = streams.open(&caller.namespace, &tenant, shared.env.settings.tail).await;
    let start = start(&shared, &visit, &filter, presented).await?;

    let id = uuid::Uuid::new_v4().to_string();
    let told = start.place.seq;
    let mark = Mark::new(shared.env.store.epoch(), &caller.namespace);
    let place = (told > 0).then(|| mark.id(told));
    let is_packed = accepts_gzip(&req);
    let stream = NewStream {
        first: plain_frame(&events::connected(&id, start.is_resumed), place.as_deref()),
        id: id.clone(),
        visit,
        filter,
        place: start.place,
        wire: Wire::of(&req),
        is_packed,
        mark,
        store: shared.env.store.clone(),
        clock: shared.env.clock.clone(),
        permit,
    };
    let body = StreamBody::open(stream);
    let visibility = visibility(query.visibility.as_deref());
    let _ = tenant.send(Subscribed { id, visibility, toasts: streams.toasts() }).await;
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
    /// What the client had, or where it begins.
    place: Place,
}

async fn start(shared: &Shared, shelf: &Shelf, filter: &Filter, presented: Option<&str>) -> ApiResult<Start> {
    let end = {
        let tail = shelf.tail();
        Place { offset: Some(tail.end()), seq: tail.head() }
    };
    let fresh = Start { is_resumed: false, place: end };
    let Some(presented) = presented else { return Ok(fresh) };
    let (store, namespace) = (&shared.env.store, &shelf.namespace);
    let mut head = end.seq;
    if EventCursor::parse(presented).is_some_and(|cursor| cursor.seq > head) {
        // Another worker may have told it before this one heard of it.
        let namespace = namespace.clone();
        head = store.read(move |conn| journal::head(conn, &namespace)).await?;
    }
    let Verdict::Resume(seq) = cursor::judge(presented, store.epoch(), namespace.as_str(), head, 1) else {
        return Ok(fresh);
    };
    let offset = shelf.tail().behind(seq);
    if offset.is_none() && !streams::is_kept(store, namespace, filter, seq).await? {
        return Ok(fresh);
    }
    Ok(Start { is_resumed: true, place: Place { offset, seq } })
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
