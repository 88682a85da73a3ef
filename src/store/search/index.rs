//! Keeping the index: a reader collects the words of the next messages, a job of the writer takes them down.

use diesel::{
    connection::DefaultLoadingMode,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
    sqlite::SqliteConnection,
};
use serde_json::Value;

use super::scope::{namespace_token, session_token, tool_token};
use crate::{
    domain::{
        json,
        search::{self, Kind},
    },
    store::{
        codec,
        error::Result,
        schema::{messages, sessions},
    },
};

/// What one write takes down: few enough documents that it holds the writer for a few milliseconds.
const MESSAGES: i64 = 64;
const BYTES: usize = 96 * 1024;
const SESSIONS: i64 = 64;

diesel::table! {
    search_progress (key) { key -> BigInt, last_key -> BigInt, }
}

diesel::table! {
    search_again (message_key) { message_key -> BigInt, }
}

diesel::table! {
    search_sessions (session_key) { session_key -> BigInt, metadata_version -> BigInt, }
}

diesel::allow_tables_to_appear_in_same_query!(sessions, search_sessions);
diesel::allow_tables_to_appear_in_same_query!(messages, search_again);

/// What is to be indexed next.
#[derive(Debug, Default)]
pub struct Batch {
    /// The progress that this follows, and the progress it makes.
    progress: Option<(i64, i64)>,
    new: Vec<Document>,
    again: Vec<Document>,
    titles: Vec<Title>,
}

#[derive(Debug)]
struct Document {
    key: i64,
    id: String,
    session_key: i64,
    scope: String,
    columns: [String; 4],
}

#[derive(Debug)]
struct Title {
    session_key: i64,
    metadata_version: i64,
    scope: String,
    title: String,
    path: String,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.progress.is_none() && self.again.is_empty() && self.titles.is_empty()
    }
}

type MessageColumns = (i64, String, i64, i16, Vec<u8>, String);

/// The next sessions whose titles are not in the index as they are.
pub fn next_titles(conn: &mut SqliteConnection) -> Result<Batch> {
    Ok(Batch { titles: titles(conn)?, ..Batch::default() })
}

/// The next messages whose words are not in the index as they are.
pub fn next_messages(conn: &mut SqliteConnection) -> Result<Batch> {
    let last_key: i64 = search_progress::table.select(search_progress::last_key).first(conn)?;
    let mut batch = Batch::default();
    let columns = (
        messages::key,
        messages::id,
        messages::session_key,
        messages::encoding,
        messages::content,
        sessions::namespace,
    );
    let rows = messages::table
        .inner_join(sessions::table.on(sessions::key.eq(messages::session_key)))
        .select(columns);
    let marked: Vec<i64> =
        search_again::table.select(search_again::message_key).limit(MESSAGES).load(conn)?;
    for row in rows.filter(messages::key.eq_any(marked)).load::<MessageColumns>(conn)? {
        batch.again.push(document(row)?);
    }
    let mut bytes = 0;
    let after = rows.filter(messages::key.gt(last_key)).order(messages::key.asc()).limit(MESSAGES);
    for row in after.load_iter::<MessageColumns, DefaultLoadingMode>(conn)? {
        let document = document(row?)?;
        bytes += document.columns.iter().map(String::len).sum::<usize>();
        batch.progress = Some((last_key, document.key));
        batch.new.push(document);
        if bytes >= BYTES {
            break;
        }
    }
    Ok(batch)
}

fn document((key, id, session_key, encoding, content, namespace): MessageColumns) -> Result<Document> {
    let content = codec::decode(encoding, content)?;
    let pieces = json::read_text(&content).map(|message| search::pieces(&message)).unwrap_or_default();
    let mut scope = format!("{} {}", namespace_token(&namespace.into()), session_token(session_key));
    let mut columns: [String; 4] = Default::default();
    for piece in pieces {
        if let Some(tool) = &piece.tool {
            scope.push(' ');
            scope.push_str(&tool_token(tool));
        }
        for (kind, column) in Kind::ALL.into_iter().zip(&mut columns) {
            if kind == piece.kind {
                column.push(' ');
                column.push_str(&search::folded(&piece.text));
            }
        }
    }
    Ok(Document { key, id, session_key, scope, columns })
}

fn titles(conn: &mut SqliteConnection) -> Result<Vec<Title>> {
    let is_current = search_sessions::table
        .filter(search_sessions::session_key.eq(sessions::key))
        .filter(search_sessions::metadata_version.eq(sessions::metadata_version));
    let rows: Vec<(i64, String, Option<String>, i64)> = sessions::table
        .filter(diesel::dsl::not(diesel::dsl::exists(is_current)))
        .select((sessions::key, sessions::namespace, sessions::metadata, sessions::metadata_version))
        .limit(SESSIONS)
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(session_key, namespace, metadata, metadata_version)| {
            let metadata = metadata.as_deref().and_then(json::read_text).unwrap_or_default();
            let text = |pointer: &str| metadata.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            Title {
                session_key,
                metadata_version,
                scope: namespace_token(&namespace.into()),
                title: search::folded(&format!("{} {}", text("/name"), text("/summary/text"))),
                path: search::folded(text("/path")),
            }
        })
        .collect())
}

/// Takes a batch down, unless another one came first.
pub fn keep(conn: &mut SqliteConnection, batch: Batch) -> Result<()> {
    for title in batch.titles {
        keep_title(conn, &title)?;
    }
    for document in batch.again {
        let marked = search_again::table.find(document.key);
        if diesel::delete(marked).execute(conn)? == 1 {
            keep_document(conn, &document)?;
        }
    }
    let Some((before, after)) = batch.progress else { return Ok(()) };
    // What was read may be gone by now, and its key is given again when it was the last: progress stays behind it.
    let is_next = sql_query(
        "UPDATE search_progress SET last_key = MIN(?1, (SELECT COALESCE(MAX(key), 0) FROM messages)) WHERE last_key = ?2",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(before)
    .execute(conn)?;
    if is_next == 1 {
        batch.new.iter().try_for_each(|document| keep_document(conn, document))?;
    }
    Ok(())
}

fn keep_document(conn: &mut SqliteConnection, document: &Document) -> Result<()> {
    let Document { key, id, session_key, scope, columns } = document;
    let current: Option<(String, i64)> =
        messages::table.find(key).select((messages::id, messages::session_key)).first(conn).optional()?;
    match current {
        None => return Ok(()),
        Some((current_id, current_session)) if current_id != *id || current_session != *session_key => {
            // It changed between being read and now.
            diesel::insert_or_ignore_into(search_again::table)
                .values(search_again::message_key.eq(key))
                .execute(conn)?;
            return Ok(());
        }
        Some(_) => {}
    }
    if columns.iter().all(String::is_empty) {
        return Ok(());
    }
    let [user, assistant, reasoning, tool] = columns;
    sql_query(
        "INSERT OR REPLACE INTO search_messages (rowid, scope, user, assistant, reasoning, tool) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind::<BigInt, _>(key)
    .bind::<Text, _>(scope)
    .bind::<Text, _>(user)
    .bind::<Text, _>(assistant)
    .bind::<Text, _>(reasoning)
    .bind::<Text, _>(tool)
    .execute(conn)?;
    Ok(())
}

fn keep_title(conn: &mut SqliteConnection, title: &Title) -> Result<()> {
    let is_current = sql_query(
        "INSERT INTO search_sessions (session_key, metadata_version)
         SELECT key, metadata_version FROM sessions WHERE key = ?1 AND metadata_version = ?2
         ON CONFLICT (session_key) DO UPDATE SET metadata_version = excluded.metadata_version",
    )
    .bind::<BigInt, _>(title.session_key)
    .bind::<BigInt, _>(title.metadata_version)
    .execute(conn)?;
    if is_current == 1 {
        sql_query("INSERT OR REPLACE INTO search_titles (rowid, scope, title, path) VALUES (?1, ?2, ?3, ?4)")
            .bind::<BigInt, _>(title.session_key)
            .bind::<Text, _>(&title.scope)
            .bind::<Text, _>(&title.title)
            .bind::<Text, _>(&title.path)
            .execute(conn)?;
    }
    Ok(())
}
