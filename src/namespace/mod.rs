//! One namespace: the actor that finds and activates its sessions and machines, replaces the dead, keeps the list
//! index and the tail of the journal, and wakes whoever follows it.

mod child;
mod create;
mod directory;
mod duplicates;
mod find;
mod follow;
mod frame;
mod imports;
mod index;
mod lists;
mod presence;
mod restarts;
mod tail;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use actix::prelude::*;

use tokio_util::sync::{CancellationToken, DropGuard};

pub use child::{Adopt, CreateChild};
pub use create::{CreateError, CreateSession, Created, RegisterMachine};
pub use directory::{Directory, FindTenant, Hub, arbiter_of};
pub use duplicates::{Apart, KeepApart};
pub use find::{FindError, FindMachine, FindSession, Found, Passivate, Removed};
pub use follow::{Follow, FollowerGone, Quiet, TailAppended};
pub use frame::{Frame, GZIP_HEADER, Mark, pack, plain_frame};
pub use imports::{BeginImport, CreateImported, Turn};
pub use index::{Order, Row};
pub use lists::{ListMachines, ListSessions, MachineChanged, MachineRow, SummaryChanged};
pub use presence::{Announce, SetVisibility, Subscribed, Toast, Unsubscribed, Visibility};
pub use tail::{Tail, TailId, TailLimit};

use crate::{
    app::Env,
    domain::ids::{MachineId, Millis, Namespace, SessionId},
    link::Link,
    machine::LiveMachine,
    notify::{Happened, Sieve},
    session::LiveSession,
    store::{self, journal::Committed},
    terminal::{SessionOver, Switchboard},
};
use find::Slot;
use index::Index;

/// Room for what all children and streams of a busy namespace send between two turns of its arbiter.
const MAILBOX: usize = 65_536;

pub struct Tenant {
    namespace: Namespace,
    env: Env,
    /// Whatever belongs to this actor ends with it, also when it ends by a panic: a new one must find nobody who
    /// still writes or listens under the old.
    alive: DropGuard,
    sessions: HashMap<SessionId, Slot<LiveSession>>,
    machines: HashMap<MachineId, Slot<LiveMachine>>,
    index: Index,
    /// What of all that happens may be worth a notice.
    sieve: Sieve,
    /// Conversations whose sessions are being joined.
    joining: HashSet<Arc<str>>,
    kept_apart: duplicates::KeptApart,
    imports: imports::Imports,
    machine_rows: HashMap<MachineId, MachineRow>,
    tail: Tail,
    /// What the ids of this namespace's events begin and end with.
    mark: Mark,
    tail_id: TailId,
    following: follow::Following,
    subscriptions: HashMap<String, presence::Subscription>,
    switchboard: Addr<Switchboard>,
}

/// Everything the namespace has stored that its lists show.
pub struct Loaded {
    rows: Vec<(SessionId, Row)>,
    machines: Vec<store::machines::Machine>,
}

impl Loaded {
    /// Reads the namespace on a blocking thread.
    pub async fn read(env: &Env, namespace: &Namespace) -> store::Result<Self> {
        let namespace = namespace.clone();
        let now = env.clock.now();
        env.store
            .read(move |conn| {
                let mut scheduled: HashMap<String, Vec<Millis>> = HashMap::new();
                for (session, at) in store::messages::scheduled(conn, namespace.as_str(), now)? {
                    scheduled.entry(session).or_default().push(at);
                }
                let mut rows = Vec::new();
                store::sessions::each_of_namespace(conn, &namespace, |record| {
                    let due = scheduled.remove(record.id.as_str()).unwrap_or_default();
                    let session = crate::domain::session::Session::resting(record, 0, None);
                    rows.push((session.id().clone(), Row::of(&session, &due)));
                })?;
                Ok(Self { rows, machines: store::machines::of_namespace(conn, &namespace)? })
            })
            .await
    }
}

impl Tenant {
    /// Starts the actor on this arbiter and has the writer publish to it. Answers when nothing can be missed.
    pub async fn launch(env: Env, namespace: Namespace) -> store::Result<Addr<Self>> {
        let loaded = Loaded::read(&env, &namespace).await?;
        let publishing = env.store.clone();
        let name = namespace.clone();
        let limit = env.settings.tail;
        let mark = Mark::new(env.store.epoch(), &namespace);
        let alive = CancellationToken::new();
        let address = Self::create(move |ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            let mut index = Index::default();
            loaded.rows.into_iter().for_each(|(id, row)| index.put(id, row));
            let machine_rows =
                loaded.machines.into_iter().map(|row| (row.id.clone(), MachineRow::resting(&row))).collect();
            Self {
                switchboard: Switchboard::launch(env.clone(), ctx.address(), alive.clone()),
                alive: alive.drop_guard(),
                namespace: name,
                env,
                sessions: HashMap::new(),
                machines: HashMap::new(),
                index,
                sieve: Sieve::default(),
                joining: HashSet::new(),
                imports: imports::Imports::new(),
                kept_apart: HashMap::new(),
                machine_rows,
                tail: Tail::default(),
                mark,
                tail_id: TailId::next(),
                following: follow::Following::default(),
                subscriptions: HashMap::new(),
            }
        });
        let recipient = address.clone().recipient::<Published>();
        #[expect(
            clippy::disallowed_methods,
            reason = "the writer thread cannot wait and a lost entry would be a hole; what waits here is bounded by \
                      the jobs whose senders wait for the writer"
        )]
        let publish = Box::new(move |events| recipient.do_send(Published(events)));
        let head = publishing.subscribe(namespace, publish).await?;
        let _ = address.send(StartTail { head, limit }).await;
        Ok(address)
    }

    fn gone(&self) -> CancellationToken {
        self.alive.token().clone()
    }
}

impl Actor for Tenant {
    type Context = Context<Self>;
}

/// Journal entries that are durable, from the store's writer, in order.
#[derive(Message)]
#[rtype(result = "()")]
struct Published(Vec<Committed>);

impl Handler<Published> for Tenant {
    type Result = ();

    fn handle(&mut self, Published(events): Published, _: &mut Self::Context) {
        let telling: Vec<Committed> =
            events.iter().filter(|event| self.sieve.lets_through(event)).cloned().collect();
        if !telling.is_empty() {
            let happened =
                Happened { namespace: self.namespace.clone(), at: self.env.clock.now(), events: telling };
            if self.env.notifier.try_send(happened).is_err() {
                tracing::warn!(namespace = %self.namespace, "what happened came too fast for notices of it");
            }
        }
        if !self.is_followed() {
            if let Some(last) = events.last() {
                self.tail.skip_to(last.seq);
            }
            return;
        }
        let frames = events
            .into_iter()
            .filter(|event| event.seq > self.tail.head())
            .map(|event| Arc::new(Frame::numbered(event, &self.mark)))
            .collect();
        self.push(frames);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct StartTail {
    head: i64,
    limit: TailLimit,
}

impl Handler<StartTail> for Tenant {
    type Result = ();

    fn handle(&mut self, StartTail { head, limit }: StartTail, _: &mut Self::Context) {
        // Entries may have been published since the subscription.
        self.tail = Tail::after(head.max(self.tail.head()), 0, limit);
    }
}

/// Every timer of the namespace comes through here.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Tick;

impl Handler<Tick> for Tenant {
    type Result = ();

    fn handle(&mut self, _: Tick, _: &mut Self::Context) {
        // An actor too busy to take a tick is told again at the next.
        for session in self.sessions.values().filter_map(Slot::live) {
            let _ = session.try_send(crate::session::Tick);
        }
        for machine in self.machines.values().filter_map(Slot::live) {
            let _ = machine.try_send(crate::machine::Tick);
        }
        let _ = self.switchboard.try_send(crate::terminal::Tick);
        self.rest_tail();
    }
}

/// What a socket or a stream of this namespace holds on to.
#[derive(Clone)]
pub struct Home {
    /// Where terminals are switched.
    pub switchboard: Addr<Switchboard>,
    /// Cancelled when the namespace's actor ends.
    pub gone: CancellationToken,
    pub tail: TailId,
}

#[derive(Message)]
#[rtype(result = "Home")]
pub struct GetHome;

impl Handler<GetHome> for Tenant {
    type Result = MessageResult<GetHome>;

    fn handle(&mut self, _: GetHome, _: &mut Self::Context) -> Self::Result {
        MessageResult(Home { switchboard: self.switchboard.clone(), gone: self.gone(), tail: self.tail_id })
    }
}

impl Handler<SessionOver> for Tenant {
    type Result = ();

    fn handle(&mut self, over: SessionOver, _: &mut Self::Context) {
        let _ = self.switchboard.try_send(over);
    }
}

/// Stops an actor together with its namespace.
pub fn end_with<A: Actor<Context = Context<A>>>(gone: CancellationToken, actor: &A, ctx: &mut Context<A>) {
    ctx.spawn(async move { gone.cancelled().await }.into_actor(actor).map(|(), _, ctx| ctx.stop()));
}

/// A CLI socket is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LinkGone(pub crate::link::LinkId);

impl Handler<LinkGone> for Tenant {
    type Result = ();

    fn handle(&mut self, LinkGone(gone): LinkGone, _: &mut Self::Context) {
        for slot in self.sessions.values_mut() {
            slot.links.retain(|(id, _): &(_, Addr<Link>)| *id != gone);
        }
        for slot in self.machines.values_mut() {
            slot.links.retain(|(id, _)| *id != gone);
        }
    }
}
