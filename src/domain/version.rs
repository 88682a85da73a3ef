//! The optimistic lock of metadata, agent state and runner state.

/// What becomes of a write that expected a certain version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionedWrite {
    /// The write is done; this is the new version.
    Accepted(i64),
    /// Nothing changes; the writer is told the version that is there.
    Mismatch(i64),
}

pub fn write(stored: i64, expected: i64) -> VersionedWrite {
    match stored.checked_add(1) {
        Some(next) if stored == expected => VersionedWrite::Accepted(next),
        _ => VersionedWrite::Mismatch(stored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn of_writers_that_expect_the_same_version_exactly_one_wins(start in 1_i64..1_000_000, writers in 1_usize..20) {
            let mut stored = start;
            let mut winners = 0;
            for _ in 0..writers {
                match write(stored, start) {
                    VersionedWrite::Accepted(next) => {
                        proptest::prop_assert_eq!(next, stored + 1);
                        stored = next;
                        winners += 1;
                    }
                    VersionedWrite::Mismatch(current) => proptest::prop_assert_eq!(current, stored),
                }
            }
            proptest::prop_assert_eq!(winners, 1);
        }

        #[test]
        fn any_other_expectation_changes_nothing(stored in proptest::num::i64::ANY, expected in proptest::num::i64::ANY) {
            proptest::prop_assume!(stored != expected);
            proptest::prop_assert_eq!(write(stored, expected), VersionedWrite::Mismatch(stored));
        }
    }
}
