//! The rules of the protocol, without I/O: given a state and a command they say what changes and what is told.

pub mod agent_state;
pub mod clear;
pub mod content;
pub mod cursor;
pub mod decision;
pub mod duplicates;
pub mod file_search;
pub mod flavor;
pub mod history;
pub mod ids;
pub mod intent;
pub mod json;
pub mod liveness;
pub mod metadata;
pub mod page;
pub mod prompt;
pub mod prompt_state;
pub mod session;
mod shape;
pub mod shared;
pub mod spawn;
pub mod team;
pub mod text;
pub mod title;
pub mod todos;
pub mod token;
pub mod version;
