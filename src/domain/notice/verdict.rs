//! What becomes of a subscription after its push service answered.

/// So many refusals in a row end a subscription.
pub const MOST_REFUSALS: i64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The push service has it.
    Taken,
    /// There is no such subscription any more.
    Gone,
    /// This subscription does not fit this hub. Once may be an accident.
    Refused,
    /// Worth another try after a while.
    Later,
    /// Not taken, and asking again would not help; it says nothing about the subscription.
    Lost,
}

impl Verdict {
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            404 | 410 => Self::Gone,
            400 | 403 => Self::Refused,
            408 | 425 | 429 | 500..=599 => Self::Later,
            _ => Self::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn only_an_answer_about_the_subscription_ends_it(status in 100_u16..1_000) {
            let verdict = Verdict::of(status);
            proptest::prop_assert_eq!(verdict == Verdict::Gone, status == 404 || status == 410);
            proptest::prop_assert_eq!(verdict == Verdict::Refused, status == 400 || status == 403);
            proptest::prop_assert_eq!(verdict == Verdict::Taken, status / 100 == 2);
            if status / 100 == 5 || status == 429 {
                proptest::prop_assert_eq!(verdict, Verdict::Later);
            }
        }
    }
}
