//! Going back: the agent forgets everything from a message on, then the transcript does.

use std::time::Duration;

use serde_json::json;

use super::{
    Call,
    history::{HistoryError, Hold, MarkDiverged, Truncate, closed},
    life::{Life, gone},
};
use crate::domain::{
    history::{Cut, Rewound},
    ids::SessionId,
    intent::Kind,
    json as raw,
};

/// How long an agent may take over its own history.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub async fn rewind(life: &Life, id: &SessionId, before: String) -> Result<(), HistoryError> {
    let session = life.session(id).await?;
    let cut = Cut::Rewind { before: before.clone() };
    let _held = session.send(Hold(cut)).await.map_err(gone)??;
    let step = life.open(id, Kind::Rewind, &json!({ "before": before })).await?;
    let params = json!({ "messageLocalId": before });
    let call = Call { method: "rewind-conversation", params, within: PATIENCE };
    let answer = match session.send(call).await.map_err(gone)? {
        Ok(answer) => raw::read(&answer).unwrap_or_default(),
        Err(error) if error.is_target_missing() => {
            life.close(step, Some(error.to_string())).await;
            return Err(HistoryError::failed(error.to_string()));
        }
        Err(error) => return Err(diverged(life, id, step, error.to_string()).await),
    };
    match Rewound::read(&answer) {
        Rewound::Refused { error, code } => {
            life.close(step, Some(error.clone())).await;
            Err(HistoryError::Failed { text: error, code })
        }
        Rewound::Done { from, replacements } => {
            let cut = Truncate { step, from: from.unwrap_or(before), replacements };
            match closed(session.send(cut).await) {
                Ok(()) => Ok(()),
                Err(error) => Err(diverged(life, id, step, error.to_string()).await),
            }
        }
    }
}

/// Marks the session, since nobody knows whether the agent went back.
async fn diverged(life: &Life, id: &SessionId, step: i64, text: String) -> HistoryError {
    let marked = async {
        let session = life.session(id).await?;
        closed(session.send(MarkDiverged).await).map_err(HistoryError::Session)
    };
    match marked.await {
        Ok(()) => life.close(step, Some(text.clone())).await,
        // The step stays open, so the mark is set at the next start.
        Err(error) => tracing::error!(%error, session = %id, "could not mark a history as diverged"),
    }
    HistoryError::Unknown(text)
}

/// After a restart: the agent was asked, and its answer was lost.
pub async fn settle(life: &Life, id: &SessionId, step: i64) {
    diverged(life, id, step, "the hub stopped before the agent answered".into()).await;
}
