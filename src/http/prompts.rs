//! Where prompts are on their way to the agent. Ours: released clients ask for less, by `queued-state`.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Shared, auth::Caller, error::ApiResult};
use crate::{
    domain::{
        ids::Millis,
        prompt_state::{self, State},
    },
    namespace::Hub,
    session::{GetGlance, GetKey},
    store,
    wire::rest,
};

/// How many prompts are told that nothing is to be done for any more.
const SETTLED: i64 = 50;
const MOST_SETTLED: i64 = 500;

#[derive(Deserialize)]
pub struct PromptsQuery {
    limit: Option<i64>,
}

/// One prompt on its way.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PromptProgress)]
pub struct Progress {
    id: String,
    local_id: String,
    state: State,
    /// Why nobody will deliver it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    reason: Option<&'static str>,
    /// Epoch milliseconds, as are the others.
    #[schema(value_type = i64)]
    created_at: Millis,
    #[schema(value_type = Option<i64>, required)]
    scheduled_at: Option<Millis>,
    #[schema(value_type = Option<i64>, required)]
    invoked_at: Option<Millis>,
}

/// Every prompt that waits, and the newest of those that the agent took, in the order in which they were sent.
#[utoipa::path(
    get, path = "/api/sessions/{id}/prompts", tag = "messages",
    params(("id" = String, Path), ("limit" = Option<i64>, Query, description = "how many of those that were taken; 0 to 500, 50 if not given")),
    responses((status = 200, description = "`{prompts}`", body = PromptList), (status = 404, body = rest::ErrorBody)),
)]
pub async fn list(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    query: web::Query<PromptsQuery>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let (key, _) = session.send(GetKey).await??;
    let is_archived = session.send(GetGlance).await?.is_archived;
    let limit = query.limit.unwrap_or(SETTLED).clamp(0, MOST_SETTLED);
    let now = shared.env.clock.now();
    let stored = shared.env.store.read(move |conn| store::prompts::progress(conn, key, limit)).await?;
    let prompts: Vec<Progress> = stored
        .into_iter()
        .map(|prompt| {
            let (state, reason) = prompt_state::state(&prompt.stored, is_archived, now);
            Progress {
                id: prompt.id,
                local_id: prompt.local_id,
                state,
                reason,
                created_at: prompt.created_at,
                scheduled_at: prompt.stored.scheduled_at,
                invoked_at: prompt.stored.invoked_at,
            }
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "prompts": prompts })))
}

/// Describes the answer of [`list`].
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "only described")]
pub struct PromptList {
    prompts: Vec<Progress>,
}
