//! `/terminal`: sockets of browsers that show a shell.

use std::sync::Arc;

use actix::Addr;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use socketioxide::{
    SocketIo,
    adapter::LocalAdapter,
    extract::{SocketRef, TryData},
    handler::{ConnectHandler, MessageHandler, Value as Frame},
    socket::Socket,
};
use tokio_util::sync::CancellationToken;

use super::{peer::SocketPeer, place};
use crate::{
    http::Shared,
    identity::JwtError,
    limits::Who,
    link::{LinkId, Peer},
    namespace::{FindTenant, GetHome},
    terminal::{Switchboard, ViewerEvent, ViewerGone},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Handshake {
    token: Value,
}

pub fn register(io: &SocketIo, shared: Arc<Shared>) {
    let admit = async move |socket: SocketRef, handshake: TryData<Handshake>| {
        admit(&shared, socket, handshake.0.unwrap_or_default()).await
    };
    io.ns("/terminal", (async || {}).with(admit));
}

/// Nobody hears this: the line has ended before.
const PASSING: &str = "Try again";

async fn admit(shared: &Shared, socket: SocketRef, handshake: Handshake) -> Result<(), &'static str> {
    let token = handshake.token.as_str().filter(|token| !token.is_empty()).ok_or("Missing token")?;
    let claims = shared.jwt.verify(token, shared.env.clock.now()).map_err(|error| match error {
        JwtError::Invalid => "Invalid token",
        JwtError::Payload => "Invalid token payload",
    })?;
    let who = Who::Page { namespace: claims.ns.clone(), user: claims.uid.to_string() };
    if let Err(refusal) = place::admit(&socket, &shared.limits, who) {
        tracing::debug!(namespace = %claims.ns, %refusal, "a terminal has to come back later");
        place::turn_back(&socket, Some(refusal)).await;
        return Err(PASSING);
    }
    let switchboard = async {
        let tenant = shared.directory.send(FindTenant(claims.ns)).await.ok()??;
        tenant.send(GetHome).await.ok().map(|home| home.switchboard)
    };
    let Some(switchboard) = switchboard.await else {
        place::turn_back(&socket, None).await;
        return Err(PASSING);
    };
    let id = LinkId::next();
    let closed = CancellationToken::new();
    let peer = Arc::new(SocketPeer::new(socket.clone(), closed.clone()));
    socket.on_fallback(Viewer { id, peer, switchboard: switchboard.clone() });
    socket.on_disconnect(async move |socket: SocketRef| {
        place::left(&socket);
        closed.cancel();
        let _ = switchboard.send(ViewerGone(id)).await;
    });
    Ok(())
}

struct Viewer {
    id: LinkId,
    peer: Arc<dyn Peer>,
    switchboard: Addr<Switchboard>,
}

enum Raw {}

impl MessageHandler<LocalAdapter, Raw> for Viewer {
    fn call(&self, _: Arc<Socket<LocalAdapter>>, frame: Frame, _: Option<i64>) {
        let Some(text) = frame.as_str() else { return };
        let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(text) else { return };
        let name = parts.first().and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        if let (Some(name), Some(payload)) = (name, parts.get(1)) {
            let event = ViewerEvent {
                viewer: self.id,
                peer: self.peer.clone(),
                name,
                payload: payload.get().to_owned(),
            };
            if self.switchboard.try_send(event).is_err() {
                // Keystrokes that cannot be taken must not vanish one by one: the browser comes back.
                self.peer.disconnect();
            }
        }
    }
}
