//! Bringing a session back: a runner starts the agent again in the same place, with the same conversation. Some agents
//! come back under a new id; then the old history moves to it. The step is recorded before the runner is asked, so
//! that a restart in the middle finishes it or takes it back.

use actix::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Absorb, LiveSession, MarkActive, Reopen, RestoreArchive, SessionError, Surrender,
    history::closed,
    life::{Life, gone},
    lifecycle::archive_marks,
    until::{is_active, until},
};
use crate::{
    domain::{
        clear,
        content::{self, NativeId},
        flavor::Flavor,
        ids::{MachineId, SessionId},
        intent::Kind,
        json as raw,
        session::Session,
        spawn::{self, Start},
    },
    link::rpc,
    machine::{self, Spawn},
    namespace::{Apart, FindError, KeepApart, ListMachines},
    store,
};

/// How many of the newest messages are searched for the agent's own id of the conversation.
const NATIVE_ID_LOOK_BACK: i64 = 200;

#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    #[error("No machine online")]
    NoMachineOnline,
    #[error("{0}")]
    Unavailable(String),
    /// The agent cannot come back without these keys of the metadata.
    #[error("metadata lacks what the agent needs")]
    Missing(&'static [&'static str]),
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Find(#[from] FindError),
}

/// The session that now carries the conversation.
#[derive(Debug)]
pub struct Resumed {
    pub id: SessionId,
    pub was_active: bool,
    /// How Cursor's agent is spoken to from now on, when a reopen settled that.
    pub cursor_protocol: Option<String>,
}

/// What a restart needs to finish the step or to take it back.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumePlan {
    /// The marks of an archived session that were taken off.
    marks: Option<Map<String, Value>>,
}

/// Resumes a session that has ended. A session that is active stays as it is.
pub async fn resume(life: &Life, id: SessionId, mode: Option<String>) -> Result<Resumed, ResumeError> {
    bring_back(life, id, mode, false).await
}

/// Resumes an archived session; when that fails it is archived again, as it was.
pub async fn reopen(life: &Life, id: SessionId) -> Result<Resumed, ResumeError> {
    bring_back(life, id, None, true).await
}

async fn bring_back(
    life: &Life,
    id: SessionId,
    mode: Option<String>,
    takes_marks_off: bool,
) -> Result<Resumed, ResumeError> {
    let session = life.session(&id).await?;
    if session.send(super::GetGlance).await.map_err(gone)?.is_active {
        return Ok(Resumed { id, was_active: true, cursor_protocol: None });
    }
    // Until the step is over the old session and what comes of it are not taken for duplicates of one another.
    let done = match life.tenant.send(KeepApart(id.clone())).await.map_err(gone)? {
        Apart::Yours(done) => done,
        Apart::Others(mut outcome) => {
            // Somebody else is bringing it back: what comes of that is the answer here too.
            let id = outcome.wait_for(Option::is_some).await.ok().and_then(|id| id.clone());
            let id = id.ok_or_else(|| ResumeError::Failed("Session failed to become active".into()))?;
            return Ok(Resumed { id, was_active: false, cursor_protocol: None });
        }
    };
    let state = session.send(super::GetState).await.map_err(gone)?;
    let state = release(life, &id, state).await?;
    let marks = takes_marks_off.then(|| archive_marks(&state)).flatten();
    if let Some(missing) = state.missing_for_reopen().filter(|_| takes_marks_off) {
        return Err(ResumeError::Missing(missing));
    }
    let step = life.open(&id, Kind::Resume, &ResumePlan { marks: marks.clone() }).await?;
    let mut cursor_protocol = None;
    let outcome = async {
        if marks.is_some() {
            cursor_protocol = closed(session.send(Reopen).await)?;
        }
        spawn_and_join(life, &session, &id, mode, step).await
    };
    let outcome = outcome.await;
    match outcome {
        Ok(new_id) => {
            life.close(step, None).await;
            let _ = done.send(Some(new_id.clone()));
            Ok(Resumed { id: new_id, was_active: false, cursor_protocol })
        }
        Err(error) => {
            restore(&session, marks).await;
            life.close(step, Some(error.to_string())).await;
            Err(error)
        }
    }
}

/// A session that was to be cleared and never was comes free when its process is gone for certain. One that is
/// replaced stays what it is.
async fn release(life: &Life, id: &SessionId, state: Box<Session>) -> Result<Box<Session>, ResumeError> {
    let Some(replacement) = clear::prompts_go_to(&state) else { return Ok(state) };
    let replaced = || ResumeError::Unavailable("This OpenCode session was replaced by /clear".into());
    let is_reserved = clear::Operation::of(&state).is_some_and(|operation| {
        matches!(operation.state, clear::State::Reserved | clear::State::AbortNeeded)
    });
    let machine = state.facts.machine_id.as_deref().map(MachineId::from);
    let (true, Some(machine)) = (is_reserved, machine) else { return Err(replaced()) };
    let params = json!({ "sessionId": id });
    let call = machine::Call { method: "stop-session", params, within: rpc::PATIENCE };
    let answer = life.machine(&machine).await?.send(call).await.map_err(gone)?;
    let answer = answer.map_err(|error| ResumeError::Failed(error.to_string()))?;
    let answer = raw::read(&answer).unwrap_or_default();
    if !matches!(answer.get("status").and_then(Value::as_str), Some("stopped" | "already_gone")) {
        return Err(replaced());
    }
    let aborted = super::clear::abort(life, id, &replacement).await;
    aborted.map_err(|error| ResumeError::Failed(error.to_string()))?;
    Ok(life.session(id).await?.send(super::GetState).await.map_err(gone)?)
}

async fn restore(session: &Addr<LiveSession>, marks: Option<Map<String, Value>>) {
    if let Some(marks) = marks
        && let Ok(Err(error)) = session.send(RestoreArchive(marks)).await
    {
        tracing::warn!(%error, "could not archive a session again that failed to reopen");
    }
}

async fn spawn_and_join(
    life: &Life,
    session: &Addr<LiveSession>,
    id: &SessionId,
    mode: Option<String>,
    step: i64,
) -> Result<SessionId, ResumeError> {
    let plan = session.send(PlanResume { mode }).await.map_err(gone)??;
    let machine = life.machine(&machine_for(life, &plan).await?).await?;
    if let Some(probe) = &plan.chat_store {
        look_for_chat_store(&machine, probe).await?;
    }
    let spawned = machine.send(Spawn { params: plan.params }).await.map_err(gone)?;
    let new_id = spawned.map_err(|failure| ResumeError::Failed(failure.message))?;
    life.set_other(step, &new_id).await?;
    let needs_ready = plan.needs_ready || (plan.needs_ready_elsewhere && new_id != *id);
    join(life, session, id, &new_id, needs_ready).await
}

/// Waits for the process, and moves the history to it when it came up under another id.
async fn join(
    life: &Life,
    session: &Addr<LiveSession>,
    id: &SessionId,
    new_id: &SessionId,
    needs_ready: bool,
) -> Result<SessionId, ResumeError> {
    let resumed = life.session(new_id).await?;
    let patience = life.env.settings.patience;
    if !until(&resumed, patience.active, is_active).await {
        return Err(ResumeError::Failed("Session failed to become active".into()));
    }
    let settled = |state: &Session| state.is_ready || !state.turn.active;
    if needs_ready {
        let is_settled = until(&resumed, patience.ready, settled).await;
        if !is_settled || !resumed.send(super::GetState).await.map_err(gone)?.turn.active {
            return Err(ResumeError::Failed("The agent did not load the conversation".into()));
        }
    }
    if new_id != id {
        let source = closed(session.send(Surrender).await)?;
        closed(resumed.send(Absorb(source)).await)?;
    }
    closed(resumed.send(MarkActive).await)?;
    Ok(new_id.clone())
}

/// After a restart: what the runner had started may come up by itself; else everything is put back.
pub async fn settle(life: &Life, id: &SessionId, other: Option<SessionId>, plan: ResumePlan, step: i64) {
    let outcome = async {
        let session = life.session(id).await?;
        // Whoever asks for it meanwhile gets what comes of this.
        let apart = life.tenant.send(KeepApart(id.clone())).await.map_err(gone)?;
        let Apart::Yours(done) = apart else { return Ok(None) };
        let new_id = other.unwrap_or_else(|| id.clone());
        match join(life, &session, id, &new_id, false).await {
            Ok(_) => {
                let _ = done.send(Some(new_id));
                Ok(None)
            }
            Err(error) => {
                restore(&session, plan.marks).await;
                Ok::<_, FindError>(Some(error.to_string()))
            }
        }
    };
    match outcome.await {
        Ok(failure) => life.close(step, failure).await,
        // It went into its successor, or was deleted, before the record of the step could be closed.
        Err(FindError::NotFound | FindError::Denied) => life.close(step, None).await,
        Err(FindError::Down) => {}
    }
}

/// The machine the session ran on, else another one with the same host name where the agent's state may be found.
async fn machine_for(life: &Life, plan: &Plan) -> Result<MachineId, ResumeError> {
    let online = life.tenant.send(ListMachines).await.map_err(gone)?;
    let own = plan.machine.as_deref();
    if let Some((id, _)) = online.iter().find(|(id, _)| Some(id.as_str()) == own) {
        return Ok(id.clone());
    }
    let same_host = |host: &Option<String>| plan.host.is_some() && *host == plan.host;
    online
        .into_iter()
        .find(|(_, row)| !plan.is_bound_to_machine && same_host(&row.host))
        .map(|(id, _)| id)
        .ok_or(ResumeError::NoMachineOnline)
}

/// Cursor keeps conversations on the machine: a definite "not there" ends the attempt, anything else does not.
async fn look_for_chat_store(machine: &Addr<machine::LiveMachine>, probe: &Value) -> Result<(), ResumeError> {
    let call =
        machine::Call { method: "cursor-chat-store-status", params: probe.clone(), within: rpc::PATIENCE };
    let answer = machine.send(call).await.map_err(gone)?;
    let answer = answer.ok().as_deref().and_then(raw::read).unwrap_or_default();
    if answer.get("onDisk") == Some(&Value::Bool(false)) {
        return Err(ResumeError::Unavailable("The conversation is no longer on its machine".into()));
    }
    Ok(())
}

/// How a session would be brought back.
#[derive(Message)]
#[rtype(result = "Result<Plan, ResumeError>")]
struct PlanResume {
    mode: Option<String>,
}

struct Plan {
    params: Value,
    machine: Option<String>,
    host: Option<String>,
    /// The agent keeps the conversation where only this very machine finds it.
    is_bound_to_machine: bool,
    /// What to ask the machine about the conversation first.
    chat_store: Option<Value>,
    /// Being active is not enough: the agent says when it has loaded the conversation.
    needs_ready: bool,
    /// The same, when it comes up under another id.
    needs_ready_elsewhere: bool,
}

impl Handler<PlanResume> for LiveSession {
    type Result = ResponseActFuture<Self, Result<Plan, ResumeError>>;

    fn handle(&mut self, PlanResume { mode }: PlanResume, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        if self.state.facts.path.is_none() {
            let error = ResumeError::Unavailable("Session metadata missing path".into());
            return Box::pin(actix::fut::ready(Err(error)));
        }
        let look = self.look_for_native_id();
        Box::pin(look.into_actor(self).map(move |found, this, _| {
            let (native_id, is_empty) = found.map_err(SessionError::Store)?;
            if native_id.is_none() && !is_empty {
                return Err(ResumeError::Unavailable(
                    "Resume session ID unavailable. Start a new session in this directory, or retry after the agent \
                     has initialized."
                        .into(),
                ));
            }
            Ok(this.plan(native_id, mode))
        }))
    }
}

impl LiveSession {
    /// The agent's own id of the conversation, from the metadata or out of the newest messages, and whether there are
    /// no messages at all.
    pub(super) fn look_for_native_id(
        &self,
    ) -> impl Future<Output = store::Result<(Option<String>, bool)>> + use<> {
        let known = self.native_id();
        let flavor = self.state.facts.flavor();
        let key = self.state.record.key;
        let store = self.env.store.clone();
        async move {
            if known.is_some() {
                return Ok((known, false));
            }
            let newest = store
                .read(move |conn| {
                    if matches!(flavor, Some(Flavor::Claude | Flavor::Codex) | None) {
                        store::messages::newest(conn, key, NATIVE_ID_LOOK_BACK)
                    } else {
                        store::messages::newest(conn, key, 1)
                    }
                })
                .await?;
            let mut seen = newest.iter().filter_map(|row| raw::read(&row.content));
            let found = match flavor {
                Some(Flavor::Claude) | None => seen.find_map(|message| content::claude_native_id(&message)),
                Some(Flavor::Codex) => seen
                    .map(|message| content::codex_native_id(&message))
                    .find(|id| !matches!(id, NativeId::None))
                    .and_then(|id| match id {
                        NativeId::Found(id) => Some(id),
                        NativeId::Stop | NativeId::None => None,
                    }),
                Some(_) => None,
            };
            Ok((found, newest.is_empty()))
        }
    }

    fn plan(&self, native_id: Option<String>, mode: Option<String>) -> Plan {
        let facts = &self.state.facts;
        let flavor = facts.flavor().unwrap_or(Flavor::Claude);
        let preferred = facts.preferred_permission_mode.clone();
        let mode = match (mode.as_deref(), preferred.as_deref()) {
            (Some("default"), Some("yolo")) => preferred,
            _ => mode,
        };
        let is_pty = facts.starting_mode.as_deref() == Some("pty");
        let is_pi = flavor == Flavor::Pi && native_id.is_some();
        let start =
            Start { native_id: native_id.as_deref(), permission_mode: mode.as_deref(), ..Start::default() };
        let chat_store = native_id.as_deref().filter(|_| flavor == Flavor::Cursor).map(|chat| {
            let home = facts.metadata.as_ref().and_then(|metadata| metadata.get("homeDir"));
            let mut probe = json!({ "workspacePath": facts.path, "cursorSessionId": chat });
            if let (Some(home), Some(fields)) = (home, probe.as_object_mut()) {
                fields.insert("homeDir".into(), home.clone());
            }
            probe
        });
        Plan {
            params: spawn::params(&self.state, self.id(), start),
            machine: facts.machine_id.clone(),
            host: facts.host.clone(),
            is_bound_to_machine: flavor == Flavor::Cursor || is_pi,
            chat_store,
            needs_ready: is_pty || is_pi,
            needs_ready_elsewhere: flavor == Flavor::Cursor && self.state.is_cursor_acp(),
        }
    }
}
