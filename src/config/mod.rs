//! The configuration: raw settings in layers (built-in, `wheelhouse.toml`, `settings.json`, environment, flags) become
//! one checked [`Config`], whose every value knows its source. Nothing reads a setting anywhere else.
//!
//! Loading writes nothing. What a start has to write, it writes in [`crate::identity::Secrets::load_or_create`].

mod cors;
pub mod credentials;
mod error;
pub mod home;
pub mod hub_settings;
mod layers;
mod listen;
mod mime_types;
mod proxy;
mod secret;
mod sections;
pub mod settings_file;
mod source;
mod value;

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use url::Url;

pub use self::layers::is_old_setting;
use self::layers::{Layer, Values};
pub use self::{
    cors::{CorsOrigins, origin},
    error::Error,
    mime_types::MimeTypes,
    proxy::{HeaderNames, Networks},
    secret::Secret,
    sections::{
        Actors, Auth, Events, Journal, Limits, Listen, Log, Login, Proxy, Push, Scratchlist, Stop, Telegram,
        Terminal, Title, Tunnel, Usage, Voice, Web,
    },
    source::{Shown, Source, Sourced},
    value::Ceiling,
};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Everything that a configuration is made from, beside the files in the home folder.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--home`.
    pub home: Option<PathBuf>,
    pub flags: Flags,
    pub env: BTreeMap<String, String>,
}

/// What was given on the command line, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `host:port` or `host`; the two below win over it.
    pub listen: Option<String>,
    pub host: Option<String>,
    pub port: Option<String>,
    pub log: Option<String>,
    pub tunnel: Option<String>,
}

/// The checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub home: Sourced<PathBuf>,
    /// Without a slash at its end.
    pub public_url: Sourced<String>,
    pub listen: Listen,
    pub proxy: Proxy,
    pub tunnel: Tunnel,
    pub cors: Sourced<CorsOrigins>,
    /// The store's file.
    pub database: Sourced<PathBuf>,
    pub auth: Auth,
    pub login: Login,
    pub telegram: Telegram,
    pub terminal: Terminal,
    pub events: Events,
    pub journal: Journal,
    pub limits: Limits,
    pub scratchlist: Scratchlist,
    pub actors: Actors,
    pub usage: Usage,
    pub title: Title,
    pub push: Push,
    pub voice: Voice,
    pub web: Web,
    pub log: Log,
    pub stop: Stop,
}

impl Config {
    pub fn load(sources: Sources) -> Result<Self, Error> {
        let home = home::find(sources.home.as_deref(), &sources.env)?;
        let above = vec![
            Layer::file(&home.join("wheelhouse.toml"))?,
            Layer::settings(&home)?,
            Layer::environment(&sources.env),
            Layer::flags(&sources.flags),
        ];
        let values = Values::merge(Layer::built_in()?, above)?;
        let place = |path: Sourced<Option<PathBuf>>| place(path, &home, &sources.env);
        let database = place(values.get("database.path")?)?;
        let mut config = Self {
            public_url: public_url(&values)?,
            listen: Listen::read(&values)?,
            proxy: Proxy::read(&values)?,
            tunnel: Tunnel::read(&values)?,
            cors: values.get("cors.origins")?,
            database: database.map(|path| path.unwrap_or_else(|| home.join("wheelhouse.db"))),
            auth: Auth::read(&values)?,
            login: Login::read(&values)?,
            telegram: Telegram::read(&values)?,
            terminal: Terminal::read(&values)?,
            events: Events::read(&values)?,
            journal: Journal::read(&values)?,
            limits: Limits::read(&values)?,
            scratchlist: Scratchlist::read(&values)?,
            actors: Actors::read(&values)?,
            usage: Usage::read(&values)?,
            title: Title::read(&values)?,
            push: Push::read(&values)?,
            voice: Voice::read(&values)?,
            web: Web { dir: place(Web::read(&values)?.dir)? },
            log: Log::read(&values)?,
            stop: Stop::read(&values)?,
            home,
        };
        config.check()?;
        config.fill_in(Unset { url: config.public_url.is_empty(), cors: config.cors.is_empty() });
        Ok(config)
    }

    /// Puts in the port that the system chose when the configured one is 0, and what follows from it.
    pub fn settle_port(&mut self, port: u16) {
        let old = default_url(*self.listen.port);
        let derived = |is: &Sourced<String>| is.source == Source::Default && is.value == old;
        let url = derived(&self.public_url);
        let cors = url && self.cors.source == Source::Default;
        self.listen.port.value = port;
        self.fill_in(Unset { url, cors });
    }

    /// Each value in effect, secrets masked, in the order of the built-in file.
    pub fn show(&self) -> Vec<Shown> {
        let Self {
            home: _,
            public_url,
            listen,
            proxy,
            tunnel,
            cors,
            database,
            auth,
            login,
            telegram,
            terminal,
            events,
            journal,
            limits,
            scratchlist,
            actors,
            usage,
            title,
            push,
            voice,
            web,
            log,
            stop,
        } = self;
        let database = database.clone().map(Some);
        [
            vec![public_url.show("public_url")],
            listen.show(),
            proxy.show(),
            tunnel.show(),
            vec![cors.show("cors.origins"), database.show("database.path")],
            auth.show(),
            login.show(),
            telegram.show(),
            terminal.show(),
            events.show(),
            journal.show(),
            limits.show(),
            scratchlist.show(),
            actors.show(),
            usage.show(),
            title.show(),
            push.show(),
            voice.show(),
            web.show(),
            log.show(),
            stop.show(),
        ]
        .concat()
    }

    /// Every variable that can hold one of these values.
    pub fn variables(&self) -> Vec<String> {
        let ours = self.show().into_iter().map(|shown| layers::variable(shown.key));
        layers::released_variables().map(str::to_owned).chain(ours).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let port = &self.listen.port;
        if **port == 0 && !matches!(port.source, Source::Flag(_)) {
            let expected = "a port from 1 to 65535";
            return Err(Error::BadValue {
                key: "listen.port".to_owned(),
                origin: port.source.clone(),
                expected,
            });
        }
        if *self.auth.legacy_handshake && !self.listen.is_loopback() {
            return Err(Error::OpenHandshake { host: self.listen.host.value.clone() });
        }
        if !HEARTBEAT_MS.contains(&*self.events.heartbeat_ms) {
            return Err(Error::BadValue {
                key: "events.heartbeat_ms".to_owned(),
                origin: self.events.heartbeat_ms.source.clone(),
                expected: "a number of milliseconds from 100 to 45000",
            });
        }
        if self.tunnel.token.is_some() && self.public_url.is_empty() {
            return Err(Error::TunnelWithoutAddress { origin: self.tunnel.token.source.clone() });
        }
        check_address("title.base_url", &self.title.base_url)?;
        check_address("voice.transcription_base_url", &self.voice.transcription_base_url)?;
        for (key, address) in [
            ("voice.openai_url", &self.voice.openai_url),
            ("voice.elevenlabs_url", &self.voice.elevenlabs_url),
            ("voice.deepgram_url", &self.voice.deepgram_url),
            ("voice.groq_url", &self.voice.groq_url),
        ] {
            check_address(key, &address.clone().map(Some))?;
        }
        check_subject(&self.push.subject)?;
        match &*self.auth.base_token {
            Some(token) if token.expose().contains(':') => {
                Err(Error::TokenWithColon { origin: self.auth.base_token.source.clone() })
            }
            _ => Ok(()),
        }
    }

    fn fill_in(&mut self, unset: Unset) {
        if unset.url {
            self.public_url = Sourced::new(default_url(*self.listen.port), Source::Default);
        }
        if unset.cors {
            self.cors = Sourced::new(CorsOrigins::normalise(&[&*self.public_url]), Source::Default);
        }
    }
}

/// What nobody set and therefore follows from other values.
struct Unset {
    url: bool,
    cors: bool,
}

fn default_url(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// Empty when not set.
fn public_url(values: &Values) -> Result<Sourced<String>, Error> {
    let given: Sourced<Option<String>> = values.get("public_url")?;
    let url = given.map(|text| text.unwrap_or_default().trim_end_matches('/').to_owned());
    if is_web_address(&url) || url.is_empty() {
        return Ok(url);
    }
    Err(Error::BadValue { key: "public_url".to_owned(), origin: url.source, expected: WEB_ADDRESS })
}

/// Less would be traffic for nothing; with more, released pages would take the stream for dead.
const HEARTBEAT_MS: RangeInclusive<u64> = 100..=45_000;

const WEB_ADDRESS: &str = "an address that starts with http:// or https://";

fn check_address(key: &str, address: &Sourced<Option<String>>) -> Result<(), Error> {
    if address.as_deref().is_none_or(is_web_address) {
        return Ok(());
    }
    Err(Error::BadValue { key: key.to_owned(), origin: address.source.clone(), expected: WEB_ADDRESS })
}

/// Push services turn a hub away whose subject is something else.
fn check_subject(subject: &Sourced<Option<String>>) -> Result<(), Error> {
    let is_one = |text: &str| {
        Url::parse(text).is_ok_and(|url| match url.scheme() {
            "mailto" => url.path().contains('@'),
            scheme => scheme == "https",
        })
    };
    if subject.as_deref().is_none_or(is_one) {
        return Ok(());
    }
    let expected = "an address that starts with mailto: or https://";
    Err(Error::BadValue { key: "push.subject".to_owned(), origin: subject.source.clone(), expected })
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// A path in our file starts at the home folder, one in the environment where the program was started.
fn place(
    path: Sourced<Option<PathBuf>>,
    home: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Sourced<Option<PathBuf>>, Error> {
    let Some(given) = &path.value else { return Ok(path) };
    let expanded = home::expand(given, env)?;
    let placed = if path.source == Source::File { home.join(expanded) } else { expanded };
    Ok(Sourced::new(Some(placed), path.source))
}

#[cfg(test)]
mod tests;
