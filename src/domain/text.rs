//! Text rules of JavaScript, so that both sides agree on what is blank and how long a text is.

/// White space as JavaScript's `trim` sees it. It differs from Unicode's `White_Space` in U+0085 and U+FEFF.
pub fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

pub fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// Length in UTF-16 code units.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// What `Number(text)` yields; `None` stands for `NaN`.
pub fn number(text: &str) -> Option<f64> {
    let text = trim(text);
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            return radix_number(digits, radix);
        }
    }
    match text.trim_start_matches(['+', '-']) {
        "Infinity" if text.len() <= "+Infinity".len() => return text.parse().ok(),
        _ => {}
    }
    // Rust also reads `inf`, `nan` and the like, which JavaScript does not.
    if text.chars().any(|c| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')) {
        return None;
    }
    text.parse().ok()
}

fn radix_number(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |sum, c| Some(sum * f64::from(radix) + f64::from(c.to_digit(radix)?)))
}

/// The integer that a JavaScript number is, when it is one that JavaScript can hold exactly.
pub fn safe_integer(number: f64) -> Option<i64> {
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() != 0.0 || number.abs() > MAX_SAFE {
        return None;
    }
    // Every integer of that size prints without exponent or fraction.
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("", Some(0.0)),
            (" 5\u{feff}", Some(5.0)),
            ("0x10", Some(16.0)),
            ("1e2", Some(100.0)),
            ("-3.5", Some(-3.5)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("inf", None),
            ("nan", None),
            ("1_000", None),
            ("0x", None),
            ("-0x1", None),
            ("1 2", None),
            (".", None),
            ("--Infinity", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_whole_numbers_in_range_are_integers() {
        assert_eq!(safe_integer(3.0), Some(3));
        assert_eq!(safe_integer(-0.0), Some(0));
        assert_eq!(safe_integer(3.5), None);
        assert_eq!(safe_integer(1e300), None);
        assert_eq!(safe_integer(f64::INFINITY), None);
        assert_eq!(safe_integer(f64::NAN), None);
    }

    #[test]
    fn blank_is_what_javascript_trims_away() {
        assert!(is_blank("\u{feff}\u{a0}\n"));
        assert!(!is_blank("\u{85}"));
        assert_eq!(units("a😀"), 3);
    }

    proptest::proptest! {
        #[test]
        fn every_safe_integer_is_found_again(value in -9_007_199_254_740_991_i64..=9_007_199_254_740_991) {
            let parsed = number(&value.to_string()).and_then(safe_integer);
            proptest::prop_assert_eq!(parsed, Some(value));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            let _ = number(&text).and_then(safe_integer);
        }
    }
}
