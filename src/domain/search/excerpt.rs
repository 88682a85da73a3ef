//! The part of a text around what was looked for, with the hits told apart from the rest.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    query::Query,
    words::{Word, words},
};

/// Letters before the first hit, and in all.
const BEFORE: usize = 60;
const WIDTH: usize = 240;

/// A stretch of text that is a hit as a whole, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    pub text: String,
    pub is_hit: bool,
}

/// What was found in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Terms that occur in the text.
    pub terms: usize,
    pub segments: Vec<Segment>,
}

/// The excerpt of a text; its beginning when nothing occurs in it.
pub fn excerpt(text: &str, query: &Query) -> Excerpt {
    let words: Vec<Word> = words(text).collect();
    let mut occurs = vec![false; query.all.len()];
    let mut hits: Vec<(usize, usize)> = Vec::new();
    for place in 0..words.len() {
        let rest = words.get(place..).unwrap_or_default();
        for (term, occurs) in query.all.iter().zip(&mut occurs) {
            let Some(count) = term.at(rest) else { continue };
            *occurs = true;
            if let (Some(first), Some(last)) = (rest.first(), rest.get(count - 1)) {
                hits.push((first.start, last.end));
            }
        }
    }
    let terms = occurs.into_iter().filter(|occurs| *occurs).count();
    let window = window(text, hits.first().map_or(0, |(start, _)| *start));
    Excerpt { terms, segments: segments(text, window, &hits) }
}

/// Where the excerpt begins and ends.
fn window(text: &str, hit: usize) -> (usize, usize) {
    let before = text.get(..hit).unwrap_or_default();
    let start = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    // Not in the midst of a word, if one ends soon.
    let start = match text.get(start..hit).and_then(|lead| lead.find(char::is_whitespace)) {
        Some(blank) if start > 0 => start + blank + 1,
        _ => start,
    };
    let start = text.ceil_char_boundary(start);
    let behind = text.get(start..).unwrap_or_default();
    let end = behind.char_indices().nth(WIDTH).map_or(text.len(), |(at, _)| start + at);
    (start, end)
}

fn segments(text: &str, (start, end): (usize, usize), hits: &[(usize, usize)]) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    let mut put = |from: usize, to: usize, is_hit: bool| {
        if let Some(text) = text.get(from..to).filter(|text| !text.is_empty()) {
            found.push(Segment { text: text.to_owned(), is_hit });
        }
    };
    let mut at = start;
    for (from, to) in hits {
        // Hits may overlap; what is marked already is not marked again.
        let (from, to) = ((*from).max(at), (*to).min(end));
        if from < to {
            put(at, from, false);
            put(from, to, true);
            at = to;
        }
    }
    put(at, end, false);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, typed: &str) -> String {
        let segments = excerpt(text, &Query::parse(typed)).segments;
        segments
            .iter()
            .map(|one| if one.is_hit { format!("[{}]", one.text) } else { one.text.clone() })
            .collect()
    }

    #[test]
    fn hits_are_told_apart() {
        assert_eq!(told("The Login-Page, the LOGIN.", "login"), "The [Login]-Page, the [LOGIN].");
        assert_eq!(told("The Login-Page", "\"login page\" the"), "[The] [Login-Page]");
        assert_eq!(told("Un café authentique", "cafe auth*"), "Un [café] [authentique]");
        assert_eq!(told("请修复登录问题", "登录"), "请修复[登录]问题");
        assert_eq!(told("a b c", "\"a b\" \"b c\""), "[a b][ c]");
        assert_eq!(told("nothing", "else"), "nothing");
    }

    #[test]
    fn a_long_text_is_shown_around_its_first_hit() {
        let text = format!("{} needle {}", "word ".repeat(100), "word ".repeat(100));
        let shown = told(&text, "needle");
        assert!(shown.chars().count() <= WIDTH + 2, "{shown}");
        assert!(shown.starts_with("word ") && shown.contains("[needle]"), "{shown}");
        assert_eq!(excerpt(&text, &Query::parse("needle word gone")).terms, 2);
    }

    proptest::proptest! {
        #[test]
        fn an_excerpt_is_a_part_of_its_text(text in "[a-cé漢 .]{0,400}", typed in "[a-cé漢 \"*]{0,12}") {
            let segments = excerpt(&text, &Query::parse(&typed)).segments;
            let joined: String = segments.iter().map(|one| one.text.as_str()).collect();
            proptest::prop_assert!(text.contains(&joined));
            proptest::prop_assert!(joined.chars().count() <= WIDTH);
        }
    }
}
