//! The messages of a session.

use serde_json::Value;
use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Message {
    pub id: String,
    /// The place in the session.
    #[schema(required)]
    pub seq: Option<i64>,
    /// Chosen by the sender.
    #[schema(required)]
    pub local_id: Option<String>,
    /// As the agent or the sender wrote it.
    pub content: Value,
    pub created_at: i64,
    /// When the agent took it. A prompt with `null` waits.
    #[schema(required)]
    pub invoked_at: Option<i64>,
    /// When it is due.
    pub scheduled_at: Option<i64>,
    /// There while nobody knows whether the agent took it.
    #[schema(required = false)]
    pub delivery_state: MessageDelivery,
    /// It was put into a running turn. Told live only.
    #[schema(required = false)]
    pub steered: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum MessageDelivery {
    Indeterminate,
}

#[derive(ToSchema)]
pub struct MessagePage {
    /// Oldest first.
    pub messages: Vec<Message>,
    pub page: PageInfo,
}

/// Where a page stands and how to go on.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PageInfo {
    /// `latest`, `before` or `after`.
    pub direction: String,
    pub limit: u32,
    /// Another number means that older cursors point nowhere.
    pub epoch: i64,
    /// The cursor was of another epoch: start over with this page.
    pub reset: bool,
    #[schema(required)]
    pub next_before_seq: Option<i64>,
    #[schema(required)]
    pub next_before_at: Option<i64>,
    #[schema(required)]
    pub next_after_seq: Option<i64>,
    #[schema(required)]
    pub next_after_at: Option<i64>,
    #[schema(required)]
    pub snapshot_head_seq: Option<i64>,
    #[schema(required)]
    pub snapshot_head_at: Option<i64>,
    pub has_more: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CancelMessage {
    pub status: CancelStatus,
    /// Left out with `invoked`.
    pub local_id: Option<String>,
    /// There with `invoked`.
    #[schema(required = false)]
    pub message: Message,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum CancelStatus {
    Cancelled,
    /// Too late: the agent has it.
    Invoked,
    /// It is on its way to the agent.
    Busy,
}
