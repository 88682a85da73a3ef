//! What the edge asks of a session without changing it.

use actix::prelude::*;
use bytes::Bytes;

use super::{Atomic, LiveSession, Outcome, SessionError};
use crate::domain::session::{Changes, FullView, Session};

/// The whole session, encoded.
#[derive(Message)]
#[rtype(result = "Bytes")]
pub struct GetFull;

impl Handler<GetFull> for LiveSession {
    type Result = MessageResult<GetFull>;

    fn handle(&mut self, _: GetFull, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        MessageResult(serde_json::to_vec(&FullView::of(&self.state)).unwrap_or_default().into())
    }
}

/// Tells browsers the whole session and answers it.
#[derive(Message)]
#[rtype(result = "Result<Bytes, SessionError>")]
pub struct Announce;

impl Handler<Announce> for LiveSession {
    type Result = Atomic<Bytes>;

    fn handle(&mut self, _: Announce, _: &mut Self::Context) -> Self::Result {
        let entry = self.events().updated(&self.state);
        AtomicResponse::new(Box::pin(self.commit_plain(Changes::default(), vec![entry]).map(
            |outcome, this: &mut Self, _| {
                outcome?;
                Ok(serde_json::to_vec(&FullView::of(&this.state)).unwrap_or_default().into())
            },
        )))
    }
}

/// As much of a session as the edge needs to answer for it.
#[derive(Clone, Debug)]
pub struct Glance {
    pub is_active: bool,
    pub path: Option<String>,
    pub flavor: Option<String>,
    pub is_shared: bool,
    pub is_archived: bool,
    /// Its conversation is being cut.
    pub is_held: bool,
    pub slash_commands: Vec<String>,
}

#[derive(Message)]
#[rtype(result = "Glance")]
pub struct GetGlance;

impl Handler<GetGlance> for LiveSession {
    type Result = MessageResult<GetGlance>;

    fn handle(&mut self, _: GetGlance, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        let facts = &self.state.facts;
        let commands = facts.metadata.as_ref().and_then(|metadata| metadata.get("slashCommands")?.as_array());
        MessageResult(Glance {
            is_active: self.state.turn.active,
            path: facts.path.clone(),
            flavor: facts.flavor_name.clone(),
            is_shared: facts.is_shared,
            is_archived: facts.is_archived() && !self.state.turn.active,
            is_held: self.is_held(),
            slash_commands: commands
                .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
                .unwrap_or_default(),
        })
    }
}

/// The session as it stands, for steps that go on elsewhere.
#[derive(Message)]
#[rtype(result = "Box<Session>")]
pub struct GetState;

impl Handler<GetState> for LiveSession {
    type Result = MessageResult<GetState>;

    fn handle(&mut self, _: GetState, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        MessageResult(Box::new(self.state.clone()))
    }
}

/// The session's key in the store and its message epoch, for reads of its messages.
#[derive(Message)]
#[rtype(result = "Result<(i64, i64), SessionError>")]
pub struct GetKey;

impl Handler<GetKey> for LiveSession {
    type Result = Outcome<(i64, i64)>;

    fn handle(&mut self, _: GetKey, _: &mut Self::Context) -> Outcome<(i64, i64)> {
        self.last_used = self.now();
        Ok::<_, SessionError>((self.state.record.key, self.state.record.message_epoch))
    }
}
