//! Connections that have shown no token yet, oldest first. When there are too many, the oldest has to go: clients show
//! their token at once, so whoever has been here longest is the least likely to have one. Nobody is kept out by those
//! who only wait.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::place::Place;
use crate::limits::{Limits, Refusal, Who, Whose};

/// Entries of connections that are no strangers any more, before they are looked for.
const STALE: usize = 1_024;

#[derive(Clone, Default)]
pub struct Strangers(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    all: VecDeque<Weak<Place>>,
    of_address: HashMap<Who, VecDeque<Weak<Place>>>,
    sweep_at: usize,
}

impl Strangers {
    /// A place for a connection that begins.
    pub fn enter(&self, limits: &Limits, who: &Who) -> Result<Arc<Place>, Refusal> {
        loop {
            let refusal = match limits.link(who.clone()) {
                Ok(permit) => {
                    let place = Place::of_stranger(permit);
                    self.waiting(|waiting| waiting.add(who, &place));
                    return Ok(place);
                }
                Err(refusal) => refusal,
            };
            // Each turn has one fewer of those who can be sent away.
            let oldest =
                self.waiting(|waiting| waiting.oldest((refusal.whose == Whose::Address).then_some(who)));
            let Some(oldest) = oldest else { return Err(refusal) };
            oldest.end();
        }
    }

    fn waiting<R>(&self, look: impl FnOnce(&mut Waiting) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_strange(place: &Weak<Place>) -> bool {
    place.upgrade().is_some_and(|place| place.is_strange())
}

impl Waiting {
    fn add(&mut self, who: &Who, place: &Arc<Place>) {
        self.all.push_back(Arc::downgrade(place));
        self.of_address.entry(who.clone()).or_default().push_back(Arc::downgrade(place));
        if self.all.len() < self.sweep_at.max(STALE) {
            return;
        }
        self.all.retain(is_strange);
        self.of_address.retain(|_, places| {
            places.retain(is_strange);
            !places.is_empty()
        });
        self.sweep_at = self.all.len() * 2;
    }

    /// Of one address, or of all.
    fn oldest(&mut self, of: Option<&Who>) -> Option<Arc<Place>> {
        let places = match of {
            Some(who) => self.of_address.get_mut(who)?,
            None => &mut self.all,
        };
        std::iter::from_fn(|| places.pop_front())
            .find_map(|place| place.upgrade().filter(|place| place.is_strange()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        config::{Ceiling, Config, Sources},
    };

    fn limits(of_address: u64, of_all: u64) -> Limits {
        let home = tempfile::tempdir().unwrap();
        let sources = Sources { home: Some(home.path().to_owned()), ..Sources::default() };
        let mut config = Config::load(sources).unwrap().limits;
        config.links_per_address.value = Ceiling(Some(of_address));
        config.links_of_strangers.value = Ceiling(Some(of_all));
        Limits::new(&config, &Clock::manual(0))
    }

    fn stranger(last: u8) -> Who {
        Who::stranger([10, 0, 0, last].into())
    }

    fn count(limits: &Limits, who: &Who) -> u64 {
        limits.links.taken(who).2
    }

    #[test]
    fn the_oldest_of_an_address_makes_room_for_the_next_of_it() {
        let (limits, strangers) = (limits(2, 10), Strangers::default());
        let enter = |last| strangers.enter(&limits, &stranger(last)).unwrap();
        let (other, one, two, three) = (enter(2), enter(1), enter(1), enter(1));
        assert!(!one.is_strange() && two.is_strange() && three.is_strange() && other.is_strange());
        assert_eq!(count(&limits, &stranger(1)), 2);
    }

    #[test]
    fn the_oldest_of_all_makes_room_but_never_one_with_a_token() {
        let (limits, strangers) = (limits(10, 2), Strangers::default());
        let enter = |last| strangers.enter(&limits, &stranger(last)).unwrap();
        let cli = Who::Cli { namespace: "a".into() };
        let known = enter(1);
        known.become_known(&limits, cli.clone()).unwrap();
        let (one, two, three) = (enter(1), enter(2), enter(3));
        assert!(!one.is_strange() && two.is_strange() && three.is_strange());
        assert_eq!((count(&limits, &cli), limits.links.taken(&cli).0), (1, 3));
    }

    #[test]
    fn those_who_went_are_not_remembered() {
        let (limits, strangers) = (limits(0, 0), Strangers::default());
        assert!(strangers.enter(&limits, &stranger(1)).is_err());
        let limits = self::limits(5, 5);
        for _ in 0..10 * STALE {
            drop(strangers.enter(&limits, &stranger(1)).unwrap());
        }
        let waiting = strangers.0.lock().unwrap();
        assert!(waiting.all.len() <= STALE && waiting.of_address.values().all(|one| one.len() <= STALE));
        assert_eq!(limits.links.taken(&stranger(1)), (0, 0, 0));
    }
}
