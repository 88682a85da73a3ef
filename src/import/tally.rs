//! Counts and checksums of rows, by which what was read is compared with what was stored.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

/// The rows of one table, in any order. Every field of a row counts, since its debug form names them all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: u64,
    sum: u128,
}

impl Tally {
    pub fn add(&mut self, row: &impl fmt::Debug) {
        let mut digest = Digesting(Sha256::new());
        // Hashing cannot fail.
        let _ = write!(digest, "{row:?}");
        let digest: [u8; 32] = digest.0.finalize().into();
        let (front, _) = digest.split_at(16);
        let number = front.iter().fold(0, |number: u128, byte| (number << 8) | u128::from(*byte));
        self.rows += 1;
        self.sum = self.sum.wrapping_add(number);
    }

    pub fn checksum(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

struct Digesting(Sha256);

impl Write for Digesting {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[(i64, &str)]) -> Tally {
        let mut tally = Tally::default();
        rows.iter().for_each(|row| tally.add(row));
        tally
    }

    #[test]
    fn order_does_not_count_but_every_field_and_every_row_does() {
        let both = tally(&[(1, "a"), (2, "b")]);
        assert_eq!(tally(&[(2, "b"), (1, "a")]), both);
        for other in [&[(1, "a")][..], &[(1, "a"), (2, "c")], &[(1, "b"), (2, "a")], &[(1, "a"), (1, "a")]] {
            assert_ne!(tally(other), both, "{other:?}");
        }
        assert_eq!(both.checksum().len(), 32);
    }
}
