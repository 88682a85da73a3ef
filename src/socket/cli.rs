//! `/cli`: sockets of session processes and runners.

use std::sync::Arc;

use actix::{Addr, ArbiterHandle};
use serde::Deserialize;
use serde_json::Value;
use socketioxide::{
    SocketIo,
    adapter::LocalAdapter,
    extract::{AckSender, SocketRef, TryData},
    handler::{ConnectHandler, FromMessageParts, MessageHandler, Value as Frame},
    socket::Socket,
};
use tokio_util::sync::CancellationToken;

use super::{
    Wire,
    peer::{SocketAck, SocketPeer, wire_of},
    place,
};
use crate::{
    domain::{
        ids::{MachineId, Namespace, SessionId},
        json,
    },
    http::Shared,
    limits::Who,
    link::{Closed, Incoming, Link, NewLink},
    namespace::{self, FindError, FindMachine, FindSession, FindTenant, GetHome, Home, Tenant},
    wire::cli::{ErrorEvent, Refusal, Scope},
};

/// What a socket says of itself when it connects. Anything of the wrong type reads as absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Handshake {
    token: Value,
    namespace: Value,
    session_id: Value,
    machine_id: Value,
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// Why a socket is turned away. Released clients do not try again after this, so it is never said of a passing state:
/// then the line has ended before.
#[derive(Debug)]
enum Refused {
    InvalidToken,
    Passing,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InvalidToken => f.write_str("Invalid token"),
            Self::Passing => f.write_str("Try again"),
        }
    }
}

pub fn register(io: &SocketIo, shared: Arc<Shared>, arbiters: Vec<ArbiterHandle>, legacy: bool) {
    let door = Arc::new(Door { shared, arbiters, legacy });
    let admit = async move |socket: SocketRef, handshake: TryData<Handshake>| {
        door.admit(socket, handshake.0.unwrap_or_default()).await
    };
    io.ns("/cli", tell_unknown.with(admit));
}

struct Door {
    shared: Arc<Shared>,
    arbiters: Vec<ArbiterHandle>,
    legacy: bool,
}

impl Door {
    /// Runs before the socket is told that it is connected, so that its first event finds its link.
    async fn admit(self: Arc<Self>, socket: SocketRef, handshake: Handshake) -> Result<(), Refused> {
        let by_token = text(&handshake.token).and_then(|token| self.shared.tokens.authenticate(token));
        let is_tokenless = self.legacy && handshake.token.is_null();
        let namespace = match by_token {
            Some(namespace) => namespace,
            None if is_tokenless => match text(&handshake.namespace) {
                Some(namespace) => Namespace::from(namespace),
                None => {
                    socket.on_fallback(NamespaceMissing);
                    return Ok(());
                }
            },
            None => return Err(Refused::InvalidToken),
        };
        if let Err(refusal) =
            place::admit(&socket, &self.shared.limits, Who::Cli { namespace: namespace.clone() })
        {
            tracing::debug!(%namespace, %refusal, "a socket has to come back later");
            place::turn_back(&socket, Some(refusal)).await;
            return Err(Refused::Passing);
        }
        let Some((tenant, home, arbiter)) = self.actors(&namespace).await else {
            place::turn_back(&socket, None).await;
            return Err(Refused::Passing);
        };
        let closed = CancellationToken::new();
        let peer = Arc::new(SocketPeer::new(socket.clone(), closed.clone()));
        let session = text(&handshake.session_id).map(SessionId::from);
        let machine = text(&handshake.machine_id).map(MachineId::from);
        if is_tokenless {
            socket.extensions.insert(unknown(&tenant, session.as_ref(), machine.as_ref()).await);
        }
        let env = self.shared.env.clone();
        let new = NewLink { env, peer, tenant, home, session, machine };
        let link = Link::launch(new, &arbiter).await;
        let wire = wire_of(&socket).unwrap_or_default();
        if place::is_gone(&socket) {
            closed.cancel();
            let _ = link.send(Closed).await;
            return Err(Refused::Passing);
        }
        socket.on_fallback(Inbox { link: link.clone(), wire });
        socket.on_disconnect(async move |socket: SocketRef| {
            place::left(&socket);
            closed.cancel();
            let _ = link.send(Closed).await;
        });
        Ok(())
    }

    async fn actors(&self, namespace: &Namespace) -> Option<(Addr<Tenant>, Home, ArbiterHandle)> {
        let tenant = self.shared.directory.send(FindTenant(namespace.clone())).await.ok()??;
        let home = tenant.send(GetHome).await.ok()?;
        // Beside the actors that it talks to, so that only the way from the socket crosses threads.
        let arbiter = namespace::arbiter_of(&self.arbiters, namespace)?.clone();
        Some((tenant, home, arbiter))
    }
}

/// What a socket named that is not there.
#[derive(Clone, Default)]
struct Unknown(Vec<json::Json>);

async fn unknown(tenant: &Addr<Tenant>, session: Option<&SessionId>, machine: Option<&MachineId>) -> Unknown {
    let mut errors = Vec::new();
    let mut tell = |error: FindError, scope, id: &str| {
        let code = match error {
            FindError::NotFound => Refusal::NotFound,
            FindError::Denied => Refusal::AccessDenied,
            FindError::Down => return,
        };
        errors.push(json::write(&ErrorEvent::new(code, scope, id)));
    };
    if let Some(id) = session
        && let Ok(Err(error)) = tenant.send(FindSession { id: id.clone(), link: None }).await
    {
        tell(error, Scope::Session, id.as_str());
    }
    if let Some(id) = machine
        && let Ok(Err(error)) = tenant.send(FindMachine { id: id.clone(), link: None }).await
    {
        tell(error, Scope::Machine, id.as_str());
    }
    Unknown(errors)
}

/// Sockets of older documentation hear, as soon as they are connected, that what they named is not there.
async fn tell_unknown(socket: SocketRef) {
    if let Some(Unknown(errors)) = socket.extensions.remove::<Unknown>() {
        for error in errors {
            let _ = socket.emit("error", &*error);
        }
    }
}

/// Puts each event into the link's mailbox while it is being read: no task between, so none can overtake another.
struct Inbox {
    link: Addr<Link>,
    wire: Arc<Wire>,
}

/// Marks handlers that take the raw frame.
enum Raw {}

impl MessageHandler<LocalAdapter, Raw> for Inbox {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, mut frame: Frame, ack_id: Option<i64>) {
        let Some(text) = frame.as_str() else { return };
        let text: bytes::Bytes = text.clone().into();
        let held = Box::new(self.wire.hold(text.len()));
        let ack = ack_id.and_then(|_| {
            let ack = AckSender::from_message_parts(&socket, &mut frame, &ack_id).ok()?;
            Some(Box::new(SocketAck(ack)) as Box<dyn crate::link::Ack>)
        });
        if self.link.try_send(Incoming { frame: text, ack, held }).is_err() {
            // The budget stops reading long before the mailbox is full, so the link is gone: the client comes back.
            self.wire.cut();
        }
    }
}

/// A socket that named no namespace: whatever it says is answered with that.
struct NamespaceMissing;

impl MessageHandler<LocalAdapter, Raw> for NamespaceMissing {
    fn call(&self, socket: Arc<Socket<LocalAdapter>>, frame: Frame, _: Option<i64>) {
        let parts: Vec<Value> =
            frame.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let field = |key: &str| parts.get(1).and_then(|payload| payload.get(key)?.as_str());
        let (scope, id) = match (field("sid").or_else(|| field("sessionId")), field("machineId")) {
            (Some(id), _) => (Scope::Session, id),
            (None, Some(id)) => (Scope::Machine, id),
            (None, None) => return,
        };
        let error = json::write(&ErrorEvent::new(Refusal::NamespaceMissing, scope, id));
        let _ = socket.emit("error", &*error);
    }
}
