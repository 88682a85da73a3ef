//! One event stream's place: how far it is, what waits for it alone, and whether it still takes bytes. It never holds
//! events: a reader that is slow costs a number.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    task::Waker,
    time::Instant,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Care, wire::Wire};
use crate::{
    domain::ids::{MachineId, SessionId},
    store::journal::EventKind,
};

/// Which events a stream wants.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub all: bool,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
}

impl Filter {
    pub fn passes(&self, kind: EventKind, session: Option<&SessionId>, machine: Option<&MachineId>) -> bool {
        let is_same_session = self.session.is_some() && self.session.as_ref() == session;
        let is_same_machine = self.machine.is_some() && self.machine.as_ref() == machine;
        self.all || is_same_session || (is_same_machine && kind == EventKind::State)
    }
}

impl Filter {
    /// The one session whose events are all that this stream gets.
    pub fn only_session(&self) -> Option<&SessionId> {
        self.session.as_ref().filter(|_| !self.all && self.machine.is_none())
    }
}

/// Why a stream ends: a number for programs and a word for people, in a comment that no client takes for an event.
/// After each of them the client comes back and resumes by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    Stopping,
    Restarting,
    FellBehind,
    /// Never read by the one it is about: its socket takes nothing.
    Stalled,
    Unreadable,
}

impl Farewell {
    pub fn text(self) -> &'static str {
        match self {
            Self::Stopping => ": 3001 the hub is stopping\n\n",
            Self::Restarting => ": 3002 the namespace starts anew\n\n",
            Self::FellBehind => ": 3003 the reader fell behind\n\n",
            Self::Stalled => ": 3004 the reader takes no bytes\n\n",
            Self::Unreadable => ": 3005 the history could not be read\n\n",
        }
    }
}

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where in the worker's tail it goes on; `None` while it has to be served from the store.
    pub offset: Option<u64>,
    /// The last number it was given or passed over.
    pub seq: i64,
}

/// A frame for one stream alone.
pub struct Direct {
    pub frame: Bytes,
    /// Told whether a socket that takes bytes took it.
    pub taken: Option<oneshot::Sender<bool>>,
}

pub struct Seat {
    pub filter: Filter,
    wire: Wire,
    place: Cell<Place>,
    /// Everything up to the end of the tail has been looked at, and the socket has taken it.
    is_waiting: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    direct: RefCell<VecDeque<Direct>>,
    beat_due: Cell<bool>,
    last_beat: Cell<Instant>,
    busy_since: Cell<Option<Instant>>,
    end: Cell<Option<Farewell>>,
}

impl Seat {
    pub fn new(filter: Filter, wire: Wire, place: Place) -> Self {
        Self {
            filter,
            wire,
            place: Cell::new(place),
            is_waiting: Cell::new(false),
            waker: RefCell::default(),
            direct: RefCell::default(),
            beat_due: Cell::new(false),
            last_beat: Cell::new(Instant::now()),
            busy_since: Cell::new(None),
            end: Cell::new(None),
        }
    }

    pub fn place(&self) -> Place {
        self.place.get()
    }

    pub fn go_to(&self, place: Place) {
        self.place.set(place);
    }

    /// The stream has seen everything; nothing is done for it until it is woken.
    pub fn wait(&self, waker: &Waker) {
        self.is_waiting.set(true);
        self.listen(waker);
    }

    /// Something other than the tail will wake the stream.
    pub fn listen(&self, waker: &Waker) {
        self.busy_since.set(None);
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Something comes that this stream wants. If it has waited, it has passed over everything before `passed`.
    pub fn rouse(&self, passed: Place) {
        if self.is_waiting.replace(false) {
            let seq = self.place().seq.max(passed.seq);
            self.place.set(Place { offset: passed.offset, seq });
            self.wake();
        }
    }

    pub fn end(&self, why: Farewell) {
        self.end.set(self.end.get().or(Some(why)));
        self.is_waiting.set(false);
        self.wake();
    }

    pub fn ended(&self) -> Option<Farewell> {
        self.end.get()
    }

    pub fn push(&self, direct: Direct, passed: Place) {
        let mut waiting = self.direct.borrow_mut();
        // For a reader that stands still nothing piles up.
        waiting.retain(|direct| direct.taken.as_ref().is_none_or(|taken| !taken.is_closed()));
        waiting.push_back(direct);
        drop(waiting);
        self.rouse(passed);
        self.wake();
    }

    /// What waits for this stream alone. A frame that nobody waits for any longer is left out.
    pub fn take_direct(&self) -> Option<Bytes> {
        loop {
            let Direct { frame, taken } = self.direct.borrow_mut().pop_front()?;
            let Some(taken) = taken else { return Some(frame) };
            if taken.is_closed() {
                continue;
            }
            let is_taken = self.wire.takes_bytes();
            if taken.send(is_taken).is_ok() && is_taken {
                return Some(frame);
            }
        }
    }

    pub fn take_beat(&self) -> bool {
        self.beat_due.take()
    }

    /// The server was handed bytes; unless it soon asks for more, the reader is stalled.
    pub fn gave(&self) {
        self.busy_since.set(Some(Instant::now()));
    }

    /// Whether the server has not asked for more since it was handed bytes.
    pub fn is_busy(&self) -> bool {
        self.busy_since.get().is_some()
    }

    /// Now and then: a heartbeat when it is time, and the end of a reader that takes nothing.
    pub fn look(&self, now: Instant, care: Care, passed: Place) {
        let since = |then: Instant| now.saturating_duration_since(then);
        if self.busy_since.get().is_some_and(|busy| since(busy) >= care.patience) {
            self.end.set(Some(Farewell::Stalled));
            self.wire.cut();
            return;
        }
        if since(self.last_beat.get()) >= care.beat {
            self.last_beat.set(now);
            self.beat_due.set(true);
            self.rouse(passed);
            self.wake();
        }
    }
}
