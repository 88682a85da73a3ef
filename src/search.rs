//! One search from question to answer: which messages, then what of each is shown. Runs on a reader's thread.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    domain::{
        content, json,
        search::{self, Cursor, Excerpt, MOST_BEST, Piece, Query},
        title,
    },
    store::{
        self, Connection,
        search::{Filter, MessageHit, SessionHit},
    },
    wire::search::{FoundMessage, FoundPosition, FoundSession},
};

/// Sessions told on the first page.
const SESSIONS: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Newest,
    Best,
}

pub struct Ask {
    pub query: Query,
    pub filter: Filter,
    pub with_titles: bool,
    pub order: Order,
    pub limit: usize,
    pub cursor: Option<Cursor>,
}

#[derive(Default)]
pub struct Found {
    pub messages: Vec<FoundMessage>,
    pub sessions: Vec<FoundSession>,
    pub next: Option<Cursor>,
}

pub fn find(conn: &mut Connection, ask: &Ask) -> store::Result<Found> {
    let mut found = Found::default();
    if ask.query.is_empty() {
        return Ok(found);
    }
    if ask.with_titles && ask.cursor.is_none() {
        let hits = store::search::sessions(conn, &ask.query, &ask.filter, SESSIONS)?;
        found.sessions = hits.into_iter().map(|hit| session(hit, &ask.query)).collect();
    }
    if ask.filter.kinds.is_empty() {
        return Ok(found);
    }
    let (keys, next) = match ask.order {
        Order::Newest => newest(conn, ask)?,
        Order::Best => best(conn, ask)?,
    };
    found.next = next;
    for key in keys {
        if let Some(hit) = store::search::message(conn, key)? {
            found.messages.push(message(hit, ask));
        }
    }
    Ok(found)
}

fn newest(conn: &mut Connection, ask: &Ask) -> store::Result<(Vec<i64>, Option<Cursor>)> {
    let below = match &ask.cursor {
        Some(Cursor::Newest(below)) => Some(*below),
        _ => None,
    };
    let (keys, next) = store::search::newest(conn, &ask.query, &ask.filter, below, ask.limit)?;
    Ok((keys, next.map(Cursor::Newest)))
}

fn best(conn: &mut Connection, ask: &Ask) -> store::Result<(Vec<i64>, Option<Cursor>)> {
    let (up_to, mut shown) = match &ask.cursor {
        Some(Cursor::Best { up_to, shown }) => (*up_to, shown.clone()),
        _ => (store::search::newest_key(conn)?, Vec::new()),
    };
    let known: HashSet<i64> = shown.iter().copied().collect();
    let room = ask.limit.min(MOST_BEST - shown.len());
    // One more than is shown tells whether there is more.
    let all = store::search::best(conn, &ask.query, &ask.filter, up_to, shown.len() + room + 1)?;
    let mut keys: Vec<i64> = all.into_iter().filter(|key| !known.contains(key)).collect();
    let has_more = keys.len() > room;
    keys.truncate(room);
    shown.extend(&keys);
    let next = (has_more && shown.len() < MOST_BEST).then_some(Cursor::Best { up_to, shown });
    Ok((keys, next))
}

fn metadata(text: Option<&str>) -> Value {
    text.and_then(json::read_text).unwrap_or_default()
}

fn agent(metadata: &Value) -> String {
    metadata.get("flavor").and_then(Value::as_str).unwrap_or("claude").to_owned()
}

fn session(hit: SessionHit, query: &Query) -> FoundSession {
    let metadata = metadata(hit.metadata.as_deref());
    let path = metadata.get("path").and_then(Value::as_str).unwrap_or_default();
    FoundSession {
        agent: agent(&metadata),
        title: search::excerpt(&title::display(Some(&metadata), &hit.id), query).segments,
        path: search::excerpt(path, query).segments,
        session_id: hit.id,
        updated_at: hit.updated_at,
    }
}

fn message(hit: MessageHit, ask: &Ask) -> FoundMessage {
    let metadata = metadata(hit.metadata.as_deref());
    let content = json::read_text(&hit.content).unwrap_or_default();
    let role = match content::envelope(&content) {
        Some(envelope) if envelope.role == "user" => "user",
        _ => "agent",
    };
    let (piece, excerpt) = shown(search::pieces(&content), ask);
    FoundMessage {
        session_title: title::display(Some(&metadata), &hit.session),
        session_id: hit.session,
        agent: agent(&metadata),
        message_id: hit.id,
        seq: hit.position.seq,
        position: FoundPosition { at: hit.position.at, seq: hit.position.seq },
        at: hit.created_at,
        role: role.to_owned(),
        kind: piece.as_ref().map_or("assistant", |piece| piece.kind.as_str()),
        tool: piece.and_then(|piece| piece.tool),
        excerpt: excerpt.segments,
    }
}

/// The piece of a message with the most of what was looked for, where it was looked for.
fn shown(pieces: Vec<Piece>, ask: &Ask) -> (Option<Piece>, Excerpt) {
    let is_wanted_tool = |piece: &Piece| match (&ask.filter.tool, &piece.tool) {
        (Some(wanted), Some(tool)) => wanted.to_lowercase() == tool.to_lowercase(),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let wanted = pieces.into_iter().filter(|piece| ask.filter.kinds.contains(&piece.kind));
    let mut best: Option<((usize, bool), Piece, Excerpt)> = None;
    for piece in wanted {
        let excerpt = search::excerpt(&piece.text, &ask.query);
        let worth = (excerpt.terms, is_wanted_tool(&piece));
        // Of equals the first.
        if best.as_ref().is_none_or(|(known, ..)| worth > *known) {
            best = Some((worth, piece, excerpt));
        }
    }
    match best {
        Some((_, piece, excerpt)) => (Some(piece), excerpt),
        None => (None, Excerpt { terms: 0, segments: Vec::new() }),
    }
}
