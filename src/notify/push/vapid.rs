//! Who pushes: a signed statement by which a push service knows this hub again.

use awc::http::header::HeaderValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::{SecretKey, pkcs8::EncodePrivateKey};
use serde::Serialize;
use url::Url;

use crate::{domain::ids::Millis, identity::VapidKeys, outbound};

/// Push services refuse what is valid for more than a day.
const VALID_SECONDS: i64 = 12 * 3_600;

pub struct Vapid {
    key: EncodingKey,
    public: String,
    subject: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    pub fn new(keys: &VapidKeys, subject: &str) -> Option<Self> {
        let scalar = BASE64_URL_SAFE_NO_PAD.decode(keys.private.expose()).ok()?;
        let document = SecretKey::from_slice(&scalar).ok()?.to_pkcs8_der().ok()?;
        let key = EncodingKey::from_ec_der(document.as_bytes());
        Some(Self { key, public: keys.public.clone(), subject: subject.to_owned() })
    }

    /// The header for a push to this address. It is a secret: who has it can push in the hub's name for a while.
    pub fn authorization(&self, endpoint: &Url, now: Millis) -> Option<HeaderValue> {
        let audience = endpoint.origin().ascii_serialization();
        let exp = now.div_euclid(1_000).saturating_add(VALID_SECONDS);
        let claims = Claims { aud: &audience, exp, sub: &self.subject };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).ok()?;
        outbound::secret_header(&format!("vapid t={token}, k={}", self.public))
    }
}
