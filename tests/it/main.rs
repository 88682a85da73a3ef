//! The one integration binary; each module mirrors a part of the hub.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

mod agent_terminals;
mod auth;
mod clear;
mod command;
mod compatibility;
mod cursor;
mod decisions;
mod duplicates;
mod events;
mod export;
mod faults;
mod history;
mod hub_settings;
mod import;
mod limits;
mod local_history;
mod messages;
mod notices;
mod openapi;
mod operation;
mod presence;
mod prompts;
mod proxies;
mod push;
mod relay;
mod resume;
#[path = "../faults/rig/mod.rs"]
mod rig;
mod schedules;
mod scratchlist;
mod search;
mod seen;
mod sessions;
mod shared;
#[path = "../support/mod.rs"]
mod support;
mod telegram;
mod terminals;
mod titles;
mod tolerance;
mod tunnel;
mod usage;
mod versioned;
mod voice;
