//! The brake on guessing access tokens. It counts wrong tokens only and never asks about a right one, since behind an
//! undeclared proxy all callers share one address.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, state::keyed::DefaultKeyedStateStore,
};

use crate::clock::Clock;

/// Addresses remembered before those that have long been quiet are forgotten.
const CROWD: usize = 1_024;

type Limiter = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, Time, NoOpMiddleware<Duration>>;

/// Wrong tokens, by the address they came from.
pub struct FailedLogins {
    limiter: Limiter,
    time: Time,
}

/// The caller has failed too often and is to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    pub seconds: u64,
}

impl FailedLogins {
    /// Lets so many failures through at once; each is forgiven after its share of the window.
    pub fn new(failures: u32, window: Duration, clock: Clock) -> Self {
        let failures = NonZeroU32::new(failures).unwrap_or(NonZeroU32::MIN);
        let time = Time(clock);
        let quota = Quota::with_period(window / failures.get())
            .unwrap_or_else(|| Quota::per_minute(failures))
            .allow_burst(failures);
        Self { limiter: RateLimiter::new(quota, DefaultKeyedStateStore::default(), time.clone()), time }
    }

    /// Counts a wrong token. Do not call this for a right one.
    pub fn count(&self, caller: IpAddr) -> Result<(), RetryAfter> {
        if self.limiter.len() > CROWD {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(caller)).map_err(|wait| {
            let wait = wait.wait_time_from(self.time.now());
            RetryAfter { seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0) }
        })
    }
}

/// One household has a whole IPv6 network of 64 bits, so its addresses count as one.
pub fn network(caller: IpAddr) -> IpAddr {
    match caller {
        IpAddr::V4(_) => caller,
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(
            || IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
            IpAddr::V4,
        ),
    }
}

/// Our clock in the words of the limiter's crate.
#[derive(Clone)]
pub struct Time(Clock);

impl Time {
    pub fn new(clock: Clock) -> Self {
        Self(clock)
    }
}

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limiter(clock: &Clock) -> FailedLogins {
        FailedLogins::new(3, Duration::from_secs(60), clock.clone())
    }

    #[test]
    fn further_failures_wait_and_are_forgiven_with_time() {
        let clock = Clock::manual(1_795_157_032_000);
        let failed = limiter(&clock);
        for _ in 0..3 {
            assert_eq!(failed.count(ip("10.0.0.1")), Ok(()));
        }
        assert_eq!(failed.count(ip("10.0.0.1")), Err(RetryAfter { seconds: 20 }));
        clock.advance(19_500);
        assert_eq!(failed.count(ip("10.0.0.1")), Err(RetryAfter { seconds: 1 }));
        clock.advance(500);
        assert_eq!(failed.count(ip("10.0.0.1")), Ok(()));
        assert!(failed.count(ip("10.0.0.1")).is_err());
        clock.advance(60_000);
        for _ in 0..3 {
            assert_eq!(failed.count(ip("10.0.0.1")), Ok(()));
        }
    }

    #[test]
    fn addresses_are_counted_apart_but_one_network_as_one() {
        let failed = limiter(&Clock::manual(0));
        for last in 1..=3 {
            assert_eq!(failed.count(ip(&format!("2001:db8::{last}"))), Ok(()));
        }
        assert!(failed.count(ip("2001:db8::ffff")).is_err());
        assert_eq!(failed.count(ip("2001:db8:0:1::1")), Ok(()));
        assert_eq!(failed.count(ip("10.0.0.2")), Ok(()));
    }

    #[test]
    fn quiet_addresses_are_forgotten() {
        let clock = Clock::manual(0);
        let failed = limiter(&clock);
        for number in 0..=u32::try_from(CROWD).unwrap() {
            failed.count(IpAddr::V4(number.into())).unwrap();
        }
        clock.advance(120_000);
        failed.count(ip("10.0.0.1")).unwrap();
        assert!(failed.limiter.len() < 10);
    }
}
