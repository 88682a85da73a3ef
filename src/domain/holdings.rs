//! Who has taken how much of something that the hub has only so much of: counted for the whole hub, for each group and
//! for each member of a group. Whatever is refused leaves every count as it was.

use std::{collections::HashMap, hash::Hash};

/// The most that may be taken at one time; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceilings {
    pub hub: Option<u64>,
    pub group: Option<u64>,
    pub member: Option<u64>,
}

/// Whose share is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    Hub,
    Group,
    Member,
}

#[derive(Debug)]
pub struct Holdings<G, M> {
    hub: u64,
    groups: HashMap<G, u64>,
    members: HashMap<M, u64>,
}

impl<G, M> Default for Holdings<G, M> {
    fn default() -> Self {
        Self { hub: 0, groups: HashMap::new(), members: HashMap::new() }
    }
}

impl<G: Hash + Eq + Clone, M: Hash + Eq + Clone> Holdings<G, M> {
    /// Takes all of it or nothing. The caller's own limit is named before that of others, for it can do something
    /// about it.
    pub fn take(&mut self, group: &G, member: &M, amount: u64, ceilings: &Ceilings) -> Result<(), Full> {
        let fits = |taken: u64, ceiling: Option<u64>| {
            taken.checked_add(amount).is_some_and(|sum| ceiling.is_none_or(|ceiling| sum <= ceiling))
        };
        if !fits(self.of_member(member), ceilings.member) {
            return Err(Full::Member);
        }
        if !fits(self.of_group(group), ceilings.group) {
            return Err(Full::Group);
        }
        if !fits(self.hub, ceilings.hub) {
            return Err(Full::Hub);
        }
        self.hub += amount;
        add(&mut self.groups, group, amount);
        add(&mut self.members, member, amount);
        Ok(())
    }

    /// Who has nothing left is forgotten.
    pub fn give_back(&mut self, group: &G, member: &M, amount: u64) {
        self.hub = self.hub.saturating_sub(amount);
        subtract(&mut self.groups, group, amount);
        subtract(&mut self.members, member, amount);
    }

    pub fn of_hub(&self) -> u64 {
        self.hub
    }

    pub fn of_group(&self, group: &G) -> u64 {
        self.groups.get(group).copied().unwrap_or_default()
    }

    pub fn of_member(&self, member: &M) -> u64 {
        self.members.get(member).copied().unwrap_or_default()
    }
}

fn add<K: Hash + Eq + Clone>(counts: &mut HashMap<K, u64>, key: &K, amount: u64) {
    match counts.get_mut(key) {
        Some(count) => *count += amount,
        None if amount > 0 => drop(counts.insert(key.clone(), amount)),
        None => {}
    }
}

fn subtract<K: Hash + Eq>(counts: &mut HashMap<K, u64>, key: &K, amount: u64) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(amount);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CEILINGS: Ceilings = Ceilings { hub: Some(10), group: Some(6), member: Some(4) };

    #[test]
    fn the_nearest_limit_is_named_and_a_neighbour_goes_on() {
        let mut holdings = Holdings::default();
        assert_eq!(holdings.take(&"a", &"a1", 4, &CEILINGS), Ok(()));
        assert_eq!(holdings.take(&"a", &"a1", 1, &CEILINGS), Err(Full::Member));
        assert_eq!(holdings.take(&"a", &"a2", 2, &CEILINGS), Ok(()));
        assert_eq!(holdings.take(&"a", &"a2", 1, &CEILINGS), Err(Full::Group));
        assert_eq!(holdings.take(&"b", &"b1", 4, &CEILINGS), Ok(()));
        assert_eq!(holdings.take(&"c", &"c1", 1, &CEILINGS), Err(Full::Hub));
        holdings.give_back(&"a", &"a1", 1);
        assert_eq!(holdings.take(&"c", &"c1", 1, &CEILINGS), Ok(()));
    }

    #[test]
    fn without_limits_everything_fits_but_what_cannot_be_counted() {
        let mut holdings = Holdings::default();
        assert_eq!(holdings.take(&1, &1, u64::MAX, &Ceilings::default()), Ok(()));
        assert_eq!(holdings.take(&1, &1, 1, &Ceilings::default()), Err(Full::Member));
        assert_eq!(holdings.take(&2, &2, 1, &Ceilings::default()), Err(Full::Hub));
    }

    proptest! {
        /// What is held is what is counted, on every level, and nobody is over a ceiling or remembered for nothing.
        #[test]
        fn the_counts_are_the_sum_of_what_is_held(
            steps in prop::collection::vec((0_u8..3, 0_u8..3, 0_u64..7, any::<prop::sample::Index>(), any::<bool>()), 0..200),
        ) {
            let mut holdings = Holdings::default();
            let mut held: Vec<(u8, (u8, u8), u64)> = Vec::new();
            for (group, member, amount, which, gives_back) in steps {
                let member = (group, member);
                if gives_back && !held.is_empty() {
                    let (group, member, amount) = held.swap_remove(which.index(held.len()));
                    holdings.give_back(&group, &member, amount);
                } else {
                    let before = (holdings.of_hub(), holdings.of_group(&group), holdings.of_member(&member));
                    match holdings.take(&group, &member, amount, &CEILINGS) {
                        Ok(()) => held.push((group, member, amount)),
                        Err(full) => {
                            let after = (holdings.of_hub(), holdings.of_group(&group), holdings.of_member(&member));
                            prop_assert_eq!(before, after);
                            let over = match full {
                                Full::Hub => before.0 + amount > 10,
                                Full::Group => before.1 + amount > 6,
                                Full::Member => before.2 + amount > 4,
                            };
                            prop_assert!(over);
                        }
                    }
                }
                let sum = |of: &dyn Fn(u8, (u8, u8)) -> bool| -> u64 {
                    held.iter().filter(|(group, member, _)| of(*group, *member)).map(|(.., amount)| amount).sum()
                };
                prop_assert_eq!(holdings.of_hub(), sum(&|_, _| true));
                for group in 0..3 {
                    prop_assert_eq!(holdings.of_group(&group), sum(&|of, _| of == group));
                    for member in 0..3 {
                        let member = (group, member);
                        prop_assert_eq!(holdings.of_member(&member), sum(&|_, of| of == member));
                    }
                }
                prop_assert!(holdings.groups.values().chain(holdings.members.values()).all(|count| *count > 0));
            }
            for (group, member, amount) in held {
                holdings.give_back(&group, &member, amount);
            }
            prop_assert_eq!(holdings.of_hub(), 0);
            prop_assert!(holdings.groups.is_empty() && holdings.members.is_empty());
        }
    }
}
