//! The grammar of access tokens: `base` or `base:namespace`.

use super::{ids::Namespace, text::is_space};

/// The namespace of a token that names none; its holders own the hub.
pub const DEFAULT_NAMESPACE: &str = "default";

const SHORTEST_STRONG: usize = 16;
const WEAK_STARTS: [&str; 5] = ["abc", "123", "password", "secret", "token"];

/// Splits a presented token at its last colon. `None` when a part is empty or has blanks at an end.
pub fn parse(presented: &str) -> Option<(&str, Namespace)> {
    let token = presented.trim_matches(is_space);
    let (base, namespace) = token.rsplit_once(':').unwrap_or((token, DEFAULT_NAMESPACE));
    let is_whole = |part: &str| !part.is_empty() && !part.starts_with(is_space) && !part.ends_with(is_space);
    (is_whole(base) && is_whole(namespace)).then(|| (base, Namespace::from(namespace)))
}

/// Why a base token is easily guessed, if it is.
pub fn weakness(base: &str) -> Option<&'static str> {
    let mut letters = base.chars();
    let first = letters.next();
    if base.chars().count() < SHORTEST_STRONG {
        Some("it has fewer than 16 characters")
    } else if base.chars().all(|letter| letter.is_ascii_digit()) {
        Some("it has digits only")
    } else if letters.all(|letter| Some(letter) == first) {
        Some("it repeats one character")
    } else if WEAK_STARTS.iter().any(|start| base.to_lowercase().starts_with(start)) {
        Some("it starts with a word that everybody tries first")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(token: &str) -> Option<(String, String)> {
        parse(token).map(|(base, namespace)| (base.to_owned(), namespace.as_str().to_owned()))
    }

    fn some(base: &str, namespace: &str) -> Option<(String, String)> {
        Some((base.to_owned(), namespace.to_owned()))
    }

    #[test]
    fn the_last_colon_separates_the_namespace() {
        assert_eq!(parsed("base"), some("base", "default"));
        assert_eq!(parsed(" base:team\n"), some("base", "team"));
        assert_eq!(parsed("a:b:c"), some("a:b", "c"));
        assert_eq!(parsed("my base:größe 1"), some("my base", "größe 1"));
    }

    #[test]
    fn empty_parts_and_blanks_at_the_colon_are_invalid() {
        for token in ["", "  ", ":", "a:", ":b", "a :b", "a: b", "a:b: ", "a:\u{feff}b"] {
            assert_eq!(parsed(token), None, "{token:?}");
        }
    }

    #[test]
    fn guessable_tokens_are_weak() {
        for token in [
            "short",
            "12345678901234567",
            "xxxxxxxxxxxxxxxxxxxx",
            "Password-and-a-long-tail",
            "",
            "123abcdefghijklmnop",
        ] {
            assert!(weakness(token).is_some(), "{token}");
        }
        assert_eq!(weakness("Zk3mQx81_hWv0-2pLr"), None);
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_taken_apart(
            base in "[!-~é]([ -~é]{0,8}[!-~é])?",
            namespace in "[!-9;-~ü]([ -9;-~ü]{0,8}[!-9;-~ü])?",
            before in "[ \t\n]{0,2}",
            after in "[ \t\n]{0,2}",
        ) {
            let token = format!("{before}{base}:{namespace}{after}");
            prop_assert_eq!(parsed(&token), some(&base, &namespace));
        }

        #[test]
        fn any_text_is_parsed_or_refused(token in any::<String>()) {
            if let Some((base, namespace)) = parsed(&token) {
                prop_assert!(!base.is_empty() && !namespace.is_empty() && !namespace.contains(':'));
                let again = if token.contains(':') { format!("{base}:{namespace}") } else { base };
                prop_assert_eq!(again, token.trim_matches(is_space));
            }
        }
    }
}
