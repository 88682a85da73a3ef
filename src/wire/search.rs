//! Bodies of the search.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::search::Segment;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchAnswer {
    /// Messages. There may be fewer than asked for although `nextCursor` leads on: a page has bounded cost.
    pub results: Vec<FoundMessage>,
    /// Sessions whose title or path was found, the most recent first; on the first page only.
    pub sessions: Vec<FoundSession>,
    /// `null` at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// False when some messages are not indexed yet; they are found later.
    pub is_complete: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundMessage {
    pub session_id: String,
    pub session_title: String,
    /// The kind of agent.
    pub agent: String,
    pub message_id: String,
    pub seq: i64,
    /// Where it stands in the conversation: a page of messages before or after it begins here.
    pub position: FoundPosition,
    /// When it was said, in epoch milliseconds.
    pub at: i64,
    /// `user` or `agent`.
    pub role: String,
    /// Of the part that is shown: `user`, `assistant`, `reasoning` or `tool`.
    pub kind: &'static str,
    /// The tool that is called there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub tool: Option<String>,
    pub excerpt: Vec<Segment>,
}

#[derive(Serialize, ToSchema)]
pub struct FoundPosition {
    pub at: i64,
    pub seq: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundSession {
    pub session_id: String,
    pub agent: String,
    pub title: Vec<Segment>,
    /// The folder it works in.
    pub path: Vec<Segment>,
    pub updated_at: i64,
}
