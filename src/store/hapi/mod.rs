//! Reading the database of the released hub. Files of every age are understood by looking at the tables and columns
//! that exist, and values are taken as SQLite has them: text as bytes that need not be UTF-8, anything may be absent.

mod columns;
mod messages;
mod rows;
mod sessions;

use std::{collections::BTreeMap, path::Path};

use diesel::{
    SqliteConnection,
    connection::{Connection, DefaultLoadingMode, SimpleConnection},
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary, Text},
    sqlite::Sqlite,
};

pub use messages::{MessageRow, Numbering, Order};
pub use rows::{DeviceRow, MachineRow, NoteRow, PushRow, Row, SessionRow, UserRow};

use super::error::{Error, Result};
use columns::Columns;

/// The newest layout that is known.
pub const NEWEST: i64 = 26;

/// A database of the released hub. It must be a copy of one's own: reading may fold its log into it.
pub struct Source {
    conn: SqliteConnection,
    tables: BTreeMap<String, Columns>,
    /// Stands in for a table that the file lacks.
    none: Columns,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(failed)?;
        // What the file defines beside tables is not to be run.
        conn.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
             PRAGMA cache_size = -16000;",
        )?;
        let mut tables = BTreeMap::new();
        for table in names(&mut conn, "SELECT name FROM sqlite_schema WHERE type = 'table'")? {
            let columns: Vec<Name> =
                sql_query("SELECT name FROM pragma_table_info(?)").bind::<Text, _>(&table).load(&mut conn)?;
            tables.insert(table, columns.into_iter().map(|column| column.name).collect());
        }
        Ok(Self { conn, tables, none: Columns::default() })
    }

    /// Whether it has what makes a database of the released hub.
    pub fn is_known(&self) -> bool {
        let messages = self.columns("messages");
        self.columns("sessions").has("id")
            && ["id", "session_id", "content"].iter().all(|name| messages.has(name))
    }

    /// The layout's number; 0 in files older than the numbering.
    pub fn version(&mut self) -> Result<i64> {
        self.number("SELECT user_version AS number FROM pragma_user_version")
    }

    pub fn is_utf8(&mut self) -> Result<bool> {
        Ok(names(&mut self.conn, "SELECT encoding AS name FROM pragma_encoding")? == ["UTF-8"])
    }

    /// What SQLite finds wrong with the file.
    pub fn damage(&mut self) -> Result<Option<String>> {
        #[derive(QueryableByName)]
        struct Finding {
            #[diesel(sql_type = Text)]
            quick_check: String,
        }
        let found: Vec<Finding> = sql_query("PRAGMA quick_check(1)").load(&mut self.conn)?;
        Ok(found.into_iter().map(|row| row.quick_check).find(|text| text != "ok"))
    }

    /// Makes sure that the messages of one session are found without a look at all others.
    pub fn prepare(&mut self) -> Result<()> {
        if self.columns("messages").has("seq") {
            self.conn.batch_execute(
                "CREATE INDEX IF NOT EXISTS idx_messages_session ON messages (session_id, seq)",
            )?;
        } else {
            self.conn.batch_execute("CREATE INDEX IF NOT EXISTS import_messages ON messages (session_id)")?;
        }
        Ok(self.conn.batch_execute("PRAGMA query_only = ON")?)
    }

    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Rows of a table, 0 when there is none.
    pub fn count(&mut self, table: &str) -> Result<i64> {
        if !self.tables.contains_key(table) {
            return Ok(0);
        }
        self.number(&format!("SELECT count(*) AS number FROM {}", columns::quoted(table)))
    }

    /// Columns of known tables that are not read, as `table.column`.
    pub fn unread_columns(&self) -> Vec<String> {
        let mut unread = Vec::new();
        for (table, read) in rows::read_columns() {
            let columns = self.columns(table).names().filter(|name| !read.contains(name));
            unread.extend(columns.map(|name| format!("{table}.{name}")));
        }
        unread
    }

    fn columns(&self, table: &str) -> &Columns {
        self.tables.get(table).unwrap_or(&self.none)
    }

    fn number(&mut self, sql: &str) -> Result<i64> {
        Ok(sql_query(sql).get_result::<Number>(&mut self.conn)?.number)
    }

    /// Shows the rows of a query one after the other. `bound` takes the place of the one mark in it.
    fn each<R: Row, E: From<Error>>(
        conn: &mut SqliteConnection,
        sql: String,
        bound: Option<&[u8]>,
        mut show: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut query = sql_query(sql).into_boxed::<Sqlite>();
        if let Some(bytes) = bound {
            query = query.bind::<Binary, _>(bytes.to_vec());
        }
        let rows = query.load_iter::<R, DefaultLoadingMode>(conn).map_err(Error::from)?;
        for row in rows {
            show(row.map_err(Error::from)?)?;
        }
        Ok(())
    }
}

fn names(conn: &mut SqliteConnection, sql: &str) -> Result<Vec<String>> {
    Ok(sql_query(sql).load::<Name>(conn)?.into_iter().map(|row| row.name).collect())
}
