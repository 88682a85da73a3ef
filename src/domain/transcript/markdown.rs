//! Texts of others inside a Markdown document: they must not change how what follows them reads.

/// The beginning of a command, in characters, for a headline.
const HEADLINE: usize = 80;

/// One line of plain words.
pub fn inline(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut written = String::with_capacity(line.len());
    for letter in line.chars() {
        match letter {
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '&' => written.push_str("&amp;"),
            '*' | '_' | '`' | '[' | ']' | '#' | '\\' | '|' => written.extend(['\\', letter]),
            letter => written.push(letter),
        }
    }
    written
}

/// One line as it was typed.
pub fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ticks = "`".repeat(longest_run(&line, '`') + 1);
    if line.starts_with('`') || line.ends_with('`') {
        format!("{ticks} {line} {ticks}")
    } else {
        format!("{ticks}{line}{ticks}")
    }
}

/// The first line of a command inside of HTML.
pub fn start_of(command: &str) -> String {
    let line = command.lines().next().unwrap_or_default();
    let start: String = line.chars().take(HEADLINE).collect();
    let more = if start.len() < command.len() { "…" } else { "" };
    let escaped = start.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{escaped}{more}</code>")
}

/// A block that shows its text letter by letter, whatever is in it.
pub fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}")
}

/// Markdown of somebody else. A block of code that it leaves open is closed.
pub fn closed(text: &str) -> String {
    let text = text.trim_end();
    match open_fence(text) {
        Some(fence) => format!("{text}\n{fence}"),
        None => text.to_owned(),
    }
}

fn longest_run(text: &str, letter: char) -> usize {
    text.split(|c| c != letter).map(str::len).max().unwrap_or(0)
}

/// The fence that is still open at the end.
fn open_fence(text: &str) -> Option<String> {
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let bare = line.trim_start_matches(' ');
        if line.len() - bare.len() > 3 {
            continue;
        }
        let Some(mark @ ('`' | '~')) = bare.chars().next() else { continue };
        let rest = bare.trim_start_matches(mark);
        let length = bare.len() - rest.len();
        match open {
            Some((opened, least)) if mark == opened && length >= least && rest.trim().is_empty() => {
                open = None
            }
            None if length >= 3 && !(mark == '`' && rest.contains('`')) => open = Some((mark, length)),
            _ => {}
        }
    }
    open.map(|(mark, length)| std::iter::repeat_n(mark, length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(inline("a\n <b> *c* & #d"), r"a &lt;b&gt; \*c\* &amp; \#d");
        assert_eq!(code("a `b`"), "`` a `b` ``");
        assert_eq!(code("/srv/app"), "`/srv/app`");
        assert_eq!(start_of("ls <x>\nmore"), "<code>ls &lt;x&gt;…</code>");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fenced("sh", "ls"), "```sh\nls\n```");
        assert_eq!(fenced("", "```\n````\n"), "`````\n```\n````\n`````");
    }

    #[test]
    fn what_is_left_open_is_closed() {
        assert_eq!(closed("a\n\n```rust\nfn"), "a\n\n```rust\nfn\n```");
        assert_eq!(closed("~~~~\n```\n~~~"), "~~~~\n```\n~~~\n~~~~");
        for whole in ["", "a", "```\nx\n```", "```a`b", "    ```", "``"] {
            assert_eq!(closed(whole), whole);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_stays_open(text in "[`~a \n]{0,40}") {
            proptest::prop_assert_eq!(open_fence(&closed(&text)), None);
            proptest::prop_assert_eq!(open_fence(&fenced("json", &text)), None);
        }
    }
}
