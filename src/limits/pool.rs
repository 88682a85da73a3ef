//! One thing that the hub has only so much of, and the permits that are out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Group, Who};
use crate::domain::holdings::{Ceilings, Full, Holdings};

/// The ceilings of those with a token, and of those without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub tokens: Ceilings,
    pub strangers: Ceilings,
}

#[derive(Debug)]
pub struct Pool {
    terms: Terms,
    holdings: Mutex<Holdings<Group, Who>>,
}

impl Pool {
    pub fn new(terms: Terms) -> Arc<Self> {
        Arc::new(Self { terms, holdings: Mutex::default() })
    }

    pub fn ceilings(&self, who: &Who) -> &Ceilings {
        if who.is_stranger() { &self.terms.strangers } else { &self.terms.tokens }
    }

    pub fn take(self: &Arc<Self>, who: Who, amount: u64) -> Result<Permit, Full> {
        let mut permit = Permit { group: who.group(), who, pool: self.clone(), amount: 0 };
        permit.grow(amount)?;
        Ok(permit)
    }

    /// What the hub, the group and the member have taken.
    pub fn taken(&self, who: &Who) -> (u64, u64, u64) {
        let holdings = self.holdings();
        (holdings.of_hub(), holdings.of_group(&who.group()), holdings.of_member(who))
    }

    /// The counts are whole whenever the lock is free, also after a panic.
    fn holdings(&self) -> MutexGuard<'_, Holdings<Group, Who>> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So much of a pool, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    pool: Arc<Pool>,
    who: Who,
    group: Group,
    amount: u64,
}

impl Permit {
    pub fn grow(&mut self, by: u64) -> Result<(), Full> {
        let ceilings = self.pool.ceilings(&self.who);
        self.pool.holdings().take(&self.group, &self.who, by, ceilings)?;
        self.amount += by;
        Ok(())
    }

    pub fn amount(&self) -> u64 {
        self.amount
    }

    pub fn who(&self) -> &Who {
        &self.who
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pool.holdings().give_back(&self.group, &self.who, self.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Arc<Pool> {
        Pool::new(Terms {
            tokens: Ceilings { hub: Some(10), group: Some(5), member: Some(3) },
            strangers: Ceilings { hub: Some(10), group: Some(2), member: Some(1) },
        })
    }

    fn cli(namespace: &str) -> Who {
        Who::Cli { namespace: namespace.into() }
    }

    #[test]
    fn a_permit_gives_back_all_that_it_has_taken() {
        let pool = pool();
        let mut permit = pool.take(cli("a"), 1).unwrap();
        permit.grow(2).unwrap();
        assert_eq!(permit.grow(1), Err(Full::Member));
        assert_eq!((permit.amount(), pool.taken(&cli("a"))), (3, (3, 3, 3)));
        drop(permit);
        assert_eq!(pool.taken(&cli("a")), (0, 0, 0));
    }

    #[test]
    fn a_permit_is_given_back_when_its_holder_panics() {
        let pool = pool();
        let held = pool.clone();
        let outcome = std::thread::spawn(move || {
            let _permit = held.take(cli("a"), 3).unwrap();
            panic!("the holder");
        });
        assert!(outcome.join().is_err());
        assert_eq!(pool.taken(&cli("a")), (0, 0, 0));
    }

    #[test]
    fn strangers_take_nothing_from_whoever_has_a_token() {
        let pool = pool();
        let stranger = |last: u8| Who::stranger([10, 0, 0, last].into());
        let _one = pool.take(stranger(1), 1).unwrap();
        assert_eq!(pool.take(stranger(1), 1).err(), Some(Full::Member));
        let _two = pool.take(stranger(2), 1).unwrap();
        assert_eq!(pool.take(stranger(3), 1).err(), Some(Full::Group));
        assert!(pool.take(cli("a"), 3).is_ok());
    }

    #[test]
    fn many_threads_leave_nothing_behind() {
        let pool = pool();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for _ in 0..1_000 {
                        let who = cli(["a", "b"][number % 2]);
                        if let Ok(mut permit) = pool.take(who.clone(), 1) {
                            let _ = permit.grow(1);
                            let (hub, group, member) = pool.taken(&who);
                            assert!(hub <= 10 && group <= 5 && member <= 3 && member >= permit.amount());
                        }
                    }
                });
            }
        });
        assert_eq!((pool.taken(&cli("a")), pool.taken(&cli("b"))), ((0, 0, 0), (0, 0, 0)));
    }
}
