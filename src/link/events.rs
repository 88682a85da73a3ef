//! Event by event, what a CLI says and who hears it. Unknown events and malformed payloads are passed over; an event
//! that wants an answer gets one all the same.

use actix::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{json, value::RawValue};

use super::{
    Link,
    surely::{set_aside, surely},
};
use crate::{
    domain::{
        ids::{MachineId, SessionId},
        json::{self as raw, Json},
        prompt::DeliveryState,
    },
    machine::{self, LiveMachine},
    namespace::FindError,
    session::{self, LiveSession},
    terminal,
    wire::cli::{self, ErrorEvent, Refusal, Scope, VersionedKey},
};

/// An acknowledgement; `None` inside carries no argument.
pub(super) struct Answer(pub(super) Option<Json>);

pub(super) type Taken = std::pin::Pin<Box<dyn ActorFuture<Link, Output = Option<Answer>>>>;

fn answered(answer: Option<Json>) -> Taken {
    Box::pin(actix::fut::ready(answer.map(|json| Answer(Some(json)))))
}

pub(super) fn nothing() -> Taken {
    answered(None)
}

fn failure() -> Json {
    raw::write(&json!({ "result": "error" }))
}

fn refusal(error: FindError) -> Option<Refusal> {
    match error {
        FindError::NotFound => Some(Refusal::NotFound),
        FindError::Denied => Some(Refusal::AccessDenied),
        FindError::Down => None,
    }
}

/// The refusal of an event that wants an answer.
fn refused(error: FindError) -> Json {
    match refusal(error) {
        Some(reason) => raw::write(&json!({ "result": "error", "reason": reason })),
        None => failure(),
    }
}

/// The event's name, if it has one, and its first argument. `None` for what is no JSON.
fn parts(frame: &[u8]) -> Option<(Option<String>, Option<&RawValue>)> {
    let parts: Vec<&RawValue> = serde_json::from_slice(frame).ok()?;
    let name = parts.first().and_then(|name| serde_json::from_str(name.get()).ok());
    Some((name, parts.get(1).copied()))
}

fn payload<T: DeserializeOwned>(argument: Option<&RawValue>) -> Option<T> {
    let text = argument?.get();
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&raw::repair_surrogates(text))).ok()
}

impl Link {
    /// Takes one event. The future ends when everything it asked for is done.
    pub(super) fn take(&mut self, frame: &[u8], this: Addr<Self>) -> Taken {
        let Some((name, argument)) = parts(frame) else {
            // Whether it wanted an answer cannot be known; its sender must not wait for one.
            tracing::debug!("a CLI sent what is no JSON");
            self.peer.disconnect();
            return nothing();
        };
        let Some(name) = name else { return nothing() };
        let taken = match name.as_str() {
            "message" => payload(argument).map(|message| self.message(message, this)),
            "session-alive" => payload(argument).map(|alive: cli::SessionAlive| {
                let id = alive.sid.as_str().into();
                self.tell_session(id, this, session::Alive(alive))
            }),
            "session-ready" => payload(argument)
                .map(|ready: cli::SessionReady| self.tell_session(ready.sid.into(), this, session::Ready)),
            "session-end" => payload(argument).map(|end: cli::SessionEnd| {
                let told = session::End { time: Some(end.time), reason: end.reason };
                self.tell_session_surely(end.sid.into(), this, told)
            }),
            "messages-consumed" => payload(argument).map(|consumed: cli::Consumed| {
                let told = session::Consumed {
                    local_ids: cli::strings(consumed.local_ids),
                    ends_grace: consumed.clear_queued_thinking_grace == Some(true),
                    is_steered: consumed.steered == Some(true),
                };
                self.tell_session_surely(consumed.sid.into(), this, told)
            }),
            "messages-indeterminate" => payload(argument).map(|lost: cli::Indeterminate| {
                let told = session::MarkIndeterminate(cli::strings(lost.local_ids));
                self.tell_session_surely(lost.sid.into(), this, told)
            }),
            "native-queue-message" => payload(argument).and_then(|queued: cli::NativeQueue| {
                let text = queued.text.filter(|_| !queued.local_id.is_empty())?;
                let told = session::QueuedNatively { local_id: queued.local_id, text };
                Some(self.tell_session_surely(queued.sid.into(), this, told))
            }),
            "messages-steer-state" => return self.steer_state(payload(argument), this),
            "update-metadata" => return self.update_metadata(payload(argument), this),
            "update-state" => return self.update_state(payload(argument), this),
            "machine-alive" => payload(argument).map(|alive: cli::MachineAlive| {
                let id = alive.machine_id.as_str().into();
                self.tell_machine(id, this, machine::Alive(alive))
            }),
            "machine-update-metadata" => return self.machine_metadata(payload(argument), this),
            "machine-update-state" => return self.machine_state(payload(argument), this),
            "machine-agy-models-changed" => payload(argument).map(|changed: cli::MachineOnly| {
                self.tell_machine(changed.machine_id.into(), this, machine::ModelsChanged)
            }),
            "rpc-register" => payload(argument).map(|method| self.register(method, this)),
            "rpc-unregister" => payload(argument).map(|method| self.unregister(method, this)),
            // Everything this socket sent before has been taken and stored.
            "ping" => return Box::pin(actix::fut::ready(Some(Answer(None)))),
            "terminal:ready"
            | "terminal:output"
            | "terminal:exit"
            | "terminal:error"
            | "agent-terminal:output"
            | "agent-terminal:reset" => argument.and_then(|argument| self.terminal(&name, argument, this)),
            _ => {
                tracing::debug!(event = name, "a CLI sent an event of no known name");
                return nothing();
            }
        };
        taken.unwrap_or_else(|| {
            tracing::debug!(event = name, "a CLI sent an event of the wrong shape");
            nothing()
        })
    }

    /// Sends a command to a session and waits until it is done. A refusal is told by an `error` event.
    fn tell_session<M>(&mut self, id: SessionId, this: Addr<Self>, command: M) -> Taken
    where
        M: Message<Result = Result<(), session::SessionError>> + Send + 'static,
        LiveSession: Handler<M>,
    {
        self.with_session(id, this, |address| async move { address.send(command).await.ok() })
    }

    /// The same for what has no acknowledgement and must not be lost: as long as the store cannot take it, it is tried
    /// again, and the socket's later events wait.
    fn tell_session_surely<M>(&mut self, id: SessionId, this: Addr<Self>, command: M) -> Taken
    where
        M: Message<Result = Result<(), session::SessionError>> + Clone + Send + 'static,
        LiveSession: Handler<M>,
    {
        self.with_session(id, this, |address| async move { surely(&address, command).await.ok() })
    }

    fn with_session<F>(
        &mut self,
        id: SessionId,
        this: Addr<Self>,
        tell: impl FnOnce(Addr<LiveSession>) -> F + 'static,
    ) -> Taken
    where
        F: Future<Output = Option<Result<(), session::SessionError>>> + 'static,
    {
        let found = self.session(id.clone(), this);
        Box::pin(found.then(move |found, link, _| {
            let done = match found {
                Ok(address) => Some(tell(address)),
                Err(error) => {
                    link.tell_refusal(error, Scope::Session, id.as_str());
                    None
                }
            };
            async move {
                match done {
                    Some(done) => done.await,
                    None => None,
                }
            }
            .into_actor(link)
            .map(|outcome, _, _| {
                if let Some(Err(error)) = outcome {
                    tracing::warn!(%error, "an event of a CLI had no effect");
                }
                None
            })
        }))
    }

    pub(super) fn tell_machine<M>(&mut self, id: MachineId, this: Addr<Self>, command: M) -> Taken
    where
        M: Message<Result = ()> + Send + 'static,
        LiveMachine: Handler<M>,
    {
        let found = self.machine(id.clone(), this);
        Box::pin(found.then(move |found, link, _| {
            let done = match found {
                Ok(address) => Some(address.send(command)),
                Err(error) => {
                    link.tell_refusal(error, Scope::Machine, id.as_str());
                    None
                }
            };
            async move {
                if let Some(done) = done {
                    let _ = done.await;
                }
                None
            }
            .into_actor(link)
        }))
    }

    fn tell_refusal(&self, error: FindError, scope: Scope, id: &str) {
        if let Some(code) = refusal(error) {
            let _ = self.peer.emit("error", &raw::write(&ErrorEvent::new(code, scope, id)));
        }
    }

    /// A message is never dropped: when its session cannot be brought up, or dies of it, it is set aside.
    fn message(&mut self, message: cli::Message, this: Addr<Self>) -> Taken {
        let id = SessionId::from(message.sid.as_str());
        let kept = message.clone();
        let from = self.id;
        let found = self.session(id.clone(), this);
        Box::pin(found.then(move |found, link, _| {
            let (sent, is_down) = match found {
                Ok(address) => (Some((address, session::AppendMessage { from, message })), false),
                Err(error) => {
                    link.tell_refusal(error, Scope::Session, id.as_str());
                    (None, error == FindError::Down)
                }
            };
            let env = link.env.clone();
            async move {
                let is_lost = match sent {
                    Some((address, append)) => match surely(&address, append).await {
                        Ok(Ok(())) => false,
                        Ok(Err(error)) => {
                            tracing::error!(%error, session = %id, "a message could not be stored");
                            true
                        }
                        Err(_) => true,
                    },
                    None => is_down,
                };
                if is_lost {
                    set_aside(&env, id, kept).await;
                }
                None
            }
            .into_actor(link)
        }))
    }

    fn update_metadata(&mut self, update: Option<cli::UpdateMetadata>, this: Addr<Self>) -> Taken {
        let Some(update) = update else { return answered(Some(failure())) };
        let command = session::UpdateMetadata {
            from: self.id,
            expected_version: update.expected_version,
            metadata: update.metadata,
        };
        let found = self.session(update.sid.into(), this);
        self.ask(found, command, |outcome| match outcome {
            Some(Ok(outcome)) => outcome.ack(VersionedKey::Metadata),
            Some(Err(_)) | None => failure(),
        })
    }

    fn update_state(&mut self, update: Option<cli::UpdateState>, this: Addr<Self>) -> Taken {
        let Some(update) = update else { return answered(Some(failure())) };
        let command = session::UpdateAgentState {
            from: self.id,
            expected_version: update.expected_version,
            agent_state: update.agent_state,
        };
        let found = self.session(update.sid.into(), this);
        self.ask(found, command, |outcome| match outcome {
            Some(Ok(outcome)) => outcome.ack(VersionedKey::AgentState),
            Some(Err(_)) | None => failure(),
        })
    }

    fn machine_metadata(&mut self, update: Option<cli::MachineMetadata>, this: Addr<Self>) -> Taken {
        let Some(update) = update else { return answered(Some(failure())) };
        let command = machine::UpdateMetadata {
            from: self.id,
            expected_version: update.expected_version,
            metadata: update.metadata,
        };
        let found = self.machine(update.machine_id.into(), this);
        self.ask(found, command, |outcome| match outcome {
            Some(Ok(outcome)) => outcome.ack(VersionedKey::Metadata),
            Some(Err(_)) | None => failure(),
        })
    }

    fn machine_state(&mut self, update: Option<cli::MachineState>, this: Addr<Self>) -> Taken {
        let Some(update) = update else { return answered(Some(failure())) };
        let command = machine::UpdateRunnerState {
            from: self.id,
            expected_version: update.expected_version,
            runner_state: update.runner_state,
        };
        let found = self.machine(update.machine_id.into(), this);
        self.ask(found, command, |outcome| match outcome {
            Some(Ok(outcome)) => outcome.ack(VersionedKey::RunnerState),
            Some(Err(_)) | None => failure(),
        })
    }

    fn steer_state(&mut self, steer: Option<cli::SteerState>, this: Addr<Self>) -> Taken {
        let not_ok = || raw::write(&json!({ "ok": false }));
        let state = steer.as_ref().and_then(|steer| match steer.state.as_str() {
            "queued" => Some(DeliveryState::Queued),
            "dispatching" => Some(DeliveryState::Dispatching),
            _ => None,
        });
        let (Some(steer), Some(state)) = (steer, state) else { return answered(Some(not_ok())) };
        let local_ids = cli::strings(steer.local_ids);
        if local_ids.is_empty() {
            return answered(Some(not_ok()));
        }
        let id = SessionId::from(steer.sid);
        let found = self.session(id.clone(), this);
        Box::pin(found.then(move |found, link, _| {
            let asked = found
                .map(|address| address.send(session::SetSteerState { local_ids, state }))
                .inspect_err(|error| link.tell_refusal(*error, Scope::Session, id.as_str()));
            async move {
                let ok = match asked {
                    Ok(asked) => matches!(asked.await, Ok(Ok(true))),
                    Err(_) => false,
                };
                Some(Answer(Some(raw::write(&json!({ "ok": ok })))))
            }
            .into_actor(link)
        }))
    }

    /// Asks an actor and answers with what `render` makes of the outcome; `None` when the actor died of it.
    fn ask<A, M>(&self, found: super::Finding<A>, command: M, render: fn(Option<M::Result>) -> Json) -> Taken
    where
        A: Actor<Context = Context<A>> + Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        Box::pin(found.then(move |found, link, _| {
            let asked = found.map(|address| address.send(command));
            async move {
                let answer = match asked {
                    Ok(asked) => render(asked.await.ok()),
                    Err(error) => refused(error),
                };
                Some(Answer(Some(answer)))
            }
            .into_actor(link)
        }))
    }

    /// `None` when it is not of the shape its name asks for.
    fn terminal(&mut self, name: &str, argument: &RawValue, this: Addr<Self>) -> Option<Taken> {
        let event = terminal::CliEvent::read(name, argument.get())?;
        let id = event.session.clone();
        let found = self.session(id.clone(), this);
        Some(Box::pin(found.then(move |found, link, _| {
            let is_own = link.session.as_ref() == Some(&id);
            let told = match found {
                Ok(_) if event.is_about_screen() && !is_own => None,
                Ok(_) => Some(link.home.switchboard.send(terminal::FromCli { link: link.id, event })),
                Err(error) => {
                    link.tell_refusal(error, Scope::Session, id.as_str());
                    None
                }
            };
            async move {
                if let Some(told) = told {
                    let _ = told.await;
                }
                None
            }
            .into_actor(link)
        })))
    }
}
