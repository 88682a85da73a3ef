//! A child with the transcript of another session up to a point, made in one transaction with the record of the step.

use actix::prelude::*;
use serde_json::Value;

use super::{Row, Tenant};
use crate::{
    domain::{
        history::{self, Forked},
        ids::SessionId,
        intent::Kind,
        json,
        session::{Changes, Position, Session},
    },
    store::{self, Tx, sessions::NewSession},
    wire::events::SessionEvents,
};

/// A session was made in a transaction of somebody else's: from now on it is found and listed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Adopt(pub Box<Session>);

impl Handler<Adopt> for Tenant {
    type Result = ();

    fn handle(&mut self, Adopt(session): Adopt, _: &mut Self::Context) {
        self.index.put(session.id().clone(), Row::of(&session, &[]));
    }
}

/// Makes the child of a fork. Answers it and the record of the step, which is open.
#[derive(Message)]
#[rtype(result = "store::Result<(SessionId, i64)>")]
pub struct CreateChild {
    pub source: Box<Session>,
    pub forked: Forked,
    /// Only what stands before it is taken along.
    pub boundary: Option<Position>,
    pub plan: Value,
}

impl Handler<CreateChild> for Tenant {
    type Result = ResponseActFuture<Self, store::Result<(SessionId, i64)>>;

    fn handle(&mut self, create: CreateChild, _: &mut Self::Context) -> Self::Result {
        let now = self.env.clock.now();
        let store = self.env.store.clone();
        let make = async move { store.write(move |tx| make(tx, &create, now)).await };
        Box::pin(make.into_actor(self).map(|made, this, _| {
            let (child, step) = made?;
            let id = child.id().clone();
            this.index.put(id.clone(), Row::of(&child, &[]));
            Ok((id, step))
        }))
    }
}

fn make(tx: &mut Tx<'_>, create: &CreateChild, now: i64) -> store::Result<(Session, i64)> {
    let CreateChild { source, forked, boundary, plan } = create;
    let id = SessionId::random();
    let namespace = source.namespace().clone();
    let settings = &source.record.settings;
    // Pi keeps model and effort in the conversation itself.
    let is_pi = source.facts.flavor_name.as_deref() == Some("pi");
    let record = store::sessions::insert(
        tx.conn,
        &NewSession {
            id: id.clone(),
            namespace: namespace.clone(),
            tag: format!("fork:{id}"),
            now,
            metadata: None,
            agent_state: None,
            model: settings.model.clone().filter(|_| !is_pi),
            model_reasoning_effort: settings.model_reasoning_effort.clone(),
            effort: settings.effort.clone().filter(|_| !is_pi),
        },
    )?;
    let copied = store::history::copy_before(tx.conn, source.record.key, record.key, *boundary)?;
    let metadata = history::child_metadata(source, forked, &copied.local_ids, now);
    let todos = store::history::newest_todos(tx.conn, record.key)?;
    let own = record.settings.clone();
    let mut child = Session::resting(record, 0, None);
    let changes = Changes {
        metadata: Some(Some(json::write(&metadata))),
        todos: todos.map(|todos| (todos, source.record.todos_updated_at.max(1))),
        settings: Some(crate::domain::session::Settings {
            model: own.model,
            effort: own.effort,
            ..settings.clone()
        }),
        has_content: copied.has_content.then_some(true),
        message_epoch: Some(1),
        last_seq: Some(copied.last_seq),
        head: Some(copied.head),
        ..Changes::default()
    };
    if let Some(update) = store::sessions::Update::of(&child, &changes) {
        store::sessions::update(tx.conn, &update)?;
    }
    changes.apply(&mut child);
    let step = store::intents::open(tx.conn, &namespace, source.id(), Kind::Fork, &plan.to_string(), now)?;
    store::intents::set_other(tx.conn, step, &id, now)?;
    let events = SessionEvents { namespace: &namespace, id: &id, now };
    tx.journal(&namespace, events.added(&child))?;
    Ok((child, step))
}
