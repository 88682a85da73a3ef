use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn message(role: &str, text: &str) -> String {
    json!({"role": role, "content": {"type": "codex", "data": {"list": [text, "short"], "role": "agent"}}})
        .to_string()
}

fn text_of(raw: &str) -> String {
    let message: Value = serde_json::from_str(raw).unwrap();
    message["content"]["data"]["list"][0].as_str().unwrap().to_owned()
}

#[test]
fn a_long_text_keeps_its_head_and_tail() {
    let text: String = (0..70_000).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    let cut = text_of(&truncate_agent_strings(&message("agent", &text)).unwrap());
    let expected =
        format!("{}\n…[hapi: truncated 8560 chars]…\n{}", &text[..HEAD_UNITS], &text[70_000 - TAIL_UNITS..]);
    assert_eq!(cut, expected);
}

#[test]
fn the_limit_itself_is_not_cut() {
    assert_eq!(truncate_agent_strings(&message("agent", &"a".repeat(MAX_UNITS))), None);
    assert!(truncate_agent_strings(&message("agent", &"a".repeat(MAX_UNITS + 1))).is_some());
    assert_eq!(truncate_agent_strings(&message("agent", &"\"".repeat(MAX_UNITS))), None);
    assert_eq!(truncate_agent_strings(&message("agent", &"é".repeat(MAX_UNITS))), None);
    assert!(truncate_agent_strings(&message("agent", &"😀".repeat(MAX_UNITS / 2 + 1))).is_some());
}

#[test]
fn only_agents_are_cut() {
    for role in ["user", "assistant", "system"] {
        assert_eq!(truncate_agent_strings(&message(role, &"a".repeat(100_000))), None);
    }
    assert_eq!(truncate_agent_strings(&format!("\"{}\"", "a".repeat(100_000))), None);
}

#[test]
fn a_role_after_the_content_counts_too() {
    let raw = format!(r#"{{"content":"{}","role":"agent"}}"#, "a".repeat(100_000));
    let cut = truncate_agent_strings(&raw).unwrap();
    assert!(cut.len() < MAX_UNITS && cut.ends_with(r#"","role":"agent"}"#));
}

#[test]
fn keys_are_not_touched() {
    let raw = format!(r#"{{"role":"agent","{}":1}}"#, "k".repeat(100_000));
    assert_eq!(truncate_agent_strings(&raw), None);
}

#[test]
fn lone_surrogates_and_split_pairs_leave_readable_text() {
    for (piece, units) in [
        ("\\ud83d", 1),
        ("\\udc00", 1),
        ("\\ud83dxxxxxx", 7),
        ("\\ud83d\\ude00", 2),
        ("😀", 2),
        ("\\n", 1),
        ("\\\\", 1),
    ] {
        let raw = format!(r#"{{"role":"agent","content":"a{}","n":1.0}}"#, piece.repeat(70_000));
        let cut = truncate_agent_strings(&raw).unwrap();
        let removed = 1 + 70_000 * units - HEAD_UNITS - TAIL_UNITS;
        assert!(cut.contains(&format!("[hapi: truncated {removed} chars]")), "{piece}");
        assert!(cut.ends_with(r#"","n":1.0}"#), "{piece}");
        assert!(crate::domain::json::read_text(&cut).is_some(), "{piece}");
        assert_eq!(truncate_agent_strings(&cut), None, "{piece}");
    }
    let pairs = format!(r#"{{"role":"agent","content":"a{}"}}"#, "😀".repeat(40_000));
    assert_eq!(truncate_agent_strings(&pairs).unwrap().matches("\\ufffd").count(), 1);
}

#[test]
fn deep_nesting_is_no_obstacle() {
    let raw = format!(
        r#"{{"role":"agent","content":{}"{}"{}}}"#,
        "[".repeat(5_000),
        "a".repeat(100_000),
        "]".repeat(5_000)
    );
    assert!(truncate_agent_strings(&raw).is_some());
}

/// The rule in plain words: over a list of code units.
fn reference(text: &str) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    if units.len() <= MAX_UNITS {
        return text.to_owned();
    }
    let removed = units.len() - HEAD_UNITS - TAIL_UNITS;
    let head = String::from_utf16_lossy(&units[..HEAD_UNITS]);
    let tail = String::from_utf16_lossy(&units[units.len() - TAIL_UNITS..]);
    format!("{head}\n…[hapi: truncated {removed} chars]…\n{tail}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn cutting_follows_the_rule_and_is_done_once(unit in "[a-zé\"\\\\\n😀]{1,9}", times in 5_000_usize..30_000, lead in "[a😀]{0,3}") {
        let text = lead + &unit.repeat(times);
        let raw = message("agent", &text);
        let cut = truncate_agent_strings(&raw);
        prop_assert_eq!(cut.is_some(), text.encode_utf16().count() > MAX_UNITS);
        let cut = cut.unwrap_or(raw);
        prop_assert_eq!(text_of(&cut), reference(&text));
        prop_assert_eq!(truncate_agent_strings(&cut), None);
        prop_assert_eq!(truncate_agent_strings(&message("user", &text)), None);
    }
}
