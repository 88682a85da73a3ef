//! The HTTP edge: parses, authorises, sends one message to one actor, renders the answer.

mod admission;
mod assets;
mod auth;
mod body;
mod cli;
mod cli_clear;
mod cli_local;
mod codex;
mod codex_import;
mod cursor;
mod disposition;
mod error;
mod events;
mod export;
mod files;
mod health;
mod history;
mod hub_settings;
mod inflight;
mod limits;
mod machines;
mod messages;
mod middleware;
mod openapi;
mod own_limits;
mod owner;
mod pages;
mod permissions;
mod pi;
mod prompts;
mod push;
mod relay;
mod routes;
mod scratchlist;
mod search;
mod seen;
mod sessions;
mod settings;
mod storage;
mod streams;
mod telegram;
mod titles;
mod usage;
mod voice;

use std::{net::TcpListener, path::PathBuf, sync::Arc, time::Duration};

use actix::Addr;
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, ResponseError, dev::ServerHandle, http::Method,
    middleware::from_fn, web,
};
use tokio_util::sync::CancellationToken;

pub(crate) use auth::address;
pub(crate) use error::ApiError;
pub use openapi::document;
pub use relay::RELAYS;
pub use streams::Care;

use crate::{
    app::Env,
    config::{CorsOrigins, Secret},
    domain::{
        caller::Proxies,
        ids::{MachineId, SessionId},
        usage::Prices,
    },
    identity::{AccessTokens, FailedLogins, Jwt},
    indexer::{UsageIndex, WordIndex},
    limits::Limits,
    machine::LiveMachine,
    namespace::{Directory, Hub},
    session::LiveSession,
    socket::Sockets,
    titles::Titles,
    tunnel::Tunnel,
    voice::{Upstream, Voice},
};
use auth::Caller;
use error::{ApiResult, Guarded};

/// What all workers share.
pub struct Shared {
    pub directory: Addr<Directory>,
    pub env: Env,
    pub usage_index: Addr<UsageIndex>,
    pub word_index: Addr<WordIndex>,
    pub prices: Prices,
    /// `None` when no provider is configured.
    pub titles: Option<Addr<Titles>>,
    pub voice: Arc<Voice>,
    pub tokens: AccessTokens,
    pub jwt: Jwt,
    pub failed_logins: FailedLogins,
    /// The token of the bot whose pages may sign in.
    pub telegram_bot: Option<Secret>,
    pub cors: CorsOrigins,
    pub proxies: Proxies,
    /// `None` when none is wanted.
    pub tunnel: Option<Tunnel>,
    pub care: streams::Care,
    pub body_limit: usize,
    pub limits: Arc<Limits>,
    pub web_dir: Option<PathBuf>,
    pub home: PathBuf,
    pub database: PathBuf,
    pub vapid_public_key: String,
    pub stopping: CancellationToken,
}

impl Shared {
    /// Whether pages of this origin may call the hub.
    pub fn allows(&self, origin: &str) -> bool {
        self.cors.allows(origin) || self.tunnel.as_ref().is_some_and(|tunnel| tunnel.is_at(origin))
    }
}

/// Starts the workers. Dropping the handle does not stop them; [`ServerHandle::stop`] does.
pub fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    sockets: Sockets,
    workers: usize,
    drain: Duration,
) -> std::io::Result<ServerHandle> {
    let connections = shared.limits.connections.clone();
    let server = HttpServer::new(move || {
        let hub = Hub::new(shared.directory.clone());
        let streams = streams::Streams::launch(shared.care, shared.stopping.clone());
        App::new()
            .app_data(web::Data::new(shared.clone()))
            .app_data(web::Data::new(hub))
            .app_data(web::Data::new(streams))
            .app_data(web::Data::new(sessions::PackedLists::default()))
            .app_data(web::Data::new(sockets.clone()))
            .app_data(web::Data::new(Upstream::new(&shared.voice)))
            .app_data(web::PayloadConfig::new(shared.body_limit))
            .app_data(web::QueryConfig::default().error_handler(|_, _| ApiError::invalid_query().into()))
            .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::unknown_path().into()))
            .wrap(from_fn(middleware::around))
            .wrap(tracing_actix_web::TracingLogger::<crate::telemetry::RequestSpan>::new())
            .configure(routes::routes)
    })
    .workers(workers)
    .on_connect(move |connection, data| {
        data.insert(connections.opened());
        streams::prepare(connection, data);
    })
    .disable_signals()
    // Proxies keep connections for 60 to 75 seconds; closing first would fail a request now and then.
    .keep_alive(Duration::from_secs(90))
    .client_request_timeout(Duration::from_secs(30))
    // Answers are written whole; waiting for more would only hold them back.
    .tcp_nodelay(true)
    // A page that is closed must not count as looked at until the next write to its stream fails.
    .h1_allow_half_closed(false)
    .max_connections(100_000)
    .backlog(4_096)
    .shutdown_timeout(drain.as_secs().max(1))
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(handle)
}

/// Nobody learns which routes exist without a token.
async fn unknown_api(req: HttpRequest) -> ApiResult<HttpResponse> {
    let is_open = matches!(req.path(), "/api/auth" | "/api/bind");
    if !is_open {
        Caller::of(&req)?;
    }
    Ok(not_found())
}

/// The answer to a path that is none.
fn not_found() -> HttpResponse {
    ApiError::unknown_path().error_response()
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn json(body: impl Into<web::Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.into())
}

/// The session that a path names, if the caller may use it.
async fn session(hub: &Hub, caller: &Caller, id: &str) -> ApiResult<Addr<LiveSession>> {
    let found = hub.session(&caller.namespace, &SessionId::from(id)).await;
    found.map_err(|error| ApiError::from_find(error, Guarded::Session))
}

async fn machine(hub: &Hub, caller: &Caller, id: &str) -> ApiResult<Addr<LiveMachine>> {
    let found = hub.machine(&caller.namespace, &MachineId::from(id)).await;
    found.map_err(|error| ApiError::from_find(error, Guarded::Machine))
}
