//! Why a session refused a command.

use crate::{domain::ids::SessionId, link::RpcError, store, wire::events::DecisionView};

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("session is inactive")]
    Inactive,
    /// The agent asked no such thing, or has closed the question.
    #[error("request not found")]
    NoSuchRequest,
    #[error("somebody else decided first")]
    AlreadyDecided(Box<DecisionView>),
    /// Another session takes the prompts of this one.
    #[error("prompts go to another session")]
    Moved(SessionId),
    /// The conversation is being cut; it takes no prompts until that is done.
    #[error("a fork or rewind is running")]
    Held,
    #[error("a message with this local id and another text exists")]
    LocalIdTaken,
    /// What was asked for does not fit this session; the text is for people.
    #[error("{0}")]
    Unfit(String),
    /// The agent did not apply a setting; the text is for people.
    #[error("{0}")]
    NotApplied(String),
    #[error("cannot delete an active session")]
    StillActive,
    #[error("session is neither active nor marked as running")]
    NotRunning,
    #[error("use the session's folder of attachments")]
    Files(#[from] std::io::Error),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Store(#[from] store::Error),
}
