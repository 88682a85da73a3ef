//! From an identity to the address of its actor: activated from the store on first use, replaced when it died, let go
//! when idle. Callers never ask whether it is running.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{Tenant, restarts::Restarts};
use crate::{
    domain::ids::{MachineId, SessionId},
    link::{Link, LinkId},
    machine::{self, LiveMachine},
    session::{self, LiveSession},
    store,
    terminal::SessionOver,
};

/// What the namespace knows of one actor.
pub(super) struct Slot<A: Actor> {
    state: State<A>,
    /// Links that speak for it: told when a new actor takes its place.
    pub(super) links: Vec<(LinkId, Addr<Link>)>,
    restarts: Restarts,
}

enum State<A: Actor> {
    Resting,
    Activating(Vec<oneshot::Sender<Result<Found<A>, FindError>>>),
    Live(Addr<A>),
}

impl<A: Actor> Default for Slot<A> {
    fn default() -> Self {
        Self { state: State::Resting, links: Vec::new(), restarts: Restarts::default() }
    }
}

impl<A: Actor> Slot<A> {
    pub(super) fn live(&self) -> Option<&Addr<A>> {
        match &self.state {
            State::Live(address) => Some(address),
            State::Resting | State::Activating(_) => None,
        }
    }
}

/// The address of a live actor.
pub struct Found<A: Actor> {
    pub address: Addr<A>,
}

impl<A: Actor> Clone for Found<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("not found")]
    NotFound,
    /// It exists in another namespace.
    #[error("access denied")]
    Denied,
    /// It died too often and is left down for a while, or the store failed.
    #[error("unavailable for the moment")]
    Down,
}

/// Finds a session. A link that asks is remembered as one that speaks for it.
#[derive(Message)]
#[rtype(result = "Result<Found<LiveSession>, FindError>")]
pub struct FindSession {
    pub id: SessionId,
    pub link: Option<(LinkId, Addr<Link>)>,
}

/// Finds a machine.
#[derive(Message)]
#[rtype(result = "Result<Found<LiveMachine>, FindError>")]
pub struct FindMachine {
    pub id: MachineId,
    pub link: Option<(LinkId, Addr<Link>)>,
}

type Finding<A> = ResponseActFuture<Tenant, Result<Found<A>, FindError>>;

fn ready<A: Actor>(result: Result<Found<A>, FindError>) -> Finding<A> {
    Box::pin(actix::fut::ready(result))
}

enum Step<A: Actor> {
    Answer(Result<Found<A>, FindError>),
    Wait(oneshot::Receiver<Result<Found<A>, FindError>>),
    Activate,
}

impl<A: Actor<Context = Context<A>>> Slot<A> {
    fn step(&mut self, link: Option<(LinkId, Addr<Link>)>, now: i64) -> Step<A> {
        if let Some((id, address)) = link
            && !self.links.iter().any(|(known, _)| *known == id)
        {
            self.links.push((id, address));
        }
        match &mut self.state {
            State::Live(address) if address.connected() => {
                return Step::Answer(Ok(Found { address: address.clone() }));
            }
            State::Live(_) => {
                self.restarts.died(now);
                self.state = State::Resting;
            }
            State::Activating(waiting) => {
                let (reply, answer) = oneshot::channel();
                waiting.push(reply);
                return Step::Wait(answer);
            }
            State::Resting => {}
        }
        if self.restarts.is_down(now) {
            return Step::Answer(Err(FindError::Down));
        }
        self.state = State::Activating(Vec::new());
        Step::Activate
    }

    /// Ends an activation: tells all who waited, and answers.
    fn settle(&mut self, outcome: Result<Found<A>, FindError>) -> Result<Found<A>, FindError> {
        let state = match &outcome {
            Ok(found) => State::Live(found.address.clone()),
            Err(_) => State::Resting,
        };
        if let State::Activating(waiting) = std::mem::replace(&mut self.state, state) {
            for reply in waiting {
                let _ = reply.send(outcome.clone());
            }
        }
        outcome
    }
}

impl Handler<FindSession> for Tenant {
    type Result = Finding<LiveSession>;

    fn handle(&mut self, FindSession { id, link }: FindSession, ctx: &mut Self::Context) -> Self::Result {
        if !self.index.contains(&id) {
            let store = self.env.store.clone();
            let read = async move { store.read(move |conn| store::sessions::namespace_of(conn, &id)).await };
            return Box::pin(read.into_actor(self).map(|found, _, _| match found {
                Ok(Some(_)) => Err(FindError::Denied),
                Ok(None) => Err(FindError::NotFound),
                Err(_) => Err(FindError::Down),
            }));
        }
        let now = self.env.clock.now();
        match self.sessions.entry(id.clone()).or_default().step(link, now) {
            Step::Answer(answer) => ready(answer),
            Step::Wait(answer) => {
                Box::pin(async move { answer.await.unwrap_or(Err(FindError::Down)) }.into_actor(self))
            }
            Step::Activate => {
                let load = session::Loaded::read(self.env.clone(), id.clone());
                let tenant = ctx.address();
                Box::pin(
                    load.into_actor(self)
                        .map(move |loaded, tenant_state, _| tenant_state.settle_session(&id, loaded, tenant)),
                )
            }
        }
    }
}

impl Tenant {
    fn settle_session(
        &mut self,
        id: &SessionId,
        loaded: store::Result<Option<session::Loaded>>,
        tenant: Addr<Self>,
    ) -> Result<Found<LiveSession>, FindError> {
        let outcome = match loaded {
            Ok(Some(loaded)) => {
                Ok(Found { address: LiveSession::launch(self.env.clone(), tenant, self.gone(), loaded) })
            }
            Ok(None) => Err(FindError::NotFound),
            Err(error) => {
                tracing::error!(%error, session = %id, "could not read a session from the store");
                Err(FindError::Down)
            }
        };
        let slot = self.sessions.entry(id.clone()).or_default();
        if let Ok(found) = &outcome {
            for (_, link) in &slot.links {
                // A link that cannot take it learns of the new address with its next event.
                let _ = link
                    .try_send(crate::link::SessionMoved { id: id.clone(), address: found.address.clone() });
            }
        }
        slot.settle(outcome)
    }
}

impl Handler<FindMachine> for Tenant {
    type Result = Finding<LiveMachine>;

    fn handle(&mut self, FindMachine { id, link }: FindMachine, ctx: &mut Self::Context) -> Self::Result {
        if !self.machine_rows.contains_key(&id) {
            let store = self.env.store.clone();
            let read = async move { store.read(move |conn| store::machines::by_id(conn, &id)).await };
            return Box::pin(read.into_actor(self).map(|found, _, _| match found {
                Ok(Some(_)) => Err(FindError::Denied),
                Ok(None) => Err(FindError::NotFound),
                Err(_) => Err(FindError::Down),
            }));
        }
        let now = self.env.clock.now();
        match self.machines.entry(id.clone()).or_default().step(link, now) {
            Step::Answer(answer) => ready(answer),
            Step::Wait(answer) => {
                Box::pin(async move { answer.await.unwrap_or(Err(FindError::Down)) }.into_actor(self))
            }
            Step::Activate => {
                let env = self.env.clone();
                let wanted = id.clone();
                let load = env.store.clone();
                let load =
                    async move { load.write(move |tx| store::machines::by_id(tx.conn, &wanted)).await };
                let tenant = ctx.address();
                Box::pin(
                    load.into_actor(self)
                        .map(move |loaded, this, _| this.settle_machine(&id, loaded, tenant)),
                )
            }
        }
    }
}

impl Tenant {
    fn settle_machine(
        &mut self,
        id: &MachineId,
        loaded: store::Result<Option<store::machines::Machine>>,
        tenant: Addr<Self>,
    ) -> Result<Found<LiveMachine>, FindError> {
        let outcome = match loaded {
            Ok(Some(row)) => Ok(Found {
                address: machine::LiveMachine::launch(self.env.clone(), tenant, self.gone(), row),
            }),
            Ok(None) => Err(FindError::NotFound),
            Err(error) => {
                tracing::error!(%error, machine = %id, "could not read a machine from the store");
                Err(FindError::Down)
            }
        };
        let slot = self.machines.entry(id.clone()).or_default();
        if let Ok(found) = &outcome {
            for (_, link) in &slot.links {
                let _ = link
                    .try_send(crate::link::MachineMoved { id: id.clone(), address: found.address.clone() });
            }
        }
        slot.settle(outcome)
    }
}

/// A session that nobody is linked to and for which nothing is due asks to be let go. From the answer on it is found
/// through the store again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Passivate(pub SessionId);

impl Handler<Passivate> for Tenant {
    type Result = ();

    fn handle(&mut self, Passivate(id): Passivate, _: &mut Self::Context) {
        self.sessions.remove(&id);
    }
}

/// A session was deleted.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Removed(pub SessionId);

impl Handler<Removed> for Tenant {
    type Result = ();

    fn handle(&mut self, Removed(id): Removed, _: &mut Self::Context) {
        self.sessions.remove(&id);
        self.index.remove(&id);
        let _ = self.switchboard.try_send(SessionOver { id, is_told: false });
    }
}
