//! The layers that settings come from, and the values that are left when each has covered the one below.

use std::{collections::BTreeMap, fs, io, path::Path};

use config::{ConfigError, File, FileFormat, Map, Source as _, Value, ValueKind};
use serde_json::Value as Json;

use super::{Error, Flags, Shown, Source, Sourced, listen, settings_file, value::Setting};

/// The settings of the released hub that have a place in ours.
const SETTINGS: [(&str, &str); 6] = [
    ("listenHost", "listen.host"),
    ("listenPort", "listen.port"),
    ("publicUrl", "public_url"),
    ("corsOrigins", "cors.origins"),
    ("cliApiToken", "auth.base_token"),
    ("telegramBotToken", "telegram.bot_token"),
];

/// Names that the released hub refuses too, since it would otherwise silently listen elsewhere than told.
const OLD_SETTINGS: [(&str, &str); 3] =
    [("webappHost", "listenHost"), ("webappPort", "listenPort"), ("webappUrl", "publicUrl")];

/// Whether a hub refuses to start with this key in `settings.json`.
pub fn is_old_setting(key: &str) -> bool {
    OLD_SETTINGS.iter().any(|(old, _)| *old == key)
}

/// The variables of the released hub. Of two for one setting the later wins.
const VARIABLES: [(&str, &str); 34] = [
    ("HAPI_LISTEN_HOST", "listen.host"),
    ("HAPI_LISTEN_PORT", "listen.port"),
    ("HAPI_PUBLIC_URL", "public_url"),
    ("CORS_ORIGINS", "cors.origins"),
    ("CLI_API_TOKEN", "auth.base_token"),
    ("DB_PATH", "database.path"),
    ("HAPI_TERMINAL_IDLE_TIMEOUT_MS", "terminal.idle_ms"),
    ("HAPI_TERMINAL_MAX_TERMINALS", "terminal.max"),
    ("TELEGRAM_BOT_TOKEN", "telegram.bot_token"),
    ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_FILE", "scratchlist.attachment_bytes"),
    ("HAPI_SCRATCHLIST_MAX_ATTACHMENTS_PER_ENTRY", "scratchlist.attachments_per_entry"),
    ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_ENTRY", "scratchlist.entry_bytes"),
    ("HAPI_SCRATCHLIST_MAX_ATTACHMENT_BYTES_PER_SESSION", "scratchlist.session_bytes"),
    ("HAPI_SCRATCHLIST_ALLOWED_ATTACHMENT_MIMES", "scratchlist.mime_types"),
    ("HAPI_TITLE_PROVIDER_BASE_URL", "title.base_url"),
    ("HAPI_TITLE_PROVIDER_API_KEY", "title.api_key"),
    ("HAPI_TITLE_PROVIDER_MODEL", "title.model"),
    ("HAPI_TITLE_PROVIDER_MAX_TOKENS", "title.max_tokens"),
    ("HAPI_TITLE_PROVIDER_TIMEOUT_MS", "title.timeout_ms"),
    ("HAPI_TITLE_SUGGESTION_RATE_LIMIT", "title.rate_limit"),
    ("HAPI_TITLE_SUGGESTION_RATE_WINDOW_MS", "title.rate_window_ms"),
    ("VAPID_SUBJECT", "push.subject"),
    ("OPENAI_API_KEY", "voice.openai_api_key"),
    ("ELEVENLABS_API_KEY", "voice.elevenlabs_api_key"),
    ("DEEPGRAM_API_KEY", "voice.deepgram_api_key"),
    ("GROQ_API_KEY", "voice.groq_api_key"),
    ("GOOGLE_API_KEY", "voice.gemini_api_key"),
    ("GEMINI_API_KEY", "voice.gemini_api_key"),
    ("QWEN_API_KEY", "voice.dashscope_api_key"),
    ("DASHSCOPE_API_KEY", "voice.dashscope_api_key"),
    ("TRANSCRIPTION_BASE_URL", "voice.transcription_base_url"),
    ("TRANSCRIPTION_MODEL", "voice.transcription_model"),
    ("TRANSCRIPTION_API_KEY", "voice.transcription_api_key"),
    ("VOICE_BACKEND", "voice.backend"),
];

/// Starts the variable of any setting of ours.
const PREFIX: &str = "WHEELHOUSE__";

/// The variable of a setting of ours.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

pub fn released_variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.into_iter().map(|(name, _)| name)
}

/// One layer: dotted keys with their values.
#[derive(Clone, Debug, Default)]
pub struct Layer(BTreeMap<String, Sourced<ValueKind>>);

impl Layer {
    pub fn built_in() -> Result<Self, Error> {
        Self::toml(super::DEFAULTS, Source::Default).map_err(Error::BuiltIn)
    }

    /// `wheelhouse.toml`; there need not be one.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        };
        Self::toml(&text, Source::File).map_err(|reason| Error::Unparsable { path: path.to_owned(), reason })
    }

    /// `settings.json`. Keys that are not ours belong to others.
    pub fn settings(home: &Path) -> Result<Self, Error> {
        let settings = settings_file::read(&settings_file::path(home))?;
        if let Some((key, instead)) = OLD_SETTINGS.into_iter().find(|(key, _)| settings.contains_key(*key)) {
            return Err(Error::OldKey { key, instead });
        }
        let mut layer = Self::default();
        for (name, key) in SETTINGS {
            match settings.get(name) {
                None | Some(Json::Null) => {}
                Some(value) => layer.put(key, kind(value), Source::Settings),
            }
        }
        Ok(layer)
    }

    /// An empty variable counts as not set. Our own names win over the released ones.
    pub fn environment(env: &BTreeMap<String, String>) -> Self {
        let mut layer = Self::default();
        let released = VARIABLES.iter().filter_map(|(name, key)| {
            env.get_key_value(*name).map(|(name, text)| (name, (*key).to_owned(), text))
        });
        let ours = env.iter().filter_map(|(name, text)| {
            name.strip_prefix(PREFIX).map(|path| (name, path.to_lowercase().replace("__", "."), text))
        });
        for (name, key, text) in released.chain(ours).filter(|(.., text)| !text.is_empty()) {
            layer.put(&key, ValueKind::String(text.clone()), Source::Environment(name.clone()));
        }
        layer
    }

    pub fn flags(flags: &Flags) -> Self {
        let mut layer = Self::default();
        if let Some(address) = &flags.listen {
            let (host, port) = listen::split(address);
            layer.put("listen.host", ValueKind::String(host), Source::Flag("--listen"));
            if let Some(port) = port {
                layer.put("listen.port", ValueKind::String(port), Source::Flag("--listen"));
            }
        }
        if let Some(host) = &flags.host {
            layer.put("listen.host", ValueKind::String(host.clone()), Source::Flag("--host"));
        }
        if let Some(port) = &flags.port {
            layer.put("listen.port", ValueKind::String(port.clone()), Source::Flag("--port"));
        }
        if let Some(program) = &flags.tunnel {
            layer.put("tunnel.command", ValueKind::String(program.clone()), Source::Flag("--tunnel"));
        }
        if let Some(filter) = &flags.log {
            layer.put("log.filter", ValueKind::String(filter.clone()), Source::Flag("--log"));
        }
        layer
    }

    fn toml(text: &str, source: Source) -> Result<Self, String> {
        let tables = File::from_str(text, FileFormat::Toml).collect().map_err(|error| one_line(&error))?;
        let mut layer = Self::default();
        layer.flatten("", tables, &source);
        Ok(layer)
    }

    fn flatten(&mut self, above: &str, table: Map<String, Value>, source: &Source) {
        for (name, value) in table {
            let key = if above.is_empty() { name } else { format!("{above}.{name}") };
            match value.kind {
                ValueKind::Table(inner) => self.flatten(&key, inner, source),
                kind => self.put(&key, kind, source.clone()),
            }
        }
    }

    fn put(&mut self, key: &str, kind: ValueKind, source: Source) {
        self.0.insert(key.to_owned(), Sourced::new(kind, source));
    }

    #[cfg(test)]
    pub fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let named =
            |value: &Sourced<ValueKind>| Value::new(Some(&value.source.to_string()), value.value.clone());
        Ok(self.0.iter().map(|(key, value)| (key.clone(), named(value))).collect())
    }
}

/// What is in effect when all layers lie on one another.
pub struct Values {
    merged: config::Config,
    sources: BTreeMap<String, Source>,
}

impl Values {
    /// The first layer names every key there is; a key that only a later one has is refused.
    pub fn merge(built_in: Layer, above: Vec<Layer>) -> Result<Self, Error> {
        let mut sources: BTreeMap<String, Source> =
            built_in.0.iter().map(|(key, value)| (key.clone(), value.source.clone())).collect();
        let mut builder = config::Config::builder().add_source(built_in);
        for layer in above {
            for (key, value) in &layer.0 {
                match sources.get_mut(key) {
                    Some(source) => *source = value.source.clone(),
                    None => {
                        return Err(Error::UnknownKey { key: key.clone(), origin: value.source.clone() });
                    }
                }
            }
            builder = builder.add_source(layer);
        }
        let merged = builder.build().map_err(|error| Error::BuiltIn(one_line(&error)))?;
        Ok(Self { merged, sources })
    }

    pub fn get<T: Setting>(&self, key: &str) -> Result<Sourced<T>, Error> {
        let value: Value = self.merged.get(key).map_err(|error| Error::BuiltIn(one_line(&error)))?;
        let source = self.sources.get(key).cloned().unwrap_or(Source::Default);
        match T::parse(value) {
            Ok(value) => Ok(Sourced::new(value, source)),
            Err(expected) => Err(Error::BadValue { key: key.to_owned(), origin: source, expected }),
        }
    }
}

impl<T: Setting> Sourced<T> {
    pub(super) fn show(&self, key: &'static str) -> Shown {
        Shown { key, value: self.value.show(), source: self.source.clone() }
    }
}

fn kind(json: &Json) -> ValueKind {
    match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(is) => ValueKind::Boolean(*is),
        Json::Number(number) => number.as_i64().map_or(ValueKind::Nil, ValueKind::I64),
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(items) => {
            ValueKind::Array(items.iter().map(|item| Value::new(None, kind(item))).collect())
        }
        Json::Object(_) => ValueKind::Table(Map::new()),
    }
}

/// The parser draws the faulty line with markers under it; a start error has one line only.
fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains('|'));
    lines.collect::<Vec<_>>().join(": ")
}
