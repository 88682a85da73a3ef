//! An event as it goes over the wire: encoded once, and packed at most once, however many browsers read it.

use std::{cell::RefCell, io::Write, sync::OnceLock};

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

    /// The id of the event with that number.
    pub fn id(&self, seq: i64) -> String {
        let Self { epoch, tag } = self;
        format!("{epoch}:{seq}:{tag}")
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

thread_local! {
    /// Its tables weigh a quarter of a megabyte: making them costs more than most frames do.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(5), false));
}

/// Compresses text as deflate blocks that end on a byte and refer to nothing before them.
pub fn pack(plain: &[u8]) -> Bytes {
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        let mut packed = Vec::with_capacity(plain.len() / 2 + 128);
        loop {
            let taken = usize::try_from(deflate.total_in()).unwrap_or(plain.len());
            let before = packed.len();
            let rest = plain.get(taken..).unwrap_or_default();
            if deflate.compress_vec(rest, &mut packed, FlushCompress::Full).is_err() {
                break;
            }
            let is_taken = usize::try_from(deflate.total_in()).unwrap_or(plain.len()) == plain.len();
            if is_taken && (packed.len() < packed.capacity() || packed.len() == before) {
                break;
            }
            packed.reserve(plain.len().max(256));
        }
        // The tail keeps thousands of them.
        packed.shrink_to_fit();
        packed.into()
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::{io::Read, sync::Arc};

    use super::*;

    pub fn frame(seq: i64) -> Arc<Frame> {
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
    }
}
