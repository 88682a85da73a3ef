//! The vocabulary of the protocols, field for field. No rules live here.

pub mod cli;
pub mod events;
pub mod export;
pub mod message;
pub mod rest;
pub mod schema;
pub mod search;
pub mod updates;
pub mod usage;
pub mod voice;
