//! Adding up: totals, and the same by day, agent, model and session.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{Prices, Tokens};
use crate::domain::ids::Millis;

/// Requests of one session, agent and model within a quarter of an hour.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub at: Millis,
    pub session: String,
    pub agent: String,
    pub model: Option<String>,
    pub tokens: Tokens,
    pub requests: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub tokens: Tokens,
    pub requests: i64,
    /// US dollars for everything whose price is known; `None` when that is nothing.
    pub cost: Option<f64>,
    pub unpriced_tokens: i64,
}

impl Tally {
    fn add(&mut self, bucket: &Bucket, cost: Option<f64>) {
        self.tokens.add(bucket.tokens);
        self.requests = self.requests.saturating_add(bucket.requests);
        match cost {
            Some(cost) => self.cost = Some(self.cost.unwrap_or(0.0) + cost),
            None => self.unpriced_tokens = self.unpriced_tokens.saturating_add(bucket.tokens.total()),
        }
    }
}

/// A table of tallies with their keys.
pub type Rows = Vec<(String, Tally)>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breakdown {
    pub totals: Tally,
    pub sessions: usize,
    /// Oldest first. The others have the largest first.
    pub daily: Rows,
    pub by_agent: Rows,
    pub by_model: Rows,
    pub by_session: Rows,
}

/// What stands for the model of requests that did not name one.
const UNKNOWN: &str = "unknown";

impl Breakdown {
    /// `day` names the calendar day of a moment, where the reader lives.
    pub fn of(buckets: &[Bucket], prices: &Prices, day: impl Fn(Millis) -> String) -> Self {
        let mut totals = Tally::default();
        let mut sessions = BTreeSet::new();
        let mut tables: [BTreeMap<String, Tally>; 4] = Default::default();
        for bucket in buckets {
            let model = bucket.model.as_deref().unwrap_or(UNKNOWN);
            let cost = prices.of(model).map(|price| price.cost(bucket.tokens));
            totals.add(bucket, cost);
            sessions.insert(bucket.session.as_str());
            let keys = [day(bucket.at), bucket.agent.clone(), model.to_owned(), bucket.session.clone()];
            for (table, key) in tables.iter_mut().zip(keys) {
                table.entry(key).or_default().add(bucket, cost);
            }
        }
        let [daily, by_agent, by_model, by_session] = tables.map(|table| table.into_iter().collect::<Rows>());
        Self {
            totals,
            sessions: sessions.len(),
            daily,
            by_agent: largest_first(by_agent),
            by_model: largest_first(by_model),
            by_session: largest_first(by_session),
        }
    }
}

fn largest_first(mut rows: Rows) -> Rows {
    rows.sort_by_key(|(_, tally)| Reverse(tally.tokens.total()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(at: Millis, session: &str, model: Option<&str>, input: i64) -> Bucket {
        Bucket {
            at,
            session: session.to_owned(),
            agent: "claude".to_owned(),
            model: model.map(str::to_owned),
            tokens: Tokens { input, ..Tokens::default() },
            requests: 1,
        }
    }

    fn keys(rows: &Rows) -> Vec<&str> {
        rows.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn days_go_by_time_and_the_rest_by_size() {
        let prices = Prices::parse(["small = 1 1 1 1"]).unwrap();
        let buckets =
            [bucket(2, "s", Some("small"), 10), bucket(1, "t", None, 30), bucket(2, "s", Some("big"), 5)];
        let found = Breakdown::of(&buckets, &prices, |at| format!("day {at}"));
        assert_eq!(keys(&found.daily), ["day 1", "day 2"]);
        assert_eq!(keys(&found.by_model), ["unknown", "small", "big"]);
        assert_eq!(keys(&found.by_session), ["t", "s"]);
        assert_eq!((found.sessions, found.totals.requests, found.totals.tokens.input), (2, 3, 45));
        assert_eq!(found.totals.unpriced_tokens, 35);
        assert_eq!(found.by_model[0].1.cost, None);
        assert_eq!(found.by_model[1].1.cost, Some(1e-5));
    }

    proptest::proptest! {
        #[test]
        fn every_table_adds_up_to_the_totals(rows in proptest::collection::vec((0_i64..5, "[ab]", "[xyz]", 0_i64..1_000), 0..40)) {
            let buckets: Vec<Bucket> = rows.iter().map(|(at, session, model, input)| bucket(*at, session, Some(model), *input)).collect();
            let prices = Prices::parse(["x = 1 1 1 1"]).unwrap();
            let found = Breakdown::of(&buckets, &prices, |at| at.to_string());
            for table in [&found.daily, &found.by_agent, &found.by_model, &found.by_session] {
                let tokens: i64 = table.iter().map(|(_, tally)| tally.tokens.input).sum();
                let unpriced: i64 = table.iter().map(|(_, tally)| tally.unpriced_tokens).sum();
                proptest::prop_assert_eq!((tokens, unpriced), (found.totals.tokens.input, found.totals.unpriced_tokens));
            }
        }
    }
}
