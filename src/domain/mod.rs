//! The rules of the protocol, without I/O: given a state and a command they say what changes and what is told.

pub mod ids;
pub mod json;
