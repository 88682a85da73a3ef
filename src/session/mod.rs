//! One live session: the sole writer of its rows. Its mailbox is its order: a command that writes waits for the store
//! before the next is taken; waiting for a peer never holds the mailbox.

mod append;
mod cancel;
pub mod clear;
pub mod codex_threads;
mod decisions;
mod error;
mod exclusive;
pub mod fork;
pub mod history;
pub mod import;
pub mod life;
mod lifecycle;
mod links;
pub mod local;
pub mod local_history;
mod merge;
mod native_queue;
pub mod pi_sessions;
mod presence;
mod prompts;
pub mod resume;
mod retry;
pub mod rewind;
mod scratchlist;
mod seen;
mod settings;
pub mod shared;
pub mod unfinished;
mod until;
mod versioned;
mod view;

use std::{collections::BTreeMap, pin::Pin};

use actix::prelude::*;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use append::AppendMessage;
pub use cancel::{CancelOutcome, CancelPrompt};
pub use decisions::{Decide, Delivery, GetStatus, Status};
pub use error::SessionError;
use exclusive::Exclusive;
pub use lifecycle::{Archive, Archived, Delete, MarkArchived, Reopen, RestoreArchive};
pub use links::{Call, FindLine, Join, Leave, Line, RegisterMethod, RoomLink, UnregisterMethod};
pub use merge::{Absorb, Surrender};
pub use native_queue::QueuedNatively;
pub use presence::{Alive, End, MarkActive, Ready};
pub use prompts::{Consumed, MarkIndeterminate, SendPrompt, SetSteerState};
pub use retry::{RetryOutcome, RetryPrompt, SteerOutcome, SteerPrompt};
pub use scratchlist::{AddNote, DiscardAttachment, EditNote, KeepAttachment, NoteError, RemoveNote};
pub use seen::{MarkSeen, Seen};
pub use settings::{Rename, SetConfig, SetPin, SetSummary, Setting};
pub use versioned::{UpdateAgentState, UpdateMetadata};
pub use view::{Announce, GetFull, GetGlance, GetKey, GetState, Glance};

use crate::{
    app::Env,
    domain::{
        ids::{Millis, SessionId},
        prompt::DeliveryState,
        session::{Changes, Position, Session},
    },
    link::{LinkId, Methods},
    namespace::{self, Quiet, Row, SummaryChanged, Tenant},
    store::{self, Tx, decisions::DecisionRow, journal::NewEntry, messages::Message},
    wire::events::{Contact, ContactState, SessionEvents},
};

/// Room for a burst of one agent; whoever sends more waits.
const MAILBOX: usize = 1_024;

/// What the store knows of a session when its actor starts.
pub struct Loaded {
    session: Session,
    queue: Vec<Message>,
    decisions: Vec<DecisionRow>,
    set_aside: Vec<(i64, String)>,
    is_gated: bool,
}

impl Loaded {
    /// Reads through the writer, behind every change that an earlier actor of this session had sent.
    pub async fn read(env: Env, id: SessionId) -> store::Result<Option<Self>> {
        env.store
            .clone()
            .write(move |tx| {
                let Some(record) = store::sessions::by_id(tx.conn, &id)? else { return Ok(None) };
                let key = record.key;
                let (last_seq, head) = store::sessions::tail(tx.conn, key)?;
                Ok(Some(Self {
                    session: Session::resting(record, last_seq, head),
                    queue: store::messages::pending(tx.conn, key)?,
                    decisions: store::decisions::of_session(tx.conn, key)?,
                    set_aside: store::set_aside::of_session(tx.conn, &id)?,
                    is_gated: store::intents::is_replacement(tx.conn, &id)?,
                }))
            })
            .await
    }
}

pub struct LiveSession {
    env: Env,
    tenant: Addr<Tenant>,
    gone: CancellationToken,
    state: Session,
    /// What the agent has not taken yet, in the order it was sent.
    queue: BTreeMap<i64, Message>,
    decisions: Vec<decisions::Decision>,
    links: Vec<RoomLink>,
    methods: Methods,
    contact: Contact,
    waiting: Vec<(until::Condition, oneshot::Sender<()>)>,
    /// The conversation is being cut.
    cutting: Exclusive,
    /// Its clear is being finished.
    clearing: Exclusive,
    /// It is to take the place of another session: until then nothing is delivered to it.
    is_gated: bool,
    last_used: Millis,
    is_row_stale: bool,
    /// Scheduled prompts of which browsers were told that they are due.
    matured: std::collections::HashSet<String>,
}

type Boxed<T> = Pin<Box<dyn ActorFuture<LiveSession, Output = T>>>;
type Outcome<T> = Result<T, SessionError>;
/// A handler that writes: the mailbox waits for it.
type Atomic<T> = AtomicResponse<LiveSession, Outcome<T>>;

fn now_ready<T: 'static>(outcome: Outcome<T>) -> Atomic<T> {
    AtomicResponse::new(Box::pin(actix::fut::ready(outcome)))
}

impl LiveSession {
    pub fn launch(env: Env, tenant: Addr<Tenant>, gone: CancellationToken, loaded: Loaded) -> Addr<Self> {
        let now = env.clock.now();
        let Loaded { session, queue, decisions, set_aside, is_gated } = loaded;
        let this = Self {
            tenant,
            gone,
            queue: queue.into_iter().map(|message| (message.seq, message)).collect(),
            decisions: decisions::restore(decisions, &session),
            contact: Contact { state: ContactState::Lost, since: session.turn.active_at },
            state: session,
            links: Vec::new(),
            methods: Methods::default(),
            waiting: Vec::new(),
            cutting: Exclusive::default(),
            clearing: Exclusive::default(),
            is_gated,
            last_used: now,
            is_row_stale: false,
            matured: std::collections::HashSet::new(),
            env,
        };
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            // Taken before anything that is said from now on.
            for (key, payload) in set_aside {
                ctx.notify(append::AppendSetAside { key, payload });
            }
            this
        })
    }

    fn now(&self) -> Millis {
        self.env.clock.now()
    }

    fn id(&self) -> &SessionId {
        self.state.id()
    }

    fn events(&self) -> SessionEvents<'_> {
        SessionEvents { namespace: self.state.namespace(), id: self.state.id(), now: self.now() }
    }

    /// The session as it will be once `changes` are durable.
    fn after(&self, changes: &Changes) -> Session {
        let mut after = self.state.clone();
        changes.clone().apply(&mut after);
        after
    }

    /// Writes `changes`, what `work` does and the journal entries in one transaction; then takes the changes over.
    fn commit<T: Send + 'static>(
        &mut self,
        changes: Changes,
        entries: Vec<NewEntry>,
        work: impl FnOnce(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
    ) -> Boxed<Outcome<T>> {
        let update = store::sessions::Update::of(&self.state, &changes);
        let namespace = self.state.namespace().clone();
        let store = self.env.store.clone();
        let write = async move {
            store
                .write(move |tx| {
                    if let Some(update) = &update {
                        store::sessions::update(tx.conn, update)?;
                    }
                    let done = work(tx)?;
                    for entry in entries {
                        tx.journal(&namespace, entry)?;
                    }
                    Ok(done)
                })
                .await
        };
        Box::pin(write.into_actor(self).map(move |written, this, ctx| {
            let done = this.written(written, ctx)?;
            this.take_over(changes);
            Ok(done)
        }))
    }

    /// The same for a message that may be there already under its local id: then nothing is written, and the message
    /// as it is stored is answered.
    fn commit_once(
        &mut self,
        local_id: String,
        changes: Changes,
        entries: Vec<NewEntry>,
        row: Message,
    ) -> Boxed<Outcome<Option<Message>>> {
        let update = store::sessions::Update::of(&self.state, &changes);
        let namespace = self.state.namespace().clone();
        let key = self.state.record.key;
        let store = self.env.store.clone();
        let write = async move {
            store
                .write(move |tx| {
                    if let Some(known) = store::messages::by_local_id(tx.conn, key, &local_id)? {
                        return Ok(Some(known));
                    }
                    if let Some(update) = &update {
                        store::sessions::update(tx.conn, update)?;
                    }
                    store::messages::insert(tx.conn, key, &row)?;
                    for entry in entries {
                        tx.journal(&namespace, entry)?;
                    }
                    Ok(None)
                })
                .await
        };
        Box::pin(write.into_actor(self).map(move |written, this, ctx| {
            let known = this.written(written, ctx)?;
            if known.is_none() {
                this.take_over(changes);
            }
            Ok(known)
        }))
    }

    /// The outcome of a write. After a conflict what is in memory is not the truth: the next use reads it anew.
    fn written<T>(&self, written: store::Result<T>, ctx: &mut Context<Self>) -> Outcome<T> {
        written.map_err(|error| {
            if matches!(error, store::Error::VersionConflict) {
                tracing::error!(session = %self.id(), "a session's row changed behind its back");
                ctx.stop();
            }
            SessionError::Store(error)
        })
    }

    /// The common case: nothing beside the session's own row and events.
    fn commit_plain(&mut self, changes: Changes, entries: Vec<NewEntry>) -> Boxed<Outcome<()>> {
        self.commit(changes, entries, |_| Ok(()))
    }

    fn take_over(&mut self, changes: Changes) {
        let shows = changes.shows_in_list();
        changes.apply(&mut self.state);
        self.wake_waiting();
        if shows {
            self.publish_row();
        }
    }

    /// What waits, and the end of the transcript, after rows went or came in other ways than one by one.
    fn replace_queue(&mut self, (last_seq, head): (i64, Option<Position>), queue: Vec<Message>) {
        self.state.last_seq = self.state.last_seq.max(last_seq);
        self.state.head = head;
        self.queue = queue.into_iter().map(|row| (row.seq, row)).collect();
        self.publish_row();
    }

    fn publish_row(&mut self) {
        let now = self.now();
        let scheduled: Vec<Millis> = self
            .queue
            .values()
            .filter(|prompt| prompt.local_id.is_some() && prompt.delivery_state == DeliveryState::Queued)
            .filter_map(|prompt| prompt.scheduled_at.filter(|at| *at > now))
            .collect();
        let changed = SummaryChanged { id: self.id().clone(), row: Row::of(&self.state, &scheduled) };
        // When the namespace cannot take it now, the next tick tries again.
        self.is_row_stale = self.tenant.try_send(changed).is_err();
    }

    /// Tells browsers of something not worth a number.
    fn tell_quietly(&self, entry: NewEntry) {
        let quiet = Quiet { json: entry.json, session: entry.session, machine: entry.machine };
        let _ = self.tenant.try_send(quiet);
    }

    fn room_except(&self, sender: Option<LinkId>) -> impl Iterator<Item = &RoomLink> {
        self.links.iter().filter(move |link| Some(link.link.id) != sender && link.is_in_room)
    }
}

impl Actor for LiveSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        namespace::end_with(self.gone.clone(), self, ctx);
        self.publish_row();
    }
}

/// Time has passed: presence may have expired, prompts may be due, and a session nobody uses may be let go.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Tick;

impl Handler<Tick> for LiveSession {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: Tick, ctx: &mut Self::Context) -> Self::Result {
        let now = self.now();
        if self.is_row_stale {
            self.publish_row();
        }
        if !self.is_held() {
            self.release_due(now);
        }
        if self.state.turn.expired(now) && !self.is_paused_by_us() {
            let expired = self.expire();
            return AtomicResponse::new(Box::pin(expired.map(|outcome, this: &mut Self, _| {
                if let Err(error) = outcome {
                    tracing::warn!(%error, session = %this.id(), "could not record that a session went quiet");
                }
            })));
        }
        let is_idle = self.links.is_empty() && !self.state.turn.active && self.waiting.is_empty();
        if is_idle && now - self.last_used > self.env.settings.passivate_after {
            let leave = self.tenant.send(namespace::Passivate(self.id().clone()));
            ctx.wait(leave.into_actor(self).map(|_, _, ctx| ctx.stop()));
        }
        AtomicResponse::new(Box::pin(actix::fut::ready(())))
    }
}
