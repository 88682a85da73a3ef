//! One CLI socket: it takes what the socket sends strictly in order, hands each event to the session or machine that
//! it names, and answers when that is done. So `ping` is a barrier by itself: everything before it is stored.

mod events;
mod methods;
mod peer;
pub mod rpc;
mod surely;

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use bytes::Bytes;
use tokio::sync::oneshot;

pub use peer::{CallError, Gone, LinkId, LinkRef, Peer};
pub use rpc::{Methods, RpcError};

use crate::{
    app::Env,
    domain::{
        ids::{MachineId, SessionId},
        json::Json,
    },
    machine::{self, LiveMachine},
    namespace::{FindError, FindMachine, FindSession, Home, LinkGone, Tenant},
    session::{self, LiveSession},
    terminal,
};

/// How many events may wait. The socket stops reading on its budget of bytes long before.
const MAILBOX: usize = 65_536;

/// Methods that one socket may serve.
const MOST_METHODS: usize = 512;

pub struct Link {
    id: LinkId,
    env: Env,
    peer: Arc<dyn Peer>,
    tenant: Addr<Tenant>,
    home: Home,
    /// What the socket named when it connected: it hears their updates and serves their methods.
    session: Option<SessionId>,
    machine: Option<MachineId>,
    sessions: HashMap<SessionId, Addr<LiveSession>>,
    machines: HashMap<MachineId, Addr<LiveMachine>>,
    session_methods: Vec<String>,
    machine_methods: Vec<String>,
}

/// What a link is made of.
pub struct NewLink {
    pub env: Env,
    pub peer: Arc<dyn Peer>,
    pub tenant: Addr<Tenant>,
    pub home: Home,
    pub session: Option<SessionId>,
    pub machine: Option<MachineId>,
}

impl Link {
    /// Answers when its mailbox has its size: until then a burst of events, as a CLI sends that comes back, is too much.
    pub async fn launch(new: NewLink, arbiter: &ArbiterHandle) -> Addr<Self> {
        let id = LinkId::next();
        let (started, has_started) = oneshot::channel();
        let address = Self::start_in_arbiter(arbiter, move |ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            let _ = started.send(());
            Self {
                id,
                env: new.env,
                peer: new.peer,
                tenant: new.tenant,
                home: new.home,
                session: new.session,
                machine: new.machine,
                sessions: HashMap::new(),
                machines: HashMap::new(),
                session_methods: Vec::new(),
                machine_methods: Vec::new(),
            }
        });
        // An arbiter that is gone makes no link; its closed address says so at the first event.
        let _ = has_started.await;
        address
    }

    fn as_ref(&self) -> LinkRef {
        LinkRef { id: self.id, peer: self.peer.clone() }
    }

    /// The actor of a session, joined. Known addresses are used until they close.
    fn session(&self, id: SessionId, this: Addr<Self>) -> Finding<LiveSession> {
        if let Some(address) = self.sessions.get(&id)
            && address.connected()
        {
            return Box::pin(actix::fut::ready(Ok(address.clone())));
        }
        let find = self.tenant.send(FindSession { id: id.clone(), link: Some((self.id, this)) });
        Box::pin(async move { find.await.unwrap_or(Err(FindError::Down)) }.into_actor(self).then(
            |found, link: &mut Self, _| {
                let joined = found.map(|found| link.join_session(id, found.address));
                let joined = async move {
                    match joined {
                        Ok(joined) => Ok(joined.await),
                        Err(error) => Err(error),
                    }
                };
                joined.into_actor(link)
            },
        ))
    }

    /// Tells a session's actor who speaks for it, and what it serves.
    fn join_session(
        &mut self,
        id: SessionId,
        address: Addr<LiveSession>,
    ) -> impl Future<Output = Addr<LiveSession>> + use<> {
        let is_own = self.session.as_ref() == Some(&id);
        self.sessions.insert(id, address.clone());
        let join = address.send(session::Join { link: self.as_ref(), is_in_room: is_own });
        let methods: Vec<_> = if is_own { self.session_methods.clone() } else { Vec::new() };
        let registered: Vec<_> = methods
            .into_iter()
            .map(|method| address.send(session::RegisterMethod { link: self.id, method }))
            .collect();
        async move {
            let _ = join.await;
            for register in registered {
                let _ = register.await;
            }
            address
        }
    }

    fn machine(&self, id: MachineId, this: Addr<Self>) -> Finding<LiveMachine> {
        if let Some(address) = self.machines.get(&id)
            && address.connected()
        {
            return Box::pin(actix::fut::ready(Ok(address.clone())));
        }
        let find = self.tenant.send(FindMachine { id: id.clone(), link: Some((self.id, this)) });
        Box::pin(async move { find.await.unwrap_or(Err(FindError::Down)) }.into_actor(self).map(
            |found, link: &mut Self, _| {
                let found = found?;
                link.join_machine(id, &found.address);
                Ok(found.address)
            },
        ))
    }

    fn join_machine(&mut self, id: MachineId, address: &Addr<LiveMachine>) {
        // A machine's mailbox is never near its bound when a link of its own joins.
        let _ = address.try_send(machine::Join(self.as_ref()));
        if self.machine.as_ref() == Some(&id) {
            for method in &self.machine_methods {
                let _ = address.try_send(machine::RegisterMethod { link: self.id, method: method.clone() });
            }
        }
        self.machines.insert(id, address.clone());
    }
}

type Finding<A> = std::pin::Pin<Box<dyn ActorFuture<Link, Output = Result<Addr<A>, FindError>>>>;

impl Actor for Link {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Without its namespace's actor a link speaks to nobody: the line is cut, and the CLI comes back to a new one.
        let (gone, peer) = (self.home.gone.clone(), self.peer.clone());
        let cut = async move {
            gone.cancelled().await;
            peer.disconnect();
        };
        ctx.spawn(cut.into_actor(self).map(|(), _, ctx| ctx.stop()));
        // What it named at the handshake is joined before its first event is taken.
        if let Some(id) = self.session.clone() {
            ctx.wait(self.session(id, ctx.address()).map(|_, _, _| ()));
        }
        if let Some(id) = self.machine.clone() {
            ctx.wait(self.machine(id, ctx.address()).map(|_, _, _| ()));
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        for address in self.sessions.values() {
            let leave = address.send(session::Leave(self.id));
            actix_rt::spawn(async move {
                let _ = leave.await;
            });
        }
        for address in self.machines.values() {
            let leave = address.send(machine::Leave(self.id));
            actix_rt::spawn(async move {
                let _ = leave.await;
            });
        }
        let terminals = self.home.switchboard.send(terminal::LinkGone(self.id));
        let tenant = self.tenant.send(LinkGone(self.id));
        actix_rt::spawn(async move {
            let _ = terminals.await;
            let _ = tenant.await;
        });
    }
}

/// How an event is acknowledged, when its sender asked for it.
pub trait Ack: Send {
    /// `None` answers without an argument.
    fn send(self: Box<Self>, answer: Option<Json>);
}

/// One event as it came over the socket: `["name", payload]`.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Incoming {
    pub frame: Bytes,
    pub ack: Option<Box<dyn Ack>>,
    /// Counts against the socket's budget until it is dropped.
    pub held: Box<dyn Send>,
}

impl Handler<Incoming> for Link {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, incoming: Incoming, ctx: &mut Self::Context) -> Self::Result {
        let Incoming { frame, ack, held } = incoming;
        let answer = self.take(&frame, ctx.address());
        AtomicResponse::new(Box::pin(answer.map(move |answer, _, _| {
            if let (Some(ack), Some(answer)) = (ack, answer) {
                ack.send(answer.0);
            }
            drop(held);
        })))
    }
}

/// The socket is closed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Closed;

impl Handler<Closed> for Link {
    type Result = ();

    fn handle(&mut self, _: Closed, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// A session got a new actor: it has to be told who speaks for it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionMoved {
    pub id: SessionId,
    pub address: Addr<LiveSession>,
}

impl Handler<SessionMoved> for Link {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, SessionMoved { id, address }: SessionMoved, _: &mut Self::Context) -> Self::Result {
        let joined = self.join_session(id, address);
        AtomicResponse::new(Box::pin(async move { drop(joined.await) }.into_actor(self)))
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct MachineMoved {
    pub id: MachineId,
    pub address: Addr<LiveMachine>,
}

impl Handler<MachineMoved> for Link {
    type Result = ();

    fn handle(&mut self, MachineMoved { id, address }: MachineMoved, _: &mut Self::Context) {
        self.join_machine(id, &address);
    }
}
