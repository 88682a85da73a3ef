//! Answers to an agent's requests.

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::{session::Delivery, wire::events::DecisionView};

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ApproveRequest {
    /// The permission mode from here on.
    #[schema(required = false)]
    pub mode: String,
    /// Tools that need no permission from here on.
    #[schema(required = false)]
    pub allow_tools: Vec<String>,
    #[schema(required = false)]
    pub decision: Choice,
    /// By question.
    #[schema(required = false)]
    pub answers: BTreeMap<String, Answers>,
}

#[derive(ToSchema)]
pub struct DenyRequest {
    #[schema(required = false)]
    pub decision: Choice,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Choice {
    Approved,
    ApprovedForSession,
    Denied,
    Abort,
}

/// Agents ask in two ways, and each reads its own shape.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Answers {
    Plain(Vec<String>),
    Wrapped { answers: Vec<String> },
}

#[derive(ToSchema)]
pub struct DecisionAnswer {
    pub ok: bool,
    pub delivery: Delivery,
}

/// Why an answer was not taken.
#[derive(ToSchema)]
pub struct AlreadyDecided {
    pub error: String,
    pub code: String,
    /// The answer that stands. Left out when the session is inactive.
    #[schema(required = false)]
    pub winner: DecisionView,
}
