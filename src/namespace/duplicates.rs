//! Sessions that turn out to be one conversation are joined: looked for whenever a row of the list changes, one run for
//! each conversation at a time.

use std::sync::{Arc, Weak};

use actix::prelude::*;

use super::{FindSession, Tenant};
use crate::{
    domain::{
        duplicates::{self, Candidate},
        ids::SessionId,
    },
    session::{Absorb, Surrender},
};

/// Two sessions are not joined while one of them is in here.
pub(super) type KeptApart = Vec<(SessionId, Weak<()>)>;

/// While the answer lives, a session is not joined with others: somebody is about to do that, or not to.
#[derive(Message)]
#[rtype(result = "Arc<()>")]
pub struct KeepApart(pub SessionId);

impl Handler<KeepApart> for Tenant {
    type Result = MessageResult<KeepApart>;

    fn handle(&mut self, KeepApart(id): KeepApart, _: &mut Self::Context) -> Self::Result {
        let guard = Arc::default();
        self.kept_apart.retain(|(_, guard)| guard.strong_count() > 0);
        self.kept_apart.push((id, Arc::downgrade(&guard)));
        MessageResult(guard)
    }
}

impl Tenant {
    /// Joins the sessions of a conversation, if there are several and it is clear into which.
    pub(super) fn join_duplicates(&mut self, conversation: Arc<str>, ctx: &mut Context<Self>) {
        if self.joining.contains(&conversation) {
            return;
        }
        let candidates: Vec<Candidate> = self.index.of_conversation(&conversation);
        let is_apart = |id: &SessionId| {
            self.kept_apart.iter().any(|(known, guard)| known == id && guard.strong_count() > 0)
        };
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
