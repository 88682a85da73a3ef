//! Texts that have to fit: lengths are counted in code points, and what people see as one character is never torn apart.

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::text;

/// The ends of texts that were cut.
pub const DOTS: &str = "...";
pub const ELLIPSIS: &str = "…";

pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// The text without space around it; when it is longer than `limit`, its beginning with `mark` behind it.
pub fn cut(text: &str, limit: usize, mark: &str) -> String {
    let text = text::trim(text);
    if length(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(length(mark));
    let mut taken = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += length(grapheme);
        if taken > room {
            break;
        }
        end = at + grapheme.len();
    }
    let kept = text.get(..end).unwrap_or_default().trim_end_matches(text::is_space);
    let mark: String = mark.chars().take(limit).collect();
    format!("{kept}{mark}")
}

/// Everything on one line, with single spaces.
pub fn one_line(text: &str) -> String {
    let words = text.split(text::is_space).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_not_torn_apart() {
        assert_eq!(cut(" abc ", 3, DOTS), "abc");
        assert_eq!(cut("abcdefgh", 6, DOTS), "abc...");
        assert_eq!(cut("ab cdefg", 6, DOTS), "ab...");
        // A family is seven code points and one character.
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(cut(&family.repeat(2), 14, ELLIPSIS), family.repeat(2));
        assert_eq!(cut(&family.repeat(2), 13, ELLIPSIS), format!("{family}…"));
        assert_eq!(cut(&family.repeat(2), 7, ELLIPSIS), "…");
        assert_eq!(cut("e\u{301}e\u{301}", 3, ELLIPSIS), "e\u{301}…");
        assert_eq!(one_line(" a\n\t b\u{feff} c "), "a b c");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_is_a_beginning(text in "(?s).{0,60}", limit in 0_usize..40, dots: bool) {
            let mark = if dots { DOTS } else { ELLIPSIS };
            let shown = cut(&text, limit, mark);
            prop_assert!(length(&shown) <= limit);
            let whole = text::trim(&text);
            if length(whole) <= limit {
                prop_assert_eq!(&shown, whole);
            } else if limit >= length(mark) {
                let kept = shown.strip_suffix(mark).unwrap();
                prop_assert!(whole.starts_with(kept));
                let mut ends = whole.grapheme_indices(true).map(|(at, _)| at);
                let is_whole = |at: usize| text::is_blank(&whole[kept.len()..at]);
                prop_assert!(ends.any(|at| at >= kept.len() && is_whole(at)));
            }
        }
    }
}
