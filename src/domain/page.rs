//! Positions in a transcript, and the query that asks for a page of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ids::Millis, text};

/// Where a message stands: by the time at which the agent took it, or it was made, then by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub at: Millis,
    pub seq: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: u32,
    pub range: PageRange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRange {
    Latest,
    Before(Position),
    After { cursor: Position, until: Option<Position>, epoch: Option<i64> },
}

/// What is wrong with a query, in the form in which clients are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldErrors {
    pub form_errors: Vec<String>,
    pub field_errors: BTreeMap<&'static str, Vec<String>>,
}

impl FieldErrors {
    pub fn is_empty(&self) -> bool {
        self.form_errors.is_empty() && self.field_errors.is_empty()
    }

    pub fn add(&mut self, field: &'static str, problem: &str) {
        self.field_errors.entry(field).or_default().push(problem.to_owned());
    }
}

pub const DEFAULT_LIMIT: u32 = 50;
pub const MAX_LIMIT: u32 = 200;

impl PageRequest {
    #[expect(clippy::too_many_arguments, reason = "one for each key of the query")]
    pub fn parse(
        limit: Option<&str>,
        before_seq: Option<&str>,
        before_at: Option<&str>,
        after_seq: Option<&str>,
        after_at: Option<&str>,
        until_seq: Option<&str>,
        until_at: Option<&str>,
        epoch: Option<&str>,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let limit = integer("limit", limit, 1, i64::from(MAX_LIMIT), &mut errors);
        let before = position(("beforeSeq", before_seq), ("beforeAt", before_at), &mut errors);
        let after = position(("afterSeq", after_seq), ("afterAt", after_at), &mut errors);
        let until = position(("untilSeq", until_seq), ("untilAt", until_at), &mut errors);
        let epoch = integer("epoch", epoch, 0, i64::MAX, &mut errors);
        if before.is_some() && after.is_some() {
            errors.add("afterSeq", "before and after exclude each other");
        }
        if after.is_none() {
            if until.is_some() {
                errors.add("untilSeq", "until needs after");
            }
            if epoch.is_some() {
                errors.add("epoch", "epoch needs after");
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let range = match (before, after) {
            (_, Some(cursor)) => PageRange::After { cursor, until, epoch },
            (Some(before), None) => PageRange::Before(before),
            (None, None) => PageRange::Latest,
        };
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT);
        Ok(Self { limit, range })
    }
}

/// Up to where a page after a cursor reads: the head as it is or as it was at the first page, whichever is older.
pub fn bound(until: Option<Position>, head: Option<Position>) -> Option<Position> {
    match (until, head) {
        (Some(until), Some(head)) => Some(until.min(head)),
        (until, head) => until.or(head),
    }
}

fn position(
    (seq_key, seq): (&'static str, Option<&str>),
    (at_key, at): (&'static str, Option<&str>),
    errors: &mut FieldErrors,
) -> Option<Position> {
    if seq.is_some() != at.is_some() {
        errors.add(if seq.is_some() { at_key } else { seq_key }, "is needed too");
    }
    let seq = integer(seq_key, seq, 1, i64::MAX, errors);
    let at = integer(at_key, at, 0, i64::MAX, errors);
    Some(Position { at: at?, seq: seq? })
}

fn integer(
    key: &'static str,
    given: Option<&str>,
    min: i64,
    max: i64,
    errors: &mut FieldErrors,
) -> Option<i64> {
    let number = text::number(given?).and_then(text::safe_integer);
    let sound = number.filter(|number| (min..=max).contains(number));
    if sound.is_none() {
        errors.add(key, &format!("must be a whole number from {min}"));
    }
    sound
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: [Option<&str>; 8]) -> Result<PageRequest, Vec<&'static str>> {
        let [limit, before_seq, before_at, after_seq, after_at, until_seq, until_at, epoch] = query;
        PageRequest::parse(limit, before_seq, before_at, after_seq, after_at, until_seq, until_at, epoch)
            .map_err(|errors| errors.field_errors.into_keys().collect())
    }

    const NONE: Option<&str> = None;

    #[test]
    fn an_empty_query_asks_for_the_latest() {
        assert_eq!(parse([NONE; 8]), Ok(PageRequest { limit: 50, range: PageRange::Latest }));
    }

    #[test]
    fn numbers_are_coerced_as_in_javascript() {
        let query = [Some(" 2e1 "), Some("0x2"), Some(""), NONE, NONE, NONE, NONE, NONE];
        let before = Position { at: 0, seq: 2 };
        assert_eq!(parse(query), Ok(PageRequest { limit: 20, range: PageRange::Before(before) }));
    }

    #[test]
    fn a_page_after_may_have_a_bound_and_an_epoch() {
        let query = [NONE, NONE, NONE, Some("1"), Some("5"), Some("9"), Some("7"), Some("0")];
        let range = PageRange::After {
            cursor: Position { at: 5, seq: 1 },
            until: Some(Position { at: 7, seq: 9 }),
            epoch: Some(0),
        };
        assert_eq!(parse(query), Ok(PageRequest { limit: 50, range }));
    }

    #[test]
    fn bad_queries_name_their_fields() {
        for (query, fields) in [
            ([Some("0"), NONE, NONE, NONE, NONE, NONE, NONE, NONE], vec!["limit"]),
            ([Some("201"), NONE, NONE, NONE, NONE, NONE, NONE, NONE], vec!["limit"]),
            ([Some("1.5"), NONE, NONE, NONE, NONE, NONE, NONE, NONE], vec!["limit"]),
            ([NONE, Some("1"), NONE, NONE, NONE, NONE, NONE, NONE], vec!["beforeAt"]),
            ([NONE, NONE, NONE, NONE, Some("1"), NONE, NONE, NONE], vec!["afterSeq"]),
            ([NONE, Some("0"), Some("-1"), NONE, NONE, NONE, NONE, NONE], vec!["beforeAt", "beforeSeq"]),
            ([NONE, Some("1"), Some("1"), Some("1"), Some("1"), NONE, NONE, NONE], vec!["afterSeq"]),
            ([NONE, NONE, NONE, NONE, NONE, Some("1"), Some("1"), Some("0")], vec!["epoch", "untilSeq"]),
            ([NONE, NONE, NONE, Some("Infinity"), Some("x"), NONE, NONE, NONE], vec!["afterAt", "afterSeq"]),
        ] {
            assert_eq!(parse(query), Err(fields), "{query:?}");
        }
    }

    #[test]
    fn the_older_head_bounds_a_page() {
        let (old, new) = (Position { at: 1, seq: 9 }, Position { at: 2, seq: 1 });
        assert_eq!(bound(Some(new), Some(old)), Some(old));
        assert_eq!(bound(Some(old), None), Some(old));
        assert_eq!(bound(None, Some(new)), Some(new));
        assert_eq!(bound(None, None), None);
    }

    fn value() -> impl Strategy<Value = Option<String>> {
        let number = (-1_i64..300).prop_map(|number| number.to_string());
        prop::option::weighted(0.9, prop_oneof![12 => number, 1 => "[0-9.ex -]{0,4}", 1 => ".{0,3}"])
    }

    /// Mostly both halves or none, so that many queries are sound.
    fn pair() -> impl Strategy<Value = [Option<String>; 2]> {
        prop_oneof![1 => Just([None, None]), 1 => [value(), value()]]
    }

    proptest! {
        #[test]
        fn any_query_is_refused_or_within_its_bounds(limit in value(), before in pair(), after in pair(), until in pair(), epoch in value()) {
            let [before_seq, before_at] = before.each_ref().map(Option::as_deref);
            let [after_seq, after_at] = after.each_ref().map(Option::as_deref);
            let [until_seq, until_at] = until.each_ref().map(Option::as_deref);
            let epoch = epoch.as_deref().filter(|_| after_seq.is_some());
            let query = [limit.as_deref(), before_seq, before_at, after_seq, after_at, until_seq, until_at, epoch];
            let sound = |position: Position| position.seq >= 1 && position.at >= 0;
            match parse(query) {
                Err(fields) => prop_assert!(!fields.is_empty()),
                Ok(request) => {
                    prop_assert!((1..=MAX_LIMIT).contains(&request.limit));
                    match request.range {
                        PageRange::Latest => prop_assert!(query[1..].iter().all(Option::is_none)),
                        PageRange::Before(before) => {
                            prop_assert!(sound(before));
                            prop_assert!(query[3..].iter().all(Option::is_none));
                        }
                        PageRange::After { cursor, until, epoch: bound_to } => {
                            prop_assert!(sound(cursor) && until.is_none_or(sound));
                            prop_assert_eq!(until.is_some(), until_seq.is_some());
                            prop_assert_eq!(bound_to.is_some(), epoch.is_some());
                            prop_assert!(before_seq.is_none() && before_at.is_none());
                        }
                    }
                }
            }
        }

        #[test]
        fn whole_numbers_in_range_are_taken_as_they_are(limit in 1_u32..=200, seq in 1_i64..1 << 53, at in 0_i64..1 << 53) {
            let (limit_text, seq_text, at_text) = (limit.to_string(), seq.to_string(), at.to_string());
            let query = [Some(&*limit_text), NONE, NONE, Some(&*seq_text), Some(&*at_text), NONE, NONE, NONE];
            let range = PageRange::After { cursor: Position { at, seq }, until: None, epoch: None };
            prop_assert_eq!(parse(query), Ok(PageRequest { limit, range }));
        }
    }
}
