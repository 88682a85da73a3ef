//! Sessions that turn out to be one conversation are joined: looked for whenever a row of the list changes, one run for
//! each conversation at a time.

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use tokio::sync::watch;

use super::{FindSession, Tenant};
use crate::{
    domain::{
        duplicates::{self, Candidate},
        ids::SessionId,
    },
    session::{Absorb, Surrender},
};

/// Sessions that somebody is bringing back, with what will come of it.
pub(super) type KeptApart = HashMap<SessionId, watch::Receiver<Option<SessionId>>>;

/// A session is about to be brought back, perhaps under another id. Until that is over it is not joined with others.
#[derive(Message)]
#[rtype(result = "Apart")]
pub struct KeepApart(pub SessionId);

pub enum Apart {
    /// Whoever asked does it, and says what came of it. Dropping this says: nothing.
    Yours(watch::Sender<Option<SessionId>>),
    /// Somebody else does it.
    Others(watch::Receiver<Option<SessionId>>),
}

fn is_under_way(outcome: &watch::Receiver<Option<SessionId>>) -> bool {
    outcome.has_changed().is_ok() && outcome.borrow().is_none()
}

impl Handler<KeepApart> for Tenant {
    type Result = MessageResult<KeepApart>;

    fn handle(&mut self, KeepApart(id): KeepApart, _: &mut Self::Context) -> Self::Result {
        self.kept_apart.retain(|_, outcome| is_under_way(outcome));
        if let Some(outcome) = self.kept_apart.get(&id) {
            return MessageResult(Apart::Others(outcome.clone()));
        }
        let (done, outcome) = watch::channel(None);
        self.kept_apart.insert(id, outcome);
        MessageResult(Apart::Yours(done))
    }
}

impl Tenant {
    /// Joins the sessions of a conversation, if there are several and it is clear into which.
    pub(super) fn join_duplicates(&mut self, conversation: Arc<str>, ctx: &mut Context<Self>) {
        if self.joining.contains(&conversation) {
            return;
        }
        let candidates: Vec<Candidate> = self.index.of_conversation(&conversation);
        let is_apart = |id: &SessionId| self.kept_apart.get(id).is_some_and(is_under_way);
        if candidates.iter().any(|candidate| is_apart(&candidate.id)) {
            return;
        }
        let Some((target, sources)) = duplicates::choose(candidates) else { return };
        self.joining.insert(conversation.clone());
        let join = join(ctx.address(), target, sources);
        ctx.spawn(join.into_actor(self).map(move |is_done, this, ctx| {
            this.joining.remove(&conversation);
            // What changed meanwhile is looked at now. After a failure the next change of a row tries again.
            if is_done {
                this.join_duplicates(conversation, ctx);
            }
        }));
    }
}

async fn join(tenant: Addr<Tenant>, target: SessionId, sources: Vec<SessionId>) -> bool {
    let find = async |id: &SessionId| {
        let found = tenant.send(FindSession { id: id.clone(), link: None }).await;
        found.ok().and_then(Result::ok).map(|found| found.address)
    };
    for source in sources {
        let (Some(from), Some(into)) = (find(&source).await, find(&target).await) else { return false };
        // One that came to life meanwhile is not given up.
        let Ok(Ok(given_up)) = from.send(Surrender).await else { return false };
        match into.send(Absorb(given_up)).await {
            Ok(Ok(())) => tracing::info!(%source, %target, "two sessions of one conversation were joined"),
            Ok(Err(error)) => {
                tracing::warn!(%error, %source, %target, "two sessions of one conversation could not be joined");
                return false;
            }
            Err(_) => return false,
        }
    }
    true
}
