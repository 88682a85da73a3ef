//! Days and hours in Greenwich, for texts that people read.

use super::ids::Millis;

const DAY: Millis = 24 * 3_600_000;

/// `2026-09-21`.
pub fn date(at: Millis) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-09-21 14:13`.
pub fn minute(at: Millis) -> String {
    let minutes = at.rem_euclid(DAY) / 60_000;
    format!("{} {:02}:{:02}", date(at), minutes / 60, minutes % 60)
}

/// Year, month and day of a day counted from 1970. Years begin in March here, so that the leap day is the last.
fn civil(day: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let since_march_0 = day + 719_468;
    let era = since_march_0.div_euclid(DAYS_OF_400_YEARS);
    let day = since_march_0.rem_euclid(DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
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

    proptest::proptest! {
        #[test]
        fn each_day_follows_the_one_before(day in -1_000_000_i64..3_000_000) {
            let ((y, m, d), next) = (civil(day), civil(day + 1));
            let is_next = next == (y, m, d + 1)
                || next == (y, m + 1, 1) && d >= 28
                || next == (y + 1, 1, 1) && (m, d) == (12, 31);
            proptest::prop_assert!(is_next, "{:?} {:?}", (y, m, d), next);
            proptest::prop_assert!((1..=12).contains(&next.1) && (1..=31).contains(&next.2));
        }
    }
}
