//! Messages of a session: read in pages, sent, cancelled.

use std::sync::Arc;

use actix::Addr;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    sessions,
};
use crate::{
    domain::{
        content, json as raw,
        liveness::SCHEDULE_HORIZON,
        page::{self, FieldErrors, PageRange, PageRequest, Position},
        prompt::DeliveryState,
    },
    namespace::Hub,
    session::{
        CancelOutcome, CancelPrompt, GetKey, LiveSession, RetryOutcome, RetryPrompt, SendPrompt,
        SteerOutcome, SteerPrompt,
    },
    store::{self, Store, messages::Message},
    wire::{message::MessageView, rest, schema},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageQuery {
    limit: Option<String>,
    before_seq: Option<String>,
    before_at: Option<String>,
    after_seq: Option<String>,
    after_at: Option<String>,
    until_seq: Option<String>,
    until_at: Option<String>,
    epoch: Option<String>,
}

impl PageQuery {
    fn parse(&self) -> Result<PageRequest, FieldErrors> {
        PageRequest::parse(
            self.limit.as_deref(),
            self.before_seq.as_deref(),
            self.before_at.as_deref(),
            self.after_seq.as_deref(),
            self.after_at.as_deref(),
            self.until_seq.as_deref(),
            self.until_at.as_deref(),
            self.epoch.as_deref(),
        )
    }
}

/// A page of the conversation.
#[utoipa::path(
    get, path = "/api/sessions/{id}/messages", tag = "messages",
    params(
        ("id" = String, Path),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 by default"),
        ("beforeSeq" = Option<i64>, Query), ("beforeAt" = Option<i64>, Query),
        ("afterSeq" = Option<i64>, Query), ("afterAt" = Option<i64>, Query),
        ("untilSeq" = Option<i64>, Query), ("untilAt" = Option<i64>, Query),
        ("epoch" = Option<i64>, Query, description = "of the page that the cursor came from"),
    ),
    responses((status = 200, body = schema::MessagePage), (status = 400, body = rest::ErrorBody)),
)]
pub async fn page(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    query: web::Query<PageQuery>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let request = query.parse().map_err(|issues| ApiError::invalid_fields("Invalid query", &issues))?;
    let (key, epoch) = session.send(GetKey).await??;
    let page = read_page(&shared.env.store, key, epoch, request).await?;
    Ok(HttpResponse::Ok().json(page.view()))
}

struct Page {
    direction: &'static str,
    limit: u32,
    epoch: i64,
    reset: bool,
    messages: Vec<Message>,
    next_before: Option<Position>,
    next_after: Option<Position>,
    head: Option<Position>,
    has_more: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    direction: &'static str,
    limit: u32,
    epoch: i64,
    reset: bool,
    next_before_seq: Option<i64>,
    next_before_at: Option<i64>,
    next_after_seq: Option<i64>,
    next_after_at: Option<i64>,
    snapshot_head_seq: Option<i64>,
    snapshot_head_at: Option<i64>,
    has_more: bool,
}

#[derive(Serialize)]
struct PageView<'a> {
    messages: Vec<MessageView<'a>>,
    page: PageInfo,
}

impl Page {
    fn view(&self) -> PageView<'_> {
        let seq = |position: Option<Position>| position.map(|position| position.seq);
        let at = |position: Option<Position>| position.map(|position| position.at);
        PageView {
            messages: self.messages.iter().map(MessageView::from).collect(),
            page: PageInfo {
                direction: self.direction,
                limit: self.limit,
                epoch: self.epoch,
                reset: self.reset,
                next_before_seq: seq(self.next_before),
                next_before_at: at(self.next_before),
                next_after_seq: seq(self.next_after),
                next_after_at: at(self.next_after),
                snapshot_head_seq: seq(self.head),
                snapshot_head_at: at(self.head),
                has_more: self.has_more,
            },
        }
    }
}

/// Goal announcements that older hubs stored are not shown.
fn is_shown(message: &Message) -> bool {
    !message.content.get().contains("Goal ") || {
        let seen = raw::read(&message.content);
        !seen.as_ref().is_some_and(content::is_goal_status)
    }
}

async fn read_page(store: &Store, key: i64, epoch: i64, request: PageRequest) -> store::Result<Page> {
    let PageRequest { limit, range } = request;
    store
        .read(move |conn| match range {
            PageRange::Latest => backwards(conn, key, epoch, limit, None, false),
            PageRange::Before(position) => backwards(conn, key, epoch, limit, Some(position), false),
            PageRange::After { epoch: Some(seen), .. } if seen != epoch => {
                backwards(conn, key, epoch, limit, None, true)
            }
            PageRange::After { cursor, until, .. } => forwards(conn, key, epoch, limit, cursor, until),
        })
        .await
}

fn backwards(
    conn: &mut store::Connection,
    key: i64,
    epoch: i64,
    limit: u32,
    before: Option<Position>,
    reset: bool,
) -> store::Result<Page> {
    let head = store::messages::head(conn, key)?;
    let mut cursor = before;
    let (messages, has_more) = loop {
        // One more than asked for tells whether there is more.
        let mut rows = store::messages::before(conn, key, cursor, i64::from(limit) + 1)?;
        let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if has_more {
            rows.pop();
        }
        cursor = rows.last().map(Message::position).or(cursor);
        rows.retain(is_shown);
        if !rows.is_empty() || !has_more {
            break (rows, has_more);
        }
    };
    let mut page = Page {
        direction: if before.is_some() { "before" } else { "latest" },
        limit,
        epoch,
        reset,
        messages,
        next_before: if cursor == before { None } else { cursor },
        next_after: None,
        head,
        has_more,
    };
    if before.is_none() {
        // What waits is always shown, wherever it stands.
        for waiting in store::messages::pending(conn, key)? {
            if waiting.local_id.is_some() && !page.messages.iter().any(|known| known.id == waiting.id) {
                page.messages.push(waiting);
            }
        }
    }
    page.messages.sort_by_key(Message::position);
    Ok(page)
}

fn forwards(
    conn: &mut store::Connection,
    key: i64,
    epoch: i64,
    limit: u32,
    cursor: Position,
    until: Option<Position>,
) -> store::Result<Page> {
    let bound = page::bound(until, store::messages::head(conn, key)?);
    let mut page = Page {
        direction: "after",
        limit,
        epoch,
        reset: false,
        messages: Vec::new(),
        next_before: None,
        next_after: Some(cursor),
        head: bound,
        has_more: false,
    };
    if let Some(bound) = bound.filter(|bound| *bound > cursor) {
        let mut rows = store::messages::after(conn, key, cursor, bound, i64::from(limit))?;
        let last = rows.last().map_or(bound, Message::position);
        rows.retain(is_shown);
        page.messages = rows;
        page.next_after = Some(last);
        page.has_more = last < bound;
    }
    Ok(page)
}

/// Says something to the agent.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages", tag = "messages", params(("id" = String, Path)),
    request_body = rest::SendMessage,
    responses(
        (status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "inactive, or the localId has another text"),
    ),
)]
pub async fn send(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let prompt = match prompt(&body, shared.env.clock.now()) {
        Ok(prompt) => prompt,
        Err(error) => {
            sessions::active(&session).await?;
            return Err(error);
        }
    };
    session.send(prompt).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

fn prompt(body: &Body, now: i64) -> ApiResult<SendPrompt> {
    let mut issues = FieldErrors::default();
    let message = match body.read::<rest::SendMessage>() {
        Ok(message) => message,
        Err(_) => {
            issues.form_errors.push("expected an object with a text".into());
            return Err(ApiError::invalid_fields("Invalid body", &issues));
        }
    };
    let wants_steer = message.delivery_mode.as_deref() == Some("steer");
    if !matches!(message.delivery_mode.as_deref(), None | Some("queue" | "steer")) {
        issues.add("deliveryMode", "expected queue or steer");
    }
    if message.local_id.as_deref() == Some("") {
        issues.add("localId", "must not be empty");
    }
    let attachments = message.attachments.filter(|list| !list.is_empty());
    if let Some(at) = message.scheduled_at {
        if at <= 0 || at > now.saturating_add(SCHEDULE_HORIZON) {
            issues.add("scheduledAt", "must be at most seven days ahead");
        }
        if message.local_id.is_none() {
            issues.add("scheduledAt", "needs a localId");
        }
        if attachments.is_some() {
            issues.add("scheduledAt", "cannot be combined with attachments");
        }
        if wants_steer {
            issues.add("scheduledAt", "cannot be combined with steer");
        }
    }
    if !issues.is_empty() {
        return Err(ApiError::invalid_fields("Invalid body", &issues));
    }
    if message.text.is_empty() && attachments.is_none() {
        return Err(ApiError::invalid("Message requires text or attachments"));
    }
    let attachments =
        attachments.map(|list| list.iter().filter_map(|item| serde_json::to_value(item).ok()).collect());
    Ok(SendPrompt {
        text: message.text,
        local_id: message.local_id,
        attachments,
        scheduled_at: message.scheduled_at,
        wants_steer,
    })
}

/// Takes a prompt back, by its id or its localId.
#[utoipa::path(
    delete, path = "/api/sessions/{id}/messages/{messageId}", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, body = schema::CancelMessage)),
)]
pub async fn cancel(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    Ok(match session.send(CancelPrompt(message)).await?? {
        CancelOutcome::Cancelled { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "cancelled", "localId": local_id }))
        }
        CancelOutcome::Busy { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "busy", "localId": local_id }))
        }
        CancelOutcome::Invoked(row) => with_row("invoked", &row),
    })
}

fn with_row(status: &str, row: &Message) -> HttpResponse {
    let message = raw::write(&MessageView::from(row));
    super::json(format!("{{\"status\":\"{status}\",\"message\":{}}}", message.get()))
}

/// Delivers a prompt again of which nobody knows whether it arrived.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/{messageId}/retry", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, description = "`status`: retried, already-queued, retry-unavailable, invoked or not-found")),
)]
pub async fn retry(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    let (status, local_id) = match session.send(RetryPrompt(message)).await?? {
        RetryOutcome::NotFound => return Ok(HttpResponse::Ok().json(json!({ "status": "not-found" }))),
        RetryOutcome::Invoked(row) => return Ok(with_row("invoked", &row)),
        RetryOutcome::AlreadyQueued { local_id } => ("already-queued", local_id),
        RetryOutcome::Unavailable { local_id } => ("retry-unavailable", local_id),
        RetryOutcome::Retried { local_id } => ("retried", local_id),
    };
    Ok(HttpResponse::Ok().json(json!({ "status": status, "localId": local_id })))
}

/// Puts a queued prompt into the running turn, where the agent can do that.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/{messageId}/steer", tag = "messages",
    params(("id" = String, Path), ("messageId" = String, Path)),
    responses((status = 200, description = "`status`: steered, invoked or failed"), (status = 409, body = rest::ErrorBody)),
)]
pub async fn steer(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, message) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    Ok(match session.send(SteerPrompt(message)).await?? {
        SteerOutcome::Invoked(row) => with_row("invoked", &row),
        SteerOutcome::Steered { local_id } => {
            HttpResponse::Ok().json(json!({ "status": "steered", "localId": local_id }))
        }
        SteerOutcome::Failed { error, local_id } => {
            HttpResponse::Ok().json(json!({ "status": "failed", "error": error, "localId": local_id }))
        }
    })
}

/// What became of prompts, for a page that missed events.
#[utoipa::path(
    post, path = "/api/sessions/{id}/messages/queued-state", tag = "messages", params(("id" = String, Path)),
    request_body = rest::QueuedStateRequest,
    responses((status = 200, body = rest::QueuedState), (status = 400, body = rest::ErrorBody)),
)]
pub async fn queued_state(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session: Addr<LiveSession> = super::session(&hub, &caller, &id).await?;
    let request = body.read::<rest::QueuedStateRequest>().ok();
    let local_ids = request
        .map(|request| request.local_ids)
        .filter(|ids| ids.len() <= 1_000 && ids.iter().all(|id| !id.is_empty()))
        .ok_or_else(|| {
            let mut issues = FieldErrors::default();
            issues.add("localIds", "expected at most 1000 ids");
            ApiError::invalid_fields("Invalid body", &issues)
        })?;
    let (key, _) = session.send(GetKey).await??;
    let rows = shared.env.store.read(move |conn| store::messages::states(conn, key, &local_ids)).await?;
    let mut state = rest::QueuedState {
        queued_local_ids: Vec::new(),
        indeterminate_local_ids: Vec::new(),
        invoked_local_messages: Vec::new(),
    };
    for (local_id, invoked_at, delivery) in rows {
        match (invoked_at, delivery) {
            (Some(invoked_at), _) => {
                state.invoked_local_messages.push(rest::InvokedMessage { local_id, invoked_at });
            }
            (None, DeliveryState::Queued) => state.queued_local_ids.push(local_id),
            (None, _) => state.indeterminate_local_ids.push(local_id),
        }
    }
    Ok(HttpResponse::Ok().json(state))
}
