//! The to-do list of a session, as its agent last wrote it.

use serde_json::{Map, Value, json};

use super::content::{envelope, tool_calls};

const STATUSES: [&str; 3] = ["pending", "in_progress", "completed"];
const PRIORITIES: [&str; 3] = ["high", "medium", "low"];

/// The list that a message of the agent sets. An empty list is a list.
pub fn from_message(message: &Value) -> Option<Value> {
    let written = tool_calls(message)
        .into_iter()
        .filter(|call| call.name == "TodoWrite")
        .find_map(|call| view(call.input.get("todos")?));
    written.or_else(|| plan(message))
}

/// The public view: all items sound, with their defaults, or nothing.
pub fn view(todos: &Value) -> Option<Value> {
    todos.as_array()?.iter().map(item).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// How many are done, of how many. `None` when there are none.
pub fn progress(todos: &Value) -> Option<(u32, u32)> {
    let todos = todos.as_array().filter(|todos| !todos.is_empty())?;
    let completed =
        todos.iter().filter(|todo| todo.get("status").is_some_and(|status| status == "completed")).count();
    Some((u32::try_from(completed).ok()?, u32::try_from(todos.len()).ok()?))
}

fn item(todo: &Value) -> Option<Value> {
    let text = |key: &str| todo.get(key).map(|value| value.as_str());
    let mut item = Map::new();
    item.insert("content".to_owned(), text("content")??.into());
    item.insert("status".to_owned(), one_of(&STATUSES, text("status")??)?.into());
    item.insert(
        "priority".to_owned(),
        one_of(&PRIORITIES, text("priority").unwrap_or(Some("medium"))?)?.into(),
    );
    item.insert("id".to_owned(), text("id").unwrap_or(Some(""))?.into());
    if let Some(active_form) = text("activeForm") {
        item.insert("activeForm".to_owned(), active_form?.into());
    }
    Some(Value::Object(item))
}

/// A plan's entries; bad ones are skipped and entries without an id are numbered.
fn plan(message: &Value) -> Option<Value> {
    let envelope = envelope(message).filter(|envelope| envelope.is_agent())?;
    if envelope.content.get("type")? != "codex" || envelope.content.pointer("/data/type")? != "plan" {
        return None;
    }
    let entries = envelope.content.pointer("/data/entries")?.as_array()?;
    let todos = entries.iter().enumerate().filter_map(|(index, entry)| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        Some(json!({
            "content": text("content")?,
            "status": one_of(&STATUSES, text("status")?)?,
            "priority": one_of(&PRIORITIES, text("priority")?)?,
            "id": text("id").map_or_else(|| format!("plan-{}", index + 1), str::to_owned),
        }))
    });
    Some(todos.collect())
}

fn one_of<'a>(known: &[&str], text: &'a str) -> Option<&'a str> {
    known.contains(&text).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codex(data: Value) -> Value {
        json!({"role": "agent", "content": {"type": "codex", "data": data}})
    }

    #[test]
    fn the_first_sound_list_wins() {
        let bad = json!({"todos": [{"content": "x", "status": "later"}]});
        let good = json!({"todos": [{"content": "x", "status": "pending", "activeForm": "Xing", "more": 1}]});
        let call = |input: &Value| json!({"type": "tool_use", "name": "TodoWrite", "input": input});
        let blocks = json!([call(&bad), call(&good), call(&json!({"todos": []}))]);
        let message = json!({"role": "agent", "content": {"type": "output", "data": {"type": "assistant", "message": {"content": blocks}}}});
        let expected = json!([{"content": "x", "status": "pending", "priority": "medium", "id": "", "activeForm": "Xing"}]);
        assert_eq!(from_message(&message), Some(expected.clone()));
        let call = codex(json!({"type": "tool-call", "name": "TodoWrite", "input": good}));
        assert_eq!(from_message(&call), Some(expected));
        let empty = codex(json!({"type": "tool-call", "name": "TodoWrite", "input": {"todos": []}}));
        assert_eq!(from_message(&empty), Some(json!([])));
        let mut user = message;
        user["role"] = json!("user");
        assert_eq!(from_message(&user), None);
    }

    #[test]
    fn a_plan_is_a_list_too() {
        let entries = json!([{"content": "a", "priority": "high", "status": "completed"}, {"content": "b"},
            {"content": "c", "priority": "low", "status": "pending", "id": "own"}, {"content": "d", "priority": "low", "status": "pending"}]);
        let expected = json!([
            {"content": "a", "status": "completed", "priority": "high", "id": "plan-1"},
            {"content": "c", "status": "pending", "priority": "low", "id": "own"},
            {"content": "d", "status": "pending", "priority": "low", "id": "plan-4"},
        ]);
        let list = from_message(&codex(json!({"type": "plan", "entries": entries}))).unwrap();
        assert_eq!(list, expected);
        assert_eq!(progress(&list), Some((1, 3)));
        assert_eq!(progress(&json!([])), None);
    }

    #[test]
    fn one_bad_item_voids_the_list() {
        for bad in [
            json!({"content": 1, "status": "pending"}),
            json!({"content": "a"}),
            json!({"content": "a", "status": "pending", "id": 5}),
            json!(1),
        ] {
            assert_eq!(view(&json!([{"content": "a", "status": "pending"}, bad])), None);
        }
        assert_eq!(view(&json!({})), None);
    }

    proptest! {
        #[test]
        fn viewing_a_view_changes_nothing(items in prop::collection::vec(("[a-z]{0,3}", 0..3_usize, prop::option::of(0..3_usize)), 0..6)) {
            let list: Value = items.iter().map(|(content, status, priority)| {
                let mut todo = json!({"content": content, "status": STATUSES[*status], "extra": 1});
                if let Some(priority) = priority {
                    todo["priority"] = json!(PRIORITIES[*priority]);
                }
                todo
            }).collect();
            let once = view(&list).unwrap();
            prop_assert_eq!(view(&once), Some(once.clone()));
            prop_assert_eq!(progress(&once).map(|(_, total)| total as usize), (!items.is_empty()).then_some(items.len()));
        }
    }
}
