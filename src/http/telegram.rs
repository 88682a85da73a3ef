//! Signing in from a Telegram page, and binding a Telegram account to a namespace.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{
    Shared,
    auth::{self, answer},
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::ids::Namespace,
    identity::{self, TelegramUser},
    store,
    wire::{rest, schema},
};

/// Of the rows that hold Telegram accounts.
const PLATFORM: &str = "telegram";

/// Exchanges what Telegram handed to its page for a JWT of the namespace that the account is bound to.
pub async fn exchange(shared: &Shared, init_data: &str) -> ApiResult<HttpResponse> {
    let user = verify(shared, init_data)?;
    let id = user.id.to_string();
    let bound = shared.env.store.read(move |conn| store::users::namespace_of(conn, PLATFORM, &id)).await?;
    signed_in(shared, &bound.ok_or_else(ApiError::not_bound)?, &user)
}

/// Binds a Telegram account to the namespace of an access token, for good.
#[utoipa::path(
    post, path = "/api/bind", tag = "auth", request_body = schema::BindRequest,
    responses(
        (status = 200, body = rest::AuthResponse),
        (status = 400, body = rest::ErrorBody),
        (status = 401, body = rest::ErrorBody, description = "wrong token, or data that Telegram did not sign"),
        (status = 409, body = rest::ErrorBody, description = "bound to another namespace"),
        (status = 429, body = rest::ErrorBody, description = "too many wrong tokens from here; see Retry-After"),
        (status = 503, body = rest::ErrorBody, description = "no bot is configured"),
    ),
    security(())
)]
pub async fn bind(req: HttpRequest, body: Body, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    let body = body.value().ok_or_else(ApiError::invalid_body)?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).ok_or_else(ApiError::invalid_body);
    let (init_data, token) = (text("initData")?, text("accessToken")?);
    let namespace = auth::namespace_of(&req, &shared, token)?;
    let user = verify(&shared, init_data)?;
    let (id, wanted, now) = (user.id.to_string(), namespace.clone(), shared.env.clock.now());
    let bound = shared.env.store.write(move |tx| store::users::bind(tx.conn, PLATFORM, &id, &wanted, now));
    if bound.await? != namespace {
        return Err(ApiError::already_bound());
    }
    signed_in(&shared, &namespace, &user)
}

fn verify(shared: &Shared, init_data: &str) -> ApiResult<TelegramUser> {
    let bot_token = shared.telegram_bot.as_ref().ok_or_else(ApiError::telegram_disabled)?;
    let user = identity::verify_telegram(init_data, bot_token, shared.env.clock.now());
    user.map_err(|error| ApiError::unproven(&error))
}

fn signed_in(shared: &Shared, namespace: &Namespace, user: &TelegramUser) -> ApiResult<HttpResponse> {
    let mut names = json!({});
    for (key, name) in
        [("username", &user.username), ("firstName", &user.first_name), ("lastName", &user.last_name)]
    {
        if let (Some(name), Some(names)) = (name, names.as_object_mut()) {
            names.insert(key.to_owned(), name.as_str().into());
        }
    }
    Ok(answer(shared, namespace, names))
}
