//! Conversations that agents keep on their machines become sessions of the hub, or the rest of sessions that have
//! their beginning.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    SessionError,
    history::closed,
    import::{TakeIn, Taken, Wanted},
    life::{Life, gone},
};
use crate::{
    domain::{
        ids::{MachineId, Millis, SessionId},
        import::{Online, Place, Transcript, Unlisted, Verdict, choose, listed},
        json as raw, metadata,
    },
    link::RpcError,
    machine,
    namespace::{BeginImport, CreateImported, FindError, ListMachines, Turn},
    store,
};

/// How long a runner may look through its files.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Why a runner's list is not there.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Unlisted(#[from] Unlisted),
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Find(#[from] FindError),
}

/// The machine to look on, of those that are there.
pub async fn place(
    life: &Life,
    machine: Option<&str>,
    folder: Option<&str>,
) -> Result<Option<Place>, FindError> {
    let online = life.tenant.send(ListMachines).await.map_err(gone)?;
    let online = online.into_iter().map(|(id, row)| {
        let view: Value = serde_json::from_slice(&row.json).unwrap_or_default();
        let roots = view.pointer("/metadata/workspaceRoots").and_then(Value::as_array);
        let roots = roots.into_iter().flatten().filter_map(|root| root.as_str().map(str::to_owned));
        let place = Place { machine: id.to_string(), host: row.host.unwrap_or_default() };
        Online { place, workspace_roots: roots.collect() }
    });
    Ok(choose(online.collect(), machine, folder))
}

/// Asks a runner for the conversations in a folder, or for some of them with their messages.
pub async fn list(
    life: &Life,
    place: &Place,
    method: &'static str,
    folder: Option<&str>,
    ids: Option<&[String]>,
) -> Result<Vec<Value>, ListError> {
    let mut params = json!({ "cwd": folder });
    if let (Some(ids), Some(fields)) = (ids, params.as_object_mut()) {
        fields.insert("sessionIds".into(), ids.into());
    }
    let machine = life.machine(&MachineId::from(place.machine.as_str())).await?;
    let call = machine::Call { method, params, within: PATIENCE };
    let answer = machine.send(call).await.map_err(gone)??;
    Ok(listed(&raw::read(&answer).unwrap_or_default())?.to_vec())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Created,
    Updated,
    Unchanged,
}

/// A conversation that is a session of the hub now.
#[derive(Clone, Debug)]
pub struct Imported {
    pub session: SessionId,
    pub action: Action,
    pub appended: usize,
}

/// Why it is none. Clients show the text.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    #[error("The session is active and the conversation has new messages; archive the session first")]
    Active(SessionId),
    #[error("The conversation on its machine and the session here went different ways")]
    Diverged(SessionId),
    #[error("The hub could not import the conversation")]
    Failed,
}

impl From<SessionError> for ImportError {
    fn from(error: SessionError) -> Self {
        tracing::warn!(%error, "a conversation could not be imported");
        Self::Failed
    }
}

impl From<FindError> for ImportError {
    fn from(error: FindError) -> Self {
        tracing::warn!(%error, "a conversation could not be imported");
        Self::Failed
    }
}

pub type Outcome = Result<Imported, ImportError>;

/// Imports a conversation. Who asks for one that is being imported hears what becomes of that.
pub async fn import(life: &Life, transcript: Arc<Transcript>, place: Place, wanted: Wanted) -> Outcome {
    let about = format!("{}\n{}", place.machine, transcript.id());
    match life.tenant.send(BeginImport(about)).await.map_err(gone)? {
        Turn::Theirs(mut run) => match run.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(ImportError::Failed)),
            Err(_) => Err(ImportError::Failed),
        },
        Turn::Yours(run) => {
            let outcome = run_import(life, TakeIn { transcript, place, wanted }).await;
            let _ = run.send(Some(outcome.clone()));
            outcome
        }
    }
}

async fn run_import(life: &Life, take: TakeIn) -> Outcome {
    let target = target(life, &take).await?;
    if let Some(session) = target {
        let address = life.session(&session).await?;
        match closed(address.send(take.clone()).await)? {
            Taken::Appended(0) => return Ok(Imported { session, action: Action::Unchanged, appended: 0 }),
            Taken::Appended(appended) => return Ok(Imported { session, action: Action::Updated, appended }),
            Taken::Active => return Err(ImportError::Active(session)),
            Taken::Diverged if matches!(*take.transcript, Transcript::Pi(_)) => {
                return Err(ImportError::Diverged(session));
            }
            // It went on at this moment: the thread gets a session of its own.
            Taken::Diverged => {}
        }
    }
    let TakeIn { transcript, place, wanted } = take;
    let create = CreateImported { transcript, place, wanted };
    let made = life.tenant.send(create).await.map_err(gone)?;
    let (session, appended) = made.map_err(SessionError::Store)?;
    Ok(Imported { session, action: Action::Created, appended })
}

/// The session that takes the conversation in: of Codex the one that has the longest beginning of it, of Pi the one
/// there is.
async fn target(life: &Life, take: &TakeIn) -> Result<Option<SessionId>, ImportError> {
    let (namespace, transcript, place) =
        (life.namespace.clone(), take.transcript.clone(), take.place.clone());
    let found = life.env.store.read(move |conn| {
        let mut known: Vec<(SessionId, i64, Value, Millis)> = Vec::new();
        store::sessions::each_of_namespace(conn, &namespace, |record| {
            let Some(stored) = record.metadata.as_deref().and_then(raw::read) else { return };
            if transcript.is_of(&stored, &place) {
                known.push((record.id, record.key, stored, record.updated_at));
            }
        })?;
        let is_archived = |stored: &Value| metadata::lifecycle_state(stored) == Some("archived");
        let mut fitting = Vec::new();
        for (id, key, stored, updated_at) in known {
            let rank = match *transcript {
                Transcript::Codex(_) if is_archived(&stored) => continue,
                Transcript::Codex(_) => {
                    let rows = store::imports::transcript(conn, key)?;
                    if matches!(transcript.compare(Some(&stored), &rows), Verdict::Diverged) {
                        continue;
                    }
                    rows.len()
                }
                Transcript::Pi(_) => usize::from(!is_archived(&stored)),
            };
            fitting.push((rank, updated_at, id));
        }
        Ok(fitting.into_iter().max().map(|(_, _, id)| id))
    });
    Ok(found.await.map_err(SessionError::Store)?)
}
