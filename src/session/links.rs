//! The CLI sockets of a session: who is in its room, who serves which method, and whether anybody is there at all.

use std::time::Duration;

use actix::prelude::*;
use serde_json::Value;

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
pub use crate::link::rpc::{Call, RegisterMethod, UnregisterMethod};

use crate::{
    domain::{json::Json, session::Changes},
    link::{LinkId, LinkRef, RpcError, rpc},
    wire::events::{Contact, ContactState},
};

/// A link and what it is to this session.
#[derive(Clone)]
pub struct RoomLink {
    pub link: LinkRef,
    /// It named this session when it connected, so it hears the session's updates and serves its methods.
    pub is_in_room: bool,
}

/// A link speaks for this session from now on.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Join {
    pub link: LinkRef,
    pub is_in_room: bool,
}

impl Handler<Join> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Join { link, is_in_room }: Join, _: &mut Self::Context) -> Self::Result {
        if self.links.iter().any(|known| known.link.id == link.id) {
            return now_ready(Ok(()));
        }
        self.last_used = self.now();
        self.links.push(RoomLink { link, is_in_room });
        if is_in_room && self.contact.state == ContactState::Lost {
            return AtomicResponse::new(self.tell_contact(ContactState::Linked));
        }
        now_ready(Ok(()))
    }
}

/// A link is gone.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Leave(pub LinkId);

impl Handler<Leave> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Leave(gone): Leave, ctx: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        self.links.retain(|known| known.link.id != gone);
        self.methods.forget(gone);
        // Another may serve now what it has not been told.
        self.deliver_decisions(ctx);
        let is_alone = self.room_except(None).next().is_none();
        if is_alone && self.contact.state == ContactState::Linked {
            return AtomicResponse::new(self.tell_contact(ContactState::Lost));
        }
        now_ready(Ok(()))
    }
}

impl LiveSession {
    fn tell_contact(&mut self, state: ContactState) -> super::Boxed<Outcome<()>> {
        let contact = Contact { state, since: self.now() };
        self.contact = contact;
        let entry = self.events().contact(contact);
        self.commit_plain(Changes::default(), vec![entry])
    }

    /// The hub itself has stopped reading from the only link: its silence is our doing.
    pub(super) fn is_paused_by_us(&self) -> bool {
        self.room_except(None).any(|link| link.link.peer.is_paused())
    }

    pub(super) fn link_refs(&self) -> Vec<LinkRef> {
        self.links.iter().map(|known| known.link.clone()).collect()
    }

    /// Calls a method that the session's process serves.
    pub(super) fn call(
        &self,
        method: &str,
        params: &Value,
        within: Duration,
    ) -> impl Future<Output = Result<Json, RpcError>> + use<> {
        rpc::call(&self.methods, &self.link_refs(), self.id().as_str(), method, params, within)
    }
}

impl Handler<RegisterMethod> for LiveSession {
    type Result = ();

    fn handle(&mut self, RegisterMethod { link, method }: RegisterMethod, ctx: &mut Self::Context) {
        if !self.links.iter().any(|known| known.link.id == link) {
            return;
        }
        self.methods.register(&method, link);
        if method == "permission" {
            self.deliver_decisions(ctx);
        }
    }
}

impl Handler<UnregisterMethod> for LiveSession {
    type Result = ();

    fn handle(&mut self, UnregisterMethod { link, method }: UnregisterMethod, _: &mut Self::Context) {
        self.methods.unregister(&method, link);
    }
}

impl Handler<Call> for LiveSession {
    type Result = ResponseFuture<Result<Json, RpcError>>;

    fn handle(&mut self, Call { method, params, within }: Call, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        Box::pin(self.call(method, &params, within))
    }
}

/// The socket that serves this session's terminals.
#[derive(Clone)]
pub struct Line {
    pub is_active: bool,
    /// `None` when no CLI is connected.
    pub link: Option<LinkRef>,
}

/// Asks for the line of a session.
#[derive(Message)]
#[rtype(result = "Line")]
pub struct FindLine;

impl Handler<FindLine> for LiveSession {
    type Result = MessageResult<FindLine>;

    fn handle(&mut self, _: FindLine, _: &mut Self::Context) -> Self::Result {
        let first = self.room_except(None).next();
        MessageResult(Line { is_active: self.state.turn.active, link: first.map(|known| known.link.clone()) })
    }
}
