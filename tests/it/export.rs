//! Sessions as files.

use diesel::{Connection, connection::SimpleConnection};
use serde_json::{Value, json};

use crate::support::{TestHub, agent_says, metadata};

fn texts(export: &Value) -> Vec<String> {
    let rows = export["messages"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let content = &row["content"]["content"];
            let text = content["data"]["text"].as_str().or(content["text"].as_str());
            text.map_or_else(|| content.to_string(), str::to_owned)
        })
        .collect()
}

/// Puts rows into the database of a hub that is stopped.
fn sql(hub: &TestHub, statements: &str) {
    let mut conn = diesel::SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    conn.batch_execute(statements).unwrap();
}

#[actix_rt::test]
async fn an_export_holds_what_a_chat_shows() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    web.prompt(&id, &json!({ "text": "first", "localId": "l1" })).await;
    cli.consume(&["l1"]).await;
    hub.clock.advance(1_000);
    cli.say(&agent_says("answer")).await;
    for hidden in [
        json!({ "type": "assistant", "isMeta": true, "text": "meta" }),
        json!({ "type": "system", "subtype": "init", "text": "system" }),
    ] {
        cli.say(&json!({ "role": "agent", "content": { "type": "output", "data": hidden } })).await;
    }
    hub.clock.advance(1_000);
    web.prompt(&id, &json!({ "text": "still waiting", "localId": "l2" })).await;
    for (entry_id, at) in [("b", 2), ("c", 1), ("a", 2)] {
        let note = json!({ "text": "x", "entryId": entry_id, "createdAt": at });
        web.post(&format!("/api/sessions/{id}/scratchlist"), &note).await;
    }
    let path = format!("/api/sessions/{id}/export");
    let answer = web.get(&path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let export = &answer.body;
    let keys: Vec<&String> = export.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["schemaVersion", "exportedAt", "session", "messages", "scratchlist"]);
    assert_eq!((&export["schemaVersion"], &export["exportedAt"]), (&json!(2), &json!(hub.clock.now())));
    assert_eq!(export["session"], web.session(&id).await);
    assert_eq!(texts(export), ["first", "answer"]);
    let page = web.messages(&id).await;
    assert_eq!(export["messages"][0], page[0], "rows are as pages have them");
    let order: Vec<&str> = export["scratchlist"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note["entryId"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["c", "a", "b"]);
    assert_eq!(web.get(&format!("{path}?format=json&force=true")).await.body["messages"], export["messages"]);
    assert_eq!(web.get(&format!("{path}?format=pdf")).await.error(), "Invalid query");

    cli.consume(&["l2"]).await;
    assert_eq!(texts(&web.get(&path).await.body), ["first", "answer", "still waiting"]);
    let empty = hub.session("u", &json!(null)).await;
    let export = web.get(&format!("/api/sessions/{empty}/export")).await.body;
    assert_eq!((&export["messages"], &export["scratchlist"]), (&json!([]), &json!([])));
    hub.stop().await;
}

#[actix_rt::test]
async fn only_its_own_namespace_exports_a_session() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let id = hub.session("t", &metadata()).await;
    for format in ["json", "markdown"] {
        let query = format!("export?format={format}&force=true");
        let answer = stranger.get(&format!("/api/sessions/{id}/{query}")).await;
        assert_eq!((answer.status, answer.body), (403, json!({ "error": "Session access denied" })));
        let answer = web.get(&format!("/api/sessions/made-up/{query}")).await;
        assert_eq!((answer.status, answer.body), (404, json!({ "error": "Session not found" })));
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_conversation_can_be_read_by_people() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let about = json!({ "path": "/srv/app", "host": "box", "flavor": "claude", "name": "Ärger \"here\"" });
    let (id, cli) = hub.live_session("t", &about).await;
    web.prompt(&id, &json!({ "text": "what is it?", "localId": "l1" })).await;
    cli.consume(&["l1"]).await;
    let claude = |kind: &str, content: Value| {
        let data = json!({ "type": kind, "message": { "content": content } });
        json!({ "role": "agent", "content": { "type": "output", "data": data } })
    };
    let call = json!([{ "type": "tool_use", "id": "c", "name": "Bash", "input": { "command": "ls" } }]);
    cli.say(&claude("assistant", call)).await;
    cli.say(&claude("user", json!([{ "type": "tool_result", "tool_use_id": "c", "content": "a.txt" }])))
        .await;
    cli.say(&claude("assistant", json!("A *file*."))).await;
    web.post(&format!("/api/sessions/{id}/scratchlist"), &json!({ "text": "remember" })).await;
    let answer = web.get(&format!("/api/sessions/{id}/export?format=markdown")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/markdown; charset=utf-8")));
    let expected =
        "attachment; filename=\"_rger-here-2026-09-21.md\"; filename*=UTF-8''%C3%A4rger-here-2026-09-21.md";
    assert_eq!(answer.header("content-disposition"), Some(expected));
    let text = String::from_utf8(answer.bytes).unwrap();
    let places: Vec<usize> = [
        "# Ärger \"here\"\n",
        "- **Folder:** `/srv/app`\n",
        "\n## You · 2026-09-21 14:13\n\nwhat is it?\n",
        "\n## Claude · ",
        "<details><summary>Bash: <code>ls</code></summary>\n\n```sh\nls\n```\n\n</details>",
        "<summary>Result of Bash</summary>\n\n```\na.txt\n```",
        "\nA *file*.\n",
        "\n# Notes\n",
        "remember",
    ]
    .iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is missing in:\n{text}")))
    .collect();
    assert!(places.is_sorted(), "{places:?} in:\n{text}");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_large_export_is_warned_of_and_a_huge_one_refused() {
    let mut hub = TestHub::start().await;
    let (large, huge) = (hub.session("large", &metadata()).await, hub.session("huge", &metadata()).await);
    hub.stop().await;
    let content = r#"{"role":"agent","content":{"type":"output","data":{"type":"text","text":"'||n||'"}}}"#;
    let now = hub.clock.now();
    let insert = "INSERT INTO messages (id, session_key, seq, created_at, invoked_at, position_at, content)";
    sql(
        &hub,
        &format!(
            "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 20001) \
             {insert} SELECT printf('%036d', n), key, n, {now} + n, {now} + n, {now} + n, CAST('{content}' AS BLOB) \
             FROM counted, sessions WHERE id = '{large}'; \
             WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 2) \
             {insert} SELECT 'h' || n, key, n, n, n, n, CAST(printf('\"%.*c\"', 53000000, 'x') AS BLOB) \
             FROM counted, sessions WHERE id = '{huge}';"
        ),
    );
    hub.start_again().await;
    let web = hub.web().await;
    for format in ["json", "markdown"] {
        let path = format!("/api/sessions/{large}/export?format={format}");
        let answer = web.get(&path).await;
        let estimated = answer.body["estimatedBytes"].as_u64().unwrap();
        assert!((4_000_000..10_000_000).contains(&estimated), "{estimated}");
        let warning =
            json!({ "type": "warning", "count": 20_001, "limit": 20_000, "estimatedBytes": estimated });
        assert_eq!((answer.status, answer.body), (200, warning));
        assert_eq!(web.get(&format!("{path}&force=1")).await.body["type"], "warning");
        let answer = web.get(&format!("{path}&force=true")).await;
        assert_eq!(answer.status, 200);
        if format == "json" {
            let texts = texts(&answer.body);
            assert_eq!((texts.len(), texts[0].as_str(), texts[20_000].as_str()), (20_001, "1", "20001"));
            let written = u64::try_from(answer.bytes.len()).unwrap();
            assert!(written.abs_diff(estimated) < written / 10, "{written} {estimated}");
        } else {
            assert!(String::from_utf8(answer.bytes).unwrap().ends_with("\n\n20001\n"));
        }
    }
    for query in ["", "?force=true", "?format=markdown&force=true"] {
        let answer = web.get(&format!("/api/sessions/{huge}/export{query}")).await;
        let estimated = answer.body["estimatedBytes"].clone();
        assert!(estimated.as_u64().unwrap() > 106_000_000, "{estimated}");
        let refusal = json!({
            "type": "too-large", "error": "Session export exceeds the resource limit",
            "code": "session_export_too_large", "count": 2, "estimatedBytes": estimated, "maxBytes": 104_857_600,
        });
        assert_eq!((answer.status, answer.body), (413, refusal));
    }
    hub.stop().await;
}
