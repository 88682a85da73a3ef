//! Sessions: lists, single ones, and the steps of their life.

use std::{cell::RefCell, collections::HashMap, io::Write, rc::Rc, str::FromStr, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult, Guarded},
    history,
};
use crate::{
    domain::{
        flavor::{self, Flavor},
        ids::{Namespace, SessionId},
    },
    link::rpc,
    namespace::{FindError, Hub, ListSessions, Order},
    session::{
        self, Archive, Archived, Call, Delete, GetFull, GetGlance, GetStatus, Glance, SessionError,
        resume::{self, Resumed},
    },
    store,
    wire::{rest, schema},
};

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<String>,
    order: Option<String>,
}

/// The session list, archived ones included.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions",
    params(
        ("limit" = Option<f64>, Query, description = "1 to 500; more or less is brought into that range"),
        ("order" = Option<String>, Query, description = "`updatedAt`: by recency alone"),
    ),
    responses((status = 200, body = schema::SessionList), (status = 401, body = rest::ErrorBody)),
)]
pub async fn list(
    caller: Caller,
    hub: web::Data<Hub>,
    lists: web::Data<PackedLists>,
    query: web::Query<ListQuery>,
    req: HttpRequest,
) -> ApiResult<HttpResponse> {
    let order = if query.order.as_deref() == Some("updatedAt") { Order::Recent } else { Order::Shown };
    let limit = query
        .limit
        .as_deref()
        .and_then(crate::domain::text::number)
        .filter(|limit| limit.is_finite())
        .and_then(|limit| usize::from_str(&format!("{:.0}", limit.floor().clamp(1.0, 500.0))).ok());
    let tenant = hub.tenant(&caller.namespace).await.map_err(|_| ApiError::not_connected())?;
    let body = tenant.send(ListSessions { order, limit }).await?;
    if !super::events::accepts_gzip(&req) {
        return Ok(super::json(body));
    }
    let packed = lists.packed(&caller.namespace, &body);
    let mut response = super::json(packed);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    Ok(response)
}

/// The compressed form of each namespace's newest list, kept by a worker until the list changes.
#[derive(Clone, Default)]
pub struct PackedLists(Rc<RefCell<HashMap<Namespace, (Bytes, Bytes)>>>);

/// Namespaces whose list a worker keeps. Past that it starts over.
const PACKED_LISTS: usize = 64;

impl PackedLists {
    fn packed(&self, namespace: &Namespace, body: &Bytes) -> Bytes {
        let mut kept = self.0.borrow_mut();
        // The namespace hands out the same bytes until a row changes, and what is kept here keeps their place taken.
        if let Some((known, packed)) = kept.get(namespace)
            && known.as_ptr() == body.as_ptr()
        {
            return packed.clone();
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(body.len() / 8 + 64), Compression::new(5));
        // Writing to memory cannot fail.
        let _ = gzip.write_all(body);
        let packed = Bytes::from(gzip.finish().unwrap_or_default());
        if kept.len() >= PACKED_LISTS {
            kept.clear();
        }
        kept.insert(namespace.clone(), (body.clone(), packed.clone()));
        packed
    }
}

#[utoipa::path(
    get, path = "/api/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::SessionAnswer),
        (status = 403, body = rest::ErrorBody),
        (status = 404, body = schema::SessionGone, description = "says where it went, if it went into another"),
    ),
)]
pub async fn get(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let wanted = SessionId::from(id.as_str());
    match hub.session(&caller.namespace, &wanted).await {
        Ok(session) => Ok(wrapped(&session.send(GetFull).await?)),
        Err(FindError::NotFound) => {
            let namespace = caller.namespace.clone();
            let look = move |conn: &mut _| store::intents::moved_to(conn, &namespace, &wanted);
            let moved = shared.env.store.read(look).await?;
            Err(moved.map_or_else(ApiError::session_not_found, |to| ApiError::session_moved(&to)))
        }
        Err(error) => Err(ApiError::from_find(error, Guarded::Session)),
    }
}

/// `{"session":…}` around an encoded session.
pub(super) fn wrapped(session: &[u8]) -> HttpResponse {
    super::json([b"{\"session\":", session, b"}"].concat())
}

/// Contact with the agent's process, and every decision of this session with who made it and how far it got.
#[utoipa::path(
    get, path = "/api/sessions/{id}/status", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = session::Status), (status = 404, body = rest::ErrorBody)),
)]
pub async fn status(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    Ok(HttpResponse::Ok().json(session.send(GetStatus).await??))
}

/// Deletes a session that is not active, with everything that belongs to it.
#[utoipa::path(
    delete, path = "/api/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 409, body = rest::ErrorBody, description = "active")),
)]
pub async fn delete(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    session.send(Delete).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// The answer of a session that has to be active for what follows.
pub(super) async fn active(session: &actix::Addr<session::LiveSession>) -> ApiResult<Glance> {
    let glance = session.send(GetGlance).await?;
    if glance.is_active { Ok(glance) } else { Err(ApiError::session_inactive()) }
}

/// Brings a session back. The answer may carry another id: clients go there.
#[utoipa::path(
    post, path = "/api/sessions/{id}/resume", tag = "sessions", params(("id" = String, Path)),
    request_body(content = Option<schema::ResumeRequest>, description = "may be left out"),
    responses(
        (status = 200, body = schema::ResumeAnswer),
        (status = 409, body = rest::ErrorBody), (status = 500, body = rest::ErrorBody),
        (status = 503, body = rest::ErrorBody, description = "no machine online"),
    ),
)]
pub async fn resume(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let mode = match body.value().as_ref().and_then(|body| body.get("permissionMode")) {
        None => None,
        Some(Value::String(mode)) if flavor::is_permission_mode(mode) => Some(mode.clone()),
        Some(_) => return Err(ApiError::invalid_body()),
    };
    if let Some(mode) = &mode {
        let glance = session.send(GetGlance).await?;
        let modes = Flavor::permission_modes(Flavor::of(glance.flavor.as_deref()));
        if !modes.contains(&mode.as_str()) {
            return Err(ApiError::invalid("Invalid permission mode for session flavor"));
        }
    }
    let life = history::life(&hub, &caller, &shared).await?;
    let id = id.as_str().into();
    let resumed = to_the_end(async move { resume::resume(&life, id, mode).await }).await?;
    Ok(HttpResponse::Ok().json(json!({ "type": "success", "sessionId": resumed.id })))
}

/// Brings an archived session back.
#[utoipa::path(
    post, path = "/api/sessions/{id}/reopen", tag = "sessions", params(("id" = String, Path)),
    responses(
        (status = 200, body = schema::ReopenAnswer),
        (status = 409, body = rest::ErrorBody), (status = 500, body = rest::ErrorBody),
        (status = 503, body = rest::ErrorBody, description = "no machine online"),
    ),
)]
pub async fn reopen(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    super::session(&hub, &caller, &id).await?;
    let life = history::life(&hub, &caller, &shared).await?;
    let id = id.as_str().into();
    let resumed = to_the_end(async move { resume::reopen(&life, id).await }).await?;
    let mut answer = json!({ "ok": true, "sessionId": resumed.id, "resumed": !resumed.was_active });
    if let (Some(protocol), Some(fields)) = (resumed.cursor_protocol, answer.as_object_mut()) {
        fields.insert("cursorSessionProtocol".into(), protocol.into());
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// Goes on when the caller hangs up: a resume that is half done has to be finished.
async fn to_the_end(
    steps: impl Future<Output = Result<Resumed, resume::ResumeError>> + 'static,
) -> ApiResult<Resumed> {
    let outcome = actix_rt::spawn(steps).await.map_err(|_| ApiError::busy())?;
    Ok(outcome?)
}

/// Stops the running turn.
#[utoipa::path(
    post, path = "/api/sessions/{id}/abort", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 409, body = rest::ErrorBody)),
)]
pub async fn abort(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    active(&session).await?;
    // Released CLIs are used to exactly this text, wherever the wish came from.
    let params = json!({ "reason": "User aborted via Telegram Bot" });
    session.send(Call { method: "abort", params, within: rpc::PATIENCE }).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// Ends the agent's process and marks the session as archived.
#[utoipa::path(
    post, path = "/api/sessions/{id}/archive", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 409, body = rest::ErrorBody)),
)]
pub async fn archive(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    Ok(match session.send(Archive).await?? {
        Archived::Now => HttpResponse::Ok().json(rest::Ok::TRUE),
        Archived::Already => HttpResponse::Ok().json(json!({ "ok": true, "alreadyArchived": true })),
    })
}

/// Takes a session over from the terminal that drives it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/switch", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 409, body = rest::ErrorBody)),
)]
pub async fn switch(caller: Caller, hub: web::Data<Hub>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let glance = active(&session).await?;
    if glance.is_shared {
        return Err(ApiError::shared_session());
    }
    if glance.is_held {
        return Err(SessionError::Held.into());
    }
    session
        .send(Call { method: "switch", params: json!({ "to": "remote" }), within: rpc::PATIENCE })
        .await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}
