//! Search over everything that was said in a namespace, and over the titles and paths of its sessions.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::{
        ids::Millis,
        search::{Cursor, Kind, Query},
        text,
    },
    indexer::{self, IndexWords},
    namespace::Hub,
    search::{self, Ask, Order},
    session::GetKey,
    store::search::Filter,
    wire::{rest, search::SearchAnswer},
};

/// More than anybody types, in bytes.
const LONGEST_QUERY: usize = 1_000;

#[derive(Deserialize)]
pub struct SearchQuery {
    q: Option<String>,
    session: Option<String>,
    agent: Option<String>,
    tool: Option<String>,
    from: Option<String>,
    to: Option<String>,
    kind: Option<String>,
    order: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Finds messages and sessions. All words have to occur; `"phrases"`, `beginnings*` and `-exclusions` are understood,
/// and whatever else is typed is taken as words.
#[utoipa::path(
    get, path = "/api/search", tag = "search",
    params(
        ("q" = String, Query, description = "what to look for, up to 1000 bytes"),
        ("session" = Option<String>, Query, description = "id of the one session to look in"),
        ("agent" = Option<String>, Query, description = "only sessions of this kind of agent"),
        ("tool" = Option<String>, Query, description = "only messages that call this tool"),
        ("from" = Option<i64>, Query, description = "not older, in epoch milliseconds"),
        ("to" = Option<i64>, Query, description = "not newer"),
        ("kind" = Option<String>, Query, description = "any of user, assistant, reasoning, tool, title, with commas between"),
        ("order" = Option<String>, Query, description = "`newest` (as the hub received them, by default) or `best`: up to 200"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses((status = 200, body = SearchAnswer), (status = 400, body = rest::ErrorBody)),
)]
pub async fn search(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    query: web::Query<SearchQuery>,
) -> ApiResult<HttpResponse> {
    let query = query.into_inner();
    let wrong = |name: &str| ApiError::invalid(format!("Invalid {name}"));
    let typed = query.q.filter(|typed| typed.len() <= LONGEST_QUERY).ok_or_else(|| wrong("q"))?;
    let (kinds, with_titles) = kinds(query.kind.as_deref()).ok_or_else(|| wrong("kind"))?;
    let order = match query.order.as_deref() {
        None | Some("newest") => Order::Newest,
        Some("best") => Order::Best,
        Some(_) => return Err(wrong("order")),
    };
    let limit = match query.limit.as_deref() {
        None => 20,
        Some(limit) => integer(limit)
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| wrong("limit"))?,
    };
    let cursor = match query.cursor.as_deref().map(Cursor::parse) {
        None => None,
        Some(Some(cursor @ Cursor::Newest(_))) if order == Order::Newest => Some(cursor),
        Some(Some(cursor @ Cursor::Best { .. })) if order == Order::Best => Some(cursor),
        Some(_) => return Err(wrong("cursor")),
    };
    let filter = Filter {
        session: match &query.session {
            Some(id) => Some(super::session(&hub, &caller, id).await?.send(GetKey).await??.0),
            None => None,
        },
        namespace: caller.namespace,
        agent: query.agent,
        tool: query.tool,
        from: moment(query.from.as_deref()).ok_or_else(|| wrong("from"))?,
        to: moment(query.to.as_deref()).ok_or_else(|| wrong("to"))?,
        kinds,
    };
    let until = indexer::until(indexer::FOR_A_SEARCH);
    let is_complete = shared.word_index.send(IndexWords { until }).await??;
    let ask = Ask { query: Query::parse(&typed), filter, with_titles, order, limit, cursor };
    let found = shared.env.store.read(move |conn| search::find(conn, &ask)).await?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(SearchAnswer {
        results: found.messages,
        sessions: found.sessions,
        next_cursor: found.next.map(|cursor| cursor.to_string()),
        is_complete,
    }))
}

/// The kinds of text to look in, and whether titles are among them. All when none is named.
fn kinds(names: Option<&str>) -> Option<(Vec<Kind>, bool)> {
    let Some(names) = names else { return Some((Kind::ALL.to_vec(), true)) };
    let (mut kinds, mut with_titles) = (Vec::new(), false);
    for name in names.split(',').map(str::trim) {
        match Kind::parse(name) {
            Some(kind) if !kinds.contains(&kind) => kinds.push(kind),
            Some(_) => {}
            None if name == "title" => with_titles = true,
            None => return None,
        }
    }
    Some((kinds, with_titles))
}

fn integer(text: &str) -> Option<i64> {
    text::number(text).and_then(text::safe_integer)
}

/// The outer `None` is a wrong one.
fn moment(given: Option<&str>) -> Option<Option<Millis>> {
    given.map_or(Some(None), |given| integer(given).map(Some))
}
