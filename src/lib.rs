//! Wheelhouse: the hub from which people steer AI coding sessions that run on their own machines.
//!
//! Layers, each knowing only the next: the edge ([`http`], [`socket`]) parses, authorises and renders; the actors
//! ([`namespace`], [`session`], [`machine`], [`link`], [`terminal`]) own state and keep order; [`store`] alone sees
//! SQL, [`attachments`] alone sees files of notes; [`notify`] tells people who are not looking; [`limits`] says how much
//! of the hub anybody may have. [`wire`] is the vocabulary of the protocols, shared by all; [`domain`] holds the rules
//! and does no I/O.
//! [`app`] builds the system and takes it down again. `ARCHITECTURE.md` tells the same story at more length.

pub mod app;
pub mod attachments;
pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod http;
pub mod identity;
pub mod import;
pub mod indexer;
pub mod limits;
pub mod link;
pub mod machine;
pub mod namespace;
pub mod notify;
mod outbound;
pub mod search;
pub mod session;
pub mod socket;
pub mod store;
pub mod telemetry;
pub mod terminal;
pub mod titles;
pub mod tunnel;
pub mod voice;
pub mod wire;
