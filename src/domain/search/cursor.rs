//! Where the next page of a search goes on. By age it is the key behind which to go on. By fit it names what was shown:
//! how well a message fits depends on all others, so a mere number would repeat or lose some while messages come in.

use std::fmt::Write;

/// As many of the best as anybody looks through.
pub const MOST_BEST: usize = 200;

const DIGITS: u32 = 36;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Go on below this key.
    Newest(i64),
    /// Nothing above this key counts, and these were shown.
    Best { up_to: i64, shown: Vec<i64> },
}

impl Cursor {
    pub fn parse(text: &str) -> Option<Self> {
        let key = |text: &str| i64::from_str_radix(text, DIGITS).ok().filter(|key| *key >= 0);
        if let Some(below) = text.strip_prefix("n.") {
            return key(below).map(Self::Newest);
        }
        let mut keys = text.strip_prefix("b.")?.split('.').map(key);
        let up_to = keys.next()??;
        let shown: Vec<i64> = keys.collect::<Option<_>>()?;
        (shown.len() <= MOST_BEST).then_some(Self::Best { up_to, shown })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newest(below) => {
                f.write_str("n.")?;
                digits(*below, f)
            }
            Self::Best { up_to, shown } => {
                f.write_str("b.")?;
                digits(*up_to, f)?;
                shown.iter().try_for_each(|key| {
                    f.write_char('.')?;
                    digits(*key, f)
                })
            }
        }
    }
}

fn digits(key: i64, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut rest = u64::try_from(key).unwrap_or(0);
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % u64::from(DIGITS)).unwrap_or(0);
        digits.push(char::from_digit(digit, DIGITS).unwrap_or('0'));
        rest /= u64::from(DIGITS);
        if rest == 0 {
            break;
        }
    }
    digits.into_iter().rev().try_for_each(|digit| f.write_char(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        for wrong in ["", "n.", "n.-1", "n.1.2", "b.", "b.1.", "x.1", "n.zzzzzzzzzzzzzzzzzzzz", "1"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
        let many = format!("b.1{}", ".1".repeat(MOST_BEST + 1));
        assert_eq!(Cursor::parse(&many), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(up_to in 0_i64.., shown in proptest::collection::vec(0_i64.., 0..20)) {
            for cursor in [Cursor::Newest(up_to), Cursor::Best { up_to, shown: shown.clone() }] {
                proptest::prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
            }
        }
    }
}
