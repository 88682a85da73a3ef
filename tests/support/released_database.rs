//! Databases as the released hub leaves them, of each layout, with whatever a test puts in.

use std::path::{Path, PathBuf};

use diesel::{
    Connection, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Binary, Nullable, Text},
};
use serde_json::Value;

/// The tables of every layout, without what came later.
const FIRST: &str = "
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, tag TEXT, namespace TEXT NOT NULL DEFAULT 'default', machine_id TEXT,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, metadata TEXT, metadata_version INTEGER DEFAULT 1,
        agent_state TEXT, agent_state_version INTEGER DEFAULT 1, todos TEXT, todos_updated_at INTEGER,
        active INTEGER DEFAULT 0, active_at INTEGER, seq INTEGER DEFAULT 0
    );
    CREATE INDEX idx_sessions_tag ON sessions(tag);
    CREATE TABLE messages (
        id TEXT PRIMARY KEY, session_id TEXT NOT NULL, content TEXT NOT NULL, created_at INTEGER NOT NULL,
        seq INTEGER NOT NULL, local_id TEXT, FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
    );
    CREATE INDEX idx_messages_session ON messages(session_id, seq);
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT, platform TEXT NOT NULL, platform_user_id TEXT NOT NULL,
        namespace TEXT NOT NULL DEFAULT 'default', created_at INTEGER NOT NULL, UNIQUE(platform, platform_user_id)
    );
    CREATE TABLE push_subscriptions (
        id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, endpoint TEXT NOT NULL, p256dh TEXT NOT NULL,
        auth TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE(namespace, endpoint)
    );";

/// What each layout added to the one before.
const STEPS: [(i64, &str); 17] = [
    (
        2,
        "CREATE TABLE machines (
            id TEXT PRIMARY KEY, namespace TEXT NOT NULL DEFAULT 'default', created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, metadata TEXT, metadata_version INTEGER DEFAULT 1, runner_state TEXT,
            runner_state_version INTEGER DEFAULT 1, active INTEGER DEFAULT 0, active_at INTEGER, seq INTEGER DEFAULT 0
        );",
    ),
    (4, "ALTER TABLE sessions ADD COLUMN team_state TEXT; ALTER TABLE sessions ADD COLUMN team_state_updated_at INTEGER;"),
    (5, "ALTER TABLE sessions ADD COLUMN model TEXT;"),
    (6, "ALTER TABLE sessions ADD COLUMN effort TEXT;"),
    (7, "ALTER TABLE sessions ADD COLUMN model_reasoning_effort TEXT;"),
    (8, "ALTER TABLE messages ADD COLUMN invoked_at INTEGER;"),
    (9, "ALTER TABLE messages ADD COLUMN scheduled_at INTEGER;"),
    (10, "ALTER TABLE sessions ADD COLUMN service_tier TEXT;"),
    (
        11,
        "CREATE TABLE fcm_devices (
            id INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, token TEXT NOT NULL, platform TEXT NOT NULL,
            device_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
            UNIQUE(namespace, device_id, platform)
        );",
    ),
    (
        12,
        "CREATE TABLE session_scratchlist (
            session_id TEXT NOT NULL, entry_id TEXT NOT NULL, text TEXT NOT NULL, created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL, PRIMARY KEY (session_id, entry_id),
            FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
        );",
    ),
    (
        13,
        "CREATE TABLE message_epochs (
            session_id TEXT PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE, epoch INTEGER NOT NULL DEFAULT 0
        );",
    ),
    (15, "ALTER TABLE session_scratchlist ADD COLUMN attachments TEXT;"),
    (
        20,
        "CREATE TABLE usage_events (session_id TEXT NOT NULL, source_key TEXT NOT NULL, PRIMARY KEY (session_id, source_key));
         CREATE TABLE usage_scan_state (session_id TEXT PRIMARY KEY, message_epoch INTEGER, last_seq INTEGER);",
    ),
    (
        22,
        "ALTER TABLE sessions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE sessions ADD COLUMN global_pinned INTEGER NOT NULL DEFAULT 0;",
    ),
    (
        24,
        "CREATE TABLE events (id TEXT PRIMARY KEY, ts INTEGER, namespace TEXT NOT NULL);
         CREATE TABLE event_links (id TEXT PRIMARY KEY, from_event_id TEXT, to_event_id TEXT);
         ALTER TABLE fcm_devices ADD COLUMN push_key TEXT;",
    ),
    (25, "ALTER TABLE messages ADD COLUMN delivery_state TEXT NOT NULL DEFAULT 'queued';"),
    (
        26,
        "CREATE UNIQUE INDEX idx_messages_local_id ON messages(session_id, local_id) WHERE local_id IS NOT NULL;
         CREATE INDEX idx_messages_immediate_queued ON messages(session_id, seq)
             WHERE invoked_at IS NULL AND local_id IS NOT NULL AND scheduled_at IS NULL AND delivery_state = 'queued';",
    ),
];

/// A database that is being made.
pub struct ReleasedDatabase {
    pub path: PathBuf,
    conn: SqliteConnection,
}

/// A message's content as it lies in the file.
pub enum Content<'a> {
    Plain(&'a str),
    Packed(&'a str),
    Blob(&'a [u8]),
}

impl ReleasedDatabase {
    /// An empty `hapi.db` of a layout in this folder.
    pub fn new(folder: &Path, version: i64) -> Self {
        let path = folder.join("hapi.db");
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
        conn.batch_execute(FIRST).unwrap();
        for (_, step) in STEPS.iter().filter(|(to, _)| *to <= version) {
            conn.batch_execute(step).unwrap();
        }
        conn.batch_execute(&format!("PRAGMA user_version = {version}")).unwrap();
        Self { path, conn }
    }

    pub fn run(&mut self, sql: &str) {
        self.conn.batch_execute(sql).unwrap();
    }

    pub fn session(&mut self, id: &str, namespace: &str, metadata: &Value) {
        sql_query("INSERT INTO sessions (id, tag, namespace, created_at, updated_at, metadata) VALUES (?, ?, ?, 100, 200, ?)")
            .bind::<Text, _>(id)
            .bind::<Text, _>(format!("tag-{id}"))
            .bind::<Text, _>(namespace)
            .bind::<Text, _>(metadata.to_string())
            .execute(&mut self.conn)
            .unwrap();
    }

    /// A message with an id made of its session and number.
    pub fn message(&mut self, session: &str, seq: i64, local_id: Option<&str>, content: &Content<'_>) {
        let insert = "INSERT INTO messages (id, session_id, content, created_at, seq, local_id) VALUES (?, ?, ?, ?, ?, ?)";
        let id = format!("{session}-{seq}");
        let with_name = sql_query(insert).bind::<Text, _>(id).bind::<Text, _>(session);
        let done = match content {
            Content::Plain(text) => with_name
                .bind::<Text, _>(*text)
                .bind::<BigInt, _>(1_000 + seq)
                .bind::<BigInt, _>(seq)
                .bind::<Nullable<Text>, _>(local_id)
                .execute(&mut self.conn),
            Content::Packed(text) => with_name
                .bind::<Binary, _>(zstd::bulk::compress(text.as_bytes(), 3).unwrap())
                .bind::<BigInt, _>(1_000 + seq)
                .bind::<BigInt, _>(seq)
                .bind::<Nullable<Text>, _>(local_id)
                .execute(&mut self.conn),
            Content::Blob(bytes) => with_name
                .bind::<Binary, _>(*bytes)
                .bind::<BigInt, _>(1_000 + seq)
                .bind::<BigInt, _>(seq)
                .bind::<Nullable<Text>, _>(local_id)
                .execute(&mut self.conn),
        };
        done.unwrap();
    }

    /// Leaves the file as after a crash, with its newest rows in the log only, in another folder.
    pub fn crashed_into(self, folder: &Path) -> PathBuf {
        for suffix in ["", "-wal", "-shm"] {
            let mut from = self.path.clone().into_os_string();
            from.push(suffix);
            std::fs::copy(from, folder.join(format!("hapi.db{suffix}"))).unwrap();
        }
        folder.join("hapi.db")
    }
}
