//! Everything that is brought, as it is read afterwards.

use std::{fs, os::unix::fs::PermissionsExt};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{counts, files, imported, stored};
use crate::support::{Content, ReleasedDatabase, Setup, TestHub};

/// A pair of keys for pushes, made for this test.
const VAPID: (&str, &str) = (
    "BEL6SR5dd1XHDPrQwbe36k7dC56hh3iSTMTsKuWOl7LLhF6tCPvyn2ogD9BnnME9ORTnoigIZGr5l3xuixHDa-s",
    "36O5cDRMCFiUJPcx-dyTHVSvpRA5rL2tQ-JuqddvCyg",
);

const KEY: [u8; 32] = [9; 32];

fn says(role: &str, text: &str) -> String {
    json!({ "role": role, "content": { "type": "text", "text": text } }).to_string()
}

/// A home as a released hub leaves it, with its newest rows in the log only.
fn released_home() -> tempfile::TempDir {
    let (made_in, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut database = ReleasedDatabase::new(made_in.path(), 26);
    database.session("s1", "default", &json!({}));
    database.session("s2", "team", &json!({ "path": "/srv", "host": "box" }));
    database.run(
        r#"UPDATE sessions SET metadata = '{"zeta":1.50,"path":"/srv/app", "host":"box","alpha":[ ]}', metadata_version = 7, agent_state = '{"controlledByUser":false,"requests":{}}',
            agent_state_version = 9, model = 'opus', effort = 'high', model_reasoning_effort = 'low',
            service_tier = 'fast', todos = '[{"content":"a","status":"pending","priority":"low","id":"1"}]',
            todos_updated_at = 150, team_state = '{"teamName":"t"}', team_state_updated_at = 160, pinned = 1,
            active = 1, active_at = 180, seq = 12 WHERE id = 's1';
        UPDATE sessions SET global_pinned = 1 WHERE id = 's2';
        INSERT INTO message_epochs VALUES ('s1', 4);
        INSERT INTO machines (id, namespace, created_at, updated_at, metadata, metadata_version, runner_state,
            runner_state_version, active, active_at, seq) VALUES ('m1', 'default', 1, 2,
            '{"host":"box","platform":"linux","happyCliVersion":"0.30.7"}', 3, '{"status":"running","pid":42}', 5, 1, 6, 7);
        INSERT INTO users (platform, platform_user_id, namespace, created_at) VALUES ('telegram', '77', 'team', 8);
        INSERT INTO push_subscriptions (namespace, endpoint, p256dh, auth, created_at) VALUES ('default', 'https://p', 'k', 'a', 9);
        INSERT INTO fcm_devices (namespace, token, platform, device_id, push_key, created_at, updated_at)
            VALUES ('default', 'tok', 'ios', 'd1', 'a2V5', 10, 11);
        INSERT INTO session_scratchlist VALUES ('s1', 'e1', 'a note', 12, 13,
            '[{"id":"f","filename":"x.txt","mimeType":"text/plain","size":4,"path":"hapi-hub:scratchlist/default/s1/f-x.txt"}]');
        INSERT INTO session_scratchlist VALUES ('s1', 'e2', 'plain', 14, 15, NULL);
        INSERT INTO usage_events VALUES ('s1', 'k');
        INSERT INTO events VALUES ('ev', 1, 'default');"#,
    );
    database.message("s1", 1, Some("l1"), &Content::Plain(&says("user", "hello")));
    let long = says("agent", &"word ".repeat(4_000));
    database.message("s1", 2, None, &Content::Packed(&long));
    database.message("s1", 5, Some("l5"), &Content::Plain(&says("user", "under way")));
    database.message("s1", 6, Some("l6"), &Content::Plain(&says("user", "waits")));
    database.message("s1", 7, Some("l7"), &Content::Plain(&says("user", "later")));
    database.message(
        "s2",
        1,
        None,
        &Content::Plain(r#"{"role":"agent","content":{"type":"event","data":{"type":"ready"}}}"#),
    );
    database.run(
        "UPDATE messages SET invoked_at = 2000 WHERE seq = 1 AND session_id = 's1';
        UPDATE messages SET invoked_at = created_at WHERE local_id IS NULL;
        UPDATE messages SET delivery_state = 'dispatching' WHERE seq = 5;
        UPDATE messages SET scheduled_at = 1999999999999 WHERE seq = 7;",
    );
    database.crashed_into(home.path());
    let settings = json!({
        "listenPort": 4711, "cliApiToken": "a-token-of-the-released-hub-1234567890",
        "vapidKeys": { "publicKey": VAPID.0, "privateKey": VAPID.1 }, "machineId": "m1", "unknown": [1],
    });
    fs::write(home.path().join("settings.json"), settings.to_string()).unwrap();
    let key = json!({ "secretBase64": BASE64_STANDARD.encode(KEY) });
    fs::write(home.path().join("jwt-secret.json"), key.to_string()).unwrap();
    fs::write(home.path().join("owner-id.json"), r#"{"ownerId":77}"#).unwrap();
    let notes = home.path().join("scratchlist-attachments/default/s1");
    fs::create_dir_all(&notes).unwrap();
    fs::write(notes.join("f-x.txt"), "text").unwrap();
    home
}

/// What a message is, with the length of its text.
fn brief(row: &Value) -> Value {
    let text = row["content"]["content"]["text"].as_str().unwrap().len();
    let fields = ["id", "seq", "localId", "createdAt", "invokedAt", "scheduledAt", "deliveryState"];
    fields.iter().map(|name| row[*name].clone()).chain([json!(text)]).collect()
}

#[actix_rt::test]
async fn everything_comes_along_and_the_source_stays_byte_for_byte() {
    let source = released_home();
    let before = files(source.path());
    assert!(
        before.keys().any(|name| name.ends_with("-wal")) && before.keys().any(|name| name.ends_with("-shm"))
    );
    let mut hub = TestHub::at_rest(Setup::default());
    let report = imported(&source.path().join("hapi.db"), &hub);
    assert_eq!(files(source.path()), before);

    assert_eq!((report.schema_version, report.changed, report.dry_run), (26, true, false));
    for (table, added) in [
        ("sessions", 2),
        ("messages", 6),
        ("session_scratchlist", 2),
        ("machines", 1),
        ("users", 1),
        ("push_subscriptions", 1),
        ("fcm_devices", 1),
    ] {
        assert_eq!(counts(&report, table), [added, 0, 0, 0, 0], "{table}");
    }
    assert_eq!((report.repairs.uncertain_deliveries, report.repairs.repaired_texts), (1, 0));
    let left: Vec<_> = report.not_carried.iter().map(|left| (left.table.as_str(), left.rows)).collect();
    assert_eq!(left, [("event_links", 0), ("events", 1), ("usage_events", 1), ("usage_scan_state", 0)]);
    assert_eq!(report.attachments.copied, 1);

    let home = files(hub.home());
    let name = |name: &str| hub.home().join(name).display().to_string();
    assert!(home.keys().all(|path| !path.contains(".import-")), "the copy is gone");
    for secret in ["settings.json", "jwt-secret.json", "owner-id.json", "wheelhouse.db"] {
        assert_eq!(fs::metadata(name(secret)).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
    }
    assert_eq!(home[&name("scratchlist-attachments/default/s1/f-x.txt")], b"text");
    let settings: Value = serde_json::from_slice(&home[&name("settings.json")]).unwrap();
    assert_eq!((&settings["vapidKeys"]["privateKey"], &settings["unknown"]), (&json!(VAPID.1), &json!([1])));

    hub.start_again().await;
    assert_eq!(hub.base_token, "a-token-of-the-released-hub-1234567890");
    let claims = json!({ "uid": 77, "ns": "default", "iat": 1, "exp": hub.clock.now() / 1_000 + 60 });
    let header = jsonwebtoken::Header { typ: None, ..jsonwebtoken::Header::default() };
    let token =
        jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_secret(&KEY)).unwrap();
    let web = hub.guest().with_token(&token);
    let session = web.session("s1").await;
    let expected = json!({
        "hasConversationContent": true, "id": "s1", "namespace": "default", "seq": 12, "createdAt": 100,
        "updatedAt": 200, "pinned": true, "globalPinned": false, "active": false, "activeAt": 180,
        "metadata": { "path": "/srv/app", "host": "box" }, "metadataVersion": 7,
        "agentState": { "controlledByUser": false, "requests": {} }, "agentStateVersion": 9,
        "thinking": false, "thinkingAt": 0, "activeTurnStartedAt": null, "backgroundTaskCount": 0,
        "todos": [{ "content": "a", "status": "pending", "priority": "low", "id": "1" }], "todosUpdatedAt": 150,
        "teamState": { "teamName": "t" }, "teamStateUpdatedAt": 160,
        "model": "opus", "modelReasoningEffort": "low", "effort": "high", "serviceTier": "fast",
    });
    assert_eq!(session, expected);
    let rows: Vec<Value> = web.messages("s1").await.iter().map(brief).collect();
    let expected = json!([
        ["s1-2", 2, null, 1002, 1002, null, null, 20_000],
        ["s1-5", 5, "l5", 1005, null, null, "indeterminate", 9],
        ["s1-6", 6, "l6", 1006, null, null, null, 5],
        ["s1-7", 7, "l7", 1007, null, 1_999_999_999_999_i64, null, 5],
        ["s1-1", 1, "l1", 1001, 2000, null, null, 5],
    ]);
    assert_eq!(Value::from(rows), expected);
    let page = web.get("/api/sessions/s1/messages").await;
    assert_eq!(page.body["page"]["epoch"], 5);
    let machine = hub.agent().get("/cli/machines/m1").await.body["machine"].clone();
    let brief = |name: &str| machine[name].clone();
    assert_eq!(
        ["createdAt", "updatedAt", "activeAt", "active", "seq", "metadataVersion", "runnerStateVersion"]
            .map(brief),
        [json!(1), json!(2), json!(6), json!(false), json!(7), json!(3), json!(5)]
    );
    assert_eq!((&machine["metadata"]["host"], &machine["runnerState"]["pid"]), (&json!("box"), &json!(42)));

    let team = hub.web_of("team").await;
    let other = team.session("s2").await;
    assert_eq!((&other["globalPinned"], &other["hasConversationContent"]), (&json!(true), &json!(false)));
    assert_eq!(other["activeAt"], 200);
    hub.stop().await;
    assert_eq!(stored(&hub, "SELECT tag AS line FROM sessions ORDER BY key"), ["tag-s1", "tag-s2"]);
    assert_eq!(
        stored(&hub, "SELECT metadata AS line FROM sessions WHERE id = 's1'"),
        [r#"{"zeta":1.50,"path":"/srv/app", "host":"box","alpha":[ ]}"#],
        "the very text"
    );
}

#[actix_rt::test]
async fn what_no_page_shows_yet_is_stored_whole() {
    let source = released_home();
    let hub = TestHub::at_rest(Setup::default());
    imported(&source.path().join("hapi.db"), &hub);
    let rows = |table: &str| stored(&hub, table);
    assert_eq!(
        rows(
            "SELECT platform || '|' || platform_user_id || '|' || namespace || '|' || created_at AS line FROM users"
        ),
        ["telegram|77|team|8"]
    );
    assert_eq!(
        rows(
            "SELECT namespace || '|' || endpoint || '|' || p256dh || '|' || auth || '|' || created_at AS line FROM push_subscriptions"
        ),
        ["default|https://p|k|a|9"]
    );
    assert_eq!(
        rows(
            "SELECT namespace || '|' || token || '|' || platform || '|' || device_id || '|' || push_key || '|' || created_at || '|' || updated_at AS line FROM devices"
        ),
        ["default|tok|ios|d1|a2V5|10|11"]
    );
    assert_eq!(
        rows(
            "SELECT id || '|' || entry_id || '|' || text || '|' || s.created_at || '|' || s.updated_at || '|' || length(attachments) AS line FROM scratchlist s JOIN sessions ON key = session_key ORDER BY entry_id"
        ),
        ["s1|e1|a note|12|13|113", "s1|e2|plain|14|15|2"]
    );
    assert_eq!(rows("SELECT seen_at || '|' || active AS line FROM sessions"), ["200|0", "200|0"]);
}

#[actix_rt::test]
async fn a_prompt_that_waited_is_delivered_and_one_under_way_is_not_sent_twice() {
    let source = released_home();
    let mut hub = TestHub::at_rest(Setup::default());
    imported(&source.path().join("hapi.db"), &hub);
    hub.start_again().await;
    let cli = hub.cli("s1").await;
    cli.alive(hub.clock.now()).await;
    let answer = hub.agent().get("/cli/sessions/s1/messages?afterSeq=0&limit=50").await;
    let numbers: Vec<i64> =
        answer.body["messages"].as_array().unwrap().iter().map(|row| row["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 6]);
    // A number is never given twice, and new ones follow the imported.
    cli.say(&crate::support::agent_says("new")).await;
    let newest = hub.web().await.messages("s1").await;
    assert_eq!(newest.iter().map(|row| row["seq"].as_i64().unwrap()).max(), Some(8));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_hub_in_the_released_home_finds_everything_in_its_place() {
    let source = released_home();
    let hub = TestHub::at_rest(Setup::default());
    let mut options = super::options(&source.path().join("hapi.db"), &hub);
    options.home = source.path().to_owned();
    options.database = source.path().join("wheelhouse.db");
    let before = files(source.path());
    let report = super::run(&options).unwrap();
    assert!(report.home.same_folder && report.notices.is_empty(), "{report:?}");
    assert_eq!((report.attachments.copied, report.attachments.already_here), (0, 1));
    let mut after = files(source.path());
    after.retain(|name, _| before.contains_key(name));
    assert_eq!(after, before);
}
