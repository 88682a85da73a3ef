//! A walk over the text literals of raw JSON. It works on text that a strict parser refuses because of lone surrogates
//! or deep nesting, and it keeps everything else as it was written.

use std::ops::Range;

/// One text literal, without its quotes and with its escapes as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    pub span: Range<usize>,
    /// How many objects and lists are open around it.
    pub depth: usize,
    pub is_key: bool,
}

pub fn literals(json: &str) -> impl Iterator<Item = Literal> {
    Literals { bytes: json.as_bytes(), at: 0, depth: 0 }
}

struct Literals<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Iterator for Literals<'_> {
    type Item = Literal;

    fn next(&mut self) -> Option<Literal> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => return self.literal(),
                _ => {}
            }
        }
    }
}

impl Literals<'_> {
    fn literal(&mut self) -> Option<Literal> {
        let start = self.at;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let span = start..self.at;
        self.at += 1;
        let after = self.bytes.get(self.at..)?.iter().find(|byte| !byte.is_ascii_whitespace());
        Some(Literal { span, depth: self.depth, is_key: after == Some(&b':') })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Vec<(&str, usize, bool)> {
        literals(json).map(|literal| (&json[literal.span.clone()], literal.depth, literal.is_key)).collect()
    }

    #[test]
    fn keys_and_values_are_told_apart() {
        let json = r#"{"a" : "b:", "c\"": ["d", {"e\\": "\ud83d"}], "f": {}, "g": "h"}"#;
        let expected = [
            ("a", 1, true),
            ("b:", 1, false),
            ("c\\\"", 1, true),
            ("d", 2, false),
            ("e\\\\", 3, true),
            ("\\ud83d", 3, false),
            ("f", 1, true),
            ("g", 1, true),
            ("h", 1, false),
        ];
        assert_eq!(found(json), expected);
        assert_eq!(found(r#""alone""#), [("alone", 0, false)]);
    }

    #[test]
    fn broken_text_ends_the_walk() {
        assert_eq!(found(r#"{"a": "open"#), [("a", 1, true)]);
        assert_eq!(found(r#"["\"#), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_walked_without_panic(json in r#"[\[\]{}":,\\a ]{0,30}"#) {
            for literal in literals(&json) {
                proptest::prop_assert!(json.get(literal.span).is_some());
            }
        }
    }
}
