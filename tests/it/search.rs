//! Everything that was said can be found again, and nothing that is gone.

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_types::BigInt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestHub, Web, metadata, within};

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text } })
}

fn assistant(blocks: Value) -> Value {
    let message = json!({ "content": blocks });
    json!({ "role": "agent", "content": { "type": "output", "data": { "type": "assistant", "message": message } } })
}

fn says(text: &str) -> Value {
    assistant(json!([{ "type": "text", "text": text }]))
}

fn codex(data: Value) -> Value {
    json!({ "role": "agent", "content": { "type": "codex", "data": data } })
}

fn reasons(id: &str, text: &str, is_live: bool) -> Value {
    codex(json!({ "type": "reasoning", "id": id, "message": text, "live": is_live }))
}

async fn ask(web: &Web, parameters: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    web.get(&format!("/api/search?{query}")).await
}

/// The excerpts of what was found, hits in brackets.
fn excerpts(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["results"].as_array().unwrap().iter().map(|row| marked(&row["excerpt"])).collect()
}

fn marked(segments: &Value) -> String {
    let mark = |segment: &Value| {
        let text = segment["text"].as_str().unwrap();
        if segment["isHit"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    segments.as_array().unwrap().iter().map(mark).collect()
}

async fn find(web: &Web, typed: &str) -> Vec<String> {
    excerpts(&ask(web, &[("q", typed)]).await)
}

#[actix_rt::test]
async fn what_was_said_is_found_with_its_place() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&user("The Login page is broken")).await;
    cli.say(&says("Je corrige le café de la page")).await;
    let call = json!({ "type": "tool_use", "name": "Bash", "input": { "command": "grep -rn login src/" } });
    cli.say(&assistant(json!([{ "type": "thinking", "thinking": "perhaps the cookie" }, call]))).await;
    cli.say(&says("修复登录问题")).await;

    let answer = ask(&web, &[("q", "login")]).await;
    assert_eq!(excerpts(&answer), ["Bash\ngrep -rn [login] src/", "The [Login] page is broken"]);
    assert_eq!((&answer.body["nextCursor"], &answer.body["isComplete"]), (&Value::Null, &json!(true)));
    let (tool, person) = (&answer.body["results"][0], &answer.body["results"][1]);
    assert_eq!(
        (&tool["kind"], &tool["tool"], &tool["role"]),
        (&json!("tool"), &json!("Bash"), &json!("agent"))
    );
    assert_eq!(
        (&person["kind"], &person["role"], person.get("tool")),
        (&json!("user"), &json!("user"), None)
    );
    assert_eq!((&person["sessionId"], &person["sessionTitle"]), (&json!(id), &json!("app")));
    let message = &web.messages(&id).await[0];
    assert_eq!((&person["messageId"], &person["seq"]), (&message["id"], &message["seq"]));
    assert_eq!((&person["at"], &person["position"]["at"]), (&message["createdAt"], &message["createdAt"]));

    assert_eq!(find(&web, "CAFE page").await, ["Je corrige le [café] de la [page]"]);
    assert_eq!(find(&web, "\"page is\"").await, ["The Login [page is] broken"]);
    assert_eq!(find(&web, "brok*").await, ["The Login page is [broken]"]);
    assert_eq!(find(&web, "login -grep").await, ["The [Login] page is broken"]);
    assert_eq!(find(&web, "登录").await, ["修复[登录]问题"]);
    assert_eq!(find(&web, "\"is page\"").await, [""; 0]);
    // It is there after a restart, and other namespaces never see it.
    hub.restart().await;
    assert_eq!(find(&hub.web().await, "cookie").await, ["perhaps the [cookie]"]);
    assert_eq!(find(&hub.web_of("b").await, "cookie").await, [""; 0]);
    hub.stop().await;
}

#[actix_rt::test]
async fn whatever_is_typed_is_no_error() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&says("a plain sentence")).await;
    for typed in [
        "",
        " ",
        "\"",
        "-",
        "*",
        "NEAR(",
        "a AND",
        "OR",
        "NOT",
        "scope : x",
        "{a b}: c",
        "^a",
        "'; DROP TABLE messages; --",
        "a^b",
        "(((",
        "\"a\" \"",
        "-a",
        "- a",
        "a -",
        "\u{0}",
        "a\u{0}b",
        "\\",
        "%",
        "🦀",
        "a+b",
        "col:x*",
        "\"*\"*",
        "--",
        "e\u{301}",
    ] {
        let answer = ask(&web, &[("q", typed)]).await;
        assert_eq!(answer.status, 200, "{typed:?}: {answer:?}");
        let best = ask(&web, &[("q", typed), ("order", "best")]).await;
        assert_eq!(
            best.body["results"].as_array().map(Vec::len),
            answer.body["results"].as_array().map(Vec::len)
        );
    }
    assert_eq!(find(&web, "plain AND sentence").await, [""; 0]);
    for wrong in [
        [("q", "a"), ("limit", "0")],
        [("q", "a"), ("limit", "101")],
        [("q", "a"), ("order", "odd")],
        [("q", "a"), ("kind", "user,odd")],
        [("q", "a"), ("from", "x")],
        [("q", "a"), ("cursor", "n.?")],
        [("q", "a"), ("cursor", "b.1")],
        [("limit", "1"), ("from", "1")],
    ] {
        let answer = ask(&web, &wrong).await;
        assert_eq!(
            (answer.status, answer.error().starts_with("Invalid ")),
            (400, true),
            "{wrong:?}: {answer:?}"
        );
    }
    assert_eq!(ask(&web, &[("q", &"x".repeat(1_001))]).await.status, 400);
    assert_eq!(ask(&web, &[("q", "a"), ("session", "made-up")]).await.status, 404);
    hub.stop().await;
}

#[actix_rt::test]
async fn filters_narrow_the_search() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (one, cli) = hub.live_session("one", &metadata()).await;
    cli.say(&user("needle of a person")).await;
    cli.say(&says("needle of an agent")).await;
    hub.clock.advance(1_000);
    let later = hub.clock.now().to_string();
    let call = |name: &str| json!({ "type": "tool_use", "name": name, "input": { "command": "needle" } });
    cli.say(&assistant(json!([call("Bash")]))).await;
    cli.say(&assistant(json!([call("mcp__x__Read")]))).await;
    let other = json!({ "path": "/srv/needle", "host": "box", "flavor": "codex" });
    let (two, cli) = hub.live_session("two", &other).await;
    cli.say(&reasons("r", "needle of a thought", false)).await;

    let found = async |more: &[(&str, &str)]| {
        let parameters = [&[("q", "needle")], more].concat();
        let answer = ask(&web, &parameters).await;
        (excerpts(&answer).len(), answer.body["sessions"].as_array().unwrap().len())
    };
    assert_eq!(found(&[]).await, (5, 1));
    assert_eq!(found(&[("session", &one)]).await, (4, 0));
    assert_eq!(found(&[("session", &two)]).await, (1, 1));
    assert_eq!(found(&[("agent", "codex")]).await, (1, 1));
    assert_eq!(found(&[("agent", "claude")]).await, (4, 0));
    assert_eq!(found(&[("tool", "bash")]).await, (1, 1));
    assert_eq!(found(&[("kind", "tool")]).await, (2, 0));
    assert_eq!(found(&[("kind", "user,reasoning")]).await, (2, 0));
    assert_eq!(found(&[("kind", "title")]).await, (0, 1));
    assert_eq!(found(&[("from", &later)]).await, (3, 1));
    assert_eq!(found(&[("to", &(hub.clock.now() - 1).to_string())]).await, (2, 0));
    hub.stop().await;
}

#[actix_rt::test]
async fn titles_and_paths_are_found_as_they_are_now() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let id = hub.session("t", &metadata()).await;
    let titles = async |typed: &str| {
        let answer = ask(&web, &[("q", typed)]).await;
        let rows = answer.body["sessions"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| format!("{} in {}", marked(&row["title"]), marked(&row["path"])))
            .collect::<Vec<_>>()
    };
    assert_eq!(titles("srv").await, ["app in /[srv]/app"]);
    let path = format!("/api/sessions/{id}");
    assert_eq!(web.send(Method::PATCH, &path, &json!({ "name": "Fix the login" })).await.status, 200);
    assert_eq!(titles("login fix").await, ["[Fix] the [login] in /srv/app"]);
    assert_eq!(web.send(Method::PATCH, &path, &json!({ "name": "Other work" })).await.status, 200);
    assert_eq!(titles("login").await, [""; 0]);
    assert_eq!(web.delete(&path).await.status, 200);
    assert_eq!(titles("srv").await, [""; 0]);
    hub.stop().await;
}

#[actix_rt::test]
async fn what_is_gone_is_not_found() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let later = hub.clock.now() + 60_000;
    let prompt = json!({ "text": "needle that waits", "localId": "l", "scheduledAt": later });
    assert_eq!(web.prompt(&id, &prompt).await.status, 200);
    assert_eq!(find(&web, "needle").await, ["[needle] that waits"]);
    assert_eq!(web.delete(&format!("/api/sessions/{id}/messages/l")).await.status, 200);
    assert_eq!(find(&web, "needle").await, [""; 0]);
    // The next message may get the key of the one that is gone.
    cli.say(&reasons("r", "needle, first thought", true)).await;
    assert_eq!(find(&web, "needle").await, ["[needle], first thought"]);
    cli.say(&reasons("r", "needle, second thought", true)).await;
    assert_eq!(find(&web, "needle").await, ["[needle], second thought"]);
    cli.say(&reasons("r", "needle, last thought", false)).await;
    assert_eq!(find(&web, "thought").await, ["needle, last [thought]"]);
    cli.end(hub.clock.now()).await;
    assert_eq!(web.delete(&format!("/api/sessions/{id}")).await.status, 200);
    assert_eq!(find(&web, "needle").await, [""; 0]);
    let (_, cli) = hub.live_session("u", &metadata()).await;
    cli.say(&says("another needle")).await;
    assert_eq!(find(&web, "needle").await, ["another [needle]"]);
    hub.stop().await;
}

async fn pages(web: &Web, order: &str, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut parameters = vec![("q", "needle"), ("limit", "7"), ("order", order)];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = ask(web, &parameters).await;
        all.extend(excerpts(&answer));
        match answer.body["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return all,
        }
        between().await;
    }
}

#[actix_rt::test]
async fn pages_neither_repeat_nor_lose_while_messages_come_in() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let mut expected = Vec::new();
    for place in 0..30 {
        cli.say(&says(&format!("needle {} {place}", "hay ".repeat(place % 5)))).await;
        expected.push(format!("[needle] {} {place}", "hay ".repeat(place % 5)));
    }
    let say_more = async || cli.say(&says("needle needle needle")).await;
    let found = pages(&web, "newest", say_more).await;
    expected.reverse();
    assert_eq!(found, expected);

    let before = pages(&web, "best", async || {}).await;
    let found = pages(&web, "best", say_more).await;
    assert_eq!(found.len(), before.len());
    assert!(found[0].starts_with("[needle] [needle]"), "{}", found[0]);
    let distinct: std::collections::HashSet<&String> =
        found.iter().filter(|row| !row.contains("] [")).collect();
    assert_eq!(distinct.len(), 30);
    hub.stop().await;
}

#[actix_rt::test]
async fn messages_are_indexed_while_nobody_asks() {
    let mut hub = TestHub::start().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    for place in 0..200 {
        cli.emit("message", &json!({ "sid": cli.id, "message": says(&format!("needle {place}")) }));
    }
    cli.flush().await;
    let mut database = SqliteConnection::establish(&hub.database().to_string_lossy()).unwrap();
    within("everything is indexed", async {
        while indexed(&mut database) < 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let found = excerpts(&ask(&hub.web().await, &[("q", "needle"), ("limit", "100")]).await);
    assert_eq!((found.len(), found[0].as_str()), (100, "[needle] 199"));
    hub.stop().await;
}

fn indexed(database: &mut SqliteConnection) -> i64 {
    let count = diesel::dsl::sql::<BigInt>("(SELECT COUNT(*) FROM search_messages_docsize)");
    diesel::select(count).get_result(database).unwrap()
}
