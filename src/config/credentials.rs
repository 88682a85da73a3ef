//! Keys of voice providers. What the environment or `wheelhouse.toml` sets is locked; the rest lies in
//! `settings.json` under `providerCredentials`, where people change it in the web app. The file is read at each use, so
//! a change holds at once and without a place in memory that could differ.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value};

use super::{Error, Secret, Source, Voice, settings_file};
use crate::{clock::Clock, domain::voice::key::Key};

const FOLDER: &str = "providerCredentials";

/// Every key that is set.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<Key, Held>);

#[derive(Clone, Debug)]
pub struct Held {
    pub text: Secret,
    /// Set where people cannot change it.
    pub is_locked: bool,
}

/// A new value, or none any more.
pub type Change = (Key, Option<Secret>);

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{0} is set by an environment variable or wheelhouse.toml and can only be changed there")]
    Locked(&'static str),
    #[error(transparent)]
    File(#[from] Error),
}

impl Credentials {
    /// What holds now. Blocks the thread.
    pub fn read(home: &Path, config: &Voice) -> Result<Self, Error> {
        Self::of(&settings_file::read(&settings_file::path(home))?, config)
    }

    /// Makes all changes or none, and answers what holds afterwards. Blocks the thread.
    pub fn change(
        home: &Path,
        clock: &Clock,
        config: &Voice,
        changes: &[Change],
    ) -> Result<Self, ChangeError> {
        let locked = changes.iter().find(|(key, _)| config.locked(*key).is_some());
        if let Some(name) = locked.and_then(|(key, _)| key.names().first()) {
            return Err(ChangeError::Locked(name));
        }
        let changed = settings_file::update(home, clock, |settings| {
            // Whatever else stands there is not ours to replace.
            entries(settings)?;
            for (key, value) in changes {
                put(settings, *key, value.as_ref());
            }
            Self::of(settings, config)
        });
        Ok(changed??)
    }

    pub fn get(&self, key: Key) -> Option<&Held> {
        self.0.get(&key)
    }

    pub fn text(&self, key: Key) -> Option<&Secret> {
        self.get(key).map(|held| &held.text)
    }

    fn of(settings: &Map<String, Value>, config: &Voice) -> Result<Self, Error> {
        let entries = entries(settings)?;
        let saved = |key: Key| {
            let mut names = key.names().iter();
            names.find_map(|name| filled(entries?.get(*name)?.as_str()?)).filter(|text| key.accepts(text))
        };
        let held = |key: Key| match config.locked(key) {
            Some(text) => Some(Held { text, is_locked: true }),
            None => saved(key).map(|text| Held { text: Secret::new(text), is_locked: false }),
        };
        Ok(Self(Key::ALL.into_iter().filter_map(|key| Some((key, held(key)?))).collect()))
    }
}

impl Voice {
    fn locked(&self, key: Key) -> Option<Secret> {
        match key {
            Key::OpenAi => self.openai_api_key.value.clone(),
            Key::ElevenLabs => self.elevenlabs_api_key.value.clone(),
            Key::Deepgram => self.deepgram_api_key.value.clone(),
            Key::Groq => self.groq_api_key.value.clone(),
            Key::Gemini => self.gemini_api_key.value.clone(),
            Key::DashScope => self.dashscope_api_key.value.clone(),
            Key::CompatibleUrl => self.transcription_base_url.value.clone().map(Secret::new),
            Key::CompatibleModel => self.transcription_model.value.clone().map(Secret::new),
            Key::CompatibleKey => self.transcription_api_key.value.clone(),
        }
    }
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn entries(settings: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, Error> {
    match settings.get(FOLDER) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(entries)) => Ok(Some(entries)),
        Some(_) => Err(Error::BadValue {
            key: FOLDER.to_owned(),
            origin: Source::Settings,
            expected: "a table of texts",
        }),
    }
}

/// Another name of the same key goes, so that the new value is the only one.
fn put(settings: &mut Map<String, Value>, key: Key, value: Option<&Secret>) {
    if value.is_some() && !settings.get(FOLDER).is_some_and(Value::is_object) {
        settings.insert(FOLDER.to_owned(), Map::new().into());
    }
    let Some(Value::Object(entries)) = settings.get_mut(FOLDER) else { return };
    let kept = value.and(key.names().first());
    for name in key.names().iter().filter(|name| Some(*name) != kept) {
        entries.shift_remove(*name);
    }
    if let (Some(name), Some(value)) = (kept, value) {
        entries.insert((*name).to_owned(), value.expose().into());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Config, Sources};

    fn config(home: &Path, env: &[(&str, &str)]) -> Voice {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Config::load(Sources { home: Some(home.to_owned()), env, ..Sources::default() }).unwrap().voice
    }

    fn change(
        home: &Path,
        config: &Voice,
        changes: &[(Key, Option<&str>)],
    ) -> Result<Credentials, ChangeError> {
        let changes: Vec<Change> = changes.iter().map(|(key, text)| (*key, text.map(Secret::new))).collect();
        Credentials::change(home, &Clock::system(), config, &changes)
    }

    fn file(home: &Path) -> String {
        fs::read_to_string(settings_file::path(home)).unwrap()
    }

    #[test]
    fn changes_leave_everything_else_alone() {
        let home = tempfile::tempdir().unwrap();
        let config = config(home.path(), &[]);
        let before = r#"{"zeta":1,"providerCredentials":{"OTHER":{"a":1},"QWEN_API_KEY":"old-qwen"},"a":[]}"#;
        fs::write(settings_file::path(home.path()), before).unwrap();
        let held = Credentials::read(home.path(), &config).unwrap();
        assert_eq!(held.text(Key::DashScope).unwrap().expose(), "old-qwen");

        let wishes = [(Key::DashScope, Some("new-qwen")), (Key::OpenAi, Some("sk")), (Key::Groq, None)];
        let held = change(home.path(), &config, &wishes).unwrap();
        assert_eq!(held.text(Key::DashScope).unwrap().expose(), "new-qwen");
        assert_eq!(held.text(Key::OpenAi).unwrap().expose(), "sk");
        let after: Value = serde_json::from_str(&file(home.path())).unwrap();
        let expected = r#"{"zeta":1,"providerCredentials":{"OTHER":{"a":1},"DASHSCOPE_API_KEY":"new-qwen","OPENAI_API_KEY":"sk"},"a":[]}"#;
        assert_eq!(after.to_string(), expected);

        let held = change(home.path(), &config, &[(Key::DashScope, None), (Key::OpenAi, None)]).unwrap();
        assert!(held.get(Key::DashScope).is_none() && held.get(Key::OpenAi).is_none());
        let after: Value = serde_json::from_str(&file(home.path())).unwrap();
        assert_eq!(after.to_string(), r#"{"zeta":1,"providerCredentials":{"OTHER":{"a":1}},"a":[]}"#);
    }

    #[test]
    fn every_variable_locks_its_key_and_that_of_its_alias() {
        for (name, key) in
            Key::ALL.into_iter().flat_map(|key| key.names().iter().map(move |name| (*name, key)))
        {
            let home = tempfile::tempdir().unwrap();
            let text = if key == Key::CompatibleUrl { "http://env" } else { "from-env" };
            let config = config(home.path(), &[(name, text)]);
            assert!(!format!("{config:?}").contains("from-env") || key == Key::CompatibleModel, "{config:?}");
            let before = format!(r#"{{"providerCredentials":{{"{}":"saved"}}}}"#, key.names()[0]);
            fs::write(settings_file::path(home.path()), &before).unwrap();
            let held = Credentials::read(home.path(), &config).unwrap();
            let held = held.get(key).unwrap();
            assert_eq!((held.text.expose(), held.is_locked), (text, true), "{name}");
            for value in [None, Some("x")] {
                // One that is locked keeps the others from being changed too.
                let other = if key == Key::Groq { Key::OpenAi } else { Key::Groq };
                let failed = change(home.path(), &config, &[(other, Some("new")), (key, value)]);
                assert!(matches!(failed, Err(ChangeError::Locked(_))), "{name}");
            }
            assert_eq!(file(home.path()), before);
        }
    }

    #[test]
    fn the_first_name_of_a_pair_wins() {
        let home = tempfile::tempdir().unwrap();
        let both = [
            ("GOOGLE_API_KEY", "b"),
            ("GEMINI_API_KEY", "a"),
            ("QWEN_API_KEY", "d"),
            ("DASHSCOPE_API_KEY", "c"),
        ];
        let held = Credentials::read(home.path(), &config(home.path(), &both)).unwrap();
        assert_eq!(held.text(Key::Gemini).unwrap().expose(), "a");
        assert_eq!(held.text(Key::DashScope).unwrap().expose(), "c");
    }

    #[test]
    fn what_is_no_key_counts_as_none() {
        let home = tempfile::tempdir().unwrap();
        let config = config(home.path(), &[("OPENAI_API_KEY", "  ")]);
        let text = r#"{"providerCredentials":{"OPENAI_API_KEY":" ","GROQ_API_KEY":5,"DEEPGRAM_API_KEY":"a\nb",
            "ELEVENLABS_API_KEY":" key ","TRANSCRIPTION_BASE_URL":"file:///etc"}}"#;
        fs::write(settings_file::path(home.path()), text).unwrap();
        let held = Credentials::read(home.path(), &config).unwrap();
        assert_eq!(held.0.keys().collect::<Vec<_>>(), [&Key::ElevenLabs]);
        assert_eq!(held.text(Key::ElevenLabs).unwrap().expose(), "key");
        assert!(!format!("{held:?}").contains("key "));
    }

    #[test]
    fn something_else_under_the_name_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let config = config(home.path(), &[]);
        fs::write(settings_file::path(home.path()), r#"{"providerCredentials":"x"}"#).unwrap();
        assert!(Credentials::read(home.path(), &config).is_err());
        let failed = change(home.path(), &config, &[(Key::OpenAi, Some("sk"))]);
        assert!(matches!(failed, Err(ChangeError::File(_))));
        assert_eq!(file(home.path()), r#"{"providerCredentials":"x"}"#);
    }
}
