use serde_json::{Value, json};

use super::*;

fn source(flavor: Option<&str>) -> Source<'_> {
    Source { message_id: "m", local_id: None, flavor, is_imported: false }
}

fn agent(kind: &str, data: &Value) -> Value {
    json!({"role": "agent", "content": {"type": kind, "data": data}})
}

fn codex(data: &Value, source: &Source<'_>) -> Option<Sample> {
    sample(&agent("codex", data), source)
}

fn input(data: &Value, source: &Source<'_>) -> i64 {
    match codex(data, source).unwrap().amount {
        Amount::Difference(tokens) => tokens.input,
        Amount::Total { total, .. } => total.input,
    }
}

#[test]
fn claudes_answers_are_known_by_their_id() {
    let answer = json!({"type": "assistant", "message": {"id": "msg_1", "model": "claude-opus-4-5", "usage": {
        "input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 1,
    }}});
    // Whatever the session says it is.
    let found = sample(&agent("output", &answer), &source(Some("agy"))).unwrap();
    assert_eq!((found.key.as_str(), found.agent.as_str()), ("claude|msg_1", "claude"));
    assert_eq!(found.model.as_deref(), Some("claude-opus-4-5"));
    let tokens = Tokens { input: 16, output: 2, cache_read: 5, cache_creation: 1 };
    assert_eq!(found.amount, Amount::Difference(tokens));
    let mut other = answer.clone();
    other["message"]["usage"] = json!({"input_tokens": 0});
    assert_eq!(sample(&agent("output", &other), &source(None)), None);
    other = answer;
    other["type"] = json!("user");
    assert_eq!(sample(&agent("output", &other), &source(None)), None);
}

#[test]
fn codex_tells_totals_of_a_thread() {
    let row = json!({"type": "token_count", "thread_id": "t", "scope_role": "parent", "turn_id": "u", "info": {
        "total": {"inputTokens": 100, "cachedInputTokens": 60, "outputTokens": 9}, "last": {"inputTokens": 40, "outputTokens": 3},
    }});
    let found = codex(&row, &source(Some("codex"))).unwrap();
    assert_eq!(found.key, "total|t|parent|u|100|9|60|0");
    let total = Tokens { input: 100, output: 9, cache_read: 60, cache_creation: 0 };
    let last = Tokens { input: 40, output: 3, ..Tokens::default() };
    assert_eq!(found.amount, Amount::Total { stream: "t|parent".to_owned(), total, last: Some(last) });
    // Of another agent the same row tells what one request took.
    let found = codex(&row, &source(Some("kimi"))).unwrap();
    assert_eq!((found.key.as_str(), found.amount), ("delta|m", Amount::Difference(last)));
}

#[test]
fn whether_the_cache_is_part_of_the_input_depends() {
    let row =
        json!({"type": "usage", "info": {"inputTokens": 100, "cacheReadTokens": 50, "outputTokens": 1}});
    assert_eq!(input(&row, &source(Some("grok"))), 150);
    assert_eq!(input(&row, &source(Some("kimi"))), 100);
    assert_eq!(input(&row, &source(Some("pi"))), 150);
    let imported = Source { local_id: Some("pi:x"), ..source(Some("pi")) };
    assert_eq!(input(&row, &imported), 100);
    let mut named = row.clone();
    named["model"] = json!("grok-4");
    assert_eq!(input(&named, &source(Some("grok"))), 100);
    named["usageSchema"] = json!("hapi.usage.v1");
    named["inputTokenSemantics"] = json!("excludes-cache");
    assert_eq!(input(&named, &source(Some("kimi"))), 150);
}

#[test]
fn history_that_was_imported_is_not_counted_again() {
    let mut row = json!({"type": "token_count", "info": {"total": {"inputTokens": 100}}});
    let imported = Source { is_imported: true, ..source(Some("codex")) };
    assert_eq!(codex(&row, &imported), None);
    assert!(codex(&row, &source(Some("codex"))).is_some());
    row["threadId"] = json!("t");
    assert!(codex(&row, &imported).is_some());
    row["hapiUsageScope"] = json!("imported-history");
    assert_eq!(codex(&row, &source(Some("codex"))), None);
}

#[test]
fn only_agents_report() {
    let data = json!({"type": "usage", "info": {"inputTokens": 1}});
    let mut row = agent("codex", &data);
    assert!(sample(&row, &source(None)).is_some());
    assert!(may_report(&row.to_string()));
    row["role"] = json!("user");
    assert_eq!(sample(&row, &source(None)), None);
    assert_eq!(sample(&json!("text"), &source(None)), None);
}
