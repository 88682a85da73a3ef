//! What one HTTP worker holds of a namespace: a copy of its tail (the frames themselves are shared by all workers) and
//! the streams that read it. A new event wakes only those that want it.

use std::{
    collections::HashMap,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{
    Care,
    seat::{Direct, Farewell, Place, Seat},
};
use crate::{
    domain::ids::{MachineId, SessionId},
    namespace::{Frame, Tail, TailAppended, TailId, TailLimit},
};

type Seats = Vec<Rc<Seat>>;

#[derive(Default)]
pub struct Board {
    tail: Tail,
    /// Whose events are expected. A namespace that got a new actor counts anew.
    expected: Option<TailId>,
    is_ready: bool,
    over: Option<Farewell>,
    limit: TailLimit,
    /// Those that wait for the tail itself.
    arriving: Vec<Waker>,
    /// Streams, with those that are still being opened.
    visitors: usize,
    seats: HashMap<String, Rc<Seat>>,
    all: Seats,
    by_session: HashMap<SessionId, Seats>,
    by_machine: HashMap<MachineId, Seats>,
}

impl Board {
    pub fn new(limit: TailLimit) -> Self {
        Self { limit, ..Self::default() }
    }

    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    pub fn expect(&mut self, tail: TailId) {
        self.expected = Some(tail);
    }

    /// Until the first message is there, or none will come.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_ready || self.over.is_some() {
            return Poll::Ready(());
        }
        self.arriving.push(cx.waker().clone());
        Poll::Pending
    }

    /// What a stream that waits has passed over: everything.
    fn passed(&self) -> Place {
        Place { offset: Some(self.tail.end()), seq: self.tail.head() }
    }

    pub fn append(&mut self, appended: TailAppended) {
        if self.expected != Some(appended.tail) {
            return;
        }
        if !self.is_ready || appended.start > self.tail.end() {
            // The first message, or one after a hole: what is held so far is of no use, and who has waited goes on by
            // number.
            let lost = Place { offset: None, seq: self.tail.head() };
            self.seats.values().for_each(|seat| seat.rouse(lost));
            self.tail = Tail::after(appended.after, appended.start, self.limit);
            self.is_ready = true;
        }
        let known = usize::try_from(self.tail.end().saturating_sub(appended.start)).unwrap_or(usize::MAX);
        for frame in appended.frames.into_iter().skip(known) {
            let passed = self.passed();
            self.audience(&frame).for_each(|seat| seat.rouse(passed));
            self.tail.push(frame);
        }
        self.tail.reach(appended.head);
        self.arriving.drain(..).for_each(Waker::wake);
    }

    /// Whoever may want the frame.
    fn audience(&self, frame: &Frame) -> impl Iterator<Item = &Rc<Seat>> {
        let of_session = frame.session.as_ref().and_then(|id| self.by_session.get(id));
        let of_machine = frame.machine.as_ref().and_then(|id| self.by_machine.get(id));
        self.all.iter().chain(of_session.into_iter().flatten()).chain(of_machine.into_iter().flatten())
    }

    pub fn enter(&mut self) {
        self.visitors += 1;
    }

    /// Answers whether that was the last.
    pub fn exit(&mut self) -> bool {
        self.visitors = self.visitors.saturating_sub(1);
        self.visitors == 0
    }

    pub fn sit(&mut self, id: String, seat: Rc<Seat>) {
        if seat.filter.all {
            self.all.push(seat.clone());
        }
        if let Some(session) = &seat.filter.session {
            self.by_session.entry(session.clone()).or_default().push(seat.clone());
        }
        if let Some(machine) = &seat.filter.machine {
            self.by_machine.entry(machine.clone()).or_default().push(seat.clone());
        }
        if let Some(why) = self.over {
            seat.end(why);
        }
        self.seats.insert(id, seat);
    }

    pub fn leave(&mut self, id: &str) {
        let Some(seat) = self.seats.remove(id) else { return };
        let is_last = |seats: &mut Seats| {
            seats.retain(|other| !Rc::ptr_eq(other, &seat));
            seats.is_empty()
        };
        is_last(&mut self.all);
        if let Some(session) = &seat.filter.session
            && self.by_session.get_mut(session).is_some_and(is_last)
        {
            self.by_session.remove(session);
        }
        if let Some(machine) = &seat.filter.machine
            && self.by_machine.get_mut(machine).is_some_and(is_last)
        {
            self.by_machine.remove(machine);
        }
    }

    /// Hands a stream what is for it alone.
    pub fn hand(&self, id: &str, direct: Direct) {
        if let Some(seat) = self.seats.get(id) {
            seat.push(direct, self.passed());
        }
    }

    pub fn look(&self, now: Instant, care: Care) {
        let passed = self.passed();
        self.seats.values().for_each(|seat| seat.look(now, care, passed));
    }

    /// Ends all streams, also those that are still to come.
    pub fn end(&mut self, why: Farewell) {
        self.over = Some(why);
        self.seats.values().for_each(|seat| seat.end(why));
        self.arriving.drain(..).for_each(Waker::wake);
    }
}
