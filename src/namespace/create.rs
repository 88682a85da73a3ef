//! New rows: a session by its tag, a machine by its id. Making one that exists answers the one that exists.

use actix::prelude::*;
use bytes::Bytes;

use super::{FindError, MachineRow, Row, Tenant};
use crate::{
    domain::{
        ids::{MachineId, SessionId},
        json::Json,
        session::{FullView, Record, Session},
    },
    machine::MachineView,
    store::{self, sessions::NewSession},
    wire::events::{self, SessionEvents},
};

/// Makes a session, or loads the newest one with this tag, unchanged.
#[derive(Message)]
#[rtype(result = "Result<Created, CreateError>")]
pub struct CreateSession {
    pub tag: String,
    pub id: Option<SessionId>,
    pub metadata: Json,
    pub agent_state: Option<Json>,
    pub model: Option<String>,
    pub model_reasoning_effort: Option<String>,
    pub effort: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Created {
    /// The new session, encoded. It rests until somebody uses it.
    New(Bytes),
    Found(SessionId),
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("Session tag is already bound to a different id")]
    TagTaken,
    #[error("Session id is already bound to a different session")]
    IdTaken,
    #[error("Machine access denied")]
    MachineDenied,
    #[error(transparent)]
    Store(#[from] store::Error),
}

enum Made {
    New(Box<Record>),
    Found(Box<Record>),
    IdTaken,
}

impl Handler<CreateSession> for Tenant {
    type Result = ResponseActFuture<Self, Result<Created, CreateError>>;

    fn handle(&mut self, create: CreateSession, _: &mut Self::Context) -> Self::Result {
        self.env.faults.strike(&create.tag);
        let now = self.env.clock.now();
        let wanted = create.id.clone();
        let new = NewSession {
            id: create.id.unwrap_or_else(SessionId::random),
            namespace: self.namespace.clone(),
            tag: create.tag,
            now,
            metadata: Some(create.metadata).filter(|raw| !crate::domain::json::is_null(raw)),
            agent_state: create.agent_state.filter(|raw| !crate::domain::json::is_null(raw)),
            model: create.model,
            model_reasoning_effort: create.model_reasoning_effort,
            effort: create.effort,
        };
        let make = self.env.store.clone();
        let make = async move {
            make.write(move |tx| {
                if let Some(found) = store::sessions::by_tag(tx.conn, &new.namespace, &new.tag)? {
                    return Ok(Made::Found(Box::new(found)));
                }
                if store::sessions::by_id(tx.conn, &new.id)?.is_some() {
                    return Ok(Made::IdTaken);
                }
                let record = store::sessions::insert(tx.conn, &new)?;
                let session = Session::resting(record.clone(), 0, None);
                let events = SessionEvents { namespace: &new.namespace, id: &new.id, now };
                tx.journal(&new.namespace, events.added(&session))?;
                Ok(Made::New(Box::new(record)))
            })
            .await
        };
        Box::pin(make.into_actor(self).map(move |made, this, _| match made? {
            Made::IdTaken => Err(CreateError::IdTaken),
            Made::Found(record) if wanted.as_ref().is_some_and(|wanted| *wanted != record.id) => {
                Err(CreateError::TagTaken)
            }
            Made::Found(record) => Ok(Created::Found(record.id.clone())),
            Made::New(record) => {
                let session = Session::resting(*record, 0, None);
                this.index.put(session.id().clone(), Row::of(&session, &[]));
                Ok(Created::New(serde_json::to_vec(&FullView::of(&session)).unwrap_or_default().into()))
            }
        }))
    }
}

/// Makes a machine if its id is new. Answers whether it was; a machine that exists is brought up to date by itself.
#[derive(Message)]
#[rtype(result = "Result<bool, FindError>")]
pub struct RegisterMachine {
    pub id: MachineId,
    pub metadata: Json,
    pub runner_state: Option<Json>,
}

impl Handler<RegisterMachine> for Tenant {
    type Result = ResponseActFuture<Self, Result<bool, FindError>>;

    fn handle(&mut self, register: RegisterMachine, _: &mut Self::Context) -> Self::Result {
        let RegisterMachine { id, metadata, runner_state } = register;
        if self.machine_rows.contains_key(&id) {
            return Box::pin(actix::fut::ready(Ok(false)));
        }
        let now = self.env.clock.now();
        let namespace = self.namespace.clone();
        let store = self.env.store.clone();
        let make = async move {
            store
                .write(move |tx| {
                    let (machine, is_new) = store::machines::get_or_insert(
                        tx.conn,
                        &id,
                        &namespace,
                        &metadata,
                        runner_state.as_ref(),
                        now,
                    )?;
                    if is_new {
                        let view = MachineView::of(&machine, false, machine.active_at, None);
                        tx.journal(&namespace, events::machine_updated(&namespace, &id, now, view))?;
                    }
                    Ok((machine, is_new))
                })
                .await
        };
        Box::pin(make.into_actor(self).map(|made, this, _| match made {
            Ok((machine, _)) if machine.namespace != this.namespace => Err(FindError::Denied),
            Ok((machine, is_new)) => {
                this.machine_rows.insert(machine.id.clone(), MachineRow::resting(&machine));
                Ok(is_new)
            }
            Err(error) => {
                tracing::error!(%error, "could not register a machine");
                Err(FindError::Down)
            }
        }))
    }
}
