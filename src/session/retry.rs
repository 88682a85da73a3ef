//! Prompts whose delivery is uncertain, or wanted at once: delivered again on a person's word, or put into the running
//! turn.

use std::time::Duration;

use actix::prelude::*;
use serde_json::{Value, json};

use super::{LiveSession, Outcome, SessionError, cancel::ask_room};
use crate::{
    domain::{
        flavor::Flavor,
        json as raw,
        liveness::PROMPT_ACKNOWLEDGEMENT,
        prompt::{CancelVerdict, DeliveryState},
    },
    link::rpc,
    store::{self, messages::Message as Row},
    wire::updates,
};

/// Delivers an uncertain prompt again.
#[derive(Message)]
#[rtype(result = "Result<RetryOutcome, SessionError>")]
pub struct RetryPrompt(pub String);

#[derive(Debug)]
pub enum RetryOutcome {
    NotFound,
    Invoked(Box<Row>),
    AlreadyQueued { local_id: Option<String> },
    Unavailable { local_id: Option<String> },
    Retried { local_id: Option<String> },
}

fn closed(_: MailboxError) -> SessionError {
    SessionError::Store(store::Error::Closed)
}

impl Handler<RetryPrompt> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<RetryOutcome>>;

    fn handle(&mut self, RetryPrompt(id): RetryPrompt, ctx: &mut Self::Context) -> Self::Result {
        let Some(row) = self.queued(&id).cloned() else {
            return Box::pin(self.find_row(id).into_actor(self).map(|found, _, _| {
                Ok(match found? {
                    Some(row) if row.invoked_at.is_some() => RetryOutcome::Invoked(Box::new(row)),
                    Some(_) | None => RetryOutcome::NotFound,
                })
            }));
        };
        let local_id = row.local_id.clone();
        let room: Vec<_> = self.room_except(None).map(|known| known.link.peer.clone()).collect();
        let ([peer], Some(own_id)) = (room.as_slice(), local_id.clone()) else {
            return Box::pin(actix::fut::ready(Ok(RetryOutcome::Unavailable { local_id })));
        };
        if row.delivery_state == DeliveryState::Queued {
            return Box::pin(actix::fut::ready(Ok(RetryOutcome::AlreadyQueued { local_id })));
        }
        let cancel = updates::cancel(self.id(), &id, Some(&own_id), self.now());
        let retry = updates::retry(self.id(), &row);
        let is_shared = self.state.facts.is_shared;
        let (this, peer) = (ctx.address(), peer.clone());
        let taken = self.find_row(id);
        Box::pin(
            async move {
                let set = async |state| {
                    let moved = this.send(super::SetSteerState { local_ids: vec![own_id.clone()], state });
                    moved.await.map_err(closed)?
                };
                match ask_room(std::slice::from_ref(&peer), &cancel).await {
                    CancelVerdict::Consumed => {
                        let consumed = super::Consumed {
                            local_ids: vec![own_id.clone()],
                            ends_grace: false,
                            is_steered: false,
                        };
                        this.send(consumed).await.map_err(closed)??;
                        return Ok(match taken.await? {
                            Some(row) => RetryOutcome::Invoked(Box::new(row)),
                            None => RetryOutcome::NotFound,
                        });
                    }
                    CancelVerdict::InFlight | CancelVerdict::TimedOut => {
                        return Ok(RetryOutcome::Unavailable { local_id });
                    }
                    CancelVerdict::Removed => {}
                    CancelVerdict::Indeterminate | CancelVerdict::NotFound => {
                        if is_shared {
                            return Ok(RetryOutcome::Unavailable { local_id });
                        }
                    }
                }
                if !set(DeliveryState::Dispatching).await? && row.delivery_state != DeliveryState::Dispatching
                {
                    return Ok(RetryOutcome::Unavailable { local_id });
                }
                let within = Duration::from_millis(u64::try_from(PROMPT_ACKNOWLEDGEMENT).unwrap_or(500));
                let answer = peer.call("update", &retry, within).await.ok();
                let answer = answer.as_deref().and_then(raw::read);
                let is_accepted =
                    answer.is_some_and(|answer| answer.get("accepted") == Some(&Value::Bool(true)));
                if is_accepted {
                    set(DeliveryState::Queued).await?;
                    return Ok(RetryOutcome::Retried { local_id });
                }
                this.send(super::MarkIndeterminate(vec![own_id])).await.map_err(closed)??;
                Ok(RetryOutcome::Unavailable { local_id })
            }
            .into_actor(self),
        )
    }
}

/// Puts a queued prompt into the running turn.
#[derive(Message)]
#[rtype(result = "Result<SteerOutcome, SessionError>")]
pub struct SteerPrompt(pub String);

#[derive(Debug)]
pub enum SteerOutcome {
    Steered { local_id: String },
    Invoked(Box<Row>),
    Failed { error: String, local_id: Option<String> },
}

impl Handler<SteerPrompt> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<SteerOutcome>>;

    fn handle(&mut self, SteerPrompt(id): SteerPrompt, _: &mut Self::Context) -> Self::Result {
        if !self.state.turn.active {
            return Box::pin(actix::fut::ready(Err(SessionError::Inactive)));
        }
        let failed = |error: &str, local_id: Option<String>| -> Self::Result {
            let error = error.to_owned();
            Box::pin(actix::fut::ready(Ok(SteerOutcome::Failed { error, local_id })))
        };
        if !self.can_steer() {
            return failed("Steering is only supported for Pi, Codex, and Cursor ACP sessions", None);
        }
        if self.state.is_driven_by_terminal() {
            return failed("Steering is only available for remote sessions", None);
        }
        let Some(row) = self.queued(&id) else {
            return Box::pin(self.find_row(id).into_actor(self).map(|found, _, _| {
                Ok(match found? {
                    Some(row) if row.invoked_at.is_some() => SteerOutcome::Invoked(Box::new(row)),
                    Some(_) | None => {
                        SteerOutcome::Failed { error: "Message not found".into(), local_id: None }
                    }
                })
            }));
        };
        let Some(local_id) = row.local_id.clone() else { return failed("Message has no localId", None) };
        if row.scheduled_at.is_some() {
            return failed("Scheduled messages cannot be steered", Some(local_id));
        }
        let call = self.call("steer-queued-message", &json!({ "localId": local_id }), rpc::PATIENCE);
        Box::pin(
            async move {
                Ok(match call.await {
                    Err(error) => SteerOutcome::Failed { error: error.to_string(), local_id: Some(local_id) },
                    Ok(answer) => {
                        let answer = raw::read(&answer).unwrap_or_default();
                        if answer.get("steered") == Some(&Value::Bool(true)) {
                            SteerOutcome::Steered { local_id }
                        } else {
                            let error = answer.get("error").and_then(Value::as_str).unwrap_or("Steer failed");
                            SteerOutcome::Failed { error: error.to_owned(), local_id: Some(local_id) }
                        }
                    }
                })
            }
            .into_actor(self),
        )
    }
}

impl LiveSession {
    /// Cursor can do it by its newer protocol only.
    fn can_steer(&self) -> bool {
        let flavor = self.state.facts.flavor();
        let metadata = self.state.facts.metadata.as_ref();
        let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.as_str());
        match flavor {
            Some(Flavor::Cursor) => match text("cursorSessionProtocol") {
                Some(protocol) => protocol == "acp",
                None => text("cursorSessionId").is_none(),
            },
            Some(flavor) => flavor.steers(),
            None => false,
        }
    }
}
