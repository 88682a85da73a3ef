//! Imports that do not happen, and leave everything as it was.

use std::fs;

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::json;

use super::{change, files, imported, options, refusal, run, stored};
use crate::support::{Content, ReleasedDatabase, Setup, TestHub, metadata};

fn source(folder: &std::path::Path) -> std::path::PathBuf {
    let mut database = ReleasedDatabase::new(folder, 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    for seq in 1..=20 {
        database.message("s", seq, None, &Content::Plain("\"text\""));
    }
    database.path
}

#[actix_rt::test]
async fn while_a_hub_runs_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path());
    let mut hub = TestHub::start().await;
    let text = refusal(&options(&path, &hub));
    assert!(text.contains("another hub already uses the database"), "{text}");
    assert_eq!(hub.web().await.get("/api/sessions").await.body["sessions"], json!([]));
    hub.stop().await;
    assert!(imported(&path, &hub).changed);
}

#[actix_rt::test]
async fn what_is_no_database_of_a_released_hub_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = TestHub::start().await;
    hub.session("own", &metadata()).await;
    hub.stop().await;
    let own = folder.path().join("own.db");
    fs::copy(hub.database(), &own).unwrap();
    let text_file = folder.path().join("text.db");
    fs::write(&text_file, "this is not a database, but it is somebody's file".repeat(50)).unwrap();
    let empty = folder.path().join("empty.db");
    fs::write(&empty, "").unwrap();
    let wide = folder.path().join("wide.db");
    let mut conn = SqliteConnection::establish(wide.to_str().unwrap()).unwrap();
    let tables = "PRAGMA encoding = 'UTF-16le'; CREATE TABLE sessions (id TEXT); CREATE TABLE messages (id, session_id, content)";
    conn.batch_execute(tables).unwrap();
    drop(conn);
    for (path, expected) in [
        (&own, "is no database of the released hub"),
        (&empty, "is no database of the released hub"),
        (&wide, "is no database of the released hub"),
        (&text_file, "cannot be read as a database"),
        (&folder.path().to_owned(), "is no file"),
        (&folder.path().join("none.db"), "read "),
    ] {
        let before = files(hub.home());
        let text = refusal(&options(path, &hub));
        assert!(text.contains(expected) && text.contains(&path.display().to_string()), "{text}");
        assert_eq!(files(hub.home()), before, "{text}");
    }
}

#[actix_rt::test]
async fn a_damaged_file_is_refused_and_by_force_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path());
    // Rows that break a rule of their table.
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'seq INTEGER NOT NULL', 'seq INTEGER NOT NULL CHECK (seq > 5)') WHERE name = 'messages'; PRAGMA writable_schema = OFF;",
    )
    .unwrap();
    drop(conn);
    let hub = TestHub::at_rest(Setup::default());
    let mut options = options(&path, &hub);
    let text = refusal(&options);
    assert!(text.contains("is damaged") && text.contains("--force"), "{text}");
    options.force = true;
    assert_eq!(super::counts(&run(&options).unwrap(), "messages"), [20, 0, 0, 0, 0]);
}

#[actix_rt::test]
async fn what_is_stored_otherwise_than_read_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path());
    for (spoil, expected) in [
        ("UPDATE messages SET created_at = 5 WHERE key = NEW.key", "what was stored of messages differs"),
        (
            "UPDATE messages SET content = x'22' WHERE key = NEW.key AND NEW.seq = 7",
            "what was stored of messages differs",
        ),
        (
            "DELETE FROM messages WHERE key = NEW.key AND NEW.seq = 7",
            "of messages, 20 rows were expected and 19 found",
        ),
        ("UPDATE sessions SET namespace = 'x'", "what was stored of sessions differs"),
    ] {
        let mut hub = TestHub::start().await;
        hub.session("own", &metadata()).await;
        hub.stop().await;
        change(&hub, &format!("CREATE TRIGGER spoil AFTER INSERT ON messages BEGIN {spoil}; END"));
        let kept = || stored(&hub, "SELECT tag AS line FROM sessions UNION ALL SELECT value FROM hub");
        let before = kept();
        let text = refusal(&options(&path, &hub));
        assert!(text.contains(expected), "{text}");
        assert_eq!(kept(), before);
        change(&hub, "DROP TRIGGER spoil");
        assert!(imported(&path, &hub).changed);
    }
}

#[actix_rt::test]
async fn an_import_that_fails_takes_its_files_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path());
    let notes = folder.path().join("scratchlist-attachments/default/s");
    fs::create_dir_all(&notes).unwrap();
    fs::write(notes.join("a"), "text").unwrap();
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(
        "INSERT INTO session_scratchlist VALUES ('s', 'e', '', 1, 1, '[{\"path\":\"hapi-hub:scratchlist/default/s/a\"}]')",
    )
    .unwrap();
    drop(conn);
    fs::write(folder.path().join("settings.json"), "{\"a\":1}").unwrap();
    let hub = TestHub::at_rest(Setup::default());
    fs::write(hub.home().join("settings.json"), "{ broken").unwrap();
    let text = refusal(&options(&path, &hub));
    assert!(text.contains("settings.json cannot be understood and is left as it is"), "{text}");
    let copied = hub.home().join("scratchlist-attachments/default/s/a");
    assert!(!copied.exists() && !hub.database().exists());
    fs::remove_file(hub.home().join("settings.json")).unwrap();
    imported(&path, &hub);
    assert!(copied.exists());
}
