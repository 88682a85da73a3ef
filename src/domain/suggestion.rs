//! What a title is made from, and what becomes of the text that a model suggests.

use std::collections::VecDeque;

use serde_json::Value;

use super::{content, ids::Millis, text};

/// How many of the newest messages are looked at.
pub const LOOK_BACK: i64 = 200;
const MOST_OF_ONE: usize = 4_000;
const MOST_OF_ALL: usize = 16_000;
/// In UTF-16 units, as clients count.
const LONGEST_TITLE: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// What somebody said in plain words, as far as it shows in the conversation.
pub fn spoken(message: &Value) -> Option<(Speaker, String)> {
    const TERMINAL: [&str; 4] =
        ["<command-name>", "<command-message>", "<command-args>", "<local-command-stdout>"];
    if let Some(said) = content::human_text(message) {
        let is_terminal = TERMINAL.iter().any(|tag| said.contains(tag));
        return (!is_terminal).then_some((Speaker::User, said));
    }
    let data = content::envelope(message)?.data("output");
    let is = |key: &str| data.is_some_and(|data| data.get(key) == Some(&Value::Bool(true)));
    if is("isMeta") || is("isCompactSummary") || is("isSidechain") {
        return None;
    }
    let said = without_footer(&content::assistant_text(message)?).to_owned();
    (!text::is_blank(&said)).then_some((Speaker::Assistant, said))
}

/// Agents may be asked to end with a line for programs.
fn without_footer(said: &str) -> &str {
    let trimmed = said.trim_end();
    let (before, last) = trimmed.rsplit_once('\n').unwrap_or(("", trimmed));
    if last.contains("AGENT_NOTIFY_SUMMARY ") { before.trim_end() } else { trimmed }
}

/// The conversation as a model reads it, oldest first. `None` when there is nothing to go by.
pub fn transcript(newest_first: impl IntoIterator<Item = (Speaker, String)>) -> Option<String> {
    let mut left = MOST_OF_ALL;
    let mut parts = Vec::new();
    for (speaker, said) in newest_first {
        if left == 0 {
            break;
        }
        let part: String = text::trim(&said).chars().take(MOST_OF_ONE.min(left)).collect();
        left -= part.chars().count();
        let label = match speaker {
            Speaker::User => "User",
            Speaker::Assistant => "Assistant",
        };
        parts.push(format!("{label}: {part}"));
    }
    parts.reverse();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The title in what a model answered: its first line that says something, without what models put around it.
pub fn title_in(answer: &str) -> Option<String> {
    const QUOTES: [char; 12] = ['"', '\'', '`', '*', '“', '”', '‘', '’', '«', '»', '「', '」'];
    let around = |c: char| text::is_space(c) || QUOTES.contains(&c);
    let bare = |line: &'_ str| -> String {
        let line = line.trim_matches(around);
        let prefix = line.get(.."title:".len()).filter(|start| start.eq_ignore_ascii_case("title:"));
        line.get(prefix.map_or(0, str::len)..).unwrap_or_default().trim_matches(around).to_owned()
    };
    let lines = answer.lines().filter(|line| !line.trim_start().starts_with("```"));
    let title = lines.map(bare).find(|line| !line.is_empty())?;
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= LONGEST_TITLE
    };
    let cut: String = title.chars().take_while(fits).collect();
    Some(text::trim(&cut).to_owned())
}

/// How often titles of one session may be asked for: one at a time, and so many within a while.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    asked_at: VecDeque<Millis>,
    is_busy: bool,
}

/// Asked too often; worth another try after so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    pub wait: Millis,
}

impl Allowance {
    /// Takes the one place there is.
    pub fn begin(&mut self, now: Millis, limit: usize, window: Millis) -> Result<(), TooOften> {
        const ONE_SECOND: Millis = 1_000;
        self.forget(now, window);
        if self.is_busy {
            return Err(TooOften { wait: ONE_SECOND });
        }
        if self.asked_at.len() >= limit {
            let oldest = self.asked_at.front().copied().unwrap_or(now);
            return Err(TooOften { wait: (oldest + window - now).max(ONE_SECOND) });
        }
        self.is_busy = true;
        Ok(())
    }

    /// The provider is about to be asked, whatever it will answer.
    pub fn count(&mut self, now: Millis) {
        self.asked_at.push_back(now);
    }

    pub fn end(&mut self) {
        self.is_busy = false;
    }

    fn forget(&mut self, now: Millis, window: Millis) {
        while self.asked_at.front().is_some_and(|at| *at + window <= now) {
            self.asked_at.pop_front();
        }
    }

    /// Nothing of it is worth keeping.
    pub fn is_idle(&mut self, now: Millis, window: Millis) -> bool {
        self.forget(now, window);
        !self.is_busy && self.asked_at.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agent(data: Value) -> Value {
        json!({"role": "agent", "content": {"type": "output", "data": data}})
    }

    #[test]
    fn only_what_shows_as_words_counts() {
        let user = |said: &str| spoken(&json!({"role": "user", "content": {"type": "text", "text": said}}));
        assert_eq!(user("hi"), Some((Speaker::User, "hi".to_owned())));
        assert_eq!(user("<command-name>/clear</command-name>"), None);
        let answer = json!({"type": "assistant", "message": {"content": [
            {"type": "text", "text": "Done.\n\nAGENT_NOTIFY_SUMMARY {\"version\":1}\n"}, {"type": "tool_use", "name": "Bash"},
        ]}});
        assert_eq!(spoken(&agent(answer.clone())), Some((Speaker::Assistant, "Done.".to_owned())));
        for mark in ["isMeta", "isCompactSummary", "isSidechain"] {
            let mut hidden = answer.clone();
            hidden[mark] = json!(true);
            assert_eq!(spoken(&agent(hidden)), None, "{mark}");
        }
        let tool = json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": "x"}]}});
        assert_eq!(spoken(&agent(tool)), None);
    }

    #[test]
    fn the_newest_words_win_and_are_told_in_order() {
        let said = vec![(Speaker::Assistant, " b ".to_owned()), (Speaker::User, "a".to_owned())];
        assert_eq!(transcript(said).as_deref(), Some("User: a\n\nAssistant: b"));
        let long = (0..10).map(|n| (Speaker::User, n.to_string().repeat(5_000)));
        let text = transcript(long).unwrap();
        assert_eq!(text.matches("User: ").count(), 4);
        assert!(text.starts_with("User: 3333") && text.ends_with("0000"));
        assert_eq!(transcript(Vec::new()), None);
    }

    #[test]
    fn what_models_put_around_a_title_is_taken_off() {
        for answer in
            ["Fix login", "\n\n\"Fix login\"\nmore", "```\nTitle: Fix login\n```", "**title: 'Fix login'**"]
        {
            assert_eq!(title_in(answer).as_deref(), Some("Fix login"), "{answer:?}");
        }
        assert_eq!(title_in(&"é".repeat(100)).unwrap().chars().count(), 80);
        assert_eq!(title_in(&"😀".repeat(100)).unwrap().chars().count(), 40);
        assert_eq!(title_in(" \n```\n\"\"\nTitle:"), None);
    }

    #[test]
    fn five_within_ten_minutes_and_one_at_a_time() {
        let mut allowance = Allowance::default();
        for at in 0..5 {
            assert_eq!(allowance.begin(at, 5, 600_000), Ok(()));
            assert!(allowance.begin(at, 5, 600_000).is_err());
            allowance.count(at);
            allowance.end();
        }
        assert_eq!(allowance.begin(10_000, 5, 600_000), Err(TooOften { wait: 590_000 }));
        assert!(!allowance.is_idle(10_000, 600_000));
        assert_eq!(allowance.begin(600_000, 5, 600_000), Ok(()));
        allowance.end();
        assert!(allowance.is_idle(1_300_000, 600_000));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_gives_a_short_title_or_none(answer in ".{0,300}") {
            if let Some(title) = title_in(&answer) {
                proptest::prop_assert!((1..=80).contains(&text::units(&title)));
                proptest::prop_assert!(!title.contains('\n'));
            }
        }
    }
}
