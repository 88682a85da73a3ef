//! Bringing a session back: a runner starts the agent again in the same place, with the same conversation. Some agents
//! come back under a new id; then the old history moves to it.

use std::time::Duration;

use actix::prelude::*;
use serde_json::{Map, Value, json};

use super::{Absorb, LiveSession, MarkActive, Reopen, RestoreArchive, SessionError, Surrender, WaitActive};
use crate::{
    domain::{
        content::{self, NativeId},
        flavor::Flavor,
        ids::{MachineId, SessionId},
        json as raw,
        liveness::WAIT_ACTIVE,
    },
    machine::Spawn,
    namespace::{FindError, FindMachine, FindSession, ListMachines, Tenant},
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
}

fn gone(_: MailboxError) -> ResumeError {
    ResumeError::Find(FindError::Down)
}

/// Resumes a session that has ended. A session that is active stays as it is.
pub async fn resume(
    tenant: Addr<Tenant>,
    id: SessionId,
    mode: Option<String>,
) -> Result<Resumed, ResumeError> {
    let session = find(&tenant, &id).await?;
    let plan = match session.send(PlanResume { mode }).await.map_err(gone)?? {
        Some(plan) => plan,
        None => return Ok(Resumed { id, was_active: true }),
    };
    let machine = machine_for(&tenant, &plan).await?;
    let found = tenant.send(FindMachine { id: machine, link: None }).await.map_err(gone)??;
    let spawned = found.address.send(Spawn { params: plan.params }).await.map_err(gone)?;
    let new_id = spawned.map_err(|failure| ResumeError::Failed(failure.message))?;
    let resumed = find(&tenant, &new_id).await?;
    let wait = Duration::from_millis(u64::try_from(WAIT_ACTIVE).unwrap_or(15_000));
    if tokio::time::timeout(wait, resumed.send(WaitActive)).await.is_err() {
        return Err(ResumeError::Failed("Session failed to become active".into()));
    }
    if new_id != id {
        let source = session.send(Surrender).await.map_err(gone)?;
        resumed.send(Absorb(source)).await.map_err(gone)??;
    }
    resumed.send(MarkActive).await.map_err(gone)??;
    Ok(Resumed { id: new_id, was_active: false })
}

/// Resumes an archived session; when that fails it is archived again, as it was.
pub async fn reopen(tenant: Addr<Tenant>, id: SessionId) -> Result<Resumed, ResumeError> {
    let session = find(&tenant, &id).await?;
    let marks = session.send(Reopen).await.map_err(gone)??;
    let outcome = resume(tenant, id, None).await;
    if outcome.is_err()
        && let Some(marks) = marks
        && let Ok(Err(error)) = session.send(RestoreArchive(marks)).await
    {
        tracing::warn!(%error, "could not archive a session again that failed to reopen");
    }
    outcome
}

async fn find(tenant: &Addr<Tenant>, id: &SessionId) -> Result<Addr<LiveSession>, ResumeError> {
    Ok(tenant.send(FindSession { id: id.clone(), link: None }).await.map_err(gone)??.address)
}

/// The machine the session ran on, else another one with the same host name where the agent's state may be found.
async fn machine_for(tenant: &Addr<Tenant>, plan: &Plan) -> Result<MachineId, ResumeError> {
    let online = tenant.send(ListMachines).await.map_err(gone)?;
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

/// How a session would be brought back. `None`: it is active.
#[derive(Message)]
#[rtype(result = "Result<Option<Plan>, ResumeError>")]
struct PlanResume {
    mode: Option<String>,
}

struct Plan {
    params: Value,
    machine: Option<String>,
    host: Option<String>,
    /// The agent keeps the conversation where only this very machine finds it.
    is_bound_to_machine: bool,
}

impl Handler<PlanResume> for LiveSession {
    type Result = ResponseActFuture<Self, Result<Option<Plan>, ResumeError>>;

    fn handle(&mut self, PlanResume { mode }: PlanResume, _: &mut Self::Context) -> Self::Result {
        self.last_used = self.now();
        if self.state.turn.active {
            return Box::pin(actix::fut::ready(Ok(None)));
        }
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
            Ok(Some(this.plan(native_id, mode)))
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
        let settings = &self.state.record.settings;
        let flavor = facts.flavor().unwrap_or(Flavor::Claude);
        let preferred = facts.preferred_permission_mode.clone();
        let mode = match (mode.as_deref(), preferred.as_deref()) {
            (Some("default"), Some("yolo")) => preferred,
            _ => mode.or_else(|| self.state.permission_mode().map(str::to_owned)),
        };
        let id = self.id().as_str();
        let mut params = Map::new();
        let mut put = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                params.insert(key.to_owned(), value.into());
            }
        };
        put("type", Some("spawn-in-directory"));
        put("directory", facts.path.as_deref());
        put("agent", Some(flavor.as_str()));
        put("model", settings.model.as_deref());
        put("modelReasoningEffort", settings.model_reasoning_effort.as_deref());
        put("resumeSessionId", native_id.as_deref());
        put("effort", settings.effort.as_deref());
        put("permissionMode", mode.as_deref());
        put("serviceTier", settings.service_tier.as_deref());
        put("existingSessionId", Some(id));
        put("sessionId", Some(id));
        put("collaborationMode", settings.collaboration_mode.as_deref());
        put("copilotAgentMode", self.state.agent_mode());
        put("startingMode", facts.starting_mode.as_deref().filter(|mode| *mode == "pty"));
        params.insert("forkSession".into(), json!(false));
        Plan {
            params: params.into(),
            machine: facts.machine_id.clone(),
            host: facts.host.clone(),
            is_bound_to_machine: flavor == Flavor::Cursor || (flavor == Flavor::Pi && native_id.is_some()),
        }
    }
}
