//! What an agent said last, in as many words as fit a notice. Agents that are asked to end with a line for programs say
//! it best there.

use serde_json::Value;

use super::cut::{DOTS, cut, length};
use crate::domain::text;

const LONGEST: usize = 280;
const MARK: &str = "AGENT_NOTIFY_SUMMARY ";
const ARROW: &str = "\n-> ";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A summary that the agent wrote for this purpose.
    Summary(String),
    Text(String),
}

/// `None` when nothing was said.
pub fn said(message: &str) -> Option<Said> {
    let message = message.trim_end_matches(text::is_space);
    let (before, last) = message.rsplit_once('\n').unwrap_or(("", message));
    let Some(footer) = text::trim(last).strip_prefix(MARK) else { return plain(message) };
    of_footer(footer).map(Said::Summary).or_else(|| plain(before))
}

fn plain(message: &str) -> Option<Said> {
    (!text::is_blank(message)).then(|| Said::Text(cut(message, LONGEST, DOTS)))
}

fn of_footer(footer: &str) -> Option<String> {
    let footer: Value = serde_json::from_str(footer).ok()?;
    let filled =
        |key: &str| footer.get(key).and_then(Value::as_str).map(text::trim).filter(|text| !text.is_empty());
    let mut body = cut(filled("summary")?, LONGEST, DOTS);
    let room = LONGEST.saturating_sub(length(&body) + length(ARROW));
    if let Some(action) = filled("action").filter(|action| *action != body && room > length(DOTS)) {
        body.push_str(ARROW);
        body.push_str(&cut(action, room, DOTS));
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn with_footer(footer: &Value) -> Option<Said> {
        said(&format!("Long story.\n\nAGENT_NOTIFY_SUMMARY {footer}\n \n"))
    }

    #[test]
    fn the_line_for_programs_wins() {
        let summary = |text: &str| Some(Said::Summary(text.to_owned()));
        assert_eq!(with_footer(&json!({ "summary": " Fixed it " })), summary("Fixed it"));
        let both = json!({ "summary": "Fixed it", "action": "review" });
        assert_eq!(with_footer(&both), summary("Fixed it\n-> review"));
        assert_eq!(with_footer(&json!({ "summary": "same", "action": "same" })), summary("same"));
        let long = json!({ "summary": "s".repeat(300), "action": "review" });
        assert_eq!(with_footer(&long), summary(&format!("{}...", "s".repeat(277))));
        let story = Some(Said::Text("Long story.".to_owned()));
        assert_eq!(with_footer(&json!({ "summary": "" })), story);
        assert_eq!(with_footer(&json!("no object")), story);
        assert_eq!(said("Long story."), story);
        assert_eq!(said("AGENT_NOTIFY_SUMMARY {"), None);
        assert_eq!(said(" \n"), None);
    }

    proptest! {
        #[test]
        fn what_was_said_fits(text in "(?s).{0,400}", action in "(?s).{0,400}") {
            for said in [said(&text), with_footer(&json!({ "summary": text, "action": action }))].into_iter().flatten() {
                let (Said::Summary(body) | Said::Text(body)) = said;
                prop_assert!(length(&body) <= LONGEST && !text::is_blank(&body));
            }
        }
    }
}
