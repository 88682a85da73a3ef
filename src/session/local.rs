//! Taking a conversation to a terminal: what a CLI needs to know to go on with it, and making its present process let
//! go.

use std::time::Duration;

use actix::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::{LiveSession, SessionError, until::is_inactive};
use crate::{
    domain::{
        content,
        flavor::Flavor,
        json as raw,
        session::{Changes, Session},
        text,
    },
    link::{RpcError, rpc},
    store::{self, messages::Message},
};

/// A conversation that a terminal can go on with.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumeTarget {
    pub session_id: String,
    flavor: &'static str,
    directory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    pub active: bool,
    thinking: bool,
    controlled_by_user: bool,
    agent_session_id: String,
    model: Option<String>,
    effort: Option<String>,
    model_reasoning_effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collaboration_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copilot_agent_mode: Option<String>,
}

impl ResumeTarget {
    /// `None` when the session has no folder.
    pub fn of(session: &Session, agent_session_id: String) -> Option<Self> {
        let settings = &session.record.settings;
        Some(Self {
            session_id: session.id().to_string(),
            flavor: session.facts.flavor().unwrap_or(Flavor::Claude).as_str(),
            directory: session.facts.path.clone()?,
            machine_id: session.facts.machine_id.clone(),
            host: session.facts.host.clone(),
            active: session.turn.active,
            thinking: session.turn.thinking,
            controlled_by_user: session.facts.is_controlled_by_user,
            agent_session_id,
            model: settings.model.clone(),
            effort: settings.effort.clone(),
            model_reasoning_effort: settings.model_reasoning_effort.clone(),
            permission_mode: session.permission_mode().map(str::to_owned),
            collaboration_mode: settings.collaboration_mode.clone(),
            copilot_agent_mode: session.agent_mode().map(str::to_owned),
        })
    }
}

/// Why a session cannot be taken to a terminal.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("Session metadata missing path")]
    NoFolder,
    #[error(
        "Resume session ID unavailable. Start a new session in this directory, or retry after the agent has \
         initialized."
    )]
    NoNativeId,
    #[error("Shared sessions attach without handoff")]
    Shared,
    #[error("Session is already controlled by a local terminal")]
    AlreadyLocal,
    #[error("{0}")]
    Relay(RpcError),
    #[error("Timed out waiting for remote session to hand off")]
    NotLetGo,
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// What a terminal needs to know.
#[derive(Message)]
#[rtype(result = "Result<ResumeTarget, LocalError>")]
pub struct GetResumeTarget;

impl Handler<GetResumeTarget> for LiveSession {
    type Result = ResponseActFuture<Self, Result<ResumeTarget, LocalError>>;

    fn handle(&mut self, _: GetResumeTarget, ctx: &mut Self::Context) -> Self::Result {
        if self.state.facts.path.is_none() {
            return Box::pin(actix::fut::ready(Err(LocalError::NoFolder)));
        }
        let look = self.look_for_native_id();
        let remember = ctx.address();
        Box::pin(
            async move {
                let (found, _) = look.await.map_err(SessionError::Store)?;
                let found = found.ok_or(LocalError::NoNativeId)?;
                let kept = remember.send(RememberNativeId(found.clone())).await;
                kept.map_err(|_| SessionError::Store(store::Error::Closed))??;
                Ok(found)
            }
            .into_actor(self)
            .map(|found: Result<String, LocalError>, this, _| {
                ResumeTarget::of(&this.state, found?).ok_or(LocalError::NoFolder)
            }),
        )
    }
}

/// Keeps the agent's own id of the conversation, once it was found in the messages.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub(super) struct RememberNativeId(pub String);

impl Handler<RememberNativeId> for LiveSession {
    type Result = super::Atomic<()>;

    fn handle(&mut self, RememberNativeId(id): RememberNativeId, _: &mut Self::Context) -> Self::Result {
        let key = self.state.facts.flavor().unwrap_or(Flavor::Claude).native_id_key();
        let edited = self.edited_metadata(|metadata| match key {
            Some(key) if metadata.get(key).is_none_or(serde_json::Value::is_null) => {
                metadata.insert(key.to_owned(), id.into());
                true
            }
            _ => false,
        });
        match edited {
            Some(metadata) => AtomicResponse::new(self.write_metadata(metadata)),
            None => AtomicResponse::new(self.commit_plain(Changes::default(), Vec::new())),
        }
    }
}

/// The first thing a person said, for a list to pick from.
pub fn first_words(oldest: &[Message]) -> Option<String> {
    let said =
        oldest.iter().filter_map(|row| raw::read(&row.content)).find_map(|row| content::human_text(&row))?;
    let words: Vec<&str> = said.split(text::is_space).filter(|word| !word.is_empty()).collect();
    Some(words.join(" ")).filter(|words| !words.is_empty())
}

/// Makes the present process let go of the conversation, so that a terminal can take it.
#[derive(Message)]
#[rtype(result = "Result<(), LocalError>")]
pub struct HandOff;

impl Handler<HandOff> for LiveSession {
    type Result = ResponseFuture<Result<(), LocalError>>;

    fn handle(&mut self, _: HandOff, _: &mut Self::Context) -> Self::Result {
        let refused = if self.state.facts.is_shared {
            Some(Err(LocalError::Shared))
        } else if !self.state.turn.active {
            Some(Ok(()))
        } else if self.state.facts.is_controlled_by_user {
            Some(Err(LocalError::AlreadyLocal))
        } else {
            None
        };
        if let Some(refused) = refused {
            return Box::pin(std::future::ready(refused));
        }
        let call = self.call("handoff-local", &json!({}), rpc::PATIENCE);
        let gone = self.when(Box::new(is_inactive));
        let patience = self.env.settings.patience.inactive;
        Box::pin(async move {
            call.await.map_err(LocalError::Relay)?;
            let patience = Duration::from_millis(u64::try_from(patience).unwrap_or(15_000));
            match tokio::time::timeout(patience, gone).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(LocalError::NotLetGo),
            }
        })
    }
}
