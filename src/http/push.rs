//! Browsers and phones that ask for pushes. Sending them is done in [`crate::notify`].

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::{page::FieldErrors, push, text},
    store::push::{self as rows, Device, Subscription},
    wire::{rest, schema},
};

/// Far beyond what push services hand out; a limit keeps a stranger from filling the database.
const MAX_TEXT: usize = 4_096;
const MAX_DEVICE_ID: usize = 128;

/// The key that browsers subscribe with.
#[utoipa::path(
    get, path = "/api/push/vapid-public-key", tag = "push",
    responses((status = 200, body = schema::VapidPublicKey)),
)]
pub async fn vapid_public_key(_: Caller, shared: web::Data<Arc<Shared>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "publicKey": shared.vapid_public_key }))
}

fn is_filled(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len())
}

#[derive(Deserialize)]
struct NewSubscription {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Pushes to this browser from now on.
#[utoipa::path(
    post, path = "/api/push/subscribe", tag = "push", request_body = schema::PushSubscriptionRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn subscribe(
    caller: Caller,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let NewSubscription { endpoint, keys: Keys { p256dh, auth } } = body.read()?;
    if ![&endpoint, &p256dh, &auth].iter().all(|text| is_filled(text)) {
        return Err(ApiError::invalid_body());
    }
    // The hub calls this address later, so it must not lead into the hub's own network.
    if !push::is_endpoint(&endpoint, shared.env.settings.push.allow_private) {
        return Err(ApiError::invalid("The push endpoint must be a public https address"));
    }
    let now = shared.env.clock.now();
    let new = Subscription { endpoint, p256dh, auth };
    let namespace = caller.namespace;
    shared.env.store.write(move |tx| rows::subscribe(tx.conn, &namespace, &new, now)).await?;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

#[derive(Deserialize)]
struct Endpoint {
    endpoint: String,
}

/// No more pushes to this browser.
#[utoipa::path(
    delete, path = "/api/push/subscribe", tag = "push", request_body = schema::PushEndpointRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn unsubscribe(
    caller: Caller,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let Endpoint { endpoint } = body.read()?;
    if endpoint.is_empty() {
        return Err(ApiError::invalid_body());
    }
    let namespace = caller.namespace;
    shared.env.store.write(move |tx| rows::unsubscribe(tx.conn, &namespace, &endpoint)).await?;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// Pushes to this phone or watch from now on.
#[utoipa::path(
    post, path = "/api/devices/register", tag = "push", request_body = schema::DeviceRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn register_device(
    caller: Caller,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let device =
        device(body.value().as_ref()).map_err(|issues| ApiError::invalid_fields("Invalid body", &issues))?;
    let now = shared.env.clock.now();
    let namespace = caller.namespace;
    shared.env.store.write(move |tx| rows::register(tx.conn, &namespace, &device, now)).await?;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// No more pushes to the phone or watch with this token.
#[utoipa::path(
    delete, path = "/api/devices/register", tag = "push", request_body = schema::DeviceTokenRequest,
    responses((status = 200, body = rest::Ok), (status = 400, body = rest::ErrorBody)),
)]
pub async fn unregister_device(
    caller: Caller,
    shared: web::Data<Arc<Shared>>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let body = body.value();
    let token = fields(body.as_ref()).and_then(|mut fields| {
        let token = fields.filled("token", MAX_TEXT);
        fields.done(token)
    });
    let token = token.map_err(|issues| ApiError::invalid_fields("Invalid body", &issues))?;
    let namespace = caller.namespace;
    shared.env.store.write(move |tx| rows::unregister(tx.conn, &namespace, &token)).await?;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}

/// A body whose fields are looked at one by one.
struct Fields<'a> {
    body: &'a Value,
    issues: FieldErrors,
}

fn fields(body: Option<&Value>) -> Result<Fields<'_>, FieldErrors> {
    match body {
        Some(body) if body.is_object() => Ok(Fields { body, issues: FieldErrors::default() }),
        _ => {
            Err(FieldErrors { form_errors: vec!["Expected an object".to_owned()], ..FieldErrors::default() })
        }
    }
}

impl Fields<'_> {
    /// A text of 1 to `longest` characters.
    fn filled(&mut self, key: &'static str, longest: usize) -> Option<String> {
        let given = self.body.get(key).and_then(Value::as_str);
        let given = given.filter(|text| (1..=longest).contains(&text::units(text)));
        if given.is_none() {
            self.issues.add(key, &format!("Expected 1 to {longest} characters"));
        }
        given.map(str::to_owned)
    }

    fn done<T>(self, value: Option<T>) -> Result<T, FieldErrors> {
        match value {
            Some(value) if self.issues.is_empty() => Ok(value),
            _ => Err(self.issues),
        }
    }
}

/// A watch has no key of its own; an iPhone cannot be pushed to without one.
fn device(body: Option<&Value>) -> Result<Device, FieldErrors> {
    let mut fields = fields(body)?;
    let token = fields.filled("token", MAX_TEXT);
    let device_id = fields.filled("deviceId", MAX_DEVICE_ID);
    let platform = fields.body.get("platform").and_then(Value::as_str);
    let platform = platform.filter(|platform| ["phone", "wear", "ios"].contains(platform));
    if platform.is_none() {
        fields.issues.add("platform", "Expected phone, wear or ios");
    }
    let push_key = match (platform, fields.body.get("pushKey")) {
        (Some("wear"), _) | (Some("phone"), None) | (None, _) => None,
        (Some(_), given) => {
            let key = given.and_then(Value::as_str).and_then(push::push_key);
            if key.is_none() {
                fields.issues.add("pushKey", "Expected 32 bytes as base64");
            }
            key
        }
    };
    let device = token.zip(device_id).zip(platform).map(|((token, device_id), platform)| Device {
        token,
        platform: platform.to_owned(),
        device_id,
        push_key,
    });
    fields.done(device)
}
