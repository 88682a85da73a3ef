//! Sessions with what belongs to them, and the tables that stand alone.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary},
};

use super::{NoteRow, Number, Row, SessionRow, Source, columns::quoted};
use crate::store::{Error, Result};

/// Rows that name a session by this are read with it.
const USABLE: &str = "typeof(sessions.id) = 'text'";

impl Source {
    /// Where the sessions lie, oldest first. A session without an id has no place.
    pub fn session_places(&mut self) -> Result<Vec<i64>> {
        let created_at = self.columns("sessions").or_null("created_at");
        let sql = format!(
            "SELECT rowid AS number FROM sessions WHERE {USABLE} ORDER BY CAST({created_at} AS INTEGER), rowid"
        );
        Ok(sql_query(sql).load::<Number>(&mut self.conn)?.into_iter().map(|row| row.number).collect())
    }

    pub fn session(&mut self, place: i64) -> Result<Option<SessionRow>> {
        let list = self.columns("sessions").list(SessionRow::TEXTS, SessionRow::NUMBERS);
        let sql = format!("SELECT {list} FROM sessions WHERE rowid = ?");
        Ok(sql_query(sql).bind::<BigInt, _>(place).get_result(&mut self.conn).optional()?)
    }

    /// How often the session's history changed otherwise than at its end.
    pub fn epoch(&mut self, session_id: &[u8]) -> Result<i64> {
        if !self.columns("message_epochs").has("epoch") {
            return Ok(0);
        }
        let sql = "SELECT CAST(epoch AS INTEGER) AS number FROM message_epochs \
                   WHERE session_id = CAST(? AS TEXT) AND epoch IS NOT NULL";
        let found = sql_query(sql).bind::<Binary, _>(session_id).get_result::<Number>(&mut self.conn);
        Ok(found.optional()?.map_or(0, |row| row.number))
    }

    /// The notes beside a session.
    pub fn notes(&mut self, session_id: &[u8]) -> Result<Vec<NoteRow>> {
        let columns = self.columns(NoteRow::TABLE);
        if !columns.has("session_id") {
            return Ok(Vec::new());
        }
        let list = columns.list(NoteRow::TEXTS, NoteRow::NUMBERS);
        let table = NoteRow::TABLE;
        let sql = format!("SELECT {list} FROM {table} WHERE session_id = CAST(? AS TEXT) ORDER BY rowid");
        Ok(sql_query(sql).bind::<Binary, _>(session_id).load(&mut self.conn)?)
    }

    /// Rows of a table that belong to no session that could be read.
    pub fn without_session(&mut self, table: &str) -> Result<i64> {
        if !self.columns(table).has("session_id") {
            return self.count(table);
        }
        let table = quoted(table);
        self.number(&format!(
            "SELECT count(*) AS number FROM {table} AS owned WHERE NOT EXISTS \
             (SELECT 1 FROM sessions WHERE sessions.id = owned.session_id AND {USABLE})"
        ))
    }

    /// Shows each row of a table that stands alone.
    pub fn each_row<R: Row, E: From<Error>>(
        &mut self,
        show: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.tables.contains_key(R::TABLE) {
            return Ok(());
        }
        let list = self.columns(R::TABLE).list(R::TEXTS, R::NUMBERS);
        let sql = format!("SELECT {list} FROM {} ORDER BY rowid", quoted(R::TABLE));
        Self::each(&mut self.conn, sql, None, show)
    }
}
