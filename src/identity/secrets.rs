//! The hub's own secrets: made at the first start, found again at each later one.

use std::{fmt, fs, io, path::Path};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use rand::Rng;
use serde_json::{Value, json};

use super::VapidKeys;
use crate::{
    clock::Clock,
    config::{
        Config, Error, Secret, Source,
        settings_file::{self, Lock},
    },
    domain::token,
};

const TOKEN_KEY: &str = "cliApiToken";
/// The greatest whole number that JavaScript holds exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Everything that a start needs to know and must not tell.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub base_token: BaseToken,
    pub jwt_key: JwtKey,
    /// Stands for every user of this hub in web tokens. It is public.
    pub owner_id: u64,
    /// By which push services know this hub.
    pub vapid: VapidKeys,
}

/// The access token without a namespace.
#[derive(Clone, Debug)]
pub struct BaseToken {
    pub token: Secret,
    pub source: Source,
    /// Made by this start, so its owner has not seen it yet.
    pub is_new: bool,
}

/// The key that web tokens are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtKey([u8; 32]);

impl Secrets {
    /// Reads what is there and makes what is missing. A second start changes no file.
    pub fn load_or_create(config: &Config, clock: &Clock) -> Result<Self, Error> {
        let home = &config.home;
        refuse_weak_token(config)?;
        let base_token = base_token(config, clock)?;
        settings_file::close_to_others(&settings_file::path(home))?;
        let jwt_key = jwt_key(home, clock)?;
        let owner_id = owner_id(home, clock)?;
        let vapid = VapidKeys::load_or_create(home, clock)?;
        Ok(Self { base_token, jwt_key, owner_id, vapid })
    }
}

impl JwtKey {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey(hidden)")
    }
}

/// Strangers may guess as long as they like, so a token that they can reach must not be guessable.
fn refuse_weak_token(config: &Config) -> Result<(), Error> {
    let configured = &config.auth.base_token;
    match configured.as_ref().and_then(|secret| token::weakness(secret.expose())) {
        Some(weakness) if !config.listen.is_loopback() => {
            Err(Error::WeakToken { origin: configured.source.clone(), weakness })
        }
        _ => Ok(()),
    }
}

/// The configured token, else a new one. Either is put into `settings.json` when that has none, because released
/// clients on this computer look for it there.
fn base_token(config: &Config, clock: &Clock) -> Result<BaseToken, Error> {
    let configured = &config.auth.base_token;
    if let (Some(token), Source::Settings) = (&configured.value, &configured.source) {
        return Ok(BaseToken { token: token.clone(), source: Source::Settings, is_new: false });
    }
    settings_file::update(&config.home, clock, |settings| {
        let saved = settings.get(TOKEN_KEY).and_then(Value::as_str).map(str::trim);
        let saved = saved.filter(|token| !token.is_empty()).map(Secret::new);
        let (token, source, is_new) = match (configured.value.clone(), &saved) {
            (Some(token), _) => (token, configured.source.clone(), false),
            (None, Some(token)) => (token.clone(), Source::Settings, false),
            (None, None) => (fresh_token(), Source::Settings, true),
        };
        if saved.is_none() {
            settings.insert(TOKEN_KEY.to_owned(), token.expose().into());
        }
        BaseToken { token, source, is_new }
    })
}

fn fresh_token() -> Secret {
    Secret::new(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

fn jwt_key(home: &Path, clock: &Clock) -> Result<JwtKey, Error> {
    let path = home.join("jwt-secret.json");
    let fresh = || json!({ "secretBase64": BASE64_STANDARD.encode(rand::random::<[u8; 32]>()) });
    let held = read_or_create(&path, home, clock, fresh)?;
    jwt_key_in(&held).ok_or(Error::BadSecret { path, expected: "32 bytes as `secretBase64`" })
}

fn jwt_key_in(held: &Value) -> Option<JwtKey> {
    let key = BASE64_STANDARD.decode(held.get("secretBase64")?.as_str()?).ok()?;
    <[u8; 32]>::try_from(key).ok().map(JwtKey)
}

/// Whether the content of a `jwt-secret.json` is one that a hub starts with.
pub fn holds_jwt_key(held: &Value) -> bool {
    jwt_key_in(held).is_some()
}

fn owner_id(home: &Path, clock: &Clock) -> Result<u64, Error> {
    let path = home.join("owner-id.json");
    let fresh = || json!({ "ownerId": rand::rng().random_range(1..=MAX_SAFE_INTEGER) });
    let held = read_or_create(&path, home, clock, fresh)?;
    owner_id_in(&held).ok_or(Error::BadSecret { path, expected: "a positive whole number as `ownerId`" })
}

fn owner_id_in(held: &Value) -> Option<u64> {
    held.get("ownerId")?.as_u64().filter(|id| (1..=MAX_SAFE_INTEGER).contains(id))
}

/// Whether the content of an `owner-id.json` is one that a hub starts with.
pub fn holds_owner_id(held: &Value) -> bool {
    owner_id_in(held).is_some()
}

/// Two hubs that start at once in one home agree on what the first of them made.
fn read_or_create(
    path: &Path,
    home: &Path,
    clock: &Clock,
    fresh: impl FnOnce() -> Value,
) -> Result<Value, Error> {
    if let Some(held) = read(path)? {
        settings_file::close_to_others(path)?;
        return Ok(held);
    }
    let _lock = Lock::acquire(home, clock)?;
    if let Some(held) = read(path)? {
        return Ok(held);
    }
    let made = fresh();
    settings_file::write_private(path, &format!("{made:#}"))?;
    Ok(made)
}

fn read(path: &Path) -> Result<Option<Value>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Error::Unparsable { path: path.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::PathBuf};

    use super::*;
    use crate::config::Sources;

    fn start(home: &Path, env: &[(&str, &str)]) -> Result<Secrets, Error> {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let config = Config::load(Sources { home: Some(home.to_owned()), env, ..Sources::default() })?;
        Secrets::load_or_create(&config, &Clock::system())
    }

    fn files(home: &Path) -> BTreeMap<PathBuf, (String, u32)> {
        fs::read_dir(home)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                (path.clone(), (fs::read_to_string(path).unwrap(), mode))
            })
            .collect()
    }

    fn saved_token(home: &Path) -> Value {
        settings_file::read(&settings_file::path(home)).unwrap().get(TOKEN_KEY).cloned().unwrap_or_default()
    }

    #[test]
    fn the_first_start_makes_secrets_and_the_second_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let first = start(&home, &[]).unwrap();
        assert!(first.base_token.is_new);
        assert_eq!(first.base_token.token.expose().len(), 43);
        let made = files(&home);
        assert_eq!(made.len(), 3);
        assert!(made.values().all(|(_, mode)| *mode == 0o600), "{made:?}");
        assert_eq!(fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);

        let second = start(&home, &[]).unwrap();
        assert!(!second.base_token.is_new);
        assert_eq!(second.base_token.token, first.base_token.token);
        assert_eq!((second.jwt_key, second.owner_id), (first.jwt_key, first.owner_id));
        assert_eq!(files(&home), made);
    }

    #[test]
    fn two_first_starts_at_once_agree() {
        let home = tempfile::tempdir().unwrap();
        let [one, other] = std::thread::scope(|scope| {
            [0, 1]
                .map(|_| scope.spawn(|| start(home.path(), &[]).unwrap()))
                .map(|start| start.join().unwrap())
        });
        assert_eq!(one.base_token.token, other.base_token.token);
        assert_ne!(one.base_token.is_new, other.base_token.is_new);
        assert_eq!((one.jwt_key, one.owner_id), (other.jwt_key, other.owner_id));
    }

    #[test]
    fn only_the_token_is_saved_from_the_environment_and_only_when_there_is_none() {
        let home = tempfile::tempdir().unwrap();
        fs::write(settings_file::path(home.path()), r#"{"machineId":"m"}"#).unwrap();
        let first = start(home.path(), &[("CLI_API_TOKEN", "first"), ("HAPI_LISTEN_PORT", "4000")]).unwrap();
        assert!(!first.base_token.is_new);
        let text = fs::read_to_string(settings_file::path(home.path())).unwrap();
        assert!(text.starts_with("{\n  \"machineId\": \"m\",\n  \"cliApiToken\": \"first\","), "{text}");
        let settings = settings_file::read(&settings_file::path(home.path())).unwrap();
        assert_eq!(settings.keys().collect::<Vec<_>>(), ["machineId", "cliApiToken", "vapidKeys"]);

        let second = start(home.path(), &[("CLI_API_TOKEN", "second")]).unwrap();
        assert_eq!(second.base_token.token.expose(), "second");
        assert_eq!(saved_token(home.path()), "first");
    }

    #[test]
    fn files_open_to_others_are_closed() {
        let home = tempfile::tempdir().unwrap();
        start(home.path(), &[]).unwrap();
        for path in files(home.path()).into_keys() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        start(home.path(), &[]).unwrap();
        assert!(files(home.path()).values().all(|(_, mode)| *mode == 0o600));
    }

    #[test]
    fn a_secret_that_is_not_one_stops_the_start_and_is_kept() {
        for (name, text) in [
            ("jwt-secret.json", r#"{"secretBase64":"c2hvcnQ="}"#),
            ("jwt-secret.json", "{"),
            ("owner-id.json", r#"{"ownerId":0}"#),
            ("owner-id.json", r#"{"ownerId":9007199254740992}"#),
        ] {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(name), text).unwrap();
            assert!(start(home.path(), &[]).unwrap_err().to_string().contains(name));
            assert_eq!(fs::read_to_string(home.path().join(name)).unwrap(), text);
        }
    }

    #[test]
    fn a_weak_token_is_refused_where_strangers_can_try_it() {
        let home = tempfile::tempdir().unwrap();
        let public = [("HAPI_LISTEN_HOST", "0.0.0.0"), ("CLI_API_TOKEN", "hunter2")];
        assert!(matches!(start(home.path(), &public), Err(Error::WeakToken { .. })));
        assert!(files(home.path()).is_empty());
        assert!(start(home.path(), &[("CLI_API_TOKEN", "hunter2")]).is_ok());
    }

    #[test]
    fn debug_hides_every_secret() {
        let home = tempfile::tempdir().unwrap();
        let secrets = start(home.path(), &[("CLI_API_TOKEN", "visible?")]).unwrap();
        let text = format!("{secrets:?}");
        assert!(!text.contains("visible?") && text.contains("JwtKey(hidden)"), "{text}");
    }
}
