//! Builds the system and takes it down: store, actors, timers, then the servers; and the reverse.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix::prelude::*;
use actix_web::dev::ServerHandle;
use socketioxide::SocketIo;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    attachments::{self, Attachments},
    clock::Clock,
    command::hub::Start,
    config::{Config, Error},
    domain::{
        caller::Proxies,
        ids::Millis,
        liveness::{EXPIRY_TICK, Patience},
        scratchlist,
        session::Patch,
    },
    http::{self, Shared},
    identity::{AccessTokens, FailedLogins, Jwt},
    indexer::{UsageIndex, WordIndex},
    limits::Limits,
    namespace::{Directory, TailLimit, Tick},
    notify::{self, Notifier},
    session, socket,
    store::{self, Store, intents::Intent, journal::Retention},
    titles::Titles,
    tunnel::{Plan, Tunnel},
    voice::Voice,
    wire::events::{self, SessionEvents},
};

/// What every actor may use.
#[derive(Clone)]
pub struct Env {
    pub store: Store,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub attachments: Attachments,
    pub notifier: Addr<Notifier>,
    pub faults: Arc<Faults>,
}

/// The part of the configuration that actors read.
#[derive(Clone, Debug)]
pub struct Settings {
    pub tail: TailLimit,
    pub passivate_after: Millis,
    pub terminals: usize,
    pub terminal_idle: Millis,
    pub patience: Patience,
    pub scratchlist: scratchlist::Limits,
    pub push: notify::Settings,
}

/// Faults that tests inject to prove that a crash stays small. None by default; no setting turns one on.
#[derive(Debug, Default)]
pub struct Faults {
    /// A message that contains this text brings its session down; a new session's tag, its whole namespace.
    pub panic_on: Option<String>,
}

impl Faults {
    pub fn strike(&self, text: &str) {
        #[expect(clippy::panic, reason = "that is the fault")]
        if self.panic_on.as_ref().is_some_and(|poison| text.contains(poison)) {
            panic!("injected fault");
        }
    }
}

/// How a hub differs from one that people run: tests own its faults and the pace of its timers.
#[derive(Debug)]
pub struct Options {
    pub faults: Faults,
    pub tick: Duration,
    pub workers: usize,
    pub patience: Patience,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let tick = Duration::from_millis(u64::try_from(EXPIRY_TICK).unwrap_or(5_000));
        Self { faults: Faults::default(), tick, workers: cores, patience: Patience::default() }
    }
}

/// A hub that runs.
pub struct Hub {
    pub address: SocketAddr,
    pub start: Start,
    /// `None` when none is wanted.
    pub tunnel: Option<Tunnel>,
    store: Store,
    notifier: Addr<Notifier>,
    server: ServerHandle,
    io: SocketIo,
    stopping: CancellationToken,
    drain: Duration,
    arbiters: Vec<Arbiter>,
    keeper: Option<JoinHandle<()>>,
}

fn settings(config: &Config, patience: Patience) -> Settings {
    let millis = |value: u64| Millis::try_from(value).unwrap_or(Millis::MAX);
    Settings {
        tail: TailLimit { frames: *config.journal.tail_frames, bytes: *config.journal.tail_bytes },
        passivate_after: millis(*config.actors.passivate_after_ms),
        terminals: *config.terminal.max,
        terminal_idle: millis(*config.terminal.idle_ms),
        patience,
        scratchlist: scratchlist::Limits {
            max_bytes_per_file: *config.scratchlist.attachment_bytes,
            max_attachments_per_entry: *config.scratchlist.attachments_per_entry,
            max_bytes_per_entry: *config.scratchlist.entry_bytes,
            max_bytes_per_session: *config.scratchlist.session_bytes,
            allowed_mime_types: config.scratchlist.mime_types.0.clone(),
        },
        push: notify::Settings::of(config),
    }
}

impl Hub {
    /// Starts everything. Nothing is listened to before the store is open and the actors stand.
    pub async fn start(mut start: Start, options: Options) -> anyhow::Result<Self> {
        let listener = bind(&start.config)?;
        let address = listener.local_addr()?;
        start.config.settle_port(address.port());
        let config = &start.config;
        let retention = Retention {
            rows: i64::try_from(*config.journal.max_rows).unwrap_or(i64::MAX),
            bytes: i64::try_from(*config.journal.max_bytes).unwrap_or(i64::MAX),
            age: Millis::from(*config.journal.max_age_days) * 24 * 3_600_000,
        };
        let store = Store::open(&config.database, retention)?;
        let (notifier, happenings) = notify::mailbox();
        let env = Env {
            store: store.clone(),
            clock: start.clock.clone(),
            settings: Arc::new(settings(config, options.patience)),
            attachments: Attachments::new(&config.home),
            notifier: notifier.clone(),
            faults: Arc::new(options.faults),
        };
        forget_presence(&env).await?;
        let unfinished = session::unfinished::read(&env).await?;
        attachments::sweep(&env.attachments, &env.store, env.clock.now()).await;

        // Actors of the domain have threads of their own, so that a burst of requests cannot starve them.
        let mut arbiters: Vec<Arbiter> =
            (0..options.workers.div_ceil(2).max(1)).map(|_| Arbiter::new()).collect();
        let handles: Vec<ArbiterHandle> = arbiters.iter().map(Arbiter::handle).collect();
        let Some(first) = handles.first().cloned() else { anyhow::bail!("no thread for the actors") };
        let directory = {
            let (env, handles) = (env.clone(), handles.clone());
            Directory::start_in_arbiter(&first, move |_| Directory::new(env, handles))
        };
        // Notices have a thread of their own: to look through everything that happens must not make sessions wait.
        let apart = Arbiter::new();
        Notifier::launch(
            happenings,
            &apart.handle(),
            env.clone(),
            directory.clone(),
            start.secrets.vapid.clone(),
            options.tick,
        );
        arbiters.push(apart);
        let usage_index = {
            let store = store.clone();
            UsageIndex::start_in_arbiter(&first, move |_| UsageIndex::new(store))
        };
        let word_index = {
            let (store, every) = (store.clone(), options.tick);
            WordIndex::start_in_arbiter(&first, move |_| WordIndex::new(store, every))
        };
        let stopping = CancellationToken::new();
        start_clockwork(&first, &env, &directory, options.tick, &stopping);
        go_on(&first, &env, &directory, unfinished, &stopping);

        let (tunnel, keeper) =
            Plan::new(config, address).map(|plan| Tunnel::new(plan, start.clock.clone())).unzip();
        let shared = Arc::new(Shared {
            directory: directory.clone(),
            env: env.clone(),
            usage_index,
            word_index,
            titles: Titles::launch(&env, &config.title, &first),
            voice: Arc::new(Voice::new(config.voice.clone(), config.home.value.clone())),
            prices: config.usage.prices.value.clone().or(&config.usage.list_prices),
            tokens: AccessTokens::new(&start.secrets.base_token.token),
            jwt: Jwt::new(start.secrets.jwt_key.clone(), start.secrets.owner_id, *config.auth.jwt_ttl),
            failed_logins: FailedLogins::new(
                *config.login.failures,
                Duration::from_secs(*config.login.window_seconds),
                start.clock.clone(),
            ),
            telegram_bot: config.telegram.bot_token.value.clone(),
            cors: config.cors.value.clone(),
            tunnel: tunnel.clone(),
            proxies: Proxies {
                trusted: config.proxy.trusted.0.clone(),
                headers: config.proxy.headers.0.clone(),
                has_tunnel: tunnel.is_some(),
            },
            care: http::Care {
                beat: Duration::from_millis(*config.events.heartbeat_ms),
                patience: Duration::from_millis(*config.events.write_timeout_ms),
            },
            body_limit: *config.limits.body_bytes,
            limits: Arc::new(Limits::new(&config.limits, &start.clock)),
            web_dir: config.web.dir.value.clone(),
            home: config.home.value.clone(),
            database: config.database.value.clone(),
            vapid_public_key: start.secrets.vapid.public.clone(),
            stopping: stopping.clone(),
        });
        let sockets =
            socket::build(shared.clone(), handles, *config.limits.frame_bytes, *config.auth.legacy_handshake);
        let io = sockets.io.clone();
        let drain = Duration::from_millis(*config.stop.drain_ms);
        let server = http::serve(listener, shared, sockets, options.workers, drain)?;
        let keeper = keeper.map(|keeper| actix_rt::spawn(keeper.keep(stopping.clone())));
        Ok(Self { address, start, tunnel, store, notifier, server, io, stopping, drain, arbiters, keeper })
    }

    /// Stops in the reverse order: no new work, streams and sockets told to come back elsewhere, then the store.
    pub async fn stop(self) {
        self.stopping.cancel();
        // A peer that does not read must not keep the store from being closed.
        let close = tokio::time::timeout(self.drain, self.io.close());
        let keeper = async { if let Some(keeper) = self.keeper { keeper.await } else { Ok(()) } };
        let (closed, (), tunnel) = tokio::join!(close, self.server.stop(true), keeper);
        if let Err(error) = tunnel {
            tracing::warn!(%error, "the keeper of the tunnel had not lasted");
        }
        if closed.is_err() {
            tracing::warn!("left sockets behind that do not read what they are sent");
        }
        // What is on its way counts as told, so nobody would hear of it after the next start.
        if tokio::time::timeout(self.drain, self.notifier.send(notify::Finish)).await.is_err() {
            tracing::warn!("left notices behind that push services did not take in time");
        }
        self.store.close().await;
        for arbiter in self.arbiters {
            arbiter.stop();
            let _ = arbiter.join();
        }
    }
}

fn bind(config: &Config) -> Result<TcpListener, Error> {
    let address = config.listen.address();
    let failed = |source| Error::Listen { address: address.clone(), source };
    let listener = TcpListener::bind(&address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// After a restart nobody has been heard of. Whoever was there is told to be gone, as a change like any other, so that
/// a browser that resumes by number hears of it.
async fn forget_presence(env: &Env) -> store::Result<()> {
    let now = env.clock.now();
    env.store
        .write(move |tx| {
            for record in store::sessions::left_active(tx.conn)? {
                store::sessions::set_inactive(tx.conn, record.key)?;
                let events = SessionEvents { namespace: &record.namespace, id: &record.id, now };
                tx.journal(&record.namespace, events.patched(&Patch::ended()))?;
            }
            for machine in store::machines::left_active(tx.conn)? {
                store::machines::set_active(tx.conn, machine.key, false, machine.active_at)?;
                let entry = events::machine_gone_quiet(&machine.namespace, &machine.id, now);
                tx.journal(&machine.namespace, entry)?;
            }
            Ok(())
        })
        .await
}

/// Every timer of the hub: a tick for all actors, and a look for scheduled prompts of sessions that rest.
fn start_clockwork(
    arbiter: &ArbiterHandle,
    env: &Env,
    directory: &Addr<Directory>,
    every: Duration,
    stopping: &CancellationToken,
) {
    let (env, directory, stopping) = (env.clone(), directory.clone(), stopping.clone());
    arbiter.spawn_fn(move || {
        actix_rt::spawn(clockwork(env, directory, every, stopping));
    });
}

/// Goes on with what the last hub left unfinished, while this one already serves.
fn go_on(
    arbiter: &ArbiterHandle,
    env: &Env,
    directory: &Addr<Directory>,
    unfinished: Vec<Intent>,
    stopping: &CancellationToken,
) {
    if unfinished.is_empty() {
        return;
    }
    let (env, directory, stopping) = (env.clone(), directory.clone(), stopping.clone());
    arbiter.spawn_fn(move || {
        let hub = crate::namespace::Hub::new(directory);
        let settle = session::unfinished::settle(env, hub, unfinished);
        actix_rt::spawn(async move { stopping.run_until_cancelled(settle).await });
    });
}

async fn clockwork(env: Env, directory: Addr<Directory>, every: Duration, stopping: CancellationToken) {
    let hub = crate::namespace::Hub::new(directory.clone());
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        // A directory too busy to take a tick gets the next.
        let _ = directory.try_send(Tick);
        let now = env.clock.now();
        match env.store.read(move |conn| store::messages::sessions_with_due(conn, now)).await {
            Ok(due) => {
                for (namespace, session) in due {
                    // Finding it is enough: a session looks for due prompts at each tick.
                    let _ = hub.session(&namespace.into(), &session.into()).await;
                }
            }
            Err(error) => tracing::warn!(%error, "could not look for scheduled prompts"),
        }
        session::unfinished::go_on_with_clears(&env, &hub).await;
    }
}
