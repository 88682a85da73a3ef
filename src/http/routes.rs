//! The whole route table. What is passed on to agents' machines is one more table, in [`super::relay`].
//!
//! Routes are nested by what they are about: most of a path is then compared as it stands, rather than tried against
//! one pattern after the other.

use actix_web::{Scope, middleware::Compress, web};

use super::{
    assets, auth, cli, cli_clear, cli_local, codex, codex_import, cursor, events, export, files, health,
    history, hub_settings, machines, messages, openapi, own_limits, pages, permissions, pi, prompts, push,
    relay, scratchlist, search, seen, sessions, settings, storage, telegram, titles, unknown_api, usage,
    voice,
};
use crate::socket;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route(socket::PATH, web::route().to(socket::bridge::serve))
        .route("/health", web::get().to(health::health))
        .route("/openapi.json", web::get().to(openapi::serve))
        .route("/api/events", web::get().to(events::stream))
        .service(
            web::scope("/cli")
                .route("/sessions", web::post().to(cli::create_session))
                .route("/sessions/resumable", web::get().to(cli_local::resumable))
                .route("/machines", web::post().to(cli::register_machine))
                .route("/machines/{id}", web::get().to(cli::machine))
                .service(cli_session())
                .default_service(web::to(cli::unknown)),
        )
        .service(
            web::scope("/api")
                .wrap(Compress::default())
                .service(session())
                .service(machine())
                .route("/auth", web::post().to(auth::exchange))
                .route("/bind", web::post().to(telegram::bind))
                .route("/visibility", web::post().to(events::set_visibility))
                .route("/sessions", web::get().to(sessions::list))
                .route("/search", web::get().to(search::search))
                .route("/usage/summary", web::get().to(usage::summary))
                .route("/machines", web::get().to(machines::list))
                .route("/pi/sessions", web::get().to(pi::list))
                .route("/pi/import-sessions", web::post().to(pi::import))
                .route("/push/vapid-public-key", web::get().to(push::vapid_public_key))
                .route("/push/subscribe", web::post().to(push::subscribe))
                .route("/push/subscribe", web::delete().to(push::unsubscribe))
                .route("/devices/register", web::post().to(push::register_device))
                .route("/devices/register", web::delete().to(push::unregister_device))
                .route("/storage/sqlite", web::get().to(storage::sqlite))
                .route("/limits", web::get().to(own_limits::limits))
                .route("/hub-settings", web::get().to(hub_settings::get))
                .route("/hub-settings", web::put().to(hub_settings::put))
                .service(voice())
                .service(codex())
                .default_service(web::to(unknown_api)),
        )
        .default_service(web::to(assets::serve));
}

fn cli_session() -> Scope {
    web::scope("/sessions/{id}")
        .route("", web::get().to(cli::session))
        .route("/resume-target", web::get().to(cli_local::resume_target))
        .route("/handoff-local", web::post().to(cli_local::handoff))
        .route("/clear-opencode", web::post().to(cli_clear::finish))
        .route("/clear-opencode/reserve", web::post().to(cli_clear::reserve))
        .route("/clear-opencode/confirm-cleanup", web::post().to(cli_clear::confirm))
        .route("/clear-opencode/abort", web::post().to(cli_clear::abort))
        .route("/migrate-to-acp", web::post().to(cursor::migrate_for_cli))
        .route("/messages", web::get().to(cli::messages))
        .default_service(web::to(cli::unknown))
}

fn session() -> Scope {
    web::scope("/sessions/{id}")
        .service(prompts_and_messages())
        .configure(relay::of_sessions)
        .route("", web::get().to(sessions::get))
        .route("", web::patch().to(settings::rename))
        .route("", web::delete().to(sessions::delete))
        .route("/export", web::get().to(export::export))
        .route("/status", web::get().to(sessions::status))
        .route("/resume", web::post().to(sessions::resume))
        .route("/reopen", web::post().to(sessions::reopen))
        .route("/abort", web::post().to(sessions::abort))
        .route("/archive", web::post().to(sessions::archive))
        .route("/switch", web::post().to(sessions::switch))
        .route("/fork", web::post().to(history::fork))
        .route("/rewind", web::post().to(history::rewind))
        .route("/clear", web::post().to(history::clear))
        .route("/codex/plan/implement", web::post().to(history::implement_plan))
        .route("/cursor-chat-store", web::get().to(cursor::chat_store))
        .route("/migrate-to-acp", web::post().to(cursor::migrate))
        .route("/summary", web::patch().to(settings::summary))
        .route("/pin", web::put().to(settings::pin))
        .route("/permission-mode", web::post().to(settings::permission_mode))
        .route("/model", web::post().to(settings::model))
        .route("/effort", web::post().to(settings::effort))
        .route("/model-reasoning-effort", web::post().to(settings::reasoning_effort))
        .route("/service-tier", web::post().to(settings::service_tier))
        .route("/collaboration-mode", web::post().to(settings::collaboration_mode))
        .route("/copilot-agent-mode", web::post().to(settings::agent_mode))
        .route("/prompts", web::get().to(prompts::list))
        .route("/permissions/{request}/approve", web::post().to(permissions::approve))
        .route("/permissions/{request}/deny", web::post().to(permissions::deny))
        .route("/files", web::get().to(files::search))
        .route("/generated-images/{image}", web::get().to(files::generated_image))
        .route("/slash-commands", web::get().to(files::slash_commands))
        .route("/upload", web::post().to(files::upload))
        .route("/seen", web::put().to(seen::mark))
        .route("/title-suggestion", web::post().to(titles::suggest))
        .route("/usage", web::get().to(usage::of_session))
        .service(notes())
        .default_service(web::to(unknown_api))
}

fn prompts_and_messages() -> Scope {
    web::scope("/messages")
        .route("", web::get().to(pages::page))
        .route("", web::post().to(messages::send))
        .route("/queued-state", web::post().to(messages::queued_state))
        .route("/{message}", web::delete().to(messages::cancel))
        .route("/{message}/retry", web::post().to(messages::retry))
        .route("/{message}/steer", web::post().to(messages::steer))
        .default_service(web::to(unknown_api))
}

fn notes() -> Scope {
    web::scope("/scratchlist")
        .route("", web::get().to(scratchlist::list))
        .route("", web::post().to(scratchlist::add))
        .route("/limits", web::get().to(scratchlist::limits))
        .route("/upload", web::post().to(scratchlist::upload))
        .route("/{entry}", web::put().to(scratchlist::edit))
        .route("/{entry}", web::delete().to(scratchlist::remove))
        .route("/attachments/{file}", web::get().to(scratchlist::attachment))
        .route("/attachments/{file}", web::delete().to(scratchlist::discard_attachment))
        .default_service(web::to(unknown_api))
}

fn machine() -> Scope {
    web::scope("/machines/{id}")
        .configure(relay::of_machines)
        .route("", web::patch().to(machines::rename))
        .route("/agent-availability", web::get().to(machines::agent_availability))
        .route("/spawn", web::post().to(machines::spawn))
        .route("/paths/exists", web::post().to(machines::paths_exist))
        .route("/restart-runner", web::post().to(machines::restart_runner))
        .default_service(web::to(unknown_api))
}

fn voice() -> Scope {
    web::scope("/voice")
        .route("/backend", web::get().to(voice::backend))
        .route("/voices", web::get().to(voice::speakers))
        .route("/transcription", web::post().to(voice::dictation::transcribe))
        .route("/transcription/providers", web::get().to(voice::providers))
        .route("/transcription/credentials", web::get().to(voice::credentials::get))
        .route("/transcription/credentials", web::put().to(voice::credentials::put))
        .route("/transcription/realtime-token", web::post().to(voice::dictation::realtime_token))
        .route("/token", web::post().to(voice::assistant::token))
        .route("/gemini-token", web::post().to(voice::assistant::gemini_token))
        .route("/qwen-token", web::post().to(voice::assistant::qwen_token))
        .route("/gemini-ws", web::get().to(voice::assistant::gemini_socket))
        .route("/qwen-ws", web::get().to(voice::assistant::qwen_socket))
        .route("/telemetry", web::post().to(voice::telemetry::report))
        .default_service(web::to(unknown_api))
}

fn codex() -> Scope {
    web::scope("/codex")
        .route("/status", web::get().to(codex::status))
        .route("/sessions", web::get().to(codex::list))
        .route("/archive-session", web::post().to(codex::archive))
        .route("/sync-session", web::post().to(codex_import::sync))
        .route("/duplicate-sessions", web::post().to(codex_import::duplicates))
        .route("/merge-duplicate-sessions", web::post().to(codex_import::merge_duplicates))
        .route("/restart-desktop", web::post().to(codex::restart_desktop))
        .default_service(web::to(unknown_api))
}
