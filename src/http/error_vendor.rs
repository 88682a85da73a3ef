//! What only the clients of one vendor are told: Telegram's pages and Cursor's sessions.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::{ApiError, coded, plain};
use crate::identity::TelegramError;

impl ApiError {
    pub fn unproven(error: &TelegramError) -> Self {
        plain(StatusCode::UNAUTHORIZED, error.to_string())
    }

    pub fn not_bound() -> Self {
        plain(StatusCode::UNAUTHORIZED, "not_bound")
    }

    pub fn already_bound() -> Self {
        plain(StatusCode::CONFLICT, "already_bound")
    }

    pub fn invalid_with(issues: Vec<Value>) -> Self {
        let body = json!({ "error": "Invalid body", "issues": issues });
        Self { status: StatusCode::BAD_REQUEST, body, retry_after: None }
    }

    pub fn probe_failed(text: impl Into<String>) -> Self {
        coded(StatusCode::BAD_GATEWAY, text, "probe_failed")
    }
}
