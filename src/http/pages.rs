//! The conversation, read in pages.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::{
        content, json as raw,
        page::{self, FieldErrors, PageRange, PageRequest, Position},
    },
    namespace::Hub,
    session::GetKey,
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
