//! Files of every age.

use serde_json::json;

use super::{counts, imported, stored};
use crate::support::{Content, ReleasedDatabase, Setup, TestHub};

/// What every layout can hold.
fn filled(folder: &std::path::Path, version: i64) -> ReleasedDatabase {
    let mut database = ReleasedDatabase::new(folder, version);
    database.session("old", "default", &json!({ "path": "/srv", "host": "box" }));
    database.run("UPDATE sessions SET todos = '[]', todos_updated_at = 7, agent_state = '{}', seq = 3");
    for seq in 1..=3 {
        database.message(
            "old",
            seq,
            None,
            &Content::Plain(&format!("{{\"role\":\"user\",\"content\":\"{seq}\"}}")),
        );
    }
    database.run("INSERT INTO users (platform, platform_user_id, created_at) VALUES ('telegram', '1', 2)");
    if version >= 8 {
        database.run("UPDATE messages SET invoked_at = created_at");
    }
    database
}

#[actix_rt::test]
async fn each_step_of_the_ladder_comes_to_the_same() {
    let mut outcomes = Vec::new();
    for version in 1..=26 {
        let source = tempfile::tempdir().unwrap();
        let path = filled(source.path(), version).path;
        let hub = TestHub::at_rest(Setup::default());
        let report = imported(&path, &hub);
        assert_eq!(
            (report.schema_version, counts(&report, "messages")),
            (version, [3, 0, 0, 0, 0]),
            "{version}"
        );
        let checksums: Vec<String> = report.tables.into_iter().map(|table| table.checksum).collect();
        outcomes.push(checksums);
    }
    outcomes.dedup();
    assert_eq!(outcomes.len(), 1, "all are alike");
}

#[actix_rt::test]
async fn a_file_from_before_the_numbering_is_read_by_its_columns() {
    let source = tempfile::tempdir().unwrap();
    let mut database = filled(source.path(), 0);
    database.run(
        "CREATE TABLE machines (id TEXT PRIMARY KEY, created_at INTEGER, updated_at INTEGER, metadata TEXT,
            daemon_state TEXT, daemon_state_version INTEGER);
        INSERT INTO machines VALUES ('m', 5, 6, '{\"host\":\"h\",\"platform\":\"p\",\"happyCliVersion\":\"1\"}', '{\"status\":\"running\"}', 4);",
    );
    database.message("old", 4, Some("l4"), &Content::Plain("\"text\""));
    let mut hub = TestHub::at_rest(Setup::default());
    let report = imported(&database.path, &hub);
    assert_eq!((report.schema_version, counts(&report, "machines")), (0, [1, 0, 0, 0, 0]));
    hub.start_again().await;
    let web = hub.web().await;
    let machine = hub.agent().get("/cli/machines/m").await.body["machine"].clone();
    assert_eq!(
        (&machine["runnerState"], &machine["runnerStateVersion"]),
        (&json!({ "status": "running" }), &json!(4))
    );
    let messages = web.messages("old").await;
    assert!(messages.iter().all(|row| row["invokedAt"] == row["createdAt"]), "nothing waits: {messages:?}");
    assert_eq!(messages[3]["localId"], "l4");
    hub.stop().await;
}

#[actix_rt::test]
async fn prompts_of_older_layouts_wait_as_they_did() {
    for version in [20, 22, 25] {
        let source = tempfile::tempdir().unwrap();
        let mut database = filled(source.path(), version);
        database.message("old", 4, Some("l4"), &Content::Packed("{\"role\":\"user\",\"content\":\"4\"}"));
        if version >= 25 {
            database.run("UPDATE messages SET delivery_state = 'indeterminate' WHERE seq = 4");
        }
        if version >= 22 {
            database.run("UPDATE sessions SET global_pinned = 1");
        }
        let hub = TestHub::at_rest(Setup::default());
        imported(&database.path, &hub);
        let expected = if version >= 25 { "indeterminate|1" } else { "queued|1" };
        let state =
            "SELECT delivery_state || '|' || (invoked_at IS NULL) AS line FROM messages WHERE seq = 4";
        assert_eq!(stored(&hub, state), [expected], "{version}");
        let pin = if version >= 22 { "global" } else { "none" };
        assert_eq!(stored(&hub, "SELECT pin AS line FROM sessions"), [pin], "{version}");
    }
}

#[actix_rt::test]
async fn a_newer_file_is_taken_by_force_and_says_what_is_unknown() {
    let source = tempfile::tempdir().unwrap();
    let mut database = filled(source.path(), 26);
    database
        .run("PRAGMA user_version = 27; ALTER TABLE sessions ADD COLUMN mood TEXT; CREATE TABLE moods (a);");
    database.run("INSERT INTO moods VALUES (1)");
    let hub = TestHub::at_rest(Setup::default());
    let mut options = super::options(&database.path, &hub);
    drop(database);
    let text = super::refusal(&options);
    assert!(text.contains("schema version 27") && text.contains("--force"), "{text}");
    assert!(!hub.database().exists());
    options.force = true;
    let report = super::run(&options).unwrap();
    assert_eq!(counts(&report, "messages"), [3, 0, 0, 0, 0]);
    assert!(report.notices.iter().any(|notice| notice.contains("sessions.mood")), "{:?}", report.notices);
    assert!(report.not_carried.iter().any(|left| left.table == "moods" && left.rows == 1));
}
