//! Tools by which an agent asks a person something, rather than for leave.

use serde_json::Value;

use super::cut::{ELLIPSIS, cut, length, one_line};
use crate::domain::text;

const TOOLS: [&str; 4] = ["request_user_input", "AskUserQuestion", "ask_user_question", "CursorAskQuestion"];
const LONGEST: usize = 280;
const LONGEST_NAME: usize = 80;
const HINT: &str = "Open the session to answer.";

pub fn is_question(tool: &str) -> bool {
    TOOLS.contains(&tool.strip_prefix("functions.").unwrap_or(tool))
}

/// The first question, how many follow it, and where it is asked.
pub fn body<'a>(arguments: impl IntoIterator<Item = &'a Value>, session: &str) -> String {
    let mut first = None;
    let mut count: usize = 0;
    for asked in arguments {
        let questions = asked.get("questions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        // Arguments that hold no list are one question all the same.
        count += questions.len().max(1);
        first = first.or_else(|| questions.iter().find_map(worded));
    }
    let more = match count.saturating_sub(1) {
        0 => String::new(),
        1 => "\n+1 more question".to_owned(),
        more => format!("\n+{more} more questions"),
    };
    let end = format!("{more}\n{}", cut(session, LONGEST_NAME, ELLIPSIS));
    let room = LONGEST.saturating_sub(length(&end));
    format!("{}{end}", cut(first.as_deref().unwrap_or(HINT), room, ELLIPSIS))
}

fn worded(question: &Value) -> Option<String> {
    ["question", "header"].iter().find_map(|key| {
        let said = one_line(question.get(*key)?.as_str()?);
        (!text::is_blank(&said)).then_some(said)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_question_is_told_and_the_others_are_counted() {
        let asks = |questions: Value| body([&json!({ "questions": questions })], "app");
        assert_eq!(asks(json!([{ "question": " Which\n one? ", "header": "h" }])), "Which one?\napp");
        assert_eq!(asks(json!([{ "header": "Colour" }, {}])), "Colour\n+1 more question\napp");
        assert_eq!(asks(json!([{ "question": " " }, { "question": "b" }, {}])), "b\n+2 more questions\napp");
        assert_eq!(asks(json!([])), "Open the session to answer.\napp");
        assert_eq!(asks(json!("odd")), "Open the session to answer.\napp");
        let two = [json!({ "questions": [{ "question": "a" }, {}] }), json!(null)];
        assert_eq!(body(&two, "app"), "a\n+2 more questions\napp");
        for tool in ["AskUserQuestion", "functions.request_user_input", "CursorAskQuestion"] {
            assert!(is_question(tool), "{tool}");
        }
        assert!(!is_question("Bash") && !is_question("askuserquestion") && !is_question("ExitPlanMode"));
    }

    proptest! {
        #[test]
        fn a_question_fits_and_names_the_session(question in "(?s).{0,400}", name in "[a-z ]{1,200}", more in 0_usize..4) {
            let mut questions = vec![json!({ "question": question })];
            questions.resize(more + 1, json!({}));
            let told = body([&json!({ "questions": questions })], &name);
            prop_assert!(length(&told) <= LONGEST, "{} {}", length(&told), told);
            prop_assert!(told.ends_with(&cut(&name, LONGEST_NAME, ELLIPSIS)));
            prop_assert_eq!(told.contains("more question"), more > 0 || one_line(&question).contains("more question"));
        }
    }
}
