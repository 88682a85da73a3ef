//! The HTTP edge: parses, authorises, sends one message to one actor, renders the answer. The whole route table is
//! here.

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
mod limits;
mod machines;
mod messages;
mod middleware;
mod openapi;
mod owner;
mod pages;
mod permissions;
mod pi;
mod prompts;
mod push;
mod relay;
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
    App, HttpRequest, HttpResponse, HttpServer, ResponseError,
    dev::ServerHandle,
    http::Method,
    middleware::{Compress, from_fn},
    web,
};
use tokio_util::sync::CancellationToken;

pub use openapi::document;
pub use relay::RELAYS;

use crate::{
    app::Env,
    config::{CorsOrigins, Secret},
    domain::{
        ids::{MachineId, SessionId},
        usage::Prices,
    },
    identity::{AccessTokens, FailedLogins, Jwt},
    indexer::{UsageIndex, WordIndex},
    machine::LiveMachine,
    namespace::{Directory, Hub},
    session::LiveSession,
    socket::{self, Sockets},
    titles::Titles,
    voice::{Upstream, Voice},
};
use auth::Caller;
use error::{ApiError, ApiResult, Guarded};

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
    pub body_limit: usize,
    pub web_dir: Option<PathBuf>,
    pub home: PathBuf,
    pub database: PathBuf,
    pub vapid_public_key: String,
    pub stopping: CancellationToken,
}

/// Starts the workers. Dropping the handle does not stop them; [`ServerHandle::stop`] does.
pub fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    sockets: Sockets,
    workers: usize,
    drain: Duration,
) -> std::io::Result<ServerHandle> {
    let server = HttpServer::new(move || {
        let hub = Hub::new(shared.directory.clone());
        let streams = streams::Streams::launch();
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
            .configure(routes)
    })
    .workers(workers)
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

/// The whole route table. Sessions' and machines' relayed reads are one more table, in [`relay`].
fn routes(config: &mut web::ServiceConfig) {
    config
        .route(socket::PATH, web::route().to(socket::bridge::serve))
        .route("/health", web::get().to(health::health))
        .route("/openapi.json", web::get().to(openapi::serve))
        .route("/api/events", web::get().to(events::stream))
        .service(
            web::scope("/cli")
                .route("/sessions", web::post().to(cli::create_session))
                .route("/sessions/resumable", web::get().to(cli_local::resumable))
                .route("/sessions/{id}", web::get().to(cli::session))
                .route("/sessions/{id}/resume-target", web::get().to(cli_local::resume_target))
                .route("/sessions/{id}/handoff-local", web::post().to(cli_local::handoff))
                .route("/sessions/{id}/clear-opencode", web::post().to(cli_clear::finish))
                .route("/sessions/{id}/clear-opencode/reserve", web::post().to(cli_clear::reserve))
                .route("/sessions/{id}/clear-opencode/confirm-cleanup", web::post().to(cli_clear::confirm))
                .route("/sessions/{id}/clear-opencode/abort", web::post().to(cli_clear::abort))
                .route("/sessions/{id}/migrate-to-acp", web::post().to(cursor::migrate_for_cli))
                .route("/sessions/{id}/messages", web::get().to(cli::messages))
                .route("/machines", web::post().to(cli::register_machine))
                .route("/machines/{id}", web::get().to(cli::machine))
                .default_service(web::to(cli::unknown)),
        )
        .service(
            web::scope("/api")
                .wrap(Compress::default())
                .route("/auth", web::post().to(auth::exchange))
                .route("/bind", web::post().to(telegram::bind))
                .route("/visibility", web::post().to(events::set_visibility))
                .route("/sessions", web::get().to(sessions::list))
                .route("/sessions/{id}", web::get().to(sessions::get))
                .route("/sessions/{id}", web::patch().to(settings::rename))
                .route("/sessions/{id}", web::delete().to(sessions::delete))
                .route("/sessions/{id}/export", web::get().to(export::export))
                .route("/sessions/{id}/status", web::get().to(sessions::status))
                .route("/sessions/{id}/resume", web::post().to(sessions::resume))
                .route("/sessions/{id}/reopen", web::post().to(sessions::reopen))
                .route("/sessions/{id}/abort", web::post().to(sessions::abort))
                .route("/sessions/{id}/archive", web::post().to(sessions::archive))
                .route("/sessions/{id}/switch", web::post().to(sessions::switch))
                .route("/sessions/{id}/fork", web::post().to(history::fork))
                .route("/sessions/{id}/rewind", web::post().to(history::rewind))
                .route("/sessions/{id}/clear", web::post().to(history::clear))
                .route("/sessions/{id}/codex/plan/implement", web::post().to(history::implement_plan))
                .route("/sessions/{id}/cursor-chat-store", web::get().to(cursor::chat_store))
                .route("/sessions/{id}/migrate-to-acp", web::post().to(cursor::migrate))
                .route("/sessions/{id}/summary", web::patch().to(settings::summary))
                .route("/sessions/{id}/pin", web::put().to(settings::pin))
                .route("/sessions/{id}/permission-mode", web::post().to(settings::permission_mode))
                .route("/sessions/{id}/model", web::post().to(settings::model))
                .route("/sessions/{id}/effort", web::post().to(settings::effort))
                .route("/sessions/{id}/model-reasoning-effort", web::post().to(settings::reasoning_effort))
                .route("/sessions/{id}/service-tier", web::post().to(settings::service_tier))
                .route("/sessions/{id}/collaboration-mode", web::post().to(settings::collaboration_mode))
                .route("/sessions/{id}/copilot-agent-mode", web::post().to(settings::agent_mode))
                .route("/sessions/{id}/messages", web::get().to(pages::page))
                .route("/sessions/{id}/messages", web::post().to(messages::send))
                .route("/sessions/{id}/messages/queued-state", web::post().to(messages::queued_state))
                .route("/sessions/{id}/messages/{message}", web::delete().to(messages::cancel))
                .route("/sessions/{id}/messages/{message}/retry", web::post().to(messages::retry))
                .route("/sessions/{id}/messages/{message}/steer", web::post().to(messages::steer))
                .route("/sessions/{id}/prompts", web::get().to(prompts::list))
                .route("/sessions/{id}/permissions/{request}/approve", web::post().to(permissions::approve))
                .route("/sessions/{id}/permissions/{request}/deny", web::post().to(permissions::deny))
                .route("/sessions/{id}/files", web::get().to(files::search))
                .route("/sessions/{id}/generated-images/{image}", web::get().to(files::generated_image))
                .route("/sessions/{id}/slash-commands", web::get().to(files::slash_commands))
                .route("/sessions/{id}/upload", web::post().to(files::upload))
                .route("/sessions/{id}/scratchlist", web::get().to(scratchlist::list))
                .route("/sessions/{id}/scratchlist", web::post().to(scratchlist::add))
                .route("/sessions/{id}/scratchlist/limits", web::get().to(scratchlist::limits))
                .route("/sessions/{id}/scratchlist/upload", web::post().to(scratchlist::upload))
                .route("/sessions/{id}/scratchlist/{entry}", web::put().to(scratchlist::edit))
                .route("/sessions/{id}/scratchlist/{entry}", web::delete().to(scratchlist::remove))
                .route(
                    "/sessions/{id}/scratchlist/attachments/{file}",
                    web::get().to(scratchlist::attachment),
                )
                .route(
                    "/sessions/{id}/scratchlist/attachments/{file}",
                    web::delete().to(scratchlist::discard_attachment),
                )
                .route("/sessions/{id}/seen", web::put().to(seen::mark))
                .route("/sessions/{id}/title-suggestion", web::post().to(titles::suggest))
                .route("/sessions/{id}/usage", web::get().to(usage::of_session))
                .route("/search", web::get().to(search::search))
                .route("/usage/summary", web::get().to(usage::summary))
                .route("/machines", web::get().to(machines::list))
                .route("/machines/{id}", web::patch().to(machines::rename))
                .route("/machines/{id}/agent-availability", web::get().to(machines::agent_availability))
                .route("/machines/{id}/spawn", web::post().to(machines::spawn))
                .route("/machines/{id}/paths/exists", web::post().to(machines::paths_exist))
                .route("/machines/{id}/restart-runner", web::post().to(machines::restart_runner))
                .route("/codex/status", web::get().to(codex::status))
                .route("/codex/sessions", web::get().to(codex::list))
                .route("/codex/archive-session", web::post().to(codex::archive))
                .route("/codex/sync-session", web::post().to(codex_import::sync))
                .route("/codex/duplicate-sessions", web::post().to(codex_import::duplicates))
                .route("/codex/merge-duplicate-sessions", web::post().to(codex_import::merge_duplicates))
                .route("/codex/restart-desktop", web::post().to(codex::restart_desktop))
                .route("/pi/sessions", web::get().to(pi::list))
                .route("/pi/import-sessions", web::post().to(pi::import))
                .route("/push/vapid-public-key", web::get().to(push::vapid_public_key))
                .route("/push/subscribe", web::post().to(push::subscribe))
                .route("/push/subscribe", web::delete().to(push::unsubscribe))
                .route("/devices/register", web::post().to(push::register_device))
                .route("/devices/register", web::delete().to(push::unregister_device))
                .route("/storage/sqlite", web::get().to(storage::sqlite))
                .route("/hub-settings", web::get().to(hub_settings::get))
                .route("/hub-settings", web::put().to(hub_settings::put))
                .route("/voice/backend", web::get().to(voice::backend))
                .route("/voice/voices", web::get().to(voice::speakers))
                .route("/voice/transcription", web::post().to(voice::dictation::transcribe))
                .route("/voice/transcription/providers", web::get().to(voice::providers))
                .route("/voice/transcription/credentials", web::get().to(voice::credentials::get))
                .route("/voice/transcription/credentials", web::put().to(voice::credentials::put))
                .route(
                    "/voice/transcription/realtime-token",
                    web::post().to(voice::dictation::realtime_token),
                )
                .route("/voice/token", web::post().to(voice::assistant::token))
                .route("/voice/gemini-token", web::post().to(voice::assistant::gemini_token))
                .route("/voice/qwen-token", web::post().to(voice::assistant::qwen_token))
                .route("/voice/gemini-ws", web::get().to(voice::assistant::gemini_socket))
                .route("/voice/qwen-ws", web::get().to(voice::assistant::qwen_socket))
                .route("/voice/telemetry", web::post().to(voice::telemetry::report))
                .configure(relay::routes)
                .default_service(web::to(unknown_api)),
        )
        .default_service(web::to(assets::serve));
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
