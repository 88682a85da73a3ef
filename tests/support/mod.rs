//! What the tests of the running hub share: the hub itself, and the three kinds of clients that it has.

mod cli;
mod events;
mod hub;
mod log;
pub mod panics;
mod polling;
mod proxy;
mod push_service;
mod released_database;
mod script;
mod viewer;
mod web;

pub use cli::Cli;
pub use events::{Event, Events};
pub use hub::{Setup, TestHub};
pub use log::{DEADLINE, Log, within};
pub use polling::Polling;
pub use proxy::{Cuts, Proxy};
pub use push_service::{Browser, PushService};
pub use released_database::{Content, ReleasedDatabase};
pub use viewer::Viewer;
pub use web::{Answer, Web};

use serde_json::{Value, json};

/// What the agents of most tests say of themselves.
pub fn metadata() -> Value {
    json!({ "path": "/srv/app", "host": "box", "flavor": "claude" })
}

/// A message of an agent.
pub fn agent_says(text: &str) -> Value {
    json!({ "role": "agent", "content": { "type": "output", "data": { "type": "text", "text": text } } })
}
