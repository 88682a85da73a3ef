//! Speech: turned into text by the providers that people have keys for. Nothing is stored; a recording is passed on and
//! forgotten.
//!
//! Left out: the two proxies between a page and a voice assistant (Gemini Live, Qwen), and making agents at ElevenLabs.
//! Pages are told so when they ask for one.

mod error;
mod form;
mod realtime;
mod speakers;
mod transcribe;
mod upstream;

use std::path::PathBuf;

pub use error::VoiceError;
pub use transcribe::{Audio, Transcript};
pub use upstream::{Upstream, UpstreamError};

use crate::{
    clock::Clock,
    config::{
        self,
        credentials::{Change, ChangeError, Credentials},
    },
    domain::voice::{Backend, Provider},
};

/// Where providers are and which keys open them.
#[derive(Clone, Debug)]
pub struct Voice {
    config: config::Voice,
    home: PathBuf,
}

impl Voice {
    pub fn new(config: config::Voice, home: PathBuf) -> Self {
        Self { config, home }
    }

    /// Blocks the thread.
    pub fn credentials(&self) -> Result<Credentials, config::Error> {
        Credentials::read(&self.home, &self.config)
    }

    /// Blocks the thread.
    pub fn change(&self, clock: &Clock, changes: &[Change]) -> Result<Credentials, ChangeError> {
        Credentials::change(&self.home, clock, &self.config, changes)
    }

    /// The backend that a conversation begins with, and all that can lead one: a page must not offer what is refused.
    pub fn backends(&self, credentials: &Credentials) -> (Option<Backend>, Vec<Backend>) {
        let can_lead = |backend: &Backend| backend.is_served() && credentials.get(backend.key()).is_some();
        let configured: Vec<Backend> = Backend::ALL.into_iter().filter(can_lead).collect();
        (Backend::choose(self.config.backend.as_deref(), &configured), configured)
    }
}

/// Those with keys.
pub fn providers(credentials: &Credentials) -> impl Iterator<Item = Provider> {
    Provider::ALL.into_iter().filter(|provider| credentials.get(provider.key()).is_some())
}
