//! Files that hold what no hub would have written.

use serde_json::{Value, json};

use super::{counts, imported, stored};
use crate::support::{Content, ReleasedDatabase, Setup, TestHub};

#[actix_rt::test]
async fn contents_of_any_kind_are_kept_or_counted() {
    let source = tempfile::tempdir().unwrap();
    let mut database = ReleasedDatabase::new(source.path(), 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let packed_half = r#"{"role":"agent","content":"\ud83d"}"#;
    let cut = zstd::bulk::compress(&[b' '; 5_000], 3).unwrap();
    let contents = [
        Content::Plain(r#""a bare text""#),
        Content::Plain(r#"{"role":"user","content":"\udc00 half"}"#),
        Content::Packed(packed_half),
        Content::Plain(&deep),
        Content::Plain("not json"),
        Content::Plain(""),
        Content::Blob(b"{}"),
        Content::Blob(&cut[..cut.len() - 2]),
        Content::Blob(b""),
        Content::Plain("1e999"),
    ];
    for (seq, content) in (1..).zip(&contents) {
        database.message("s", seq, None, content);
    }
    // Text whose bytes are no UTF-8.
    database.run("INSERT INTO messages (id, session_id, content, created_at, seq) VALUES ('odd', 's', CAST(x'2261ff22' AS TEXT), 2000, 11)");
    let mut hub = TestHub::at_rest(Setup::default());
    let report = imported(&database.path, &hub);
    assert_eq!(counts(&report, "messages"), [11, 0, 0, 0, 0]);
    assert_eq!((report.repairs.undecodable_contents, report.repairs.repaired_texts), (5, 3));
    hub.start_again().await;
    let web = hub.web().await;
    let answer = web.get("/api/sessions/s/messages?limit=200").await;
    let text = String::from_utf8(answer.bytes).unwrap();
    assert!(text.contains(&deep) && text.contains("1e999"), "what no parser likes is passed on");
    let lost =
        stored(&hub, "SELECT CAST(content AS TEXT) AS line FROM messages WHERE seq IN (5, 6, 7, 8, 9)");
    assert_eq!(lost, ["null"; 5]);
    let kept = stored(
        &hub,
        "SELECT CAST(content AS TEXT) AS line FROM messages WHERE seq IN (1, 2, 3, 11) ORDER BY seq",
    );
    let expected = [
        r#""a bare text""#,
        r#"{"role":"user","content":"\uFFFD half"}"#,
        r#"{"role":"agent","content":"\uFFFD"}"#,
        "\"a\u{fffd}\"",
    ];
    assert_eq!(kept, expected);
    hub.stop().await;
}

#[actix_rt::test]
async fn numbers_given_twice_are_given_anew_in_the_order_that_people_see() {
    let source = tempfile::tempdir().unwrap();
    let mut database = ReleasedDatabase::new(source.path(), 26);
    database.session("twice", "default", &json!({ "path": "/", "host": "h" }));
    database.session("sound", "default", &json!({ "path": "/", "host": "h" }));
    for (id, seq, created_at, invoked_at) in
        [("c", 2, 30, "NULL"), ("a", 2, 10, "10"), ("d", 9, 5, "40"), ("b", 1, 20, "20")]
    {
        database.run(&format!(
            "INSERT INTO messages (id, session_id, content, created_at, seq, invoked_at, local_id)
             VALUES ('{id}', 'twice', '\"{id}\"', {created_at}, {seq}, {invoked_at}, 'l{id}')"
        ));
    }
    database.message("sound", 3, None, &Content::Plain("1"));
    let mut hub = TestHub::at_rest(Setup::default());
    let report = imported(&database.path, &hub);
    let repairs = &report.repairs;
    assert_eq!((repairs.renumbered_sessions, repairs.renumbered_messages), (1, 4));
    hub.start_again().await;
    let rows = hub.web().await.messages("twice").await;
    let shown: Vec<Value> = rows.iter().map(|row| json!([row["id"], row["seq"]])).collect();
    assert_eq!(Value::from(shown), json!([["a", 1], ["b", 2], ["c", 3], ["d", 4]]));
    assert_eq!(hub.web().await.messages("sound").await[0]["seq"], 3);
    // What a process may have seen under the old numbers is not given to anything new.
    let cli = hub.cli("twice").await;
    cli.alive(hub.clock.now()).await;
    cli.say(&crate::support::agent_says("new")).await;
    let newest = hub.web().await.messages("twice").await;
    assert_eq!(newest.last().unwrap()["seq"], 10);
    hub.stop().await;
}

#[actix_rt::test]
async fn rows_without_owner_or_name_are_told_and_left() {
    let source = tempfile::tempdir().unwrap();
    let mut database = ReleasedDatabase::new(source.path(), 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    database.run(
        "PRAGMA foreign_keys = OFF;
        DROP INDEX idx_messages_local_id;
        INSERT INTO messages (id, session_id, content, created_at, seq) VALUES ('o1', 'gone', '1', 1, 1), (NULL, 's', '1', 1, 2);
        INSERT INTO messages (id, session_id, content, created_at, seq, local_id)
            VALUES ('d1', 's', '1', 1, 3, 'same'), ('d2', 's', '2', 2, 4, 'same'),
                ('d3', 's', '3', 3, 5, CAST(x'ff' AS TEXT)), ('d4', 's', '4', 4, 6, CAST(x'fe' AS TEXT));
        INSERT INTO session_scratchlist VALUES ('gone', 'e', 't', 1, 1, NULL), ('s', 'e', 't', 1, 1, 'no json');
        INSERT INTO message_epochs VALUES ('gone', 3), ('s', 9223372036854775807);
        INSERT INTO sessions (id, created_at, updated_at) VALUES (NULL, 1, 1), (x'00ff', 1, 1);
        UPDATE sessions SET metadata = '{', metadata_version = -4, seq = 9223372036854775807 WHERE id = 's';
        INSERT INTO messages (id, session_id, content, created_at, seq) VALUES ('big', 's', '1', 9223372036854775807, 9223372036854775807);",
    );
    let mut hub = TestHub::at_rest(Setup::default());
    let report = imported(&database.path, &hub);
    assert_eq!(counts(&report, "sessions"), [1, 0, 0, 0, 2]);
    assert_eq!(counts(&report, "messages"), [5, 0, 0, 1, 1]);
    assert_eq!(counts(&report, "session_scratchlist"), [1, 0, 0, 1, 0]);
    assert_eq!(report.repairs.repeated_local_ids, 2);
    assert_eq!(report.repairs.unreadable_fields, 2);
    hub.start_again().await;
    let web = hub.web().await;
    let session = web.session("s").await;
    assert_eq!((&session["metadata"], &session["metadataVersion"]), (&Value::Null, &json!(0)));
    // It can be worked with.
    let cli = hub.cli("s").await;
    cli.alive(hub.clock.now()).await;
    cli.say(&crate::support::agent_says("new")).await;
    let rows = web.messages("s").await;
    let ids: Vec<&Value> = rows.iter().map(|row| &row["localId"]).collect();
    assert_eq!(ids.iter().filter(|id| id.is_string()).count(), 2, "{rows:?}");
    hub.stop().await;
}

#[actix_rt::test]
async fn whatever_the_file_defines_beside_tables_is_not_run() {
    let source = tempfile::tempdir().unwrap();
    let mut database = ReleasedDatabase::new(source.path(), 26);
    database.session("s", "default", &json!({ "path": "/", "host": "h" }));
    database.run(
        "CREATE VIEW \"odd \"\" name\" AS SELECT 1;
        CREATE TABLE \"a\"\"b\" (x);
        CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM sessions; END;",
    );
    let hub = TestHub::at_rest(Setup::default());
    let report = imported(&database.path, &hub);
    assert_eq!(counts(&report, "sessions"), [1, 0, 0, 0, 0]);
    assert!(report.not_carried.iter().any(|left| left.table == "a\"b"));
}
