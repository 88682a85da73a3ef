//! Threads of Codex that several sessions are about, and the sessions of one joined when a person asks for it.

use serde_json::Value;

use super::{Absorb, SessionError, Surrender, history::closed, life::Life};
use crate::{
    domain::{
        duplicates::{self, Candidate},
        ids::SessionId,
        json as raw, metadata,
    },
    store,
};

/// Sessions of one thread of Codex.
#[derive(Clone, Debug)]
pub struct Duplicates {
    pub thread: String,
    pub sessions: Vec<Candidate>,
}

impl Duplicates {
    pub fn ids(&self) -> Vec<&SessionId> {
        self.sessions.iter().map(|one| &one.id).collect()
    }
}

/// The threads among these that several sessions are about, archived ones apart.
pub async fn find(life: &Life, threads: Vec<String>) -> Result<Vec<Duplicates>, SessionError> {
    let namespace = life.namespace.clone();
    let found = life.env.store.read(move |conn| {
        let mut all: Vec<Duplicates> = Vec::new();
        for thread in threads {
            if !all.iter().any(|known| known.thread == thread) {
                all.push(Duplicates { thread, sessions: Vec::new() });
            }
        }
        store::sessions::each_of_namespace(conn, &namespace, |record| {
            let Some(stored) = record.metadata.as_deref().and_then(raw::read) else { return };
            let id = stored.get("codexSessionId").and_then(Value::as_str);
            let of_thread = all.iter_mut().find(|known| Some(known.thread.as_str()) == id);
            if let Some(of_thread) = of_thread
                && metadata::lifecycle_state(&stored) != Some("archived")
            {
                let (is_active, updated_at) = (record.active, record.updated_at);
                of_thread.sessions.push(Candidate { id: record.id, is_active, updated_at });
            }
        })?;
        all.retain(|known| known.sessions.len() > 1);
        Ok(all)
    });
    Ok(found.await?)
}

/// Sessions that went into one.
#[derive(Clone, Debug)]
pub struct Merged {
    pub thread: String,
    pub into: SessionId,
    pub removed: Vec<SessionId>,
}

/// Joins the sessions of a thread: the one that is active, or was last used, takes in the others.
pub async fn join(life: &Life, found: &Duplicates) -> Result<Merged, SessionError> {
    let (into, removed) = duplicates::choose(found.sessions.clone()).ok_or(SessionError::StillActive)?;
    for source in &removed {
        let address = async |id: &SessionId| {
            life.session(id).await.map_err(|_| SessionError::Store(store::Error::Closed))
        };
        let (from, target) = (address(source).await?, address(&into).await?);
        let given_up = closed(from.send(Surrender).await)?;
        closed(target.send(Absorb(given_up)).await)?;
    }
    Ok(Merged { thread: found.thread.clone(), into, removed })
}
