//! The socket under a stream. HTTP hides it, but only it knows whether the other side still takes bytes.

use std::{any::Any, io, os::fd::RawFd, time::Duration};

use actix_web::{HttpRequest, dev::Extensions};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsRawFd, BorrowedFd},
};
use socket2::SockRef;

/// What the kernel holds unsent for one connection. More would be memory for a reader that does not read.
const UNSENT: u32 = 128 * 1024;
/// A connection whose other side acknowledges nothing for so long is over.
const SILENCE: Duration = Duration::from_secs(60);

/// The socket of a connection, as long as the connection's stream is there.
#[derive(Clone, Copy, Debug)]
pub struct Wire(Option<RawFd>);

/// Called by the server for each new connection.
pub fn prepare(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let set = socket.set_tcp_notsent_lowat(UNSENT).and_then(|()| socket.set_tcp_user_timeout(Some(SILENCE)));
    if let Err(error) = set {
        tracing::debug!(%error, "could not bound what a connection holds");
    }
    extensions.insert(Wire(Some(stream.as_raw_fd())));
}

impl Wire {
    /// A stream that is written into no socket, as in tests without a server.
    pub const NONE: Self = Self(None);

    pub fn of(req: &HttpRequest) -> Self {
        req.conn_data::<Self>().copied().unwrap_or(Self::NONE)
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        let fd = self.0?;
        #[expect(
            unsafe_code,
            reason = "the server owns the socket at least as long as the body of the answer that it writes into it, \
                      and this is only used by that body and by its own worker's thread while the body is there"
        )]
        // SAFETY: see above; the descriptor stays open for the life of this borrow.
        Some(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// Whether the socket would take bytes right now.
    pub fn takes_bytes(&self) -> bool {
        let Some(socket) = self.socket() else { return false };
        let mut polled = [PollFd::new(&socket, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let is_ready = poll(&mut polled, Some(&at_once)).is_ok_and(|ready| ready > 0);
        is_ready && polled[0].revents() == PollFlags::OUT
    }

    /// Ends the connection, also when the other side takes nothing any more.
    pub fn cut(&self) {
        let Some(socket) = self.socket() else { return };
        match SockRef::from(&socket).shutdown(std::net::Shutdown::Both) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => {
                tracing::debug!(%error, "could not cut a connection");
            }
            _ => {}
        }
    }
}
