//! How far people have read. It is told in the session's own recency (`updatedAt`), so that no browser's clock matters:
//! a session is unread while it is more recent than what was seen of it.

use actix::prelude::*;

use super::{Atomic, LiveSession, now_ready};
use crate::domain::{ids::Millis, session::Changes};

/// Somebody has seen the session as of `at`, or as it is now. What was seen stays seen; what is yet to come cannot be.
#[derive(Message)]
#[rtype(result = "Result<Seen, super::SessionError>")]
pub struct MarkSeen {
    pub at: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub at: Millis,
    pub is_unread: bool,
}

impl Handler<MarkSeen> for LiveSession {
    type Result = Atomic<Seen>;

    fn handle(&mut self, MarkSeen { at }: MarkSeen, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        let record = &self.state.record;
        let at = at.unwrap_or(record.updated_at).min(record.updated_at);
        if at <= record.seen_at {
            return now_ready(Ok(Seen { at: record.seen_at, is_unread: record.is_unread() }));
        }
        let changes = Changes { seen_at: Some(at), ..Changes::default() };
        let seen = Seen { at, is_unread: self.after(&changes).record.is_unread() };
        let entry = self.events().seen(seen.at, seen.is_unread);
        let commit = self.commit_plain(changes, vec![entry]);
        AtomicResponse::new(Box::pin(commit.map(move |outcome, _, _| outcome.map(|()| seen))))
    }
}
