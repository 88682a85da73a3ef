//! Two sessions of one conversation become one: the older gives itself up, the newer takes in its history and what it
//! lacks, and the older is deleted, all in one transaction.

use actix::prelude::*;
use serde_json::{Map, Value};

use super::{Atomic, LiveSession, SessionError, decisions::set_states, now_ready};
use crate::{
    domain::{
        json,
        session::{Changes, ConfigKey, Patch, Session},
    },
    namespace, store,
    wire::events::SessionEvents,
};

/// The session stops, so that nobody writes its rows while they move. Answers its last state. One that is active is
/// not given up: history is never moved between two that live.
#[derive(Message)]
#[rtype(result = "Result<Box<Session>, SessionError>")]
pub struct Surrender;

impl Handler<Surrender> for LiveSession {
    type Result = Atomic<Box<Session>>;

    fn handle(&mut self, _: Surrender, _: &mut Self::Context) -> Self::Result {
        if self.state.turn.active {
            return now_ready(Err(SessionError::StillActive));
        }
        // The process that asked is gone: nobody will take these answers.
        let mut entries = Vec::new();
        let dropped = self.dropped_decisions(&mut entries);
        let key = self.state.record.key;
        let commit =
            self.commit(Changes::default(), entries, move |tx| set_states(tx.conn, key, &dropped, "dropped"));
        AtomicResponse::new(Box::pin(commit.map(|outcome, this: &mut Self, ctx: &mut Context<Self>| {
            outcome?;
            ctx.stop();
            Ok(Box::new(this.state.clone()))
        })))
    }
}

/// Takes in a session that has given itself up.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct Absorb(pub Box<Session>);

impl Handler<Absorb> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, Absorb(source): Absorb, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let changes = inherited(&self.state, &source);
        let target = self.state.clone();
        let source_key = source.record.key;
        let told = changes.clone();
        let store = self.env.store.clone();
        let source_id = source.id().clone();
        let files = self.shared_files(source.id());
        let merge = async move {
            let files = files.share().await?;
            let merged = store
                .write(move |tx| {
                    let merged = store::merge::merge(tx.conn, source_key, &target, &told)?;
                    let namespace = target.namespace().clone();
                    let events = SessionEvents { namespace: &namespace, id: target.id(), now };
                    let gone = SessionEvents { namespace: &namespace, id: &source_id, now };
                    let mut after = target.clone();
                    told.apply(&mut after);
                    if merged.moved > 0 {
                        tx.journal(&namespace, events.invalidated())?;
                    }
                    store::intents::record_merge(tx.conn, &namespace, &source_id, target.id(), now)?;
                    tx.journal(&namespace, gone.merged(target.id()))?;
                    if merged.notes.moved > 0 {
                        tx.journal(&namespace, events.patched(&Patch::noted(now)))?;
                    }
                    tx.journal(&namespace, gone.removed())?;
                    tx.journal(&namespace, events.updated(&after))?;
                    let queue = store::messages::pending(tx.conn, target.record.key)?;
                    Ok((merged, queue, source_id))
                })
                .await;
            files.settle(merged.as_ref().ok().map(|(merged, ..)| &merged.notes)).await;
            Ok::<_, SessionError>(merged?)
        };
        AtomicResponse::new(Box::pin(merge.into_actor(self).map(move |merged, this, _| {
            let (merged, queue, source_id) = merged?;
            this.take_over(changes);
            this.replace_queue((merged.last_seq, merged.head), queue);
            let _ = this.tenant.try_send(namespace::Removed(source_id));
            this.tell_room_metadata(None);
            this.deliver_queue();
            Ok(())
        })))
    }
}

/// What the target takes over from the source, where it has nothing of its own.
fn inherited(target: &Session, source: &Session) -> Changes {
    let mut changes = Changes {
        message_epoch: Some(target.record.message_epoch.max(source.record.message_epoch) + 1),
        has_content: (source.record.has_content && !target.record.has_content).then_some(true),
        pin: (source.record.pin > target.record.pin).then_some(source.record.pin),
        ..Changes::default()
    };
    let mut settings = target.record.settings.clone();
    for key in [ConfigKey::Model, ConfigKey::ModelReasoningEffort, ConfigKey::Effort, ConfigKey::ServiceTier]
    {
        if settings.get(key).is_none() {
            settings.set(key, source.record.settings.get(key).map(str::to_owned));
        }
    }
    if settings != target.record.settings {
        changes.settings = Some(settings);
    }
    if source.record.todos_updated_at > target.record.todos_updated_at {
        changes.todos = source.record.todos.clone().map(|todos| (todos, source.record.todos_updated_at));
    }
    if source.record.team_state_updated_at > target.record.team_state_updated_at {
        changes.team_state = Some((source.record.team_state.clone(), source.record.team_state_updated_at));
    }
    changes.metadata = inherited_metadata(target, source).map(Some);
    changes.agent_state = inherited_agent_state(target, source).map(Some);
    changes.touch(target, source.record.updated_at);
    changes
}

fn object(raw: Option<&json::Json>) -> Option<Map<String, Value>> {
    match json::read(raw?)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn inherited_metadata(target: &Session, source: &Session) -> Option<json::Json> {
    const KEYS: [&str; 6] =
        ["name", "worktree", "path", "host", "preferredPermissionMode", "preferredCopilotAgentMode"];
    let from = object(source.record.metadata.as_ref())?;
    let mut own = object(target.record.metadata.as_ref()).unwrap_or_default();
    let before = own.len();
    for key in KEYS {
        if let Some(value) = from.get(key)
            && !own.contains_key(key)
        {
            own.insert(key.to_owned(), value.clone());
        }
    }
    let age = |object: &Map<String, Value>| {
        object.get("summary").and_then(|summary| summary.get("updatedAt")?.as_i64())
    };
    let is_newer = age(&from) > age(&own);
    if is_newer && let Some(summary) = from.get("summary") {
        own.insert("summary".into(), summary.clone());
    }
    (is_newer || own.len() != before).then(|| json::write(&own))
}

/// Open and closed questions of both; an id that is closed in either is not open.
fn inherited_agent_state(target: &Session, source: &Session) -> Option<json::Json> {
    let from = object(source.record.agent_state.as_ref())?;
    let own = object(target.record.agent_state.as_ref()).unwrap_or_default();
    let part = |state: &Map<String, Value>, key: &str| {
        state.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut completed = part(&from, "completedRequests");
    completed.extend(part(&own, "completedRequests"));
    let mut requests = part(&from, "requests");
    requests.extend(part(&own, "requests"));
    requests.retain(|id, _| !completed.contains_key(id));
    let mut merged = from;
    merged.extend(own.clone());
    merged.insert("requests".into(), requests.into());
    merged.insert("completedRequests".into(), completed.into());
    (merged != own).then(|| json::write(&merged))
}
