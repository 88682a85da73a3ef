//! A message as clients see it.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{domain::prompt::DeliveryState, store::messages::Message};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageView<'a> {
    id: &'a str,
    seq: i64,
    local_id: Option<&'a str>,
    content: &'a RawValue,
    created_at: i64,
    invoked_at: Option<i64>,
    scheduled_at: Option<i64>,
    /// Released clients know one uncertain state only; both of ours are shown as it.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_state: Option<&'static str>,
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: &message.id,
            seq: message.seq,
            local_id: message.local_id.as_deref(),
            content: &message.content,
            created_at: message.created_at,
            invoked_at: message.invoked_at,
            scheduled_at: message.scheduled_at,
            delivery_state: (message.delivery_state != DeliveryState::Queued).then_some("indeterminate"),
        }
    }
}

/// The shape inside an `update` to a CLI.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptView<'a> {
    pub id: &'a str,
    pub seq: i64,
    pub created_at: i64,
    pub local_id: Option<&'a str>,
    pub content: &'a RawValue,
}

impl<'a> From<&'a Message> for PromptView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: &message.id,
            seq: message.seq,
            created_at: message.created_at,
            local_id: message.local_id.as_deref(),
            content: &message.content,
        }
    }
}
