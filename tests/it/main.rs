//! The one integration binary; each module mirrors a part of the hub.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

mod auth;
mod command;
mod decisions;
mod events;
mod faults;
mod messages;
mod openapi;
mod operation;
mod presence;
mod prompts;
mod relay;
mod resume;
#[path = "../faults/rig/mod.rs"]
mod rig;
mod schedules;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod tolerance;
mod versioned;
