//! The rules of the protocol, without I/O: given a state and a command they say what changes and what is told.

pub mod agent_state;
pub mod content;
pub mod cursor;
pub mod decision;
pub mod file_search;
pub mod flavor;
pub mod ids;
pub mod json;
pub mod liveness;
pub mod metadata;
pub mod page;
pub mod prompt;
pub mod search;
pub mod session;
mod shape;
pub mod suggestion;
pub mod team;
pub mod text;
pub mod title;
pub mod todos;
pub mod token;
pub mod usage;
pub mod version;
