//! Asking the index. Every question looks at a bounded number of candidates, so that a common word costs no more than a
//! rare one.

use std::fmt::Write;

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text},
    sqlite::SqliteConnection,
};

use super::scope::{namespace_token, session_token, tool_token};
use crate::{
    domain::{
        ids::{Millis, Namespace},
        search::{Kind, Query, Term},
        session::Position,
    },
    store::{
        codec,
        error::Result,
        schema::{messages, sessions},
    },
};

/// Candidates that one question looks at: newest first, and for the best.
const MOST_NEWEST: usize = 5_000;
const MOST_BEST: i64 = 20_000;
/// Candidates looked at in one go.
const CHUNK: usize = 250;

/// Where is looked.
#[derive(Clone, Debug)]
pub struct Filter {
    pub namespace: Namespace,
    /// The session's key.
    pub session: Option<i64>,
    pub agent: Option<String>,
    pub tool: Option<String>,
    pub from: Option<Millis>,
    pub to: Option<Millis>,
    pub kinds: Vec<Kind>,
}

fn terms(terms: &[Term], joined_by: &str) -> String {
    let mut text = String::new();
    for (place, term) in terms.iter().enumerate() {
        let joined_by = if place > 0 { joined_by } else { "" };
        let star = if term.is_prefix { " *" } else { "" };
        // Words hold letters and digits only, so nothing has to be escaped. Writing to a string cannot fail.
        let _ = write!(text, "{joined_by}\"{}\"{star}", term.words.join(" "));
    }
    text
}

fn expression(scope: &[String], columns: &str, all_columns: &str, query: &Query) -> String {
    let mut text = String::new();
    for token in scope {
        let _ = write!(text, "scope : \"{token}\" AND ");
    }
    let _ = write!(text, "{{{columns}}} : ({})", terms(&query.all, " AND "));
    if query.none.is_empty() {
        return text;
    }
    format!("({text}) NOT {{{all_columns}}} : ({})", terms(&query.none, " OR "))
}

fn message_expression(filter: &Filter, query: &Query) -> String {
    const ALL: &str = "user assistant reasoning tool";
    let mut scope = vec![namespace_token(&filter.namespace)];
    scope.extend(filter.session.map(session_token));
    scope.extend(filter.tool.as_deref().map(tool_token));
    let columns: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
    expression(&scope, &columns.join(" "), ALL, query)
}

/// The flavor of a session, as filters name it.
const AGENT: &str =
    "COALESCE(CASE WHEN json_valid(s.metadata) THEN json_extract(s.metadata, '$.flavor') END, 'claude')";

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    key: i64,
    #[diesel(sql_type = Bool)]
    is_wanted: bool,
}

/// What is wanted of a candidate beside its words.
fn is_wanted() -> String {
    format!("(m.position_at BETWEEN ?3 AND ?4 AND s.namespace = ?5 AND (?6 IS NULL OR {AGENT} = ?6))")
}

fn candidates(
    conn: &mut SqliteConnection,
    sql: &str,
    (expression, bound, limit): (&str, i64, i64),
    filter: &Filter,
) -> Result<Vec<Candidate>> {
    Ok(sql_query(sql)
        .bind::<Text, _>(expression)
        .bind::<BigInt, _>(bound)
        .bind::<BigInt, _>(filter.from.unwrap_or(i64::MIN))
        .bind::<BigInt, _>(filter.to.unwrap_or(i64::MAX))
        .bind::<Text, _>(filter.namespace.as_str())
        .bind::<Nullable<Text>, _>(filter.agent.as_deref())
        .bind::<BigInt, _>(limit)
        .load(conn)?)
}

/// The newest messages below a key: up to `limit` keys, and the key below which to go on when there may be more.
/// "New" goes by when the hub stored a message: the order in which the index gives them without sorting all.
pub fn newest(
    conn: &mut SqliteConnection,
    query: &Query,
    filter: &Filter,
    below: Option<i64>,
    limit: usize,
) -> Result<(Vec<i64>, Option<i64>)> {
    let expression = message_expression(filter, query);
    let sql = format!(
        "SELECT c.key, {} AS is_wanted FROM
            (SELECT rowid AS key FROM search_messages WHERE search_messages MATCH ?1 AND rowid < ?2
             ORDER BY rowid DESC LIMIT ?7) c
            CROSS JOIN messages m ON m.key = c.key CROSS JOIN sessions s ON s.key = m.session_key
         ORDER BY c.key DESC",
        is_wanted()
    );
    let mut below = below.unwrap_or(i64::MAX);
    let mut found = Vec::new();
    let mut looked_at = 0;
    while looked_at < MOST_NEWEST {
        let chunk = i64::try_from(CHUNK).unwrap_or(i64::MAX);
        let rows = candidates(conn, &sql, (&expression, below, chunk), filter)?;
        let is_last = rows.len() < CHUNK;
        looked_at += rows.len();
        for row in rows {
            if found.len() == limit {
                return Ok((found, Some(below)));
            }
            below = row.key;
            if row.is_wanted {
                found.push(row.key);
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, Some(below)))
}

/// The keys of the messages that fit best, among the newest candidates up to a key. What people and agents say counts
/// twice what tools did.
pub fn best(
    conn: &mut SqliteConnection,
    query: &Query,
    filter: &Filter,
    up_to: i64,
    limit: usize,
) -> Result<Vec<i64>> {
    let expression = message_expression(filter, query);
    let sql = format!(
        "SELECT c.key, TRUE AS is_wanted FROM
            (SELECT rowid AS key, bm25(search_messages, 0.0, 2.0, 2.0, 1.0, 1.0) AS badness FROM search_messages
             WHERE search_messages MATCH ?1 AND rowid <= ?2 ORDER BY rowid DESC LIMIT {MOST_BEST}) c
            CROSS JOIN messages m ON m.key = c.key CROSS JOIN sessions s ON s.key = m.session_key
         WHERE {} ORDER BY c.badness, c.key DESC LIMIT ?7",
        is_wanted()
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = candidates(conn, &sql, (&expression, up_to, limit), filter)?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// The key of the newest message there is.
pub fn newest_key(conn: &mut SqliteConnection) -> Result<i64> {
    let key: Option<i64> = messages::table.select(diesel::dsl::max(messages::key)).first(conn)?;
    Ok(key.unwrap_or(0))
}

/// A message that was found.
#[derive(Debug)]
pub struct MessageHit {
    pub id: String,
    pub position: Position,
    pub created_at: Millis,
    pub content: String,
    pub session: String,
    pub metadata: Option<String>,
}

pub fn message(conn: &mut SqliteConnection, key: i64) -> Result<Option<MessageHit>> {
    type Columns = (String, i64, i64, i64, i16, Vec<u8>, String, Option<String>);
    let row: Option<Columns> = messages::table
        .inner_join(sessions::table.on(sessions::key.eq(messages::session_key)))
        .filter(messages::key.eq(key))
        .select((
            messages::id,
            messages::seq,
            messages::position_at,
            messages::created_at,
            messages::encoding,
            messages::content,
            sessions::id,
            sessions::metadata,
        ))
        .first(conn)
        .optional()?;
    let Some((id, seq, at, created_at, encoding, content, session, metadata)) = row else { return Ok(None) };
    let content = codec::decode(encoding, content)?;
    Ok(Some(MessageHit { id, position: Position { at, seq }, created_at, content, session, metadata }))
}

/// A session whose title or path was found.
#[derive(Debug, QueryableByName)]
pub struct SessionHit {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub metadata: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub updated_at: i64,
}

/// Sessions by title and path, the most recent first. Of the filter, tools and kinds mean nothing here.
pub fn sessions(
    conn: &mut SqliteConnection,
    query: &Query,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<SessionHit>> {
    const COLUMNS: &str = "title path";
    let expression = expression(&[namespace_token(&filter.namespace)], COLUMNS, COLUMNS, query);
    let sql = format!(
        "SELECT s.id, s.metadata, s.updated_at FROM search_titles f CROSS JOIN sessions s ON s.key = f.rowid
         WHERE search_titles MATCH ?1 AND (?2 IS NULL OR s.key = ?2) AND s.updated_at BETWEEN ?3 AND ?4
            AND s.namespace = ?5 AND (?6 IS NULL OR {AGENT} = ?6)
         ORDER BY s.updated_at DESC, s.key DESC LIMIT ?7"
    );
    Ok(sql_query(sql)
        .bind::<Text, _>(expression)
        .bind::<Nullable<BigInt>, _>(filter.session)
        .bind::<BigInt, _>(filter.from.unwrap_or(i64::MIN))
        .bind::<BigInt, _>(filter.to.unwrap_or(i64::MAX))
        .bind::<Text, _>(filter.namespace.as_str())
        .bind::<Nullable<Text>, _>(filter.agent.as_deref())
        .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(conn)?)
}
