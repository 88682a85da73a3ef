//! What every step of a session's life uses that needs more than the session itself: its neighbours, the machines, and
//! the record of the step, which is written before it begins.

use actix::prelude::*;
use serde::Serialize;

use super::{LiveSession, SessionError};
use crate::{
    app::Env,
    domain::{
        ids::{MachineId, Namespace, SessionId},
        intent::Kind,
    },
    machine::LiveMachine,
    namespace::{FindError, FindMachine, FindSession, Tenant},
    store,
};

/// Where a step is taken.
#[derive(Clone)]
pub struct Life {
    pub env: Env,
    pub namespace: Namespace,
    pub tenant: Addr<Tenant>,
}

/// Whoever was asked is gone.
pub fn gone(_: MailboxError) -> FindError {
    FindError::Down
}

impl Life {
    pub async fn session(&self, id: &SessionId) -> Result<Addr<LiveSession>, FindError> {
        let find = FindSession { id: id.clone(), link: None };
        Ok(self.tenant.send(find).await.map_err(gone)??.address)
    }

    pub async fn machine(&self, id: &MachineId) -> Result<Addr<LiveMachine>, FindError> {
        let find = FindMachine { id: id.clone(), link: None };
        Ok(self.tenant.send(find).await.map_err(gone)??.address)
    }

    /// Records that a step begins. The answer is what [`Self::close`] wants.
    pub async fn open(
        &self,
        session: &SessionId,
        kind: Kind,
        plan: &impl Serialize,
    ) -> Result<i64, SessionError> {
        let plan = serde_json::to_string(plan).unwrap_or_else(|_| "{}".into());
        let (namespace, session, now) = (self.namespace.clone(), session.clone(), self.env.clock.now());
        let written = self
            .env
            .store
            .write(move |tx| store::intents::open(tx.conn, &namespace, &session, kind, &plan, now));
        Ok(written.await?)
    }

    pub async fn set_other(&self, step: i64, other: &SessionId) -> Result<(), SessionError> {
        let (other, now) = (other.clone(), self.env.clock.now());
        let written = self.env.store.write(move |tx| store::intents::set_other(tx.conn, step, &other, now));
        Ok(written.await?)
    }

    /// Closes a step. When that cannot be written the step is gone through again at the next start, which does no
    /// harm.
    pub async fn close(&self, step: i64, failure: Option<String>) {
        let now = self.env.clock.now();
        let written = self
            .env
            .store
            .write(move |tx| store::intents::close(tx.conn, step, failure.as_deref(), now))
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, step, "could not close a step of a session's life");
        }
    }
}
