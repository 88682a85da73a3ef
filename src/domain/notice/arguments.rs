//! What a tool is about to do, as far as its arguments say it. Anything odd reads as nothing.

use serde_json::Value;

use super::cut::{DOTS, cut, length, one_line};

/// The longest of a part among others.
const PART: usize = 50;
const PLACE: usize = 80;
const COMPACT: usize = 60;
/// Shorter JSON says nothing.
const SHORTEST_JSON: usize = 10;

/// On one line.
pub fn compact(tool: &str, arguments: &Value) -> String {
    match tool {
        "Edit" | "Write" | "Read" => end_of_path(file(arguments)),
        "Bash" => cut(&one_line(text(arguments, "command")), COMPACT, DOTS),
        "Agent" | "Task" => cut(&one_line(errand(arguments)), COMPACT, DOTS),
        "Grep" | "Glob" => cut(&one_line(text(arguments, "pattern")), COMPACT, DOTS),
        "WebFetch" => url::Url::parse(text(arguments, "url"))
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
        "TodoWrite" => items(arguments),
        _ => String::new(),
    }
}

/// With everything that matters; each part has at most `limit` characters.
pub fn detailed(tool: &str, arguments: &Value, limit: usize) -> String {
    let part = |key: &str, limit: usize| cut(text(arguments, key), limit, DOTS);
    let file = cut(file(arguments), limit, DOTS);
    match tool {
        "Edit" => {
            let (old, new) = (part("old_string", PART), part("new_string", PART));
            let change = format!("\"{old}\" → \"{new}\"");
            let has_change = !old.is_empty() || !new.is_empty();
            lines([file, if has_change { change } else { String::new() }])
        }
        "Write" => match arguments.get("content").and_then(Value::as_str) {
            Some(content) if !file.is_empty() => format!("{file} ({} chars)", length(content)),
            _ => file,
        },
        "Read" => file,
        "Bash" => part("command", limit),
        "Agent" | "Task" => cut(errand(arguments), limit, DOTS),
        "Grep" | "Glob" => lines([part("pattern", limit), part("path", PLACE)]),
        "WebFetch" => part("url", limit),
        "TodoWrite" => items(arguments),
        _ => match arguments {
            Value::Null => String::new(),
            other => {
                let json = other.to_string();
                if length(&json) > SHORTEST_JSON { cut(&json, limit, DOTS) } else { String::new() }
            }
        },
    }
}

fn text<'a>(arguments: &'a Value, key: &str) -> &'a str {
    arguments.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn filled<'a>(arguments: &'a Value, keys: [&str; 2]) -> &'a str {
    keys.map(|key| text(arguments, key)).into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn file(arguments: &Value) -> &str {
    filled(arguments, ["file_path", "path"])
}

fn errand(arguments: &Value) -> &str {
    filled(arguments, ["description", "prompt"])
}

fn items(arguments: &Value) -> String {
    let todos = arguments.get("todos").and_then(Value::as_array);
    todos.map(|todos| format!("{} items", todos.len())).unwrap_or_default()
}

fn lines(parts: [String; 2]) -> String {
    let filled: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    filled.join("\n")
}

/// The last two parts of a path.
fn end_of_path(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [.., folder, name] if parts.len() > 2 => cut(&format!(".../{folder}/{name}"), PLACE, DOTS),
        _ => cut(path, PLACE, DOTS),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_tool_says_what_matters() {
        let edit =
            json!({ "file_path": "/srv/app/src/main.rs", "old_string": "a", "new_string": "b".repeat(60) });
        let cut_b = format!("{}...", "b".repeat(47));
        for (tool, arguments, short, long) in [
            ("Edit", edit, ".../src/main.rs", format!("/srv/app/src/main.rs\n\"a\" → \"{cut_b}\"")),
            ("Edit", json!({ "path": "a/b" }), "a/b", "a/b".into()),
            (
                "Write",
                json!({ "file_path": "/x/y/z", "content": "äö" }),
                ".../y/z",
                "/x/y/z (2 chars)".into(),
            ),
            ("Read", json!({ "path": "/x" }), "/x", "/x".into()),
            ("Bash", json!({ "command": "make\n test" }), "make test", "make\n test".into()),
            ("Task", json!({ "description": "", "prompt": "look" }), "look", "look".into()),
            ("Agent", json!({ "description": "find it", "prompt": "p" }), "find it", "find it".into()),
            ("Grep", json!({ "pattern": "fn", "path": "src" }), "fn", "fn\nsrc".into()),
            (
                "WebFetch",
                json!({ "url": "https://example.com/x?y" }),
                "example.com",
                "https://example.com/x?y".into(),
            ),
            ("WebFetch", json!({ "url": "nonsense" }), "", "nonsense".into()),
            ("TodoWrite", json!({ "todos": [1, 2] }), "2 items", "2 items".into()),
            ("Other", json!({ "a": "bcdef" }), "", r#"{"a":"bcdef"}"#.into()),
            ("Other", json!({ "a": 1 }), "", String::new()),
            ("Bash", json!(null), "", String::new()),
            ("Bash", json!({ "command": 5 }), "", String::new()),
            ("Edit", json!([]), "", String::new()),
        ] {
            assert_eq!(compact(tool, &arguments), short, "{tool} {arguments}");
            assert_eq!(detailed(tool, &arguments, 150), long, "{tool} {arguments}");
        }
    }

    proptest! {
        #[test]
        fn odd_arguments_are_no_trouble(key in 0_usize..8, said in "(?s).{0,300}", tool in 0_usize..8) {
            let keys = ["file_path", "path", "command", "description", "pattern", "url", "old_string", "content"];
            let tools = ["Edit", "Write", "Read", "Bash", "Task", "Grep", "WebFetch", "Unknown"];
            let arguments = json!({ keys[key]: said });
            let short = compact(tools[tool], &arguments);
            prop_assert!(length(&short) <= 300 && !short.contains('\n') || tools[tool] == "Edit" || tools[tool] == "Write" || tools[tool] == "Read");
            prop_assert!(length(&detailed(tools[tool], &arguments, 120)) <= 120 + PLACE + 10);
        }
    }
}
