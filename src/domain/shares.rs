//! Who gives up how much when all together hold too much: those who hold most, down to one level that leaves the small
//! alone.

use std::{collections::HashMap, hash::Hash};

/// What each holder has to give up so that `excess` goes. Empty when there is none.
pub fn excess<K: Eq + Hash>(held: impl Iterator<Item = (K, i64)>, excess: i64) -> HashMap<K, i64> {
    if excess <= 0 {
        return HashMap::new();
    }
    let mut held: Vec<(K, i64)> = held.filter(|(_, amount)| *amount > 0).collect();
    held.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
    // The level sinks from the largest down; with each holder that it reaches one more gives its part.
    let mut gained: i64 = 0;
    let mut level = 0;
    for place in 0..held.len() {
        let Some((_, amount)) = held.get(place) else { break };
        let next = held.get(place + 1).map_or(0, |(_, amount)| *amount);
        let givers = i64::try_from(place + 1).unwrap_or(i64::MAX);
        let step = (amount - next).saturating_mul(givers);
        if gained.saturating_add(step) >= excess {
            let missing = excess - gained;
            level = amount - missing.div_euclid(givers) - i64::from(missing.rem_euclid(givers) > 0);
            break;
        }
        gained = gained.saturating_add(step);
    }
    held.into_iter().map(|(holder, amount)| (holder, amount - level)).filter(|(_, over)| *over > 0).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_noisy_give_and_the_quiet_keep() {
        let given = excess([("noisy", 900), ("busy", 300), ("quiet", 10)].into_iter(), 700);
        assert_eq!(given, HashMap::from([("noisy", 650), ("busy", 50)]));
        assert_eq!(excess([("only", 5)].into_iter(), 0), HashMap::new());
        assert_eq!(excess([("only", 5)].into_iter(), 50), HashMap::from([("only", 5)]));
    }

    proptest! {
        #[test]
        fn enough_goes_and_nobody_is_left_with_less_than_who_gave(
            held in proptest::collection::vec(0i64..1_000, 0..20), wanted in 0i64..10_000,
        ) {
            let given = excess(held.iter().copied().enumerate(), wanted);
            let total: i64 = given.values().sum();
            let all: i64 = held.iter().sum();
            prop_assert!(total >= wanted.min(all));
            // Rounding to whole pieces takes at most one more from each.
            prop_assert!(total < wanted.max(1) + i64::try_from(held.len()).unwrap().max(1));
            let left = |who: usize| held[who] - given.get(&who).copied().unwrap_or(0);
            let most_left_to_a_giver = given.keys().map(|who| left(*who)).max();
            for who in 0..held.len() {
                prop_assert!(left(who) >= 0);
                if !given.contains_key(&who) {
                    prop_assert!(most_left_to_a_giver.is_none_or(|most| left(who) <= most));
                }
            }
        }
    }
}
