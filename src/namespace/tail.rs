//! The newest events of a namespace, in memory.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Frame;

/// Tells the tail of one actor from that of its successor, whose offsets are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailId(u64);

impl TailId {
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A window over the end of the journal. Places in it are offsets that only grow.
#[derive(Debug, Default)]
pub struct Tail {
    frames: VecDeque<Arc<Frame>>,
    /// The offset of the first frame that is still held.
    first: u64,
    bytes: usize,
    /// Every event after this number is held.
    after: i64,
    /// The number of the newest event of the namespace, held or not.
    head: i64,
    limit: TailLimit,
}

#[derive(Clone, Copy, Debug)]
pub struct TailLimit {
    pub frames: usize,
    pub bytes: usize,
}

impl Default for TailLimit {
    fn default() -> Self {
        Self { frames: 4_096, bytes: 32 * 1024 * 1024 }
    }
}

impl Tail {
    /// An empty window after event number `head`.
    pub fn after(head: i64, first: u64, limit: TailLimit) -> Self {
        Self { first, after: head, head, limit, ..Self::default() }
    }

    pub fn push(&mut self, frame: Arc<Frame>) {
        if let Some(seq) = frame.seq {
            self.head = self.head.max(seq);
        }
        self.bytes += frame.plain().len();
        self.frames.push_back(frame);
        while self.frames.len() > self.limit.frames
            || (self.bytes > self.limit.bytes && self.frames.len() > 1)
        {
            let Some(gone) = self.frames.pop_front() else { break };
            self.bytes -= gone.plain().len();
            self.first += 1;
            self.after = gone.seq.unwrap_or(self.after);
        }
    }

    /// Lets go of what is held. Later events come as before.
    pub fn clear(&mut self) {
        *self = Self::after(self.head, self.end(), self.limit);
    }

    /// Passes over events up to this number without holding any.
    pub fn skip_to(&mut self, head: i64) {
        self.reach(head);
        self.clear();
    }

    /// The newest number is at least this, also when its frame is not held.
    pub fn reach(&mut self, head: i64) {
        self.head = self.head.max(head);
    }

    pub fn head(&self) -> i64 {
        self.head
    }

    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number that all held events come after.
    pub fn held_after(&self) -> i64 {
        self.after
    }

    /// The offset behind the newest frame.
    pub fn end(&self) -> u64 {
        self.first + u64::try_from(self.frames.len()).unwrap_or(0)
    }

    pub fn frames(&self) -> impl Iterator<Item = &Arc<Frame>> {
        self.frames.iter()
    }

    /// The frames from an offset on; `None` when the first of them is no longer held.
    pub fn from(&self, offset: u64) -> Option<impl Iterator<Item = &Arc<Frame>>> {
        let skip = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        Some(self.frames.iter().skip(skip))
    }

    /// The offset right behind event number `seq`; `None` when events after it are no longer held.
    pub fn behind(&self, seq: i64) -> Option<u64> {
        if seq < self.after {
            return None;
        }
        let later = |frame: &Arc<Frame>| frame.seq.is_none_or(|number| number > seq);
        let count = self.frames.iter().rev().take_while(|frame| later(frame)).count();
        Some(self.end() - u64::try_from(count).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::frame::tests::frame, *};

    proptest::proptest! {
        #[test]
        fn behind_a_number_stand_exactly_the_later_ones(total in 1i64..60, held in 1usize..40, after in 0i64..70) {
            let mut tail = Tail::after(0, 0, TailLimit { frames: held, bytes: usize::MAX });
            for seq in 1..=total {
                tail.push(frame(seq));
            }
            let later: Vec<i64> = (after + 1..=total).collect();
            match tail.behind(after) {
                Some(offset) => {
                    let seen: Vec<i64> = tail.from(offset).unwrap().filter_map(|frame| frame.seq).collect();
                    proptest::prop_assert_eq!(seen, later);
                }
                None => proptest::prop_assert!(later.len() > held),
            }
        }
    }
}
