//! The Socket.IO edge: `/cli` for CLIs and runners, `/terminal` for browsers. It authenticates, names the actors that a
//! socket talks to, and puts what the socket sends into their mailboxes, in order.

pub mod bridge;
mod cli;
mod peer;
mod place;
mod strangers;
mod terminal;
mod wire;

use std::{sync::Arc, time::Duration};

use actix::ArbiterHandle;
use socketioxide::{SocketIo, service::SocketIoService};

use crate::http::Shared;

pub use place::Polled;
pub use strangers::Strangers;
pub use wire::Wire;

/// Where the engine lives. Exact: without the trailing slash it is another path.
pub const PATH: &str = "/socket.io/";

const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
/// Packets that may wait for a slow socket. Overflow ends the connection, for it would lose packets silently.
const BUFFER: usize = 8_192;

/// The engine, as each HTTP worker holds it.
#[derive(Clone)]
pub struct Sockets {
    pub io: SocketIo,
    pub service: SocketIoService<engineioxide::service::NotFoundService>,
    pub frame_limit: usize,
    /// Sessions that began by polling, for the websocket that may take over.
    pub polled: Polled,
    pub strangers: Strangers,
}

/// Builds the engine with both namespaces. `legacy` also lets sockets in that name a namespace instead of a token.
pub fn build(shared: Arc<Shared>, arbiters: Vec<ArbiterHandle>, frame_limit: usize, legacy: bool) -> Sockets {
    let (service, io) = SocketIo::builder()
        .req_path(PATH)
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .upgrade_timeout(UPGRADE_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .max_buffer_size(BUFFER)
        .max_payload(u64::try_from(frame_limit).unwrap_or(u64::MAX))
        .ws_max_message_size(frame_limit)
        .ws_max_frame_size(frame_limit)
        // Idle sockets are many: what one reads at a time need not be large.
        .ws_read_buffer_size(4 * 1024)
        .build_svc();
    // Nobody uses it, but clients that connect here first must not be turned away.
    io.ns("/", async || {});
    cli::register(&io, shared.clone(), arbiters, legacy);
    terminal::register(&io, shared);
    let (polled, strangers) = (Polled::default(), Strangers::default());
    Sockets { io, service, frame_limit, polled, strangers }
}
