//! What agents consumed is read out of what they say.

use serde_json::{Value, json};

use crate::support::{Answer, Setup, TestHub, metadata};

const DAY: i64 = 24 * 3_600_000;

fn answer_of_claude(id: &str, model: &str, input: i64, cached: i64, output: i64) -> Value {
    let usage = json!({
        "input_tokens": input, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0, "output_tokens": output,
    });
    let message =
        json!({ "id": id, "model": model, "content": [{ "type": "text", "text": "hm" }], "usage": usage });
    json!({ "role": "agent", "content": { "type": "output", "data": { "type": "assistant", "message": message } } })
}

fn count_of_codex(thread: &str, input: i64, output: i64) -> Value {
    let info = json!({ "total": { "inputTokens": input, "cachedInputTokens": 0, "outputTokens": output } });
    let data = json!({ "type": "token_count", "thread_id": thread, "model": "gpt-5", "info": info });
    json!({ "role": "agent", "content": { "type": "codex", "data": data } })
}

fn codex() -> Value {
    json!({ "path": "/srv/app", "host": "box", "flavor": "codex", "name": "Fix the login" })
}

fn keys(answer: &Answer, table: &str) -> Vec<String> {
    answer.body[table].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

fn input(answer: &Answer) -> i64 {
    answer.body["totals"]["inputTokens"].as_i64().unwrap()
}

#[actix_rt::test]
async fn a_summary_adds_up_all_agents() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (claude, cli) = hub.live_session("c", &metadata()).await;
    // The second piece of one answer replaces the first.
    cli.say(&answer_of_claude("m1", "claude-sonnet-4-5", 10, 100, 1)).await;
    cli.say(&answer_of_claude("m1", "claude-sonnet-4-5", 10, 100, 50)).await;
    cli.say(&answer_of_claude("m2", "made-up", 5, 0, 5)).await;
    let (codex, cli) = hub.live_session("x", &codex()).await;
    for (input, output) in [(1_000, 10), (1_500, 20), (1_500, 20), (200, 5)] {
        cli.say(&count_of_codex("t", input, output)).await;
    }
    // Played again, as on a resume.
    cli.say(&count_of_codex("t", 1_000, 10)).await;

    let answer = web.get("/api/usage/summary").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let now = hub.clock.now();
    assert_eq!(answer.body["range"], json!({ "from": now - 7 * DAY, "to": now }));
    assert_eq!((&answer.body["isComplete"], &answer.body["updatedAt"]), (&json!(true), &json!(now)));
    assert_eq!(
        answer.body["totals"],
        json!({
            "inputTokens": 1_815, "outputTokens": 80, "cacheReadTokens": 100, "cacheCreationTokens": 0,
            "totalTokens": 1_895, "uncachedTokens": 1_795, "requests": 5, "sessions": 2,
            // 10 of input at 3 $, 100 from the cache at 0.3 $, 50 of output at 15 $; 1700 at 1.25 $ and 25 at 10 $.
            "costUsd": 0.003_185, "unpricedTokens": 10,
        })
    );
    assert_eq!(keys(&answer, "byAgent"), ["codex", "claude"]);
    assert_eq!(keys(&answer, "byModel"), ["gpt-5", "claude-sonnet-4-5", "made-up"]);
    assert_eq!(answer.body["byModel"][2]["costUsd"], Value::Null);
    assert_eq!(keys(&answer, "bySession"), [codex.clone(), claude.clone()]);
    assert_eq!(answer.body["bySession"][0]["title"], "Fix the login");
    assert_eq!(answer.body["bySession"][1]["title"], "app");
    assert_eq!(keys(&answer, "daily").len(), 1);

    // Of one session alone, and of another namespace nothing.
    let answer = web.get(&format!("/api/sessions/{claude}/usage")).await;
    assert_eq!((input(&answer), &answer.body["range"]["from"]), (115, &Value::Null));
    assert_eq!(keys(&answer, "bySession"), [claude.as_str()]);
    let stranger = hub.web_of("b").await;
    assert_eq!(stranger.get(&format!("/api/sessions/{codex}/usage")).await.status, 403);
    let answer = stranger.get("/api/usage/summary").await;
    assert_eq!((answer.status, answer.error()), (403, "Usage summary is only available to the hub owner"));
    hub.stop().await;
}

#[actix_rt::test]
async fn ranges_and_days_are_those_asked_for() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let now = hub.clock.now();
    for (place, age) in [40 * DAY, 20 * DAY, DAY, 0].into_iter().enumerate() {
        let message =
            answer_of_claude(&format!("m{place}"), "x", 10_i64.pow(u32::try_from(place).unwrap()), 0, 0);
        cli.emit("message", &json!({ "sid": id, "message": message, "createdAt": now - age }));
    }
    cli.flush().await;
    for (query, expected) in [
        ("", 1_100),
        ("?range=7d", 1_100),
        ("?range=odd", 1_100),
        ("?range=30d", 1_110),
        ("?range=all", 1_111),
    ] {
        assert_eq!(input(&web.get(&format!("/api/usage/summary{query}")).await), expected, "{query}");
    }
    let session = web.get(&format!("/api/sessions/{id}/usage?range=7d")).await;
    assert_eq!(input(&session), 1_100);
    // The tests' clock stands at 2026-09-21 14:13:20 UTC.
    let days = |answer: Answer| keys(&answer, "daily");
    let path = "/api/usage/summary?timeZone=";
    assert_eq!(days(web.get(&format!("{path}UTC")).await), ["2026-09-20", "2026-09-21"]);
    assert_eq!(days(web.get(&format!("{path}Pacific/Kiritimati")).await), ["2026-09-21", "2026-09-22"]);
    for wrong in ["", "Mars/Olympus", &"x".repeat(101), "../../etc/passwd"] {
        let answer = web.get(&format!("{path}{wrong}")).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid timeZone"), "{wrong}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn history_that_changed_is_counted_anew() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &codex()).await;
    cli.say(&count_of_codex("t", 100, 0)).await;
    assert_eq!(input(&web.get("/api/usage/summary").await), 100);
    cli.say(&count_of_codex("t", 150, 0)).await;
    assert_eq!(input(&web.get("/api/usage/summary").await), 150);
    // A message that is older than the newest changes the epoch.
    let late = count_of_codex("u", 7, 0);
    cli.emit("message", &json!({ "sid": id, "message": late, "createdAt": hub.clock.now() - 1_000 }));
    cli.flush().await;
    let answer = web.get("/api/usage/summary").await;
    assert_eq!((input(&answer), &answer.body["totals"]["requests"]), (157, &json!(3)));
    // It is all there after a restart, and goes with its session.
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(input(&web.get("/api/usage/summary").await), 157);
    assert_eq!(web.delete(&format!("/api/sessions/{id}")).await.status, 200);
    assert_eq!(input(&web.get("/api/usage/summary?range=all").await), 0);
    hub.stop().await;
}

#[actix_rt::test]
async fn many_messages_are_counted_batch_by_batch() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let mut sessions = Vec::new();
    for tag in ["a", "b"] {
        let (id, cli) = hub.live_session(tag, &metadata()).await;
        for place in 0..300 {
            let message = answer_of_claude(&format!("{tag}{place}"), "x", 1, 0, 0);
            cli.emit("message", &json!({ "sid": id, "message": message }));
        }
        cli.flush().await;
        sessions.push((id, cli));
    }
    let (one, two) = futures_util::join!(web.get("/api/usage/summary"), web.get("/api/usage/summary"));
    assert_eq!((input(&one), input(&two)), (600, 600));
    assert_eq!(one.body["totals"]["requests"], 600);
    hub.stop().await;
}

#[actix_rt::test]
async fn own_prices_win_over_the_list() {
    let config = "[usage]\nprices = [\"claude-sonnet* = 0 0 0 1000000\", \"local* = 0 0 0 0\"]\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&answer_of_claude("a", "claude-sonnet-4-5", 10, 0, 2)).await;
    cli.say(&answer_of_claude("b", "local-model", 10, 0, 2)).await;
    let answer = hub.web().await.get(&format!("/api/sessions/{id}/usage")).await;
    assert_eq!(
        (&answer.body["totals"]["costUsd"], &answer.body["totals"]["unpricedTokens"]),
        (&json!(2.0), &json!(0))
    );
    hub.stop().await;
}
