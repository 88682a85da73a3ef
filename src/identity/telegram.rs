//! Who stands behind a Telegram page: the data that Telegram hands to it is signed with the bot's token, so it can be
//! checked without asking anybody.

use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{config::Secret, domain::ids::Millis};

/// Older data may have been taken from somebody.
const MAX_AGE: i64 = 24 * 60 * 60;
const LABEL: &[u8] = b"WebAppData";

/// A person as Telegram knows them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TelegramUser {
    pub id: i64,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub username: Option<String>,
    #[serde(rename = "is_bot")]
    _is_bot: Option<bool>,
    #[serde(rename = "language_code")]
    _language_code: Option<String>,
}

/// Why the data proves nothing. Clients show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    #[error("Missing hash")]
    NoHash,
    #[error("Missing or invalid auth_date")]
    NoDate,
    #[error("initData is too old")]
    TooOld,
    #[error("Invalid initData signature")]
    Forged,
    #[error("Missing user")]
    NoUser,
    #[error("Invalid user JSON")]
    UserUnreadable,
    #[error("Invalid user schema")]
    UserUnfit,
}

/// Reads the data and says whose it is, if it was signed with this bot's token within the last day.
pub fn verify(init_data: &str, bot_token: &Secret, now: Millis) -> Result<TelegramUser, TelegramError> {
    let mut pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(init_data.as_bytes()).into_owned().collect();
    let value = |wanted: &str| {
        let found = pairs.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
        found.filter(|value| !value.is_empty())
    };
    let hash = value("hash").ok_or(TelegramError::NoHash)?;
    let date = value("auth_date").and_then(|date| date.parse::<i64>().ok()).ok_or(TelegramError::NoDate)?;
    if now.div_euclid(1_000).saturating_sub(date) > MAX_AGE {
        return Err(TelegramError::TooOld);
    }
    let user = value("user");
    pairs.retain(|(key, _)| key != "hash");
    pairs.sort();
    let lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if !is_signed(lines.join("\n").as_bytes(), &hash, bot_token) {
        return Err(TelegramError::Forged);
    }
    let user = user.ok_or(TelegramError::NoUser)?;
    let user: serde_json::Value = serde_json::from_str(&user).map_err(|_| TelegramError::UserUnreadable)?;
    serde_json::from_value(user).map_err(|_| TelegramError::UserUnfit)
}

/// Telegram has signed with three keys made of the token over the years.
fn is_signed(text: &[u8], hash: &str, bot_token: &Secret) -> bool {
    let token = bot_token.expose().as_bytes();
    let keys: [Option<Vec<u8>>; 3] =
        [signature(LABEL, token), signature(token, LABEL), Some(Sha256::digest(token).to_vec())];
    let Some(hash) = bytes_of(hash) else { return false };
    keys.into_iter().flatten().any(|key| {
        // Compared in a time that tells nothing.
        Hmac::<Sha256>::new_from_slice(&key)
            .is_ok_and(|mac| mac.chain_update(text).verify_slice(&hash).is_ok())
    })
}

fn signature(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    Some(mac.chain_update(text).finalize().into_bytes().to_vec())
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_790_000_000_000;
    const BOT: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn signed_with(key: &[u8], pairs: &[(&str, &str)]) -> String {
        let mut sorted = pairs.to_vec();
        sorted.sort();
        let lines: Vec<String> = sorted.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let hash = hex(&signature(key, lines.join("\n").as_bytes()).unwrap());
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .append_pair("hash", &hash)
            .finish()
    }

    fn signed(pairs: &[(&str, &str)]) -> String {
        signed_with(&signature(LABEL, BOT.as_bytes()).unwrap(), pairs)
    }

    fn read(data: &str) -> Result<TelegramUser, TelegramError> {
        verify(data, &Secret::new(BOT), NOW)
    }

    const DATE: (&str, &str) = ("auth_date", "1789990000");
    const USER: (&str, &str) =
        ("user", r#"{"id":42,"first_name":"Ada","username":"ada","language_code":"en","more":1}"#);

    #[test]
    fn data_of_the_bot_names_its_user_by_each_of_the_keys() {
        let keys = [
            signature(LABEL, BOT.as_bytes()).unwrap(),
            signature(BOT.as_bytes(), LABEL).unwrap(),
            Sha256::digest(BOT.as_bytes()).to_vec(),
        ];
        for key in keys {
            let user = read(&signed_with(&key, &[USER, DATE, ("query_id", "a b&c=d")])).unwrap();
            assert_eq!((user.id, user.first_name.as_deref()), (42, Some("Ada")));
            assert_eq!((user.last_name, user.username.as_deref()), (None, Some("ada")));
        }
        assert_eq!(read(&signed_with(b"another key", &[USER, DATE])), Err(TelegramError::Forged));
    }

    #[test]
    fn data_that_proves_nothing_is_refused() {
        assert_eq!(read(""), Err(TelegramError::NoHash));
        assert_eq!(read(&signed(&[USER])), Err(TelegramError::NoDate));
        assert_eq!(read(&signed(&[USER, ("auth_date", "soon")])), Err(TelegramError::NoDate));
        assert_eq!(read(&signed(&[USER, ("auth_date", "1789913599")])), Err(TelegramError::TooOld));
        assert!(read(&signed(&[USER, ("auth_date", "1789913600")])).is_ok());
        assert_eq!(read(&signed(&[USER, DATE]).replace("Ada", "Eve")), Err(TelegramError::Forged));
        assert_eq!(read("auth_date=1789990000&hash=abc"), Err(TelegramError::Forged));
        assert_eq!(read("auth_date=1789990000&hash=%C3%A9%C3%A9"), Err(TelegramError::Forged));
        assert_eq!(read(&signed(&[DATE])), Err(TelegramError::NoUser));
        assert_eq!(read(&signed(&[DATE, ("user", "{")])), Err(TelegramError::UserUnreadable));
        for unfit in [r#"{"id":"42"}"#, "{}", "7", r#"{"id":1,"is_bot":"no"}"#] {
            assert_eq!(read(&signed(&[DATE, ("user", unfit)])), Err(TelegramError::UserUnfit), "{unfit}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_is_answered(data in ".*") {
            proptest::prop_assert!(read(&data).is_err());
        }
    }
}
