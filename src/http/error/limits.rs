//! What is told to who has as much of the hub as they may have.

use actix_web::http::StatusCode;

use super::{ApiError, coded};
use crate::limits::{Refusal, What, Whose};

impl ApiError {
    /// A request body made no progress for too long.
    pub fn body_stalled() -> Self {
        coded(StatusCode::REQUEST_TIMEOUT, "The request body stopped coming", "body_stalled")
    }
}

impl From<Refusal> for ApiError {
    fn from(Refusal { what, whose, seconds }: Refusal) -> Self {
        let (thing, code) = match what {
            What::Connections => ("connections", "too_many_connections"),
            What::Streams => ("event streams", "too_many_streams"),
            What::Links => ("sockets", "too_many_links"),
            What::Bytes => ("bytes of request bodies at once", "too_many_bytes"),
            What::Requests => ("requests", "too_many_requests"),
        };
        let owner = match whose {
            Whose::Hub => {
                let text = format!("The hub has no room for more {thing} at the moment");
                let error = coded(StatusCode::SERVICE_UNAVAILABLE, text, "hub_full");
                return Self { retry_after: Some(seconds), ..error };
            }
            Whose::Namespace => "of this namespace",
            Whose::Token => "with this token",
            Whose::Strangers => "without a token",
            Whose::Address => "without a token from this address",
        };
        let error = coded(StatusCode::TOO_MANY_REQUESTS, format!("Too many {thing} {owner}"), code);
        Self { retry_after: Some(seconds), ..error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_owner_its_code_and_when_to_come_back() {
        let told = |what, whose| {
            let error = ApiError::from(Refusal { what, whose, seconds: 7 });
            assert_eq!(error.retry_after, Some(7));
            error.to_string()
        };
        insta::assert_snapshot!(told(What::Streams, Whose::Namespace), @r#"429 {"error":"Too many event streams of this namespace","code":"too_many_streams"}"#);
        insta::assert_snapshot!(told(What::Links, Whose::Address), @r#"429 {"error":"Too many sockets without a token from this address","code":"too_many_links"}"#);
        insta::assert_snapshot!(told(What::Bytes, Whose::Strangers), @r#"429 {"error":"Too many bytes of request bodies at once without a token","code":"too_many_bytes"}"#);
        insta::assert_snapshot!(told(What::Requests, Whose::Token), @r#"429 {"error":"Too many requests with this token","code":"too_many_requests"}"#);
        insta::assert_snapshot!(told(What::Connections, Whose::Hub), @r#"503 {"error":"The hub has no room for more connections at the moment","code":"hub_full"}"#);
        insta::assert_snapshot!(ApiError::body_stalled(), @r#"408 {"error":"The request body stopped coming","code":"body_stalled"}"#);
    }
}
