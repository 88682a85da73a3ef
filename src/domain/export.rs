//! How large an export may be.

/// More messages than this are exported only when somebody insists.
pub const MAX_COUNT: u64 = 20_000;
/// More bytes than this are not exported at all.
pub const MAX_BYTES: u64 = 100 * 1024 * 1024;
/// What a message has beside its content: ids, numbers and times.
const FRAME_BYTES: u64 = 165;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Write,
    Warn,
    Refuse,
}

/// The size of an export of `count` messages whose contents have `bytes`, with `beside` bytes of session and notes.
pub fn estimate(count: u64, bytes: u64, beside: usize) -> u64 {
    let beside = u64::try_from(beside).unwrap_or(u64::MAX);
    count.saturating_mul(FRAME_BYTES).saturating_add(bytes).saturating_add(beside)
}

pub fn verdict(count: u64, estimated_bytes: u64, is_forced: bool) -> Verdict {
    if estimated_bytes > MAX_BYTES {
        Verdict::Refuse
    } else if count > MAX_COUNT && !is_forced {
        Verdict::Warn
    } else {
        Verdict::Write
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_messages_need_a_word_and_too_many_bytes_have_no_way() {
        assert_eq!(verdict(20_000, MAX_BYTES, false), Verdict::Write);
        assert_eq!(verdict(20_001, 1, false), Verdict::Warn);
        assert_eq!(verdict(20_001, 1, true), Verdict::Write);
        assert_eq!(verdict(1, MAX_BYTES + 1, true), Verdict::Refuse);
        assert_eq!(verdict(20_001, MAX_BYTES + 1, false), Verdict::Refuse);
        assert_eq!(estimate(2, 10, 5), 345);
    }
}
