//! The newest events of a namespace, in memory: each encoded once, however many browsers read it.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use crate::{
    domain::cursor,
    domain::ids::{MachineId, Namespace, SessionId},
    store::journal::{Committed, EventKind},
};

/// What is the same in all event ids of a namespace.
#[derive(Clone, Debug)]
pub struct Mark {
    epoch: String,
    tag: String,
}

impl Mark {
    pub fn new(epoch: &str, namespace: &Namespace) -> Self {
        Self { epoch: epoch.to_owned(), tag: cursor::tag(epoch, namespace.as_str()) }
    }
}

/// An event as it goes over the wire.
#[derive(Debug)]
pub struct Frame {
    /// Its number in the journal; `None` for what is not worth a number (a heartbeat that only moves `activeAt`).
    pub seq: Option<i64>,
    pub kind: EventKind,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
    plain: Bytes,
    packed: OnceLock<Bytes>,
}

impl Frame {
    pub fn numbered(event: Committed, mark: &Mark) -> Self {
        let Mark { epoch, tag } = mark;
        let mut plain = Vec::with_capacity(event.json.len() + epoch.len() + tag.len() + 40);
        // Writing to memory cannot fail.
        let _ = plain.write_all(b"data: ");
        let _ = plain.write_all(&event.json);
        let _ = write!(plain, "\nid: {epoch}:{}:{tag}\n\n", event.seq);
        Self {
            seq: Some(event.seq),
            kind: event.kind,
            session: event.session,
            machine: event.machine,
            plain: plain.into(),
            packed: OnceLock::new(),
        }
    }

    pub fn unnumbered(json: &Bytes, session: Option<SessionId>, machine: Option<MachineId>) -> Self {
        Self {
            seq: None,
            kind: EventKind::State,
            session,
            machine,
            plain: plain_frame(json, None),
            packed: OnceLock::new(),
        }
    }

    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// The frame as a deflate block of its own. It refers to nothing before it, so the same bytes fit every stream.
    pub fn packed(&self) -> &Bytes {
        self.packed.get_or_init(|| pack(&self.plain))
    }
}

/// `data:` and, when the stream's position is told, `id:`.
pub fn plain_frame(json: &[u8], id: Option<&str>) -> Bytes {
    let mut frame = Vec::with_capacity(json.len() + 64);
    frame.extend_from_slice(b"data: ");
    frame.extend_from_slice(json);
    if let Some(id) = id {
        frame.extend_from_slice(b"\nid: ");
        frame.extend_from_slice(id.as_bytes());
    }
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// What every gzip stream starts with.
pub const GZIP_HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses text as deflate blocks that end on a byte and refer to nothing before them.
pub fn pack(plain: &[u8]) -> Bytes {
    let mut deflate = Compress::new(Compression::new(5), false);
    let mut packed = Vec::with_capacity(plain.len() / 2 + 128);
    loop {
        let taken = usize::try_from(deflate.total_in()).unwrap_or(plain.len());
        let rest = plain.get(taken..).unwrap_or_default();
        let before = packed.len();
        if deflate.compress_vec(rest, &mut packed, FlushCompress::Full).is_err() {
            break;
        }
        let is_taken = usize::try_from(deflate.total_in()).unwrap_or(plain.len()) == plain.len();
        if is_taken && packed.len() < packed.capacity() {
            break;
        }
        if packed.len() == before && is_taken {
            break;
        }
        packed.reserve(plain.len().max(256));
    }
    packed.into()
}

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
        self.bytes += frame.plain.len();
        self.frames.push_back(frame);
        while self.frames.len() > self.limit.frames
            || (self.bytes > self.limit.bytes && self.frames.len() > 1)
        {
            let Some(gone) = self.frames.pop_front() else { break };
            self.bytes -= gone.plain.len();
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
    use std::io::Read;

    use super::*;

    fn frame(seq: i64) -> Arc<Frame> {
        let event = Committed {
            seq,
            at: seq,
            is_message: false,
            kind: EventKind::State,
            session: None,
            machine: None,
            json: Bytes::from(format!("{{\"n\":{seq}}}")),
        };
        Arc::new(Frame::numbered(event, &Mark::new("epoch", &"default".into())))
    }

    #[test]
    fn packed_frames_join_into_one_readable_stream() {
        let mut stream = GZIP_HEADER.to_vec();
        let mut plain = Vec::new();
        for seq in 1..50 {
            stream.extend_from_slice(frame(seq).packed());
            plain.extend_from_slice(frame(seq).plain());
        }
        let mut read = vec![0; plain.len()];
        flate2::read::GzDecoder::new(stream.as_slice()).read_exact(&mut read).unwrap();
        assert_eq!(read, plain);
    }

    proptest::proptest! {
        #[test]
        fn any_text_packs_and_unpacks(text in proptest::collection::vec(proptest::num::u8::ANY, 0..20_000)) {
            let packed = pack(&text);
            let mut read = vec![0; text.len()];
            flate2::read::DeflateDecoder::new(&*packed).read_exact(&mut read).unwrap();
            proptest::prop_assert_eq!(read, text);
        }

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
