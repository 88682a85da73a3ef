//! What agents' processes are told over HTTP.

use utoipa::ToSchema;

use super::{Message, Session};

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CliSession {
    pub session: Session,
    /// Whether agents are asked to end a turn with a status line.
    pub session_summary_contract: bool,
}

#[derive(ToSchema)]
pub struct CliMessages {
    /// Oldest first. A page that is not full is the last one.
    pub messages: Vec<Message>,
}
