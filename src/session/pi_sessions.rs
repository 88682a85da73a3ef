//! Which conversations of Pi are sessions of the hub.

use std::collections::HashMap;

use serde_json::Value;

use super::{SessionError, life::Life};
use crate::{
    domain::{
        ids::{Millis, SessionId},
        import::Place,
        json as raw, metadata,
    },
    store,
};

/// The session of a conversation.
pub struct Known {
    pub session: SessionId,
    /// How its last import ended, if there was one.
    pub state: Option<String>,
    rank: (bool, Millis),
}

/// The sessions of a machine by Pi's own id; of several the one that an import would go on with.
pub async fn known(life: &Life, place: &Place) -> Result<HashMap<String, Known>, SessionError> {
    let (namespace, machine) = (life.namespace.clone(), place.machine.clone());
    let found = life.env.store.read(move |conn| {
        let mut all: HashMap<String, Known> = HashMap::new();
        store::sessions::each_of_namespace(conn, &namespace, |record| {
            let Some(stored) = record.metadata.as_deref().and_then(raw::read) else { return };
            let is_here = metadata::machine_id(&stored).is_none_or(|known| known == machine);
            let id = stored.get("piSessionId").and_then(Value::as_str).filter(|_| is_here);
            let (Some(id), Some("pi")) = (id, metadata::flavor_name(&stored)) else { return };
            let is_archived = metadata::lifecycle_state(&stored) == Some("archived");
            let state = stored.pointer("/piImportState/state").and_then(Value::as_str).map(str::to_owned);
            let known = Known { session: record.id, state, rank: (!is_archived, record.updated_at) };
            match all.get(id) {
                Some(better) if better.rank >= known.rank => {}
                _ => drop(all.insert(id.to_owned(), known)),
            }
        })?;
        Ok(all)
    });
    Ok(found.await?)
}
