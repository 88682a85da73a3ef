//! A second session with the conversation of a first, up to a point. The agent makes its own copy; the child gets the
//! transcript, and a process of its own.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Absorb, Call, Delete, End, Surrender,
    history::{HistoryError, Hold, closed},
    life::{Life, gone},
    rewind::PATIENCE,
    until::until,
};
use crate::{
    domain::{
        history::{self, Cut, Forked},
        ids::{MachineId, SessionId},
        json as raw, metadata,
        spawn::{self, Start},
    },
    link::rpc,
    machine::{self, Spawn},
    namespace::{CreateChild, KeepApart},
};

/// What is needed to finish a fork, or to take it back, after a restart.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForkPlan {
    machine: String,
    /// The agent's id of the source's conversation.
    source_native_id: Option<String>,
    native_id: String,
    forks_at_start: bool,
}

impl ForkPlan {
    fn forked(&self) -> Forked {
        Forked { native_id: self.native_id.clone(), forks_at_start: self.forks_at_start, child: None }
    }
}

/// Answers the child.
pub async fn fork(life: &Life, id: &SessionId, before: Option<String>) -> Result<SessionId, HistoryError> {
    let session = life.session(id).await?;
    let held = session.send(Hold(Cut::Fork { before: before.clone() })).await.map_err(gone)??;
    let params = before.map_or_else(|| json!({}), |before| json!({ "messageLocalId": before }));
    let call = Call { method: "fork-conversation", params, within: PATIENCE };
    let answer = session.send(call).await.map_err(gone)?;
    let answer = answer.map_err(|error| HistoryError::failed(error.to_string()))?;
    let forked = Forked::read(&raw::read(&answer).unwrap_or_default()).map_err(HistoryError::failed)?;
    if let Some(child) = &forked.child {
        return super::shared::verified(life, &held.session, child, Some(&forked.native_id)).await;
    }
    let facts = &held.session.facts;
    let plan = ForkPlan {
        machine: facts.machine_id.clone().unwrap_or_default(),
        source_native_id: facts.metadata.as_ref().and_then(metadata::resume_id),
        native_id: forked.native_id.clone(),
        forks_at_start: forked.forks_at_start,
    };
    let make = CreateChild { source: held.session, forked, boundary: held.boundary, plan: json!(plan) };
    let (child, step) = life.tenant.send(make).await.map_err(gone)?.map_err(super::SessionError::Store)?;
    match start(life, &child, &plan).await {
        Ok(started) => {
            life.close(step, None).await;
            Ok(started)
        }
        Err(text) => {
            take_back(life, &child, &plan.machine).await;
            life.close(step, Some(text.clone())).await;
            Err(HistoryError::failed(text))
        }
    }
}

/// Starts the child's process and waits until its agent has the conversation.
async fn start(life: &Life, child: &SessionId, plan: &ForkPlan) -> Result<SessionId, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    // What comes up under another id is joined here, not as a duplicate that somebody else found.
    let _apart = life.tenant.send(KeepApart(child.clone())).await.map_err(|error| words(&error))?;
    let address = life.session(child).await.map_err(|error| words(&error))?;
    let state = address.send(super::GetState).await.map_err(|error| words(&error))?;
    let start = Start {
        native_id: Some(&plan.native_id),
        forks: plan.forks_at_start,
        is_simple: true,
        ..Start::default()
    };
    let params = spawn::params(&state, child, start);
    let machine =
        life.machine(&MachineId::from(plan.machine.as_str())).await.map_err(|error| words(&error))?;
    let spawned = machine.send(Spawn { params }).await.map_err(|error| words(&error))?;
    let spawned = spawned.map_err(|failure| failure.message)?;
    if spawned == *child {
        return bound(life, child, plan).await.map(|()| spawned);
    }
    // The agent came up under an id of its own: the transcript moves there.
    bound(life, &spawned, plan).await?;
    let joined = async {
        let source = closed(address.send(Surrender).await)?;
        let target = life.session(&spawned).await?;
        closed(target.send(Absorb(source)).await).map_err(HistoryError::Session)
    };
    joined.await.map_err(|error: HistoryError| error.to_string())?;
    Ok(spawned)
}

async fn bound(life: &Life, child: &SessionId, plan: &ForkPlan) -> Result<(), String> {
    let address = life.session(child).await.map_err(|error| error.to_string())?;
    let (source, forked) = (plan.source_native_id.clone(), plan.forked());
    let is_bound = move |state: &_| history::is_bound(state, source.as_deref(), &forked);
    if until(&address, life.env.settings.patience.ready, is_bound).await {
        return Ok(());
    }
    Err("The fork did not take up the conversation".into())
}

/// Ends the child's process, as far as anybody can, and deletes the child.
async fn take_back(life: &Life, child: &SessionId, machine: &str) {
    if let Ok(machine) = life.machine(&MachineId::from(machine)).await {
        let params = json!({ "sessionId": child });
        let call = machine::Call { method: "stop-session", params, within: rpc::PATIENCE };
        if let Ok(Err(error)) = machine.send(call).await {
            tracing::warn!(%error, session = %child, "could not stop the process of a fork that failed");
        }
    }
    let deleted = async {
        let address = life.session(child).await?;
        closed(address.send(End { time: None, reason: None }).await)?;
        closed(address.send(Delete).await).map_err(HistoryError::Session)
    };
    if let Err(error) = deleted.await {
        tracing::warn!(%error, session = %child, "could not delete a fork that failed");
    }
}

/// After a restart: the child may come up by itself; else it is taken back.
pub async fn settle(life: &Life, child: &SessionId, plan: &ForkPlan, step: i64) {
    match bound(life, child, plan).await {
        Ok(()) => life.close(step, None).await,
        Err(text) => {
            take_back(life, child, &plan.machine).await;
            life.close(step, Some(text)).await;
        }
    }
}
