//! The key pair by which push services know this hub. It lies in `settings.json` under the names that the released hub
//! uses, so that browsers that subscribed to that one stay subscribed.

use std::path::Path;

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_URL_SAFE_NO_PAD,
};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint};
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    config::{Error, Secret, settings_file},
};

const KEY: &str = "vapidKeys";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A P-256 key pair.
#[derive(Clone, Debug)]
pub struct VapidKeys {
    /// The uncompressed point as base64url: what browsers subscribe with.
    pub public: String,
    /// The scalar as base64url.
    pub private: Secret,
}

impl VapidKeys {
    /// Reads the pair, or makes it when there is none. One that is not a pair is never replaced: every browser would
    /// have to subscribe anew.
    pub fn load_or_create(home: &Path, clock: &Clock) -> Result<Self, Error> {
        let path = settings_file::path(home);
        let read = |settings: &serde_json::Map<String, Value>| {
            let held = settings.get(KEY).filter(|held| !held.is_null())?;
            let expected = "a P-256 key pair as `vapidKeys`";
            Some(Self::parse(held).ok_or_else(|| Error::BadSecret { path: path.clone(), expected }))
        };
        if let Some(held) = read(&settings_file::read(&path)?) {
            return held;
        }
        // Two hubs that start at once in one home agree on what the first of them made.
        settings_file::update(home, clock, |settings| {
            read(settings).unwrap_or_else(|| {
                let made = Self::fresh();
                let pair = json!({ "publicKey": made.public, "privateKey": made.private.expose() });
                settings.insert(KEY.to_owned(), pair);
                Ok(made)
            })
        })?
    }

    fn fresh() -> Self {
        loop {
            // Almost every number of 32 bytes is a key.
            if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                return Self::of(&key);
            }
        }
    }

    fn of(key: &SecretKey) -> Self {
        let point = key.public_key().to_encoded_point(false);
        Self {
            public: BASE64_URL_SAFE_NO_PAD.encode(point.as_bytes()),
            private: Secret::new(BASE64_URL_SAFE_NO_PAD.encode(key.to_bytes())),
        }
    }

    fn parse(held: &Value) -> Option<Self> {
        let text = |key: &str| held.get(key).and_then(Value::as_str).map(str::trim);
        let bytes = BASE64.decode(text("privateKey")?).ok()?;
        let own = Self::of(&SecretKey::from_slice(&bytes).ok()?);
        let public = BASE64.decode(text("publicKey")?).ok()?;
        (BASE64_URL_SAFE_NO_PAD.encode(public) == own.public).then_some(own)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(home: &Path) -> Result<VapidKeys, Error> {
        VapidKeys::load_or_create(home, &Clock::system())
    }

    #[test]
    fn the_pair_is_made_once() {
        let home = tempfile::tempdir().unwrap();
        fs::write(settings_file::path(home.path()), r#"{"machineId":"m"}"#).unwrap();
        let first = load(home.path()).unwrap();
        assert_eq!(BASE64.decode(&first.public).unwrap().len(), 65);
        assert_eq!(BASE64.decode(first.private.expose()).unwrap().len(), 32);
        let text = fs::read_to_string(settings_file::path(home.path())).unwrap();
        assert!(text.contains("\"machineId\": \"m\"") && text.contains(&first.public), "{text}");
        let second = load(home.path()).unwrap();
        assert_eq!((second.public, second.private), (first.public, first.private));
        assert_eq!(fs::read_to_string(settings_file::path(home.path())).unwrap(), text);
    }

    #[test]
    fn a_known_pair_is_read() {
        let home = tempfile::tempdir().unwrap();
        // The example of RFC 8291, appendix A.
        let (public, private) = (
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
            "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
        );
        let settings = json!({ "vapidKeys": { "publicKey": public, "privateKey": private } });
        fs::write(settings_file::path(home.path()), settings.to_string()).unwrap();
        let keys = load(home.path()).unwrap();
        assert_eq!((keys.public.as_str(), keys.private.expose()), (public, private));
        assert!(!format!("{keys:?}").contains(private));
    }

    #[test]
    fn what_is_no_pair_stops_the_start_and_is_kept() {
        for pair in [
            json!({}),
            json!({ "publicKey": "B", "privateKey": "x" }),
            json!({ "publicKey": "BP4z", "privateKey": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw" }),
            json!("text"),
        ] {
            let home = tempfile::tempdir().unwrap();
            let text = json!({ "vapidKeys": pair }).to_string();
            fs::write(settings_file::path(home.path()), &text).unwrap();
            assert!(load(home.path()).unwrap_err().to_string().contains("vapidKeys"), "{pair}");
            assert_eq!(fs::read_to_string(settings_file::path(home.path())).unwrap(), text);
        }
    }
}
