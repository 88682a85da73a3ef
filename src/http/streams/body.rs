//! What an event stream writes: from the tail in memory, or, for what is no longer there, from the store.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::{Bytes, BytesMut};

use super::{
    Visit,
    seat::{Direct, Farewell, Filter, Place, Seat},
    stored::Replay,
    wire::Wire,
};
use crate::{
    clock::Clock,
    limits::Permit,
    namespace::{GZIP_HEADER, Mark, Tail, Unsubscribed, pack, plain_frame},
    store::{Store, journal::Page},
    wire::events,
};

/// How much one turn of a stream writes at the most. More waits until the socket has taken this.
const BATCH: usize = 64 * 1024;

/// What a stream is made of.
pub struct NewStream {
    pub id: String,
    pub visit: Visit,
    pub filter: Filter,
    pub place: Place,
    pub wire: Wire,
    /// The handshake.
    pub first: Bytes,
    pub is_packed: bool,
    pub mark: Mark,
    pub store: Store,
    pub clock: Clock,
    /// Its place among the streams that its reader may have.
    pub permit: Permit,
}

/// The body of an event stream.
pub struct StreamBody {
    id: String,
    visit: Visit,
    seat: Rc<Seat>,
    replay: Option<Replay>,
    is_packed: bool,
    has_header: bool,
    is_over: bool,
    mark: Mark,
    store: Store,
    clock: Clock,
    _permit: Permit,
}

impl StreamBody {
    pub fn open(stream: NewStream) -> Self {
        let NewStream { id, visit, filter, place, wire, first, is_packed, mark, store, clock, permit } =
            stream;
        let seat = Rc::new(Seat::new(filter, wire, place));
        seat.push(Direct { frame: first, taken: None }, place);
        visit.board.borrow_mut().sit(id.clone(), seat.clone());
        Self {
            id,
            visit,
            seat,
            replay: None,
            is_packed,
            has_header: false,
            is_over: false,
            mark,
            store,
            clock,
            _permit: permit,
        }
    }

    /// Puts a frame of this stream alone behind what is there.
    fn put(&self, out: &mut BytesMut, frame: &[u8]) {
        if self.is_packed {
            out.extend_from_slice(&pack(frame));
        } else {
            out.extend_from_slice(frame);
        }
    }

    /// Moves on as far as one batch goes.
    fn gather(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Result<Gathered, Farewell> {
        while out.len() < BATCH {
            if self.replay.is_none() {
                let board = self.visit.board.clone();
                let board = board.borrow();
                if let Some(gathered) = self.gather_from_tail(board.tail(), out) {
                    return Ok(gathered);
                }
                let seq = self.seat.place().seq;
                self.replay = Some(Replay::after(&self.store, &self.visit.namespace, &self.seat.filter, seq));
            }
            let Some(replay) = self.replay.as_mut() else { continue };
            match replay.poll(cx) {
                Poll::Pending => return Ok(Gathered::Reading),
                Poll::Ready(Ok(Some(page))) => self.gather_from_page(page, out),
                Poll::Ready(Ok(None)) => return Err(Farewell::FellBehind),
                Poll::Ready(Err(error)) => {
                    tracing::warn!(%error, "could not read the journal for a stream");
                    return Err(Farewell::Unreadable);
                }
            }
        }
        Ok(Gathered::Full)
    }

    /// `None`: the stream's place is not in the tail.
    fn gather_from_tail(&self, tail: &Tail, out: &mut BytesMut) -> Option<Gathered> {
        let Place { offset, mut seq } = self.seat.place();
        let mut offset = offset.or_else(|| tail.behind(seq))?;
        let mut gathered = Gathered::Everything;
        for frame in tail.from(offset)? {
            // The store is ahead of the tail: what was replayed from there comes by here as well.
            let is_new = frame.seq.is_none_or(|number| number > seq);
            if is_new && self.seat.filter.passes(frame.kind, frame.session.as_ref(), frame.machine.as_ref()) {
                if out.len() >= BATCH {
                    gathered = Gathered::Full;
                    break;
                }
                out.extend_from_slice(if self.is_packed { frame.packed() } else { frame.plain() });
            }
            offset += 1;
            seq = frame.seq.unwrap_or(seq).max(seq);
        }
        self.seat.go_to(Place { offset: Some(offset), seq });
        Some(gathered)
    }

    fn gather_from_page(&mut self, page: Page, out: &mut BytesMut) {
        self.replay = None;
        let mut frames = BytesMut::new();
        for event in &page.events {
            frames.extend_from_slice(&plain_frame(&event.json, Some(&self.mark.id(event.seq))));
        }
        if !frames.is_empty() {
            self.put(out, &frames);
        }
        let place = self.seat.place();
        self.seat.go_to(Place { offset: None, seq: place.seq.max(page.last) });
    }

    fn beat(&self, out: &mut BytesMut) {
        let json = events::heartbeat(&self.visit.namespace, self.clock.now());
        let seq = self.seat.place().seq;
        let id = (seq > 0).then(|| self.mark.id(seq));
        self.put(out, &plain_frame(&json, id.as_deref()));
    }
}

enum Gathered {
    /// The socket has to take this first.
    Full,
    Reading,
    Everything,
}

impl MessageBody for StreamBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        if self.is_packed && !self.has_header {
            self.has_header = true;
            out.extend_from_slice(GZIP_HEADER);
        }
        let mut end = self.seat.ended();
        let mut gathered = Gathered::Full;
        if end.is_none() {
            while let Some(frame) = self.seat.take_direct() {
                self.put(&mut out, &frame);
            }
            match self.gather(cx, &mut out) {
                Ok(how) => gathered = how,
                Err(why) => end = Some(why),
            }
            if self.seat.take_beat() {
                self.beat(&mut out);
            }
        }
        if let Some(why) = end {
            self.is_over = true;
            self.put(&mut out, why.text().as_bytes());
        }
        if !out.is_empty() {
            self.seat.gave();
            return Poll::Ready(Some(Ok(out.freeze())));
        }
        match gathered {
            Gathered::Reading => self.seat.listen(cx.waker()),
            Gathered::Full | Gathered::Everything => self.seat.wait(cx.waker()),
        }
        Poll::Pending
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.visit.board.borrow_mut().leave(&self.id);
        let gone = self.visit.tenant.send(Unsubscribed(self.id.clone()));
        actix_rt::spawn(async move {
            let _ = gone.await;
        });
        if self.seat.is_busy() && !self.is_over {
            let why = self.seat.ended().unwrap_or(Farewell::Stalled);
            tracing::debug!(reason = why.text().trim(), "ended an event stream whose reader took nothing");
        }
    }
}
