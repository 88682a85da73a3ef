//! The event streams of one HTTP worker. The worker holds a copy of each tail that one of its streams reads (the frames
//! themselves are shared by all workers); a stream holds a place in it, never a queue, so a slow reader costs nothing.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use actix::prelude::*;
use actix_web::body::{BodySize, MessageBody};
use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{
    domain::{
        cursor::EventCursor,
        ids::{MachineId, Namespace, SessionId},
    },
    namespace::{Follow, Tail, TailAppended, TailLimit, Tenant, Toast, Unsubscribed, pack, plain_frame},
    store::journal::EventKind,
};

/// How much one turn of a stream writes at the most. More waits until the socket has taken this.
const BATCH: usize = 64 * 1024;

/// A toast that was not taken within this time is taken back. Whoever sends it waits a little longer.
const TOAST_PATIENCE: Duration = Duration::from_millis(900);

/// A worker's copy of a namespace's tail.
#[derive(Default)]
pub struct LocalTail {
    tail: Tail,
    is_ready: bool,
    limit: TailLimit,
    wakers: Vec<Waker>,
}

impl LocalTail {
    fn append(&mut self, appended: TailAppended) {
        if !self.is_ready || appended.start > self.tail.end() {
            // The first message, or one after a hole: what is held so far is of no use. Streams behind it come back.
            self.tail = Tail::after(0, appended.start, self.limit);
            self.is_ready = true;
        }
        let known = usize::try_from(self.tail.end().saturating_sub(appended.start)).unwrap_or(usize::MAX);
        for frame in appended.frames.into_iter().skip(known) {
            self.tail.push(frame);
        }
        self.tail.reach(appended.head);
        self.wakers.drain(..).for_each(Waker::wake);
    }

    pub fn end(&self) -> u64 {
        self.tail.end()
    }

    pub fn head(&self) -> i64 {
        self.tail.head()
    }

    /// The offset behind event number `seq`; `None` when later events are no longer held.
    pub fn behind(&self, seq: i64) -> Option<u64> {
        self.tail.behind(seq)
    }
}

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

type Tails = Rc<RefCell<HashMap<Namespace, (Addr<Tenant>, Rc<RefCell<LocalTail>>)>>>;

/// The tails that streams of this worker read. Each worker has its own.
#[derive(Clone)]
pub struct Streams {
    tails: Tails,
    follower: Addr<Follower>,
}

impl Streams {
    pub fn launch() -> Self {
        let tails = Tails::default();
        Self { follower: Follower { tails: tails.clone() }.start(), tails }
    }

    /// The tail of a namespace, as soon as this worker holds it.
    pub async fn open(
        &self,
        namespace: Namespace,
        tenant: &Addr<Tenant>,
        limit: TailLimit,
    ) -> Rc<RefCell<LocalTail>> {
        let tail = {
            let mut tails = self.tails.borrow_mut();
            let fresh = || (tenant.clone(), Rc::default());
            let (owner, tail) = tails.entry(namespace).or_insert_with(fresh);
            if owner != tenant {
                // The namespace got a new actor, whose places in the tail are its own.
                (*owner, *tail) = fresh();
            }
            tail.clone()
        };
        let is_ready = tail.borrow().is_ready;
        if !is_ready {
            tail.borrow_mut().limit = limit;
            let _ = tenant.send(Follow(self.follower.clone().recipient())).await;
        }
        std::future::poll_fn(|cx| {
            let mut tail = tail.borrow_mut();
            if tail.is_ready {
                return Poll::Ready(());
            }
            tail.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
        tail
    }
}

/// Takes new frames for all streams of the worker.
struct Follower {
    tails: Tails,
}

/// Frames come in batches, one message per batch and namespace.
const MAILBOX: usize = 16_384;

impl Actor for Follower {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<TailAppended> for Follower {
    type Result = ();

    fn handle(&mut self, appended: TailAppended, _: &mut Self::Context) {
        if let Some((_, tail)) = self.tails.borrow().get(&appended.namespace) {
            tail.borrow_mut().append(appended);
        }
    }
}

/// One event stream: an actor for what is addressed to it alone, sharing its place with the body that is written.
pub struct Subscriber {
    shared: Rc<RefCell<Direct>>,
}

/// Frames for this stream alone.
#[derive(Default)]
struct Direct {
    frames: VecDeque<Bytes>,
    /// Each with who waits to hear that it was taken; nobody does any more when it is too late.
    toasts: VecDeque<(Bytes, oneshot::Sender<()>)>,
    waker: Option<Waker>,
    is_due: bool,
}

impl Direct {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Handler<Toast> for Subscriber {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Toast(frame): Toast, _: &mut Self::Context) -> Self::Result {
        let (taken, told) = oneshot::channel();
        let mut direct = self.shared.borrow_mut();
        // Of a reader that stands still nothing piles up.
        direct.toasts.retain(|(_, taken)| !taken.is_closed());
        direct.toasts.push_back((frame, taken));
        direct.wake();
        Box::pin(async move { matches!(tokio::time::timeout(TOAST_PATIENCE, told).await, Ok(Ok(()))) })
    }
}

impl Subscriber {
    fn launch(shared: Rc<RefCell<Direct>>, every: std::time::Duration) -> Addr<Self> {
        Self::create(move |ctx| {
            ctx.run_interval(every, |this, _| {
                let mut direct = this.shared.borrow_mut();
                direct.is_due = true;
                direct.wake();
            });
            Self { shared }
        })
    }
}

impl Actor for Subscriber {
    type Context = Context<Self>;
}

/// The stream's body is gone.
#[derive(Message)]
#[rtype(result = "()")]
struct End;

impl Handler<End> for Subscriber {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// What a stream is made of.
pub struct NewStream {
    pub id: String,
    pub namespace: Namespace,
    pub epoch: Arc<str>,
    pub filter: Filter,
    pub tail: Rc<RefCell<LocalTail>>,
    pub tenant: Addr<Tenant>,
    /// Where in the tail it goes on, and the number it has been given or passed over.
    pub offset: u64,
    pub seq: i64,
    /// Frames that come before everything else: the handshake and what is replayed from the store.
    pub first: Vec<Bytes>,
    pub is_packed: bool,
    pub heartbeat: std::time::Duration,
    pub now: Box<dyn Fn() -> i64>,
    pub stopping: CancellationToken,
    /// Cancelled when the namespace's actor ends: the client comes back to a new one.
    pub gone: CancellationToken,
}

/// The body of an event stream.
pub struct StreamBody {
    stream: NewStream,
    direct: Rc<RefCell<Direct>>,
    subscriber: Addr<Subscriber>,
    ends: [(Pin<Box<WaitForCancellationFutureOwned>>, Farewell); 2],
    is_over: bool,
    has_header: bool,
}

/// Why a stream ends: a number for programs and a word for people, in a comment that no client takes for an event.
/// After each of them the client comes back and resumes by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    Stopping,
    Restarting,
    FellBehind,
}

impl Farewell {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Stopping => b": 3001 the hub is stopping\n\n",
            Self::Restarting => b": 3002 the namespace starts anew\n\n",
            Self::FellBehind => b": 3003 the reader fell behind\n\n",
        }
    }
}

impl StreamBody {
    fn farewell(&self, why: Farewell) -> Bytes {
        if self.stream.is_packed { pack(why.text()) } else { Bytes::from_static(why.text()) }
    }

    pub fn open(mut stream: NewStream) -> Self {
        let direct =
            Rc::new(RefCell::new(Direct { frames: stream.first.drain(..).collect(), ..Direct::default() }));
        let subscriber = Subscriber::launch(direct.clone(), stream.heartbeat);
        let ends = [(&stream.stopping, Farewell::Stopping), (&stream.gone, Farewell::Restarting)]
            .map(|(end, farewell)| (Box::pin(end.clone().cancelled_owned()), farewell));
        Self { stream, direct, subscriber, ends, is_over: false, has_header: false }
    }

    /// Where toasts for this stream go.
    pub fn toasts(&self) -> Recipient<Toast> {
        self.subscriber.clone().recipient()
    }

    fn position(&self) -> String {
        EventCursor::new(&self.stream.epoch, self.stream.namespace.as_str(), self.stream.seq).to_string()
    }

    /// Moves over the tail from the stream's place on, as far as one batch goes. `None`: its place is no longer held.
    fn gather(&mut self, into: &mut BytesMut) -> Option<()> {
        let local = self.stream.tail.borrow();
        for frame in local.tail.from(self.stream.offset)? {
            // The store is ahead of the tail: what was replayed from there comes by here as well.
            if frame.seq.is_some_and(|seq| seq <= self.stream.seq) {
                self.stream.offset += 1;
                continue;
            }
            if self.stream.filter.passes(frame.kind, frame.session.as_ref(), frame.machine.as_ref()) {
                if into.len() >= BATCH {
                    return Some(());
                }
                into.extend_from_slice(if self.stream.is_packed { frame.packed() } else { frame.plain() });
            }
            self.stream.offset += 1;
            if let Some(seq) = frame.seq {
                self.stream.seq = seq;
            }
        }
        Some(())
    }
}

impl MessageBody for StreamBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let ended =
            self.ends.iter_mut().find_map(|(end, why)| end.as_mut().poll(cx).is_ready().then_some(*why));
        if let Some(why) = ended {
            self.is_over = true;
            return Poll::Ready(Some(Ok(self.farewell(why))));
        }
        let this = &mut *self;
        let mut out = BytesMut::new();
        if this.stream.is_packed && !this.has_header {
            this.has_header = true;
            out.extend_from_slice(crate::namespace::GZIP_HEADER);
        }
        let is_due = {
            let mut direct = this.direct.borrow_mut();
            let Direct { frames, toasts, .. } = &mut *direct;
            let in_time =
                toasts.drain(..).filter_map(|(toast, taken)| taken.send(()).is_ok().then_some(toast));
            for frame in frames.drain(..).chain(in_time) {
                if this.stream.is_packed {
                    out.extend_from_slice(&pack(&frame));
                } else {
                    out.extend_from_slice(&frame);
                }
            }
            std::mem::take(&mut direct.is_due)
        };
        if this.gather(&mut out).is_none() {
            // It comes back with its number and is served from the store.
            this.is_over = true;
            out.extend_from_slice(&this.farewell(Farewell::FellBehind));
        }
        if is_due {
            let json = crate::wire::events::heartbeat(&this.stream.namespace, (this.stream.now)());
            let id = (this.stream.seq > 0).then(|| this.position());
            let frame = plain_frame(&json, id.as_deref());
            out.extend_from_slice(&if this.stream.is_packed { pack(&frame) } else { frame });
        }
        if !out.is_empty() {
            return Poll::Ready(Some(Ok(out.freeze())));
        }
        this.direct.borrow_mut().waker = Some(cx.waker().clone());
        this.stream.tail.borrow_mut().wakers.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let subscriber = self.subscriber.send(End);
        let gone = self.stream.tenant.send(Unsubscribed(self.stream.id.clone()));
        actix_rt::spawn(async move {
            let _ = subscriber.await;
            let _ = gone.await;
        });
    }
}
