//! Days and hours in Greenwich, for texts that people read.

use jiff::Timestamp;

use super::ids::Millis;

/// `2026-09-21`.
pub fn date(at: Millis) -> String {
    written(at, "%Y-%m-%d")
}

/// `2026-09-21 14:13`.
pub fn minute(at: Millis) -> String {
    written(at, "%Y-%m-%d %H:%M")
}

fn written(at: Millis, format: &str) -> String {
    // What lies beyond the year 9999 came from a clock that is wrong anyway.
    Timestamp::from_millisecond(at).unwrap_or_default().strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        assert_eq!(minute(0), "1970-01-01 00:00");
        assert_eq!(minute(1_790_000_000_000), "2026-09-21 14:13");
        assert_eq!(minute(951_782_399_999), "2000-02-28 23:59");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(4_107_542_400_000), "2100-03-01");
        assert_eq!(minute(-1), "1969-12-31 23:59");
    }

    #[test]
    fn no_moment_is_too_far() {
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(date(at), "1970-01-01");
        }
    }
}
