//! Titles that a language model suggests for a session, when a provider is configured. Nothing is stored: people decide
//! whether to take one.

mod provider;

use std::collections::HashMap;

use actix::prelude::*;

use crate::{
    app::Env,
    config,
    domain::{
        ids::{Millis, SessionId},
        json,
        suggestion::{self, Allowance},
    },
    store,
};
use provider::Provider;

/// Sessions remembered before those that were not asked about lately are forgotten.
const CROWD: usize = 1_024;

/// Asks the provider, and sees to it that nobody asks too often.
pub struct Titles {
    env: Env,
    provider: Provider,
    limit: usize,
    window: Millis,
    allowances: HashMap<SessionId, Allowance>,
}

impl Titles {
    /// `None` unless address, key and model are all set. Has to be called on the thread that the actor runs on.
    pub fn new(env: Env, config: &config::Title) -> Option<Self> {
        Some(Self {
            env,
            provider: Provider::new(config)?,
            limit: *config.rate_limit,
            window: Millis::try_from(*config.rate_window_ms).unwrap_or(Millis::MAX / 2),
            allowances: HashMap::new(),
        })
    }

    /// Starts the actor on that thread when a provider is configured.
    pub fn launch(env: &Env, config: &config::Title, arbiter: &ArbiterHandle) -> Option<Addr<Self>> {
        Provider::is_configured(config).then(|| {
            let (env, config) = (env.clone(), config.clone());
            let (address, waiting) = actix::dev::channel::channel(16);
            arbiter.spawn_fn(move || match Self::new(env, &config) {
                Some(titles) => drop(Context::with_receiver(waiting).run(titles)),
                None => tracing::error!("the title provider cannot be used: its key fits into no header"),
            });
            Addr::new(address)
        })
    }
}

impl Actor for Titles {
    type Context = Context<Self>;
}

#[derive(Debug, thiserror::Error)]
pub enum TitleError {
    #[error("nothing was said yet that a title could be made from")]
    NothingSaid,
    #[error("asked for titles of one session too often")]
    TooOften { wait: Millis },
    #[error(transparent)]
    Provider(#[from] provider::ProviderError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Suggests a title for a session. `key` is the session's in the store.
#[derive(Message)]
#[rtype(result = "Result<String, TitleError>")]
pub struct Suggest {
    pub session: SessionId,
    pub key: i64,
}

impl Handler<Suggest> for Titles {
    type Result = ResponseActFuture<Self, Result<String, TitleError>>;

    fn handle(&mut self, Suggest { session, key }: Suggest, _: &mut Self::Context) -> Self::Result {
        let now = self.env.clock.now();
        let window = self.window;
        if self.allowances.len() >= CROWD {
            self.allowances.retain(|_, allowance| !allowance.is_idle(now, window));
        }
        let allowance = self.allowances.entry(session.clone()).or_default();
        if let Err(refused) = allowance.begin(now, self.limit, window) {
            return Box::pin(actix::fut::ready(Err(TitleError::TooOften { wait: refused.wait })));
        }
        let store = self.env.store.clone();
        let read = async move { store.read(move |conn| transcript(conn, key)).await };
        let asked = session.clone();
        let answer = read.into_actor(self).then(move |transcript, this, _| {
            let transcript = match transcript {
                Ok(Some(transcript)) => transcript,
                Ok(None) => return fail(TitleError::NothingSaid),
                Err(error) => return fail(error.into()),
            };
            this.allowances.entry(asked).or_default().count(this.env.clock.now());
            let call = this.provider.ask(&transcript);
            let call = async move { Ok(call.await?) };
            Box::pin(call.into_actor(this)) as ResponseActFuture<Self, _>
        });
        Box::pin(answer.map(move |answer, this, _| {
            this.allowances.entry(session).or_default().end();
            answer
        }))
    }
}

fn fail(error: TitleError) -> ResponseActFuture<Titles, Result<String, TitleError>> {
    Box::pin(actix::fut::ready(Err(error)))
}

fn transcript(conn: &mut store::Connection, key: i64) -> store::Result<Option<String>> {
    let rows = store::messages::before(conn, key, None, suggestion::LOOK_BACK)?;
    // What still waits is no part of the conversation yet.
    let taken = rows.into_iter().filter(|row| row.invoked_at.is_some());
    let spoken = taken.filter_map(|row| suggestion::spoken(&json::read(&row.content)?));
    Ok(suggestion::transcript(spoken))
}
