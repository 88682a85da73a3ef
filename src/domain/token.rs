//! Access tokens as people and machines present them: `base` or `base:namespace`.

use std::fmt;

use super::{ids::Namespace, text};

pub const DEFAULT_NAMESPACE: &str = "default";

#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub base: String,
    pub namespace: Namespace,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// Splits a presented token. The namespace stands after the last colon.
pub fn parse(presented: &str) -> Option<AccessToken> {
    let presented = text::trim(presented);
    let (base, namespace) = presented.rsplit_once(':').unwrap_or((presented, DEFAULT_NAMESPACE));
    let sound = |part: &str| !part.is_empty() && text::trim(part) == part;
    (sound(base) && sound(namespace))
        .then(|| AccessToken { base: base.to_owned(), namespace: Namespace::from(namespace) })
}

/// Whether a secret of the operator's choice is easy to guess.
pub fn is_weak(token: &str) -> bool {
    const COMMON: [&str; 5] = ["abc", "123", "password", "secret", "token"];
    let lower = token.to_lowercase();
    text::units(token) < 16
        || token.chars().all(|c| c.is_ascii_digit())
        || token.chars().all(|c| token.starts_with(c))
        || COMMON.iter().any(|start| lower.starts_with(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(presented: &str) -> Option<(String, String)> {
        parse(presented).map(|token| (token.base, token.namespace.to_string()))
    }

    #[test]
    fn samples_of_the_grammar() {
        let pair = |base: &str, namespace: &str| Some((base.to_owned(), namespace.to_owned()));
        assert_eq!(parts("s3cret"), pair("s3cret", "default"));
        assert_eq!(parts(" s3cret:team-a\n"), pair("s3cret", "team-a"));
        assert_eq!(parts("s3cret:a:b"), pair("s3cret:a", "b"));
        assert_eq!(parts("s3cret:team a"), pair("s3cret", "team a"));
        for bad in ["", "  ", "s3cret:", ":a", "s3cret: team-a", "s3cret :a", ":"] {
            assert_eq!(parts(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_never_prints_its_secret() {
        assert!(!format!("{:?}", parse("s3cret:team").unwrap()).contains("s3cret"));
    }

    #[test]
    fn weak_secrets_are_known() {
        for weak in [
            "short",
            "12345678901234567890",
            "aaaaaaaaaaaaaaaaaaaa",
            "Password-is-long-enough",
            "abcdefghijklmnopqrst",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(!is_weak("mV3kq0Zr-8sWn_2Lx7Tb"));
    }

    proptest! {
        #[test]
        fn whole_parts_come_back(base in "[!-9;-~]{1,20}", namespace in "[!-9;-~é]{1,20}", blank in "[ \t\n]{0,3}") {
            prop_assert_eq!(parts(&format!("{blank}{base}:{namespace}{blank}")), Some((base.clone(), namespace)));
            prop_assert_eq!(parts(&format!("{blank}{base}{blank}")), Some((base, DEFAULT_NAMESPACE.to_owned())));
        }

        #[test]
        fn any_text_is_refused_or_split_soundly(presented in "[a: \u{feff}é]{0,12}") {
            if let Some((base, namespace)) = parts(&presented) {
                prop_assert!(!base.is_empty() && text::trim(&base) == base);
                prop_assert!(!namespace.is_empty() && text::trim(&namespace) == namespace);
                prop_assert!(!namespace.contains(':'));
                prop_assert!(presented.contains(&base));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(presented in ".*") {
            let _ = (parse(&presented), is_weak(&presented));
        }
    }
}
