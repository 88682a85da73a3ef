//! The file that a session is exported to.

use serde::Serialize;
use utoipa::ToSchema;

use super::schema;
use crate::domain::{export::MAX_BYTES, ids::Millis, scratchlist::Entry};

const SCHEMA_VERSION: u32 = 2;

/// What stands before the messages, which are separated by commas. `session` is a whole session, encoded.
pub fn opening(session: &str, now: Millis) -> String {
    format!("{{\"schemaVersion\":{SCHEMA_VERSION},\"exportedAt\":{now},\"session\":{session},\"messages\":[")
}

/// What stands behind them. Notes are the oldest first.
pub fn ending(notes: &[Entry]) -> String {
    format!("],\"scratchlist\":{}}}", crate::domain::json::write(&notes).get())
}

/// Instead of a file that is larger than people expect.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportWarning {
    r#type: &'static str,
    count: u64,
    limit: u64,
    estimated_bytes: u64,
}

impl ExportWarning {
    pub fn new(count: u64, limit: u64, estimated_bytes: u64) -> Self {
        Self { r#type: "warning", count, limit, estimated_bytes }
    }
}

/// Instead of a file that is larger than the hub makes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportTooLarge {
    r#type: &'static str,
    error: &'static str,
    code: &'static str,
    count: u64,
    estimated_bytes: u64,
    max_bytes: u64,
}

impl ExportTooLarge {
    pub fn new(count: u64, estimated_bytes: u64) -> Self {
        Self {
            r#type: "too-large",
            error: "Session export exceeds the resource limit",
            code: "session_export_too_large",
            count,
            estimated_bytes,
            max_bytes: MAX_BYTES,
        }
    }
}

/// The export, or a warning that it is large.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SessionExport {
    /// `2`. Not in a warning.
    #[schema(required = false)]
    pub schema_version: u32,
    #[schema(required = false)]
    pub exported_at: i64,
    #[schema(required = false)]
    pub session: schema::Session,
    /// In the order of the conversation.
    #[schema(required = false)]
    pub messages: Vec<schema::Message>,
    /// The oldest first.
    #[schema(required = false)]
    pub scratchlist: Vec<Entry>,
    /// `warning`, in a warning only.
    #[schema(required = false)]
    pub r#type: String,
    #[schema(required = false)]
    pub count: u64,
    #[schema(required = false)]
    pub limit: u64,
    #[schema(required = false)]
    pub estimated_bytes: u64,
}
