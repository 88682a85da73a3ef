//! Waiting for a session to become what somebody waits for: active, gone, ready, bound to the agent's conversation.

use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::LiveSession;
use crate::domain::{ids::Millis, session::Session};

pub type Condition = Box<dyn Fn(&Session) -> bool + Send>;

/// Answers as soon as the condition holds; `false` when the session's actor goes first.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Until(pub Condition);

impl Handler<Until> for LiveSession {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, Until(condition): Until, _: &mut Self::Context) -> Self::Result {
        let held = self.when(condition);
        Box::pin(async move { held.await.is_ok() })
    }
}

impl LiveSession {
    pub(super) fn when(&mut self, condition: Condition) -> oneshot::Receiver<()> {
        let (reply, held) = oneshot::channel();
        if condition(&self.state) {
            let _ = reply.send(());
        } else {
            self.waiting.push((condition, reply));
        }
        held
    }

    /// Tells those whose condition holds by now; forgets those who gave up.
    pub(super) fn wake_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let state = &self.state;
        let (met, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .filter(|(_, reply)| !reply.is_closed())
            .partition(|(condition, _)| condition(state));
        self.waiting = waiting;
        let met: Vec<(Condition, oneshot::Sender<()>)> = met;
        for (_, reply) in met {
            let _ = reply.send(());
        }
    }
}

/// Waits for a condition. `false` when it did not hold in time, or the session went into another.
pub async fn until(
    session: &Addr<LiveSession>,
    within: Millis,
    condition: impl Fn(&Session) -> bool + Send + 'static,
) -> bool {
    let within = Duration::from_millis(u64::try_from(within).unwrap_or(0));
    matches!(tokio::time::timeout(within, session.send(Until(Box::new(condition)))).await, Ok(Ok(true)))
}

pub fn is_active(session: &Session) -> bool {
    session.turn.active
}

pub fn is_inactive(session: &Session) -> bool {
    !session.turn.active
}
