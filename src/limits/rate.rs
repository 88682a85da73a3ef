//! How many requests there may be in a second, by whoever makes them.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, state::keyed::DefaultKeyedStateStore,
};

use crate::{clock::Clock, identity::Time};

/// After so many requests those who have long been quiet are forgotten.
const SWEEP: u32 = 16_384;

/// So many requests a second for a long time, and so many at once. No requests a second stand for no limit.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub per_second: u32,
    pub burst: u32,
}

/// The pace of each key by itself.
pub struct Rate<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, Time, NoOpMiddleware<Duration>>,
    time: Time,
    until_sweep: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    pub fn new(pace: Pace, clock: Clock) -> Option<Self> {
        let per_second = NonZeroU32::new(pace.per_second)?;
        // A burst below the pace would refuse requests of one moment that the pace allows.
        let burst = NonZeroU32::new(pace.burst).unwrap_or(NonZeroU32::MIN);
        let time = Time::new(clock);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let limiter = RateLimiter::new(quota, DefaultKeyedStateStore::default(), time.clone());
        Some(Self { limiter, time, until_sweep: AtomicU32::new(0) })
    }

    /// Counts a request, or says after how many seconds there may be the next.
    pub fn count(&self, key: &K) -> Result<(), u64> {
        if self.until_sweep.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|wait| {
            let wait = wait.wait_time_from(self.time.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_next_waits_for_its_turn() {
        let clock = Clock::manual(1_795_157_032_000);
        let rate = Rate::new(Pace { per_second: 2, burst: 3 }, clock.clone()).unwrap();
        for _ in 0..3 {
            assert_eq!(rate.count(&"a"), Ok(()));
        }
        assert_eq!(rate.count(&"a"), Err(1));
        assert_eq!(rate.count(&"b"), Ok(()));
        clock.advance(500);
        assert_eq!(rate.count(&"a"), Ok(()));
        assert_eq!(rate.count(&"a"), Err(1));
    }

    #[test]
    fn without_a_pace_there_is_no_limit() {
        assert!(Rate::<u8>::new(Pace { per_second: 0, burst: 3 }, Clock::manual(0)).is_none());
    }

    #[test]
    fn who_has_long_been_quiet_is_forgotten() {
        let clock = Clock::manual(0);
        let rate = Rate::new(Pace { per_second: 1, burst: 1 }, clock.clone()).unwrap();
        for key in 0..SWEEP - 1 {
            rate.count(&key).unwrap();
        }
        clock.advance(60_000);
        rate.count(&0).unwrap();
        assert!(rate.limiter.len() < 10);
    }
}
