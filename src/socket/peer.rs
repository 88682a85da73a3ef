//! A socket as actors hold it.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use socketioxide::{
    SendError, SocketError,
    extract::{AckSender, SocketRef},
};
use tokio_util::sync::CancellationToken;

use super::Wire;
use crate::{
    domain::json::{self, Json},
    link::{Ack, CallError, Gone, Peer},
};

/// The other end of a connected socket.
pub struct SocketPeer {
    socket: SocketRef,
    closed: CancellationToken,
    wire: Option<Arc<Wire>>,
}

impl SocketPeer {
    /// `closed` is cancelled by the socket's disconnect handler.
    pub fn new(socket: SocketRef, closed: CancellationToken) -> Self {
        let wire = wire_of(&socket);
        Self { socket, closed, wire }
    }

    /// A peer that does not read would lose packets silently from here on: it has to come back.
    fn overflowed(&self, error: &SendError) {
        if matches!(error, SendError::Socket(SocketError::InternalChannelFull)) {
            tracing::debug!(socket = %self.socket.id, "a socket does not read what it is sent");
            self.disconnect();
        }
    }
}

/// The websocket's end, when the socket came by one.
pub fn wire_of(socket: &SocketRef) -> Option<Arc<Wire>> {
    socket.req_parts().extensions.get::<Arc<Wire>>().cloned()
}

impl Peer for SocketPeer {
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Gone> {
        self.socket.emit(event, payload).map_err(|error| {
            self.overflowed(&error);
            Gone
        })
    }

    fn call(
        &self,
        event: &'static str,
        payload: &RawValue,
        within: Duration,
    ) -> BoxFuture<'static, Result<Json, CallError>> {
        // The whole list of arguments is asked for as one text: an answer may be large, and is passed on as it is.
        let answer = self.socket.timeout(within).emit_with_ack::<_, Box<RawValue>>(event, payload);
        let closed = self.closed.clone();
        match answer {
            Err(error) => {
                self.overflowed(&error);
                Box::pin(std::future::ready(Err(CallError::Gone)))
            }
            Ok(answer) => Box::pin(async move {
                tokio::select! {
                    answer = answer => match answer {
                        Ok(arguments) => Ok(first(&arguments)),
                        Err(_) => Err(CallError::TimedOut),
                    },
                    () = closed.cancelled() => Err(CallError::Lost),
                }
            }),
        }
    }

    fn is_paused(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.is_paused())
    }

    fn disconnect(&self) {
        match &self.wire {
            // Cutting the line makes clients come back; a polite disconnect would make them stay away.
            Some(wire) => wire.cut(),
            None => drop(self.socket.clone().disconnect()),
        }
    }
}

/// The first of an acknowledgement's arguments; `null` when it has none.
fn first(arguments: &RawValue) -> Json {
    let list: Vec<&RawValue> = serde_json::from_str(arguments.get()).unwrap_or_default();
    list.first().map_or_else(json::null, |first| Json::from((*first).to_owned()))
}

/// Acknowledges an event.
pub struct SocketAck(pub AckSender);

impl Ack for SocketAck {
    fn send(self: Box<Self>, answer: Option<Json>) {
        // Whoever asked may be gone.
        let _ = match answer {
            Some(answer) => self.0.send(&*answer),
            None => self.0.send::<[u8; 0]>(&[]),
        };
    }
}
