//! Logging: its set-up, and the masking of what must not be logged.

use std::{
    borrow::Cow,
    io::{self, IsTerminal},
};

use actix_web::{
    HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use percent_encoding::percent_decode_str;
use tracing::{Span, field::Empty};
use tracing_actix_web::RootSpanBuilder;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Error, Log};

/// Query parameters that open something.
const SECRET_PARAMETERS: [&str; 4] = ["token", "accesstoken", "initdata", "code"];
const MASK: &str = "***";

/// Sends what the filter lets through to stderr, as text or as one JSON object a line. Works once in a process.
pub fn init(log: &Log) -> Result<(), Error> {
    let filter =
        EnvFilter::try_new(&*log.filter).map_err(|error| Error::LogFilter { reason: error.to_string() })?;
    let (text, json) = if *log.json {
        (None, Some(fmt::layer().json().with_writer(io::stderr)))
    } else {
        (Some(fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr)), None)
    };
    tracing_subscriber::registry().with(filter).with(text).with(json).try_init().map_err(|_| Error::LogTwice)
}

/// A path and query as they may be logged: the values of secret parameters are masked.
pub fn redact(path_and_query: &str) -> Cow<'_, str> {
    let Some((path, query)) = path_and_query.split_once('?') else { return Cow::Borrowed(path_and_query) };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(path_and_query);
    }
    let masked: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(pair) => Cow::Owned(format!("{name}={MASK}")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    Cow::Owned(format!("{path}?{}", masked.join("&")))
}

fn is_secret(pair: &str) -> bool {
    let Some((name, _)) = pair.split_once('=') else { return false };
    let name = percent_decode_str(name).decode_utf8_lossy().to_lowercase();
    SECRET_PARAMETERS.contains(&name.as_str())
}

/// The span of one HTTP request: its id and address, without what must not be logged.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return Span::none();
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let id = request.extensions().get::<tracing_actix_web::RequestId>().map(ToString::to_string);
        tracing::debug_span!("request", id, method = %request.method(), target = %redact(target), status = Empty)
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", status.as_u16());
        span.in_scope(|| tracing::debug!("answered"));
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "a request failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_parameters_are_masked() {
        let cases = [
            ("/api/events?token=ey.a.b&all=true", "/api/events?token=***&all=true"),
            ("/?hub=x&token=a=b", "/?hub=x&token=***"),
            (
                "/a?%74oken=x&CODE=1&accessToken=2&initData=3",
                "/a?%74oken=***&CODE=***&accessToken=***&initData=***",
            ),
        ];
        for (path, masked) in cases {
            assert_eq!(redact(path), masked);
        }
    }

    #[test]
    fn everything_else_is_left_alone() {
        for path in ["/", "/token=x", "/a?", "/a?tokens=1&x", "/a?token", "/a?x=token"] {
            assert!(matches!(redact(path), Cow::Borrowed(same) if same == path), "{path}");
        }
    }
}
