//! Who asks: browsers by JWT, CLIs by the access token. A handler that takes a [`Caller`] or a [`Cli`] cannot be
//! reached without one.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, http::header::AUTHORIZATION, web,
};
use serde_json::{Value, json};

use super::{
    Shared,
    body::Body,
    error::{ApiError, ApiResult},
    telegram,
};
use crate::{domain::ids::Namespace, identity::JwtError, limits::Who, wire::rest};

/// A browser or a script with a valid JWT.
#[derive(Clone, Debug)]
pub struct Caller {
    pub namespace: Namespace,
    /// Shown to others as the one who decided.
    pub user: String,
}

fn shared(req: &HttpRequest) -> ApiResult<&Arc<Shared>> {
    req.app_data::<web::Data<Arc<Shared>>>().map(|data| data.get_ref()).ok_or_else(ApiError::not_connected)
}

/// Where released pages put the token into the URL, since browsers let them set no header there.
const BY_URL: [&str; 3] = ["/api/events", "/api/voice/gemini-ws", "/api/voice/qwen-ws"];

fn presented(req: &HttpRequest) -> Option<String> {
    let header = req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(token.to_owned());
    }
    if !BY_URL.contains(&req.path()) {
        return None;
    }
    let query = url::form_urlencoded::parse(req.query_string().as_bytes());
    query.into_iter().find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
}

impl Caller {
    pub fn of(req: &HttpRequest) -> ApiResult<Self> {
        if let Some(known) = req.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let shared = shared(req)?;
        let token = presented(req).filter(|token| !token.is_empty()).ok_or_else(ApiError::missing_token)?;
        let claims = shared.jwt.verify(&token, shared.env.clock.now()).map_err(|error| match error {
            JwtError::Invalid => ApiError::invalid_token(),
            JwtError::Payload => ApiError::invalid_token_payload(),
        })?;
        Ok(Self { namespace: claims.ns, user: claims.uid.to_string() })
    }

    pub fn who(&self) -> Who {
        Who::Page { namespace: self.namespace.clone(), user: self.user.clone() }
    }
}

/// Where a request came from, for people: the address and the kind of client.
pub struct Origin(pub String);

impl FromRequest for Origin {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = req.headers().get("User-Agent").and_then(|value| value.to_str().ok());
        let agent: String = header.unwrap_or("unknown client").chars().take(120).collect();
        ready(shared(req).map(|shared| Self(format!("{} {agent}", address(req, shared)))))
    }
}

/// The caller's address, as the connection has it or a proxy that is trusted says.
pub fn address(req: &HttpRequest, shared: &Shared) -> IpAddr {
    let peer = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    shared.proxies.caller(peer, |name| {
        // Bytes that a caller sent along must not hide what the proxy wrote behind them.
        let lines = req.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { None } else { Some(lines.join(",")) }
    })
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

/// A CLI or a runner with the access token.
#[derive(Clone, Debug)]
pub struct Cli {
    pub namespace: Namespace,
}

impl Cli {
    pub fn of(req: &HttpRequest) -> ApiResult<Self> {
        if let Some(known) = req.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let header = req.headers().get(AUTHORIZATION).ok_or_else(ApiError::missing_authorization_header)?;
        let header = header.to_str().map_err(|_| ApiError::invalid_authorization_header())?;
        let (scheme, token) = header
            .trim_start()
            .split_once(char::is_whitespace)
            .ok_or_else(ApiError::invalid_authorization_header)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(ApiError::invalid_authorization_header());
        }
        let namespace = shared(req)?.tokens.authenticate(token).ok_or_else(ApiError::invalid_token)?;
        Ok(Self { namespace })
    }

    pub fn who(&self) -> Who {
        Who::Cli { namespace: self.namespace.clone() }
    }
}

impl FromRequest for Cli {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

/// Exchanges the access token, or what Telegram handed to its page, for a JWT.
#[utoipa::path(
    post, path = "/api/auth", tag = "auth", request_body = rest::AuthRequest,
    responses(
        (status = 200, body = rest::AuthResponse),
        (status = 400, body = rest::ErrorBody, description = "neither key, or no JSON"),
        (status = 401, body = rest::ErrorBody, description = "wrong token, or an account that is not bound"),
        (status = 429, body = rest::ErrorBody, description = "too many wrong tokens from here; see Retry-After"),
        (status = 503, body = rest::ErrorBody, description = "Telegram data, and no bot is configured"),
    ),
    security(())
)]
pub async fn exchange(
    req: HttpRequest,
    body: Body,
    shared: web::Data<Arc<Shared>>,
) -> ApiResult<HttpResponse> {
    let body = body.value().ok_or_else(ApiError::invalid_body)?;
    if let Some(init_data) = body.get("initData").and_then(Value::as_str) {
        return telegram::exchange(&shared, init_data).await;
    }
    let token = body.get("accessToken").and_then(Value::as_str).ok_or_else(ApiError::invalid_body)?;
    let namespace = namespace_of(&req, &shared, token)?;
    Ok(answer(&shared, &namespace, json!({ "firstName": "Web User" })))
}

/// The namespace that an access token opens. Only wrong tokens count, so that a right one always gets in, also where
/// all callers share an address.
pub fn namespace_of(req: &HttpRequest, shared: &Shared, token: &str) -> ApiResult<Namespace> {
    shared.tokens.authenticate(token).ok_or_else(|| match shared.failed_logins.count(address(req, shared)) {
        Ok(()) => ApiError::invalid_access_token(),
        Err(retry) => ApiError::locked_out(retry.seconds),
    })
}

/// A new JWT, and whom it is for by these names.
pub fn answer(shared: &Shared, namespace: &Namespace, names: Value) -> HttpResponse {
    let token = shared.jwt.issue(namespace, shared.env.clock.now());
    let mut user = json!({ "id": shared.jwt.owner_id() });
    if let (Some(user), Value::Object(names)) = (user.as_object_mut(), names) {
        user.extend(names);
    }
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(json!({ "token": token, "user": user }))
}
