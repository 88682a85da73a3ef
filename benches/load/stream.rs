//! One browser's event stream, read as cheaply as it can be while nothing goes missing unseen.

use std::{
    cell::RefCell,
    io::{ErrorKind, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use flate2::write::GzDecoder;
use memchr::memmem;

use crate::{
    chunked::{Chunks, EventStream},
    report::{Times, Window},
};

thread_local! {
    /// One for all streams, so that it stays in the processor's cache.
    pub static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

/// What the sender and the readers of one run share.
#[derive(Default)]
pub struct Counters {
    /// Events seen by all streams that are read frame by frame.
    pub events: AtomicU64,
    /// Numbers that were skipped.
    pub gaps: AtomicU64,
    /// Bytes of all streams, as they came from the wire.
    pub bytes: AtomicU64,
    /// The same of those that are read frame by frame.
    pub read_bytes: AtomicU64,
}

/// How closely a stream is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Bytes are counted; nothing is unpacked.
    Weigh,
    /// Every event's number is checked.
    Check,
    /// Also the time that each message was on its way.
    Time,
}

pub struct Reader {
    pub look: Look,
    pub counters: Arc<Counters>,
    /// The newest event number of this stream, for the sender's pace.
    pub newest: Arc<AtomicU64>,
    pub clock: Instant,
    pub window: Window,
    times: Times,
    rest: Vec<u8>,
}

impl Reader {
    pub fn new(look: Look, counters: Arc<Counters>, clock: Instant, window: Window) -> Result<Self> {
        let newest = Arc::new(AtomicU64::new(0));
        Ok(Self { look, counters, newest, clock, window, times: Times::new()?, rest: Vec::new() })
    }

    /// Reads until the hub ends the stream.
    pub async fn read(mut self, stream: EventStream, is_packed: bool) -> Result<Times> {
        let EventStream { socket, first } = stream;
        let mut unpack = is_packed.then(|| GzDecoder::new(Vec::new()));
        let mut chunks = Chunks::default();
        self.bytes(&first, &mut chunks, &mut unpack)?;
        // The hub is stopped at the end of the run, which cuts the stream.
        while socket.readable().await.is_ok() {
            let came: Result<bool> = BUFFER.with_borrow_mut(|buffer| match socket.try_read(buffer) {
                Ok(length) => {
                    self.bytes(buffer.get(..length).unwrap_or_default(), &mut chunks, &mut unpack)?;
                    Ok(length > 0)
                }
                Err(error) => Ok(error.kind() == ErrorKind::WouldBlock),
            });
            if !came? {
                break;
            }
        }
        Ok(self.times)
    }

    fn bytes(
        &mut self,
        bytes: &[u8],
        chunks: &mut Chunks,
        unpack: &mut Option<GzDecoder<Vec<u8>>>,
    ) -> Result<()> {
        let length = u64::try_from(bytes.len())?;
        self.counters.bytes.fetch_add(length, Relaxed);
        if self.look == Look::Weigh {
            return Ok(());
        }
        self.counters.read_bytes.fetch_add(length, Relaxed);
        chunks.split(bytes, |content| {
            let Some(unpack) = unpack else { return self.take(content) };
            unpack.write_all(content)?;
            unpack.flush()?;
            let plain = std::mem::take(unpack.get_mut());
            self.take(&plain)
        })
    }

    /// Splits text into frames; the beginning of one waits for its end.
    fn take(&mut self, text: &[u8]) -> Result<()> {
        let mut whole = std::mem::take(&mut self.rest);
        let text = if whole.is_empty() {
            text
        } else {
            whole.extend_from_slice(text);
            &whole
        };
        let mut begin = 0;
        for end in memmem::find_iter(text, b"\n\n") {
            self.note(text.get(begin..end).unwrap_or_default())?;
            begin = end + 2;
        }
        self.rest.extend_from_slice(text.get(begin..).unwrap_or_default());
        Ok(())
    }

    fn note(&mut self, frame: &[u8]) -> Result<()> {
        let Some(place) = memmem::rfind(frame, b"\nid: ") else { return Ok(()) };
        let id = std::str::from_utf8(frame.get(place + 5..).unwrap_or_default())?;
        let number = id.split(':').nth(1).context("an id without a number")?.parse::<u64>()?;
        let newest = self.newest.load(Relaxed);
        // Handshakes and heartbeats repeat the stream's own place.
        if number == newest || memmem::find(frame.get(..60).unwrap_or(frame), b"connection-changed").is_some()
        {
            self.newest.store(number, Relaxed);
            return Ok(());
        }
        if newest > 0 && number > newest + 1 {
            self.counters.gaps.fetch_add(number - newest - 1, Relaxed);
        }
        self.newest.store(number, Relaxed);
        self.counters.events.fetch_add(1, Relaxed);
        if self.look == Look::Time
            && let Some(sent_at) = sent_at(frame)
        {
            let now = self.clock.elapsed();
            let way = now.saturating_sub(sent_at);
            if self.window.counts(Instant::now()) {
                self.times.note(way)?;
            }
        }
        Ok(())
    }
}

pub fn sent_at(frame: &[u8]) -> Option<Duration> {
    const KEY: &[u8] = b"\"sentAt\":";
    let start = memmem::rfind(frame, KEY)? + KEY.len();
    let digits = frame.get(start..)?.split(|byte| !byte.is_ascii_digit()).next()?;
    Some(Duration::from_micros(std::str::from_utf8(digits).ok()?.parse().ok()?))
}
