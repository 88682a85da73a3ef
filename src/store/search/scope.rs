//! Filters as words: a document of the index carries a word for its namespace, its session and each tool it calls, so
//! that one lookup answers both what is looked for and where.

use sha2::{Digest, Sha256};

use crate::domain::ids::Namespace;

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub fn namespace_token(namespace: &Namespace) -> String {
    format!("n{}", digest(namespace.as_str()))
}

pub fn session_token(key: i64) -> String {
    format!("s{key}")
}

/// Tools are known by their name, however it is capitalised.
pub fn tool_token(name: &str) -> String {
    format!("t{}", digest(&name.to_lowercase()))
}
