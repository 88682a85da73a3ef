//! Web tokens: short-lived proofs of a namespace, which browsers show with each request.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::JwtKey;
use crate::domain::ids::{Millis, Namespace};

/// Issues and verifies web tokens.
#[derive(Clone, Debug)]
pub struct Jwt {
    key: JwtKey,
    owner_id: u64,
    ttl_seconds: i64,
}

/// What a verified token says. Tokens without an end are accepted, as by the released hub.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    pub uid: Number,
    pub ns: Namespace,
    /// Seconds since the Unix epoch.
    pub exp: Option<f64>,
}

/// The two refusals that clients tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("token is malformed, not ours or out of its time")]
    Invalid,
    #[error("token is ours but does not say who comes")]
    Payload,
}

#[derive(Serialize)]
struct Issued<'a> {
    uid: u64,
    ns: &'a str,
    iat: i64,
    exp: i64,
}

impl Jwt {
    pub fn new(key: JwtKey, owner_id: u64, ttl_seconds: i64) -> Self {
        Self { key, owner_id, ttl_seconds }
    }

    /// The one number that stands for every user of this hub.
    pub fn owner_id(&self) -> u64 {
        self.owner_id
    }

    pub fn issue(&self, ns: &Namespace, now: Millis) -> String {
        let iat = now.div_euclid(1_000);
        let claims =
            Issued { uid: self.owner_id, ns: ns.as_str(), iat, exp: iat.saturating_add(self.ttl_seconds) };
        let header = Header { typ: None, ..Header::new(Algorithm::HS256) };
        // Signing with an HMAC key of ours cannot fail; an empty token would simply be refused.
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(self.key.expose()))
            .unwrap_or_default()
    }

    pub fn verify(&self, token: &str, now: Millis) -> Result<Claims, JwtError> {
        let claims = self.open(token)?;
        let exp = moment(&claims, "exp")?;
        let nbf = moment(&claims, "nbf")?;
        let now = seconds(now);
        if exp.is_some_and(|exp| exp <= now) || nbf.is_some_and(|nbf| nbf > now) {
            return Err(JwtError::Invalid);
        }
        match (claims.get("uid"), claims.get("ns")) {
            (Some(Value::Number(uid)), Some(Value::String(ns))) => {
                Ok(Claims { uid: uid.clone(), ns: Namespace::from(ns.as_str()), exp })
            }
            _ => Err(JwtError::Payload),
        }
    }

    /// Checks the signature only: the crate would judge times by the system's clock, not by ours.
    fn open(&self, token: &str) -> Result<Map<String, Value>, JwtError> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        let key = DecodingKey::from_secret(self.key.expose());
        jsonwebtoken::decode(token, &key, &rules).map(|token| token.claims).map_err(|_| JwtError::Invalid)
    }
}

fn moment(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, JwtError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(JwtError::Invalid),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this era are far below 2^53")]
fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
    use serde_json::json;

    use super::*;

    const NOW: Millis = 1_795_157_032_000;

    fn jwt() -> Jwt {
        Jwt::new(JwtKey::new([7; 32]), 67_856_225, 14_400)
    }

    fn signed(algorithm: Algorithm, claims: &Value, key: &[u8]) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
    }

    fn verified(claims: &Value) -> Result<Claims, JwtError> {
        jwt().verify(&signed(Algorithm::HS256, claims, &[7; 32]), NOW)
    }

    #[test]
    fn a_token_has_the_released_form() {
        let token = jwt().issue(&Namespace::from("default"), NOW);
        let parts: Vec<String> = token
            .split('.')
            .take(2)
            .map(|part| String::from_utf8(BASE64.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0], r#"{"alg":"HS256"}"#);
        assert_eq!(parts[1], r#"{"uid":67856225,"ns":"default","iat":1795157032,"exp":1795171432}"#);
    }

    #[test]
    fn a_token_is_good_until_its_last_moment() {
        let token = jwt().issue(&Namespace::from("team"), NOW);
        let claims = jwt().verify(&token, NOW + 14_399_999).unwrap();
        assert_eq!((claims.ns, claims.uid), (Namespace::from("team"), Number::from(67_856_225)));
        assert_eq!(jwt().verify(&token, NOW + 14_400_000), Err(JwtError::Invalid));
    }

    #[test]
    fn a_token_without_an_end_is_accepted() {
        assert_eq!(verified(&json!({"uid": 1, "ns": "a"})).unwrap().exp, None);
    }

    #[test]
    fn foreign_and_changed_tokens_are_invalid() {
        let claims = json!({"uid": 1, "ns": "a"});
        let good = signed(Algorithm::HS256, &claims, &[7; 32]);
        let none = format!("{}.{}.", BASE64.encode(r#"{"alg":"none"}"#), BASE64.encode(claims.to_string()));
        let other_key = signed(Algorithm::HS256, &claims, &[8; 32]);
        let other_algorithm = signed(Algorithm::HS512, &claims, &[7; 32]);
        for token in ["", "a.b.c", &good[..good.len() - 2], &none, &other_key, &other_algorithm] {
            assert_eq!(jwt().verify(token, NOW), Err(JwtError::Invalid), "{token}");
        }
    }

    #[test]
    fn times_that_are_not_numbers_or_not_yet_are_invalid() {
        for claims in [
            json!({"uid": 1, "ns": "a", "exp": "later"}),
            json!({"uid": 1, "ns": "a", "exp": null}),
            json!({"uid": 1, "ns": "a", "nbf": 1_795_157_033}),
        ] {
            assert_eq!(verified(&claims), Err(JwtError::Invalid), "{claims}");
        }
        assert!(verified(&json!({"uid": 1, "ns": "a", "nbf": 1_795_157_032})).is_ok());
    }

    #[test]
    fn a_good_signature_over_bad_claims_is_told_apart() {
        for claims in
            [json!({}), json!({"uid": "1", "ns": "a"}), json!({"uid": 1}), json!({"uid": 1, "ns": 2})]
        {
            assert_eq!(verified(&claims), Err(JwtError::Payload), "{claims}");
        }
    }
}
