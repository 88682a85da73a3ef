//! Finding files by name: what the agent's machine is asked, and what of its answer is shown.

use super::text;

/// What a person looks for.
pub struct Wanted {
    query: String,
    is_windows: bool,
}

impl Wanted {
    /// `folder` is the session's; on Windows its separators are brought to `/`.
    pub fn new(query: &str, folder: &str) -> Self {
        let mut letters = folder.chars();
        let has_drive =
            letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.next() == Some(':');
        let is_windows = has_drive || folder.starts_with("\\\\");
        let query = text::trim(query);
        let query = if is_windows { query.replace('\\', "/") } else { query.to_owned() };
        Self { query, is_windows }
    }

    pub fn query(&self) -> &str {
        &self.query
    }

    fn is_pattern(&self) -> bool {
        self.query.contains(['*', '?'])
    }

    /// Arguments for `ripgrep`.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--files".to_owned()];
        if !self.query.is_empty() && !self.is_pattern() {
            let mut escaped = String::with_capacity(self.query.len() + 4);
            for (at, c) in self.query.chars().enumerate() {
                if matches!(c, '\\' | '[' | ']' | '{' | '}') || (at == 0 && c == '!') {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
            arguments.push("--iglob".to_owned());
            arguments.push(format!("*{escaped}*"));
        }
        arguments
    }

    /// The paths among the output's lines that match, at most `limit`.
    pub fn matches(&self, output: &str, limit: usize) -> Vec<String> {
        let query = self.query.to_lowercase();
        output
            .lines()
            .map(text::trim)
            .filter(|line| !line.is_empty())
            .map(|line| if self.is_windows { line.replace('\\', "/") } else { line.to_owned() })
            .filter(|path| {
                let path = path.to_lowercase();
                if self.is_pattern() {
                    is_match(query.as_bytes(), path.as_bytes())
                } else {
                    path.contains(&query)
                }
            })
            .take(limit)
            .collect()
    }
}

/// Whether the whole of `path` fits a pattern in which `*` stands for any text and `?` for one character. The last
/// star seen is where matching goes on after a miss, so the time is bounded by the product of both lengths.
fn is_match(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < path.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += 1;
            }
            Some(c) if path.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "src/main.rs\nsrc/lib.rs\n\nREADME.md\n";

    #[test]
    fn a_plain_word_is_found_anywhere_in_a_path() {
        let wanted = Wanted::new(" MAIN ", "/home/me");
        assert_eq!(wanted.arguments(), ["--files", "--iglob", "*MAIN*"]);
        assert_eq!(wanted.matches(LISTED, 10), ["src/main.rs"]);
    }

    #[test]
    fn a_pattern_fits_the_whole_path() {
        let wanted = Wanted::new("src/*.r?", "/home/me");
        assert_eq!(wanted.arguments(), ["--files"]);
        assert_eq!(wanted.matches(LISTED, 10), ["src/main.rs", "src/lib.rs"]);
        assert_eq!(wanted.matches(LISTED, 1), ["src/main.rs"]);
        assert!(Wanted::new("*.rs", "/").matches("a.rsx", 1).is_empty());
    }

    #[test]
    fn signs_with_a_meaning_are_escaped() {
        assert_eq!(Wanted::new("![a]", "/").arguments(), ["--files", "--iglob", r"*\!\[a\]*"]);
    }

    #[test]
    fn windows_paths_are_told_with_slashes() {
        let wanted = Wanted::new(r"src\m", r"C:\work");
        assert_eq!(wanted.matches("src\\main.rs", 1), ["src/main.rs"]);
    }

    #[test]
    fn many_stars_end_in_good_time() {
        assert!(!is_match("*a".repeat(200).as_bytes(), "b".repeat(20_000).as_bytes()));
    }
}
