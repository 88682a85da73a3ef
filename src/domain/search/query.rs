//! What people type: words, "phrases", prefix*, -exclude. Whatever is typed means something; at worst nothing.

use super::words::{Word, words};

/// More than anybody types.
const MOST_TERMS: usize = 32;

/// Words that have to follow one another; the last may be a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub words: Vec<String>,
    pub is_prefix: bool,
}

/// All of the first, none of the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub all: Vec<Term>,
    pub none: Vec<Term>,
}

impl Query {
    pub fn parse(typed: &str) -> Self {
        let mut query = Self::default();
        let mut rest = typed;
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || query.all.len() + query.none.len() >= MOST_TERMS {
                return query;
            }
            let (is_excluded, behind) = match rest.strip_prefix('-') {
                Some(behind) => (true, behind),
                None => (false, rest),
            };
            let (term, behind) = term(behind);
            rest = behind;
            if let Some(term) = term {
                let terms = if is_excluded { &mut query.none } else { &mut query.all };
                terms.push(term);
            }
        }
    }

    /// Nothing can be looked for.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// The first term of a text, and what is behind it.
fn term(text: &str) -> (Option<Term>, &str) {
    let (said, behind) = match text.strip_prefix('"') {
        // A quote that is never closed goes to the end.
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => {
            let end = text.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(text.len());
            text.split_at(end)
        }
    };
    let (is_prefix, behind) = match behind.strip_prefix('*') {
        Some(behind) => (true, behind),
        None => (said.ends_with('*'), behind),
    };
    let words: Vec<String> = words(said).map(|word| word.text).collect();
    ((!words.is_empty()).then_some(Term { words, is_prefix }), behind)
}

impl Term {
    /// How many of these words, from the first on, are this term; `None` when it does not begin here.
    pub fn at(&self, words: &[Word]) -> Option<usize> {
        let here = words.get(..self.words.len())?;
        let last = self.words.len() - 1;
        let is_here = self.words.iter().zip(here).enumerate().all(|(place, (wanted, word))| {
            if self.is_prefix && place == last { word.text.starts_with(wanted) } else { word.text == *wanted }
        });
        is_here.then_some(self.words.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str, is_prefix: bool) -> Term {
        Term { words: words(text).map(|word| word.text).collect(), is_prefix }
    }

    #[test]
    fn words_phrases_beginnings_and_exclusions() {
        let query = Query::parse(r#"  Login "does not work" auth* -test -"old code"  src/main.rs "#);
        let all = [
            term("login", false),
            term("does not work", false),
            term("auth", true),
            term("src main rs", false),
        ];
        assert_eq!(query.all, all);
        assert_eq!(query.none, [term("test", false), term("old code", false)]);
    }

    #[test]
    fn what_means_nothing_is_passed_over() {
        for typed in ["", "-", "*", "\"", "\"\"*", "- - \"", "()", "-:^{}", "…"] {
            assert!(Query::parse(typed).is_empty(), "{typed:?}");
        }
        assert_eq!(Query::parse("\"never closed").all, [term("never closed", false)]);
        assert_eq!(Query::parse("a\"b c\"d").all, [term("a", false), term("b c", false), term("d", false)]);
        assert_eq!(Query::parse("\"new lo\"*").all, [term("new lo", true)]);
        assert_eq!(Query::parse("AND OR NOT NEAR(a").all.len(), 4);
        assert_eq!(Query::parse(&"x ".repeat(100)).all.len(), MOST_TERMS);
    }

    #[test]
    fn a_term_is_found_among_words() {
        let found: Vec<Word> = words("The login page").collect();
        assert_eq!(term("login pa", true).at(&found[1..]), Some(2));
        assert_eq!(term("login pa", false).at(&found[1..]), None);
        assert_eq!(term("login page now", false).at(&found[1..]), None);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_typed(typed in "[-\"*a-z ():^{}é漢]{0,40}") {
            let query = Query::parse(&typed);
            for term in query.all.iter().chain(&query.none) {
                proptest::prop_assert!(!term.words.is_empty());
            }
        }
    }
}
