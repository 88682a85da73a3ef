//! Full-text search. SQLite only: everything below is in the words of its FTS5.
//!
//! The index is contentless, with `contentless_delete`. The texts lie in `messages` already (packed, and around them
//! what agents wrap them in), so keeping them once more would double the database; and an index that reads its texts
//! back from there would have to unpack JSON inside SQLite at each delete. A contentless index has no excerpts of its
//! own: the few messages that are shown are read and marked by `domain::search`, with the same rule of what a word is.
//!
//! Messages are indexed behind the writer's back, in batches by their key; what deletes or moves them is caught by
//! triggers, so nothing that is gone is ever found.

mod ask;
mod index;
mod scope;

pub use ask::{Filter, MessageHit, SessionHit, best, message, newest, newest_key, sessions};
pub use index::{Batch, keep, next_messages, next_titles};

#[cfg(test)]
mod tests;
