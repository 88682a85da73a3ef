//! The OpenAPI document: every operation that clients may use. Our own page takes its types from it.

use std::sync::OnceLock;

use actix_web::{HttpResponse, web::Bytes};
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        Content, HttpMethod, Object, Ref, RefOr, Required, Schema, SecurityRequirement,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem},
        request_body::RequestBodyBuilder,
        response::ResponseBuilder,
        schema::{AdditionalProperties, ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    auth, cli, cli_clear, cli_local, codex, codex_import, cursor, events, export, files, health, history,
    hub_settings, machines, messages, own_limits, pages, permissions, pi, prompts, push,
    relay::{RELAYS, Relay, Verb},
    scratchlist, search, seen, sessions, settings, storage, telegram, titles, usage, voice,
};
use crate::wire::{rest::ErrorBody, schema};

/// Of signed-in pages.
const JWT: &str = "jwt";
/// Of agents' processes.
const ACCESS_TOKEN: &str = "accessToken";

#[derive(OpenApi)]
#[openapi(
    info(title = "Wheelhouse", description = env!("CARGO_PKG_DESCRIPTION"), version = env!("CARGO_PKG_VERSION")),
    paths(
        health::health,
        auth::exchange,
        telegram::bind,
        events::stream,
        events::set_visibility,
        sessions::list,
        sessions::get,
        sessions::status,
        export::export,
        sessions::delete,
        sessions::resume,
        sessions::reopen,
        sessions::abort,
        sessions::archive,
        sessions::switch,
        history::fork,
        history::rewind,
        history::clear,
        history::implement_plan,
        settings::rename,
        settings::summary,
        settings::pin,
        settings::permission_mode,
        settings::model,
        settings::effort,
        settings::reasoning_effort,
        settings::service_tier,
        settings::collaboration_mode,
        settings::agent_mode,
        pages::page,
        messages::send,
        messages::cancel,
        messages::retry,
        messages::steer,
        messages::queued_state,
        prompts::list,
        permissions::approve,
        permissions::deny,
        files::search,
        files::generated_image,
        files::slash_commands,
        files::upload,
        scratchlist::list,
        scratchlist::limits,
        scratchlist::add,
        scratchlist::edit,
        scratchlist::remove,
        scratchlist::upload,
        scratchlist::attachment,
        scratchlist::discard_attachment,
        search::search,
        seen::mark,
        titles::suggest,
        usage::of_session,
        usage::summary,
        machines::list,
        machines::rename,
        machines::agent_availability,
        machines::spawn,
        machines::paths_exist,
        machines::restart_runner,
        push::vapid_public_key,
        push::subscribe,
        push::unsubscribe,
        push::register_device,
        push::unregister_device,
        storage::sqlite,
        hub_settings::get,
        hub_settings::put,
        own_limits::limits,
        voice::backend,
        voice::providers,
        voice::speakers,
        voice::credentials::get,
        voice::credentials::put,
        voice::dictation::transcribe,
        voice::dictation::realtime_token,
        voice::assistant::token,
        voice::assistant::gemini_token,
        voice::assistant::qwen_token,
        voice::telemetry::report,
        cli::create_session,
        cli::session,
        cli::messages,
        cli::register_machine,
        cli::machine,
        cli_clear::reserve,
        cli_clear::confirm,
        cli_clear::abort,
        cli_clear::finish,
        cli_local::resumable,
        cli_local::resume_target,
        cli_local::handoff,
        codex::status,
        codex::list,
        codex::archive,
        codex_import::sync,
        codex_import::duplicates,
        codex_import::merge_duplicates,
        codex::restart_desktop,
        pi::list,
        pi::import,
        cursor::chat_store,
        cursor::migrate,
        cursor::migrate_for_cli,
    ),
    components(schemas(ErrorBody, schema::CommandResult, schema::FileContent, schema::DirectoryListing)),
    modifiers(&Security),
    security(("jwt" = [])),
)]
struct Handlers;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = || HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let jwt = bearer().bearer_format("JWT").description(Some("what `/api/auth` answers")).build();
        let access = bearer().description(Some("`base` or `base:namespace`")).build();
        components.add_security_scheme(JWT, SecurityScheme::Http(jwt));
        components.add_security_scheme(ACCESS_TOKEN, SecurityScheme::Http(access));
    }
}

/// The whole document: the handlers with annotations, and one operation for each row of the relay table.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Handlers::openapi();
    for (path, item) in &mut document.paths.paths {
        let is_cli = path.starts_with("/cli/");
        for operation in operations(item) {
            name(operation);
            if is_cli && operation.security.is_none() {
                operation.security = Some(vec![SecurityRequirement::new(ACCESS_TOKEN, [] as [&str; 0])]);
            }
        }
    }
    for relay in RELAYS {
        let method = match relay.verb {
            Verb::Get => HttpMethod::Get,
            Verb::Post => HttpMethod::Post,
        };
        document.paths.add_path_operation(relay.path, vec![method], relayed(relay));
    }
    document
}

pub async fn serve() -> HttpResponse {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    // Ours are plain structs with string keys: writing them cannot fail.
    let text = TEXT.get_or_init(|| document().to_json().unwrap_or_default().into());
    super::json(text.clone())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
    all.into_iter().filter_map(Option::as_mut)
}

/// Handlers of different resources share names, and generated clients want each id once.
fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(id)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{id}"));
    }
}

fn relayed(relay: &Relay) -> Operation {
    let tag = if relay.path.starts_with("/api/machines/") { "machines" } else { "sessions" };
    let last = relay.path.rsplit_once("}/").map_or(relay.path, |(_, last)| last);
    let answer = ResponseBuilder::new()
        .description("as the agent's machine answered")
        .content("application/json", Content::new(Some(answer(relay.rpc))));
    let mut operation = OperationBuilder::new()
        .tag(tag)
        .summary(Some(relay.summary))
        .operation_id(Some(format!("{tag}_{}", last.replace(['/', '-'], "_"))))
        .parameter(parameter("id", ParameterIn::Path))
        .response("200", answer);
    for query in relay.query {
        operation = operation.parameter(parameter(query, ParameterIn::Query));
    }
    if matches!(relay.verb, Verb::Post) {
        let body = Content::new(Some(RefOr::from(free_form())));
        operation =
            operation.request_body(Some(RequestBodyBuilder::new().content("application/json", body).build()));
    }
    let errors = [
        ("400", "wrong query or body"),
        ("401", "not signed in"),
        ("403", "of another namespace"),
        ("404", "not found"),
        ("500", "the agent's machine failed or did not answer"),
        ("503", "not connected"),
    ];
    for (status, meaning) in errors {
        let body = Content::new(Some(reference(&ErrorBody::name())));
        let error = ResponseBuilder::new().description(meaning).content("application/json", body);
        operation = operation.response(status, error);
    }
    operation.build()
}

fn parameter(name: &str, place: ParameterIn) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// What is known of an answer that the hub passes on as it is.
fn answer(rpc: &str) -> RefOr<Schema> {
    match rpc {
        "git-status" | "git-diff-numstat" | "git-diff-file" => reference(&schema::CommandResult::name()),
        "readFile" => reference(&schema::FileContent::name()),
        "listDirectory" | "list-directory" => reference(&schema::DirectoryListing::name()),
        _ => RefOr::from(free_form()),
    }
}

fn reference(schema: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(schema))
}

fn free_form() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{Handlers, OpenApi, RELAYS, document, operations};

    fn count(mut document: utoipa::openapi::OpenApi) -> usize {
        document.paths.paths.values_mut().flat_map(operations).count()
    }

    fn references<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }

    #[test]
    fn every_path_belongs_to_a_known_surface() {
        for path in document().paths.paths.keys() {
            let known = path == "/health" || path.starts_with("/api/") || path.starts_with("/cli/");
            assert!(known, "{path}");
        }
    }

    #[test]
    fn no_operation_hides_another() {
        let mut document = document();
        assert_eq!(count(document.clone()), count(Handlers::openapi()) + RELAYS.len());

        let mut seen = BTreeSet::new();
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let id = operation.operation_id.clone().unwrap();
            assert!(seen.insert(id.clone()), "{id} names two operations");
        }
    }

    #[test]
    fn every_reference_resolves() {
        let document = serde_json::to_value(document()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.contains("#/components/schemas/Session"));
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{reference}");
        }
    }

    #[test]
    fn agents_processes_use_the_access_token() {
        let document = serde_json::to_value(document()).unwrap();
        let security = &document["paths"]["/cli/sessions"]["post"]["security"];
        assert_eq!(*security, serde_json::json!([{ "accessToken": [] }]));
    }
}
