//! Runs the real hub among clients that work through bad lines, breaks things by a seeded plan, and compares what the
//! clients were acknowledged with what is there afterwards.

mod agent;
mod check;
pub mod disk;
mod hub;
mod ledger;
mod person;
mod plan;
mod proxy;
pub mod report;
mod runner;
mod schedule;
mod socket;
mod watcher;
mod web;

pub use plan::Plan;
pub use schedule::{Outcome, run};

use std::{rc::Rc, time::Duration};

use tokio_util::sync::CancellationToken;

use hub::{HubProcess, Limits};
use ledger::Ledger;
use proxy::Proxy;
use web::Web;

/// What every client of one schedule has.
#[derive(Clone)]
pub struct Scene {
    pub ledger: Rc<Ledger>,
    pub token: Rc<str>,
    /// The ways to the hub for sockets and streams, and for requests.
    pub sockets: Rc<Proxy>,
    pub requests: Rc<Proxy>,
    /// Nothing new is begun from here on; what was begun is brought to its end.
    pub winding_down: CancellationToken,
    pub over: CancellationToken,
}

/// Waits until `is_there`, for as long as anything may take. `false`: in vain.
pub async fn until(mut is_there: impl FnMut() -> bool) -> bool {
    let waited = async {
        while !is_there() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.is_ok()
}
