//! The ids of the event stream: `epoch:number:tag`. The tag binds an id to its namespace.

use std::fmt;

use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCursor {
    pub epoch: String,
    pub seq: i64,
    pub tag: String,
}

/// What a stream that comes back with an id gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything after this number.
    Resume(i64),
    /// A fresh start: the client reads anew.
    Gap,
}

/// The first eight hex digits of SHA-256 over `epoch|namespace`.
pub fn tag(epoch: &str, namespace: &str) -> String {
    let digest = Sha256::digest(format!("{epoch}|{namespace}"));
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

impl EventCursor {
    pub fn new(epoch: &str, namespace: &str, seq: i64) -> Self {
        Self { epoch: epoch.to_owned(), seq, tag: tag(epoch, namespace) }
    }

    pub fn parse(presented: &str) -> Option<Self> {
        let mut parts = presented.split(':');
        let (epoch, seq, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || epoch.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let seq = seq.parse().ok().filter(|seq| *seq >= 1)?;
        Some(Self { epoch: epoch.to_owned(), seq, tag: tag.to_owned() })
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.epoch, self.seq, self.tag)
    }
}

/// Judges a presented id against the journal: `head` is its newest number (0 when it is empty), `oldest_kept` the
/// oldest that can still be replayed (`head + 1` when none can).
pub fn judge(presented: &str, epoch: &str, namespace: &str, head: i64, oldest_kept: i64) -> Verdict {
    match EventCursor::parse(presented) {
        Some(cursor)
            if cursor.epoch == epoch
                && cursor.tag == tag(epoch, namespace)
                && (1..=head).contains(&cursor.seq)
                && cursor.seq.saturating_add(1) >= oldest_kept =>
        {
            Verdict::Resume(cursor.seq)
        }
        _ => Verdict::Gap,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_tag_is_the_start_of_the_digest() {
        assert_eq!(tag("abcdefgh", "default"), "47346a92");
    }

    #[test]
    fn malformed_ids_are_gaps() {
        let tag = tag("e", "n");
        let longer = [
            format!("e:1:{tag}:x"),
            format!("e:+1:{tag}"),
            format!("e:1.0:{tag}"),
            format!("e:0:{tag}"),
            format!("e::{tag}"),
        ];
        for bad in longer.iter().map(String::as_str).chain(["", ":", "::", "e:1", "e:1:deadbeef"]) {
            assert_eq!(judge(bad, "e", "n", 5, 1), Verdict::Gap, "{bad:?}");
        }
        assert_eq!(judge(&format!("e:1:{tag}"), "e", "n", 5, 1), Verdict::Resume(1));
    }

    proptest! {
        #[test]
        fn resumes_exactly_when_nothing_is_missing(seq in 1_i64..60, head in 0_i64..50, kept in 0_i64..50) {
            let oldest_kept = (head - kept).max(0) + 1;
            let presented = EventCursor::new("epoch", "team", seq).to_string();
            let complete = seq <= head && (seq + 1..=head).all(|number| number >= oldest_kept);
            let expected = if complete { Verdict::Resume(seq) } else { Verdict::Gap };
            prop_assert_eq!(judge(&presented, "epoch", "team", head, oldest_kept), expected);
            prop_assert_eq!(judge(&presented, "epoch", "other", head, oldest_kept), Verdict::Gap);
            prop_assert_eq!(judge(&presented, "later", "team", head, oldest_kept), Verdict::Gap);
        }

        #[test]
        fn what_is_written_is_read_back(seq in 1_i64.., namespace in ".*") {
            let cursor = EventCursor::new("0a1b2c3d", &namespace, seq);
            prop_assert_eq!(EventCursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_judged(presented in ".*", head in any::<i64>(), oldest in any::<i64>()) {
            let _ = judge(&presented, "e", "n", head, oldest);
        }
    }
}
