//! A way in from outside: `cloudflared` runs beside the hub for as long as the hub does. The hub never fails because the
//! tunnel does; it says what is wrong and tries again.

mod child;
mod failure;
mod keeper;
mod lines;
mod plan;
mod progress;

use tokio::sync::watch;

pub use self::{
    failure::Failure,
    keeper::Keeper,
    plan::Plan,
    progress::{Progress, State},
};
use crate::{clock::Clock, domain::ids::Millis};

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// Where people find the hub; of a tunnel that is down, where they found it last.
    pub address: Option<String>,
    /// When the state became what it is.
    pub since: Millis,
    /// What went wrong last, in plain words, without anything that the program printed.
    pub last_error: Option<String>,
}

/// What others know of the tunnel.
#[derive(Clone, Debug)]
pub struct Tunnel(watch::Receiver<Status>);

impl Tunnel {
    /// A tunnel, and who is to keep it.
    pub fn new(plan: Plan, clock: Clock) -> (Self, Keeper) {
        let status = Status { state: State::Starting, address: None, since: clock.now(), last_error: None };
        let (told, heard) = watch::channel(status);
        (Self(heard), Keeper::new(plan, clock, told))
    }

    pub fn status(&self) -> Status {
        self.0.borrow().clone()
    }

    /// Waits for the next change; `None` when nothing will change any more.
    pub async fn changed(&mut self) -> Option<Status> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }

    /// Whether pages of this origin are the hub's own, seen from outside.
    pub fn is_at(&self, origin: &str) -> bool {
        let status = self.0.borrow();
        // The name of a quick tunnel that has ended may be given to somebody else.
        status.state != State::Down && status.address.as_deref() == Some(origin)
    }
}
