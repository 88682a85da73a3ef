//! Tells people who are not looking: hears what was committed, decides with [`crate::domain::notice`] when it is worth a
//! notice, and hands it to the pages that somebody looks at, else to the push services of browsers.
//!
//! Nobody waits for this actor: it has a thread of its own, and namespaces only put what was committed into its mailbox.

mod desk;
mod hearing;
mod look;
mod push;
mod settings;
mod sieve;

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use actix::{dev::channel, prelude::*};

pub use settings::Settings;
pub use sieve::Sieve;

use crate::{
    app::Env,
    clock::Clock,
    domain::{
        ids::{Millis, Namespace, SessionId},
        notice::{Due, Watch},
    },
    identity::VapidKeys,
    namespace::{Directory, Hub},
    store::journal::Committed,
};
use desk::Desk;
use hearing::Heard;
use look::Occasion;

/// Room for what all namespaces commit while one batch is looked through.
const MAILBOX: usize = 16_384;

/// Sessions remembered before those of which nothing need be known are forgotten.
const CROWD: usize = 4_096;

/// The actor's mailbox, made before the actor, since those that write to it are among what it needs itself.
pub type Mailbox = channel::AddressReceiver<Notifier>;

pub fn mailbox() -> (Addr<Notifier>, Mailbox) {
    let (address, waiting) = channel::channel(MAILBOX);
    (Addr::new(address), waiting)
}

pub struct Notifier {
    clock: Clock,
    desk: Rc<Desk>,
    watches: HashMap<SessionId, Watched>,
    /// Those of which something is to be told.
    waiting: HashSet<SessionId>,
    /// How often the clock is looked at while something waits: it may be moved.
    every: Duration,
    timer: Option<SpawnHandle>,
}

struct Watched {
    namespace: Namespace,
    watch: Watch,
}

impl Notifier {
    /// Starts the actor on that thread.
    pub fn launch(
        mailbox: Mailbox,
        arbiter: &ArbiterHandle,
        env: Env,
        directory: Addr<Directory>,
        keys: VapidKeys,
        every: Duration,
    ) {
        arbiter.spawn_fn(move || {
            let clock = env.clock.clone();
            let desk = Rc::new(Desk::new(env, Hub::new(directory), &keys));
            let this =
                Self { clock, desk, watches: HashMap::new(), waiting: HashSet::new(), every, timer: None };
            drop(Context::with_receiver(mailbox).run(this));
        });
    }

    fn take(&mut self, namespace: &Namespace, session: SessionId, heard: Heard, now: Millis) {
        match heard {
            Heard::Fact(fact) => {
                if self.watches.len() >= CROWD {
                    self.watches.retain(|_, watched| !watched.watch.is_idle());
                }
                let fresh = || Watched { namespace: namespace.clone(), watch: Watch::default() };
                let watched = self.watches.entry(session.clone()).or_insert_with(fresh);
                watched.watch.hear(fact, now);
                match watched.watch.due_at() {
                    Some(_) => self.waiting.insert(session),
                    None => self.waiting.remove(&session),
                };
            }
            Heard::Removed => {
                self.watches.remove(&session);
                self.waiting.remove(&session);
            }
            Heard::TaskEnded { message, task } => {
                self.tell(namespace.clone(), session, Occasion::TaskEnded { message, task });
            }
            Heard::Completed => self.tell(namespace.clone(), session, Occasion::Completed),
        }
    }

    fn tell(&self, namespace: Namespace, session: SessionId, occasion: Occasion) {
        let desk = self.desk.clone();
        actix_rt::spawn(async move { desk.tell(&namespace, &session, occasion).await });
    }

    /// Tells what is due, and sees to it that what is not yet due will be.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let mut next: Option<Millis> = None;
        for session in std::mem::take(&mut self.waiting) {
            let Some(watched) = self.watches.get_mut(&session) else { continue };
            let Due { questions, ready } = watched.watch.take_due(now);
            let later = watched.watch.due_at();
            let namespace = watched.namespace.clone();
            if let Some(at) = later {
                next = Some(next.map_or(at, |next| next.min(at)));
                self.waiting.insert(session.clone());
            }
            if questions {
                self.tell(namespace.clone(), session.clone(), Occasion::Asked);
            }
            if let Some(message) = ready {
                self.tell(namespace, session, Occasion::Ready { message });
            }
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(next) = next {
            let wait = Duration::from_millis(u64::try_from(next - now).unwrap_or(0).max(1));
            self.timer = Some(ctx.run_later(wait.min(self.every), Self::look));
        }
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;
}

/// Journal entries of a namespace that are durable, in order, as far as its [`Sieve`] lets them through.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Happened {
    pub namespace: Namespace,
    pub at: Millis,
    pub events: Vec<Committed>,
}

impl Handler<Happened> for Notifier {
    type Result = ();

    fn handle(&mut self, Happened { namespace, at, events }: Happened, ctx: &mut Self::Context) {
        for event in events {
            let Some(session) = event.session else { continue };
            for heard in hearing::hear(&event.json) {
                self.take(&namespace, session.clone(), heard, at);
            }
        }
        if !self.waiting.is_empty() {
            self.look(ctx);
        }
    }
}

/// The hub is about to stop. Answers when no notice is on its way any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Finish;

impl Handler<Finish> for Notifier {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Finish, _: &mut Self::Context) -> Self::Result {
        let desk = self.desk.clone();
        Box::pin(async move { desk.finished().await })
    }
}
