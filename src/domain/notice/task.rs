//! Tasks that ran beside the conversation and have ended, found in what agents write.

use serde_json::Value;

use crate::domain::{content, text};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub summary: String,
    pub has_failed: bool,
}

/// The ended task that a message tells of: in its inner content, else in the message itself.
pub fn task(message: &Value) -> Option<Task> {
    let inner = content::envelope(message).and_then(|envelope| of_output(envelope.content));
    inner.or_else(|| of_output(message))
}

fn of_output(content: &Value) -> Option<Task> {
    let data = content.get("data").filter(|_| str_at(content, "type") == Some("output"))?;
    match str_at(data, "type")? {
        "system" if str_at(data, "subtype") == Some("task_notification") => {
            ended(str_at(data, "summary")?, str_at(data, "status"))
        }
        "user" => of_text(
            str_at(data, "content").or_else(|| data.pointer("/message/content").and_then(Value::as_str))?,
        ),
        _ => None,
    }
}

fn of_text(said: &str) -> Option<Task> {
    let inside = said.trim_start_matches(text::is_space).strip_prefix("<task-notification>")?;
    ended(between(inside, "summary")?, between(inside, "status"))
}

fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

fn ended(summary: &str, status: Option<&str>) -> Option<Task> {
    const FAILURES: [&str; 4] = ["failed", "error", "killed", "aborted"];
    let summary = text::trim(summary);
    let status = status.map(|status| text::trim(status).to_lowercase());
    let has_failed = status.is_some_and(|status| FAILURES.contains(&status.as_str()));
    (!summary.is_empty()).then(|| Task { summary: summary.to_owned(), has_failed })
}

fn str_at<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(data: Value) -> Option<(String, bool)> {
        let outer = json!({ "type": "output", "data": data });
        let wrapped = json!({ "role": "agent", "content": outer });
        assert_eq!(task(&wrapped), task(&outer));
        task(&outer).map(|task| (task.summary, task.has_failed))
    }

    #[test]
    fn ended_tasks_are_found_in_both_dresses() {
        let system = |summary: &str, status: &str| json!({ "type": "system", "subtype": "task_notification", "summary": summary, "status": status });
        assert_eq!(found(system(" built ", "completed")), Some(("built".into(), false)));
        assert_eq!(found(system("built", " KILLED ")), Some(("built".into(), true)));
        assert_eq!(found(system("  ", "failed")), None);
        let said = "\n<task-notification><status>failed</status>\n<summary>tests broke</summary></task-notification>";
        assert_eq!(found(json!({ "type": "user", "content": said })), Some(("tests broke".into(), true)));
        let nested = json!({ "type": "user", "message": { "content": said } });
        assert_eq!(found(nested), Some(("tests broke".into(), true)));
        let bare = "<task-notification><summary>ok</summary>";
        assert_eq!(found(json!({ "type": "user", "content": bare })), Some(("ok".into(), false)));
        for other in [
            json!({ "type": "user", "content": "see <task-notification><summary>x</summary>" }),
            json!({ "type": "user", "content": "<task-notification><summary> </summary>" }),
            json!({ "type": "user", "content": "<task-notification>" }),
            json!({ "type": "system", "subtype": "init", "summary": "x" }),
            json!({ "type": "assistant", "summary": "x" }),
            json!(null),
        ] {
            assert_eq!(found(other.clone()), None, "{other}");
        }
    }
}
