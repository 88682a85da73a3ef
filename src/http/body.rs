//! Request bodies: JSON whatever the content type says. What is no JSON reads as no body; each handler says what that
//! means for it.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use crate::domain::json;

/// A request body as it came.
pub struct Body(web::Bytes);

impl Body {
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(u8::is_ascii_whitespace)
    }

    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The body as JSON; `None` when it is none.
    pub fn value(&self) -> Option<Value> {
        json::read_text(self.text()?)
    }

    /// The body as what the handler asks for.
    pub fn read<T: DeserializeOwned>(&self) -> ApiResult<T> {
        let text = self.text().ok_or_else(ApiError::invalid_body)?;
        serde_json::from_str(text)
            .or_else(|_| serde_json::from_str(&json::repair_surrogates(text)))
            .map_err(|_| ApiError::invalid_body())
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(req, payload);
        Box::pin(async move {
            bytes.await.map(Self).map_err(|error| {
                use actix_web::http::StatusCode;
                match error.as_response_error().status_code() {
                    StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
                    _ => ApiError::invalid_body(),
                }
            })
        })
    }
}
