//! What has no acknowledgement of its own must not be lost while the store cannot take it: it is tried again, and the
//! socket's later events wait behind it. So a barrier behind it is honest, and reading from the socket stops by itself.

use std::time::Duration;

use actix::prelude::*;

use crate::{
    app::Env,
    domain::{ids::SessionId, json as raw},
    session::{self, LiveSession},
    store,
    wire::cli,
};

/// How long to wait before the store is tried again.
const STORE_RETRY: Duration = Duration::from_millis(500);

/// Sends a command until the store has taken it, or fails for a reason that will not pass.
pub(super) async fn surely<M>(
    address: &Addr<LiveSession>,
    command: M,
) -> Result<Result<(), session::SessionError>, MailboxError>
where
    M: Message<Result = Result<(), session::SessionError>> + Clone + Send + 'static,
    LiveSession: Handler<M>,
{
    let mut is_told = false;
    loop {
        match address.send(command.clone()).await? {
            Err(session::SessionError::Store(error)) if error.is_passing() => {
                if !std::mem::replace(&mut is_told, true) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "an event of a CLI waits until the store can take it");
                }
            }
            done => return Ok(done),
        }
        tokio::time::sleep(STORE_RETRY).await;
    }
}

/// Keeps a message until its session is well again.
pub(super) async fn set_aside(env: &Env, id: SessionId, kept: cli::Message) {
    let now = env.clock.now();
    let kept = raw::write(&kept);
    loop {
        let (session, text) = (id.clone(), kept.clone());
        let put = move |tx: &mut store::Tx<'_>| store::set_aside::put(tx.conn, &session, text.get(), now);
        match env.store.write(put).await {
            Ok(()) => {
                tracing::warn!(session = %id, "a message was set aside until its session is well again");
                return;
            }
            Err(error) if error.is_passing() => tokio::time::sleep(STORE_RETRY).await,
            Err(error) => {
                tracing::error!(%error, session = %id, "a message could not be stored nor set aside");
                return;
            }
        }
    }
}
