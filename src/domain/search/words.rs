//! How text becomes words. The index holds these and the excerpts are marked by them, so both always agree.
//!
//! A word is a run of letters and digits, without accents and in lower case. Scripts that do without blanks (Chinese,
//! Japanese) count each letter as a word: what is typed in one go is looked for as a phrase, which finds it anywhere.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longer runs are data, not words: hashes, keys, encoded files.
const LONGEST: usize = 64;

/// A word, and where it stands in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

/// The words of a text, in order.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, first) = letters.find(|(_, letter)| is_letter(*letter))?;
            let mut end = start + first.len_utf8();
            if !stands_alone(first) {
                while let Some((at, letter)) =
                    letters.next_if(|(_, letter)| is_part(*letter) && !stands_alone(*letter))
                {
                    end = at + letter.len_utf8();
                }
            }
            let run = text.get(start..end)?;
            let folded = fold(run);
            if !folded.is_empty() && folded.chars().count() <= LONGEST {
                return Some(Word { text: folded, start, end });
            }
        }
    })
}

/// A text as it is indexed.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in words(text) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word.text);
    }
    folded
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() && !is_combining_mark(letter)
}

/// Accents may follow their letter instead of being part of it.
fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

/// Letters of scripts without blanks between words.
fn stands_alone(letter: char) -> bool {
    matches!(letter,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

fn fold(run: &str) -> String {
    if run.is_ascii() {
        return run.to_ascii_lowercase();
    }
    let letters = run.nfkd().filter(|letter| !is_combining_mark(*letter));
    letters.flat_map(char::to_lowercase).filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(folded("Fix: the_login-page (v2)!"), "fix the login page v2");
        assert_eq!(folded("Café CAFE\u{301} Straße ﬁn"), "cafe cafe straße fin");
        assert_eq!(folded("修复登录 bug"), "修 复 登 录 bug");
        assert_eq!(folded("한국어 ไทย"), folded("한국어 ไทย").to_lowercase());
        assert_eq!(folded("…—!"), "");
        assert_eq!(folded(&format!("a {} b", "x".repeat(65))), "a b");
    }

    proptest::proptest! {
        #[test]
        fn every_word_stands_where_it_says(text in "\\PC{0,60}") {
            let mut last = 0;
            for word in words(&text) {
                proptest::prop_assert!(word.start >= last && word.start < word.end);
                let run = text.get(word.start..word.end).unwrap();
                proptest::prop_assert_eq!(fold(run), word.text);
                last = word.end;
            }
        }

        #[test]
        fn words_hold_nothing_that_a_query_could_mean_otherwise(text in ".{0,60}") {
            for word in words(&text) {
                proptest::prop_assert!(word.text.chars().all(char::is_alphanumeric));
            }
        }
    }
}
