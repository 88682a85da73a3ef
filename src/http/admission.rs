//! Who may come in now: finds out once who asks, counts the request and its body against their share, and refuses what
//! is too much before any of it is read.
//!
//! Not counted by rate are pages' files and `/health`, which anybody may ask for and which cost little; signing in,
//! which has a brake on guessing of its own and must work for who has the right token; and the engine of the sockets,
//! whose requests carry no token.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};

use super::{
    Shared,
    auth::{Caller, Cli, address},
    error::ApiResult,
    inflight::{self, Inflight},
};
use crate::{
    limits::{Connection, Who},
    socket,
};

pub async fn pass<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let body = match admit(&mut req) {
        Ok(body) => body,
        Err(error) => return Ok(req.into_response(error.error_response()).map_into_right_body()),
    };
    let response = next.call(req).await?;
    // What a handler makes of a body that broke off is not what happened.
    Ok(match body.and_then(|body| body.given_up()) {
        None => response.map_into_left_body(),
        Some(error) => response.into_response(error.error_response()).map_into_right_body(),
    })
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Health,
    SignIn,
    Pages,
    Processes,
    Engine,
    Files,
}

impl Door {
    fn of(path: &str) -> Self {
        match path {
            "/health" => Self::Health,
            "/api/auth" | "/api/bind" => Self::SignIn,
            socket::PATH => Self::Engine,
            _ if path.starts_with("/api/") => Self::Pages,
            _ if path.starts_with("/cli/") => Self::Processes,
            _ => Self::Files,
        }
    }
}

fn admit(req: &mut ServiceRequest) -> ApiResult<Option<Inflight>> {
    let Some(shared) = req.app_data::<web::Data<Arc<Shared>>>().cloned() else { return Ok(None) };
    let door = Door::of(req.path());
    // Whoever watches over the hub has to be told that it is up, however full it is.
    if door != Door::Health
        && let Some(connection) = req.conn_data::<Connection>()
    {
        connection.admitted()?;
    }
    let who = who(req, door, &shared);
    if matches!(door, Door::Pages | Door::Processes) {
        shared.limits.request(&who)?;
    }
    let is_socket = door == Door::Engine && req.method() == Method::GET && req.head().upgrade();
    if is_socket { Ok(None) } else { inflight::count(req, &shared, who) }
}

/// What has been verified here need not be verified again: the extractors find it in the request.
fn who(req: &ServiceRequest, door: Door, shared: &Shared) -> Who {
    let known = match door {
        Door::Pages => Caller::of(req.request()).ok().map(|caller| {
            let who = caller.who();
            req.extensions_mut().insert(caller);
            who
        }),
        Door::Processes => Cli::of(req.request()).ok().map(|cli| {
            let who = cli.who();
            req.extensions_mut().insert(cli);
            who
        }),
        Door::Health | Door::SignIn | Door::Engine | Door::Files => None,
    };
    known.unwrap_or_else(|| Who::stranger(address(req.request(), shared)))
}
