//! Steps that the end of the last hub cut short: each is finished, or taken back, as soon as its session can be reached.

use super::{
    clear,
    fork::{self, ForkPlan},
    life::Life,
    resume, rewind,
};
use crate::{
    app::Env,
    domain::intent::Kind,
    namespace::Hub,
    store::{self, intents::Intent},
};

/// How long closed steps are kept for whoever wants to know what happened.
const KEPT: i64 = 30 * 24 * 3_600_000;

/// The steps that are open. Read before anything new can begin.
pub async fn read(env: &Env) -> store::Result<Vec<Intent>> {
    let before = env.clock.now() - KEPT;
    env.store
        .write(move |tx| {
            store::intents::prune(tx.conn, before)?;
            store::intents::all_open(tx.conn)
        })
        .await
}

/// Goes on with all of them at once: each may have to wait for a process to come back.
pub async fn settle(env: Env, hub: Hub, steps: Vec<Intent>) {
    let all = steps.into_iter().map(|step| settle_one(&env, &hub, step));
    futures_util::future::join_all(all).await;
}

/// Goes on with clears whose CLI is gone. Each runs by itself; one that runs already is left to it.
pub async fn go_on_with_clears(env: &Env, hub: &Hub) {
    let open = match env.store.read(store::intents::all_open).await {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error, "could not look for clears that are not finished");
            return;
        }
    };
    for step in open.into_iter().filter(|step| step.kind == Kind::Clear) {
        if let Ok(tenant) = hub.tenant(&step.namespace).await {
            let life = Life { env: env.clone(), namespace: step.namespace, tenant };
            actix_rt::spawn(async move { clear::go_on(&life, &step.session).await });
        }
    }
}

async fn settle_one(env: &Env, hub: &Hub, step: Intent) {
    let Intent { key, namespace, session, kind, other, plan } = step;
    tracing::info!(%session, kind = kind.as_str(), "a step of a session's life was cut short");
    let Ok(tenant) = hub.tenant(&namespace).await else { return };
    let life = Life { env: env.clone(), namespace, tenant };
    match kind {
        Kind::Resume => {
            let plan = serde_json::from_str(&plan).unwrap_or_default();
            resume::settle(&life, &session, other, plan, key).await;
        }
        Kind::Fork => match (other, serde_json::from_str::<ForkPlan>(&plan)) {
            (Some(child), Ok(plan)) => fork::settle(&life, &child, &plan, key).await,
            _ => life.close(key, Some("the record of the step cannot be read".into())).await,
        },
        Kind::Rewind => rewind::settle(&life, &session, key).await,
        // A clear is gone on with by the clock; a merge is done in one transaction, so never open.
        Kind::Clear | Kind::Merge => {}
    }
}
