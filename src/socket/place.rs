//! The place of one engine connection, by websocket or by polling, among those that may be open. It begins as a
//! stranger's, for the token comes after the handshake, and goes over to whoever shows one. Who shows none has to leave.
//!
//! A connection that is one too many is never refused by the protocol's own word: released clients would not come back
//! after that. Its line ends before it is answered, and the client tries again by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use socketioxide::extract::SocketRef;
use tokio_util::sync::CancellationToken;

use super::peer::wire_of;
use crate::limits::{Limits, Permit, Refusal, Who, Whose};

/// How long a connection may stay without a token. Clients show theirs at once.
const STRANGE: Duration = Duration::from_secs(45);
/// The longest wait for a line that is turned back to be gone.
const TURN: Duration = Duration::from_secs(20);

pub struct Place {
    held: Mutex<Held>,
    known: CancellationToken,
    turned_back: CancellationToken,
    gone: CancellationToken,
}

#[derive(Default)]
struct Held {
    stranger: Option<Permit>,
    /// One for each token that was shown on this connection.
    known: HashMap<Who, Permit>,
    is_gone: bool,
}

impl Place {
    pub fn of_stranger(permit: Permit) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::new(Held { stranger: Some(permit), ..Held::default() }),
            known: CancellationToken::new(),
            turned_back: CancellationToken::new(),
            gone: CancellationToken::new(),
        })
    }

    /// The connection has shown a token.
    pub fn become_known(&self, limits: &Limits, who: Who) -> Result<(), Refusal> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.stranger = None;
        if held.is_gone || held.known.contains_key(&who) {
            return Ok(());
        }
        let permit = limits.link(who.clone())?;
        held.known.insert(who, permit);
        self.known.cancel();
        Ok(())
    }

    pub fn is_strange(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).stranger.is_some()
    }

    /// The connection is closed, or has to close.
    pub fn end(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Held { is_gone: true, ..Held::default() };
        self.turned_back.cancel();
        self.gone.cancel();
    }

    /// Waits until the connection has to go, or has gone. Does not keep the place.
    pub fn overdue(&self) -> impl Future<Output = ()> + use<> {
        let (known, turned_back) = (self.known.clone(), self.turned_back.clone());
        async move {
            tokio::select! {
                () = turned_back.cancelled() => return,
                () = known.cancelled() => {}
                () = tokio::time::sleep(STRANGE) => return,
            }
            turned_back.cancelled().await;
        }
    }
}

/// A connection that nobody knows any more has nothing left to wait for.
impl Drop for Place {
    fn drop(&mut self) {
        self.turned_back.cancel();
    }
}

/// The places of sessions by polling, by the names that the engine gave them.
#[derive(Clone, Default)]
pub struct Polled(Arc<Mutex<HashMap<String, Weak<Place>>>>);

impl Polled {
    pub fn insert(&self, sid: String, place: &Arc<Place>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sid, Arc::downgrade(place));
    }

    pub fn get(&self, sid: &str) -> Option<Arc<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sid)?.upgrade()
    }

    pub fn remove(&self, sid: &str) -> Option<Arc<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(sid)?.upgrade()
    }
}

fn place_of(socket: &SocketRef) -> Option<Arc<Place>> {
    socket.req_parts().extensions.get::<Arc<Place>>().cloned()
}

/// Counts a socket against the share of the token that it has shown.
pub fn admit(socket: &SocketRef, limits: &Limits, who: Who) -> Result<(), Refusal> {
    place_of(socket).map_or(Ok(()), |place| place.become_known(limits, who))
}

/// Whether the line ended while its socket was being admitted. The library tells nobody of that.
pub fn is_gone(socket: &SocketRef) -> bool {
    place_of(socket).is_some_and(|place| place.gone.is_cancelled())
}

/// The place of a socket that came by polling ends with it; that of a websocket ends with its line.
pub fn left(socket: &SocketRef) {
    if wire_of(socket).is_none()
        && let Some(place) = place_of(socket)
    {
        place.end();
    }
}

/// Ends a connection and waits until nothing can be said on it any more: an answer to its handshake would make the
/// client send what it has kept, and lose it.
pub async fn turn_back(socket: &SocketRef, refusal: Option<Refusal>) {
    if let Some(wire) = wire_of(socket) {
        if let Some(refusal) = refusal {
            wire.say_last(farewell(refusal));
        }
        wire.cut();
    }
    if let Some(place) = place_of(socket) {
        place.turned_back.cancel();
        let _ = tokio::time::timeout(TURN, place.gone.cancelled()).await;
    }
}

/// The frame that ends a websocket with a reason: "try again later", and in words for programs when.
fn farewell(refusal: Refusal) -> Bytes {
    const TRY_AGAIN_LATER: u16 = 1013;
    const CLOSE: u8 = 0x88;
    let code = if refusal.whose == Whose::Hub { "hub_full" } else { "too_many_links" };
    let reason = json!({ "code": code, "retryAfterSeconds": refusal.seconds }).to_string();
    let mut payload = TRY_AGAIN_LATER.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    // Longer ones have another head, and a reason may not be longer.
    let Ok(length @ ..126) = u8::try_from(payload.len()) else { return Bytes::new() };
    [&[CLOSE, length], payload.as_slice()].concat().into()
}
