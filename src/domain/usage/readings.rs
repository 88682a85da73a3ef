//! The last reading of each counter that only grows, like that of a water meter: what was used is the difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tokens;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Readings(BTreeMap<String, Tokens>);

impl Readings {
    /// What was used since the reading before, if anything. A counter that fell has begun anew: then its newest
    /// request counts, when that was told, else everything since.
    pub fn advance(&mut self, stream: &str, total: Tokens, last: Option<Tokens>) -> Option<Tokens> {
        let before = self.0.insert(stream.to_owned(), total).unwrap_or_default();
        let used = total.since(before).unwrap_or_else(|| last.unwrap_or(total));
        (used != Tokens::default()).then_some(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: i64, output: i64) -> Tokens {
        Tokens { input, output, cache_read: input / 2, cache_creation: 0 }
    }

    #[test]
    fn a_counter_that_fell_has_begun_anew() {
        let mut readings = Readings::default();
        assert_eq!(readings.advance("a", tokens(100, 10), None), Some(tokens(100, 10)));
        assert_eq!(readings.advance("a", tokens(150, 10), None), Some(tokens(50, 0)));
        assert_eq!(readings.advance("b", tokens(7, 1), None), Some(tokens(7, 1)));
        assert_eq!(readings.advance("a", tokens(150, 10), None), None);
        assert_eq!(readings.advance("a", tokens(40, 4), Some(tokens(30, 3))), Some(tokens(30, 3)));
        assert_eq!(readings.advance("a", tokens(20, 5), None), Some(tokens(20, 5)));
    }

    proptest::proptest! {
        #[test]
        fn the_differences_of_a_growing_counter_add_up_to_it(steps in proptest::collection::vec((0_i64..500, 0_i64..500, 0_i64..500), 1..30)) {
            let (mut readings, mut total, mut sum) = (Readings::default(), Tokens::default(), Tokens::default());
            for (input, output, cache) in steps {
                total.add(Tokens { input, output, cache_read: cache.min(input), cache_creation: 0 });
                if let Some(used) = readings.advance("s", total, None) {
                    sum.add(used);
                }
            }
            proptest::prop_assert_eq!(sum, total);
        }

        #[test]
        fn a_state_that_was_written_goes_on_where_it_stood(before in 1_i64..500, after in 500_i64..900) {
            let mut readings = Readings::default();
            readings.advance("s", tokens(before, 1), None);
            let text = serde_json::to_string(&readings).unwrap();
            let mut read: Readings = serde_json::from_str(&text).unwrap();
            proptest::prop_assert_eq!(
                read.advance("s", tokens(after, 1), None), readings.advance("s", tokens(after, 1), None)
            );
        }
    }
}
