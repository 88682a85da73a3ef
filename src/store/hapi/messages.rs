//! Messages, one session at a time.

use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Binary, Nullable},
};

use super::{Row, Source, rows::row};
use crate::store::{Error, Result};

row! {
    /// `content_is_blob` is not a column: it tells packed contents from plain ones.
    MessageRow, "messages":
    texts(id, content, local_id, delivery_state)
    numbers(created_at, seq, invoked_at, scheduled_at, content_is_blob)
}

row! {
    MessageId, "messages": texts(id) numbers()
}

/// How the messages of a session are numbered.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Numbering {
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    #[diesel(sql_type = BigInt)]
    pub distinct: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub lowest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub highest: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Number,
    /// As people see them.
    Display,
}

impl Source {
    pub fn numbering(&mut self, session_id: &[u8]) -> Result<Numbering> {
        let seq = self.columns("messages").or_null("seq");
        let seq = format!("CAST({seq} AS INTEGER)");
        let sql = format!(
            "SELECT count(*) AS \"rows\", count(DISTINCT {seq}) AS \"distinct\", min({seq}) AS lowest, \
             max({seq}) AS highest FROM messages WHERE session_id = CAST(? AS TEXT)"
        );
        Ok(sql_query(sql).bind::<Binary, _>(session_id).get_result(&mut self.conn)?)
    }

    /// Whether the file is so old that it does not know of messages that wait for their agent.
    pub fn takes_all_as_consumed(&self) -> bool {
        !self.columns("messages").has("invoked_at")
    }

    pub fn each_message_id<E: From<Error>>(
        &mut self,
        session_id: &[u8],
        mut show: impl FnMut(Option<Vec<u8>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT CAST(id AS BLOB) AS id FROM messages WHERE session_id = CAST(? AS TEXT)";
        Self::each(&mut self.conn, sql.to_owned(), Some(session_id), |row: MessageId| show(row.id))
    }

    pub fn each_message<E: From<Error>>(
        &mut self,
        session_id: &[u8],
        order: Order,
        show: impl FnMut(MessageRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let columns = self.columns("messages");
        let numbers = ["created_at", "seq", "invoked_at", "scheduled_at"];
        let list = columns.list(MessageRow::TEXTS, &numbers);
        let (seq, created_at, invoked_at) =
            (columns.or_null("seq"), columns.or_null("created_at"), columns.or_null("invoked_at"));
        let order = match order {
            Order::Number => seq,
            Order::Display => format!("COALESCE({invoked_at}, {created_at}), {seq}, rowid"),
        };
        let sql = format!(
            "SELECT {list}, CAST(typeof(content) = 'blob' AS INTEGER) AS content_is_blob FROM messages \
             WHERE session_id = CAST(? AS TEXT) ORDER BY {order}"
        );
        Self::each(&mut self.conn, sql, Some(session_id), show)
    }
}
