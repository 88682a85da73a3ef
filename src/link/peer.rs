//! The other end of a socket, as actors see it: something that takes events and may answer some.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;

use crate::domain::json::Json;

/// A socket. Emitting never waits: a peer whose buffer is full counts as gone.
pub trait Peer: Send + Sync {
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Gone>;

    /// Emits and waits for the first argument of the answer; `null` when it answers without one.
    fn call(
        &self,
        event: &'static str,
        payload: &RawValue,
        within: Duration,
    ) -> BoxFuture<'static, Result<Json, CallError>>;

    /// The hub has stopped reading from it for the moment.
    fn is_paused(&self) -> bool;

    /// Ends the connection; the client comes back by itself.
    fn disconnect(&self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer is gone")]
pub struct Gone;

/// A question that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("operation has timed out")]
    TimedOut,
    /// It went away while it was asked: nobody knows whether it acted.
    #[error("the connection was lost before an answer came")]
    Lost,
    /// It was gone before it was asked.
    #[error("the peer is gone")]
    Gone,
}

/// Names a socket for as long as it lives. A younger one compares as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(uuid::Uuid);

impl LinkId {
    pub fn next() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

/// A CLI's socket as sessions and machines hold it.
#[derive(Clone)]
pub struct LinkRef {
    pub id: LinkId,
    pub peer: Arc<dyn Peer>,
}
