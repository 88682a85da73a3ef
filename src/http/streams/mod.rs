//! The event streams of one HTTP worker. A stream holds a place in the worker's copy of the tail, never a queue, so a
//! slow reader costs nothing and one more reader costs a wake-up and a write.

mod board;
mod body;
mod seat;
mod stored;
mod wire;

use std::{
    cell::{Ref, RefCell},
    collections::HashMap,
    ops::Deref,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use body::{NewStream, StreamBody};
pub use seat::{Filter, Place};
pub use stored::is_kept;
pub use wire::{Wire, prepare};

use crate::{
    domain::ids::Namespace,
    namespace::{Follow, FollowerGone, GetHome, Tail, TailAppended, TailLimit, Tenant, Toast},
};
use board::Board;
use seat::{Direct, Farewell};

/// A namespace's board, and the actor whose events are on it.
#[derive(Clone)]
pub struct Shelf {
    pub namespace: Namespace,
    pub tenant: Addr<Tenant>,
    board: Rc<RefCell<Board>>,
    /// Cancelled when the last stream is gone.
    left: CancellationToken,
}

impl Shelf {
    /// The worker's tail.
    pub fn tail(&self) -> Ref<'_, Tail> {
        Ref::map(self.board.borrow(), Board::tail)
    }
}

type Shelves = Rc<RefCell<HashMap<Namespace, Shelf>>>;

/// How often and how long this worker's streams are looked after.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// A stream tells at least so often that it is there.
    pub beat: Duration,
    /// A stream whose reader takes nothing for so long is ended.
    pub patience: Duration,
}

/// The boards that streams of this worker read. Each worker has its own.
#[derive(Clone)]
pub struct Streams {
    shelves: Shelves,
    follower: Addr<Follower>,
}

impl Streams {
    pub fn launch(care: Care, stopping: CancellationToken) -> Self {
        let shelves = Shelves::default();
        Self { follower: Follower { shelves: shelves.clone(), care, stopping }.start(), shelves }
    }

    /// The board of a namespace, as soon as this worker holds its tail.
    pub async fn open(&self, namespace: &Namespace, tenant: &Addr<Tenant>, limit: TailLimit) -> Visit {
        let shelf = self.shelf(namespace, tenant, limit);
        shelf.board.borrow_mut().enter();
        let visit = Visit { streams: self.clone(), shelf };
        std::future::poll_fn(|cx| visit.board.borrow_mut().poll_ready(cx)).await;
        visit
    }

    fn shelf(&self, namespace: &Namespace, tenant: &Addr<Tenant>, limit: TailLimit) -> Shelf {
        let mut shelves = self.shelves.borrow_mut();
        if let Some(known) = shelves.get(namespace)
            // A namespace that got a new actor has a new tail, with places of its own.
            && known.tenant == *tenant
        {
            return known.clone();
        }
        let fresh = Shelf {
            namespace: namespace.clone(),
            tenant: tenant.clone(),
            board: Rc::new(RefCell::new(Board::new(limit))),
            left: CancellationToken::new(),
        };
        shelves.insert(namespace.clone(), fresh.clone());
        actix_rt::spawn(attend(fresh.clone(), self.follower.clone().recipient()));
        fresh
    }

    /// Who hands frames to single streams of this worker.
    pub fn toasts(&self) -> Recipient<Toast> {
        self.follower.clone().recipient()
    }

    /// Lets go of what this worker holds of a namespace.
    fn put_away(&self, shelf: &Shelf) {
        shelf.left.cancel();
        let mut shelves = self.shelves.borrow_mut();
        if shelves.get(&shelf.namespace).is_some_and(|known| Rc::ptr_eq(&known.board, &shelf.board)) {
            shelves.remove(&shelf.namespace);
            // Not told, the namespace goes on sending what is then passed over.
            let _ = shelf.tenant.try_send(FollowerGone(self.follower.clone().recipient()));
        }
    }
}

/// A stream, also one that is still being opened: as long as there is one, its namespace's board is kept up.
pub struct Visit {
    streams: Streams,
    shelf: Shelf,
}

impl Deref for Visit {
    type Target = Shelf;

    fn deref(&self) -> &Shelf {
        &self.shelf
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if self.board.borrow_mut().exit() {
            self.streams.put_away(&self.shelf);
        }
    }
}

/// Follows a namespace's tail until the last stream of this worker or the namespace's actor is gone.
async fn attend(shelf: Shelf, follower: Recipient<TailAppended>) {
    if let Ok(home) = shelf.tenant.send(GetHome).await {
        shelf.board.borrow_mut().expect(home.tail);
        let _ = shelf.tenant.send(Follow(follower)).await;
        tokio::select! {
            () = home.gone.cancelled() => {}
            () = shelf.left.cancelled() => return,
        }
    }
    shelf.board.borrow_mut().end(Farewell::Restarting);
}

/// Takes new frames for all streams of the worker, and looks after them.
struct Follower {
    shelves: Shelves,
    care: Care,
    stopping: CancellationToken,
}

/// Frames come in batches, one message per batch and namespace.
const MAILBOX: usize = 16_384;

/// How many times a heartbeat's length the streams are looked at.
const LOOKS: u32 = 10;

impl Follower {
    fn end_all(&self) {
        self.shelves.borrow().values().for_each(|shelf| shelf.board.borrow_mut().end(Farewell::Stopping));
    }

    fn look(&self) {
        let now = Instant::now();
        for shelf in self.shelves.borrow().values() {
            shelf.board.borrow().look(now, self.care);
        }
    }
}

impl Actor for Follower {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(self.care.beat / LOOKS, |this, _| this.look());
        let stopping = self.stopping.clone();
        ctx.spawn(
            async move { stopping.cancelled().await }.into_actor(self).map(|(), this, _| this.end_all()),
        );
    }
}

impl Handler<TailAppended> for Follower {
    type Result = ();

    fn handle(&mut self, appended: TailAppended, _: &mut Self::Context) {
        if let Some(shelf) = self.shelves.borrow().get(&appended.namespace) {
            shelf.board.borrow_mut().append(appended);
        }
    }
}

/// A toast that was not taken within this time is taken back. Whoever sends it waits a little longer.
const TOAST_PATIENCE: Duration = Duration::from_millis(900);

impl Handler<Toast> for Follower {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Toast { namespace, stream, frame }: Toast, _: &mut Self::Context) -> Self::Result {
        let (taken, told) = oneshot::channel();
        if let Some(shelf) = self.shelves.borrow().get(&namespace) {
            shelf.board.borrow().hand(&stream, Direct { frame, taken: Some(taken) });
        }
        // Nobody is left to tell when the stream is not known.
        Box::pin(async move { matches!(tokio::time::timeout(TOAST_PATIENCE, told).await, Ok(Ok(true))) })
    }
}
