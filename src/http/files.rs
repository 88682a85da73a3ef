//! Files of a session where more than one call, or more than passing on, is needed: search, images, commands, uploads.

use actix::Addr;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
    limits, relay, sessions,
};
use crate::{
    domain::{file_search, json as raw, text},
    link::{RpcError, rpc},
    namespace::Hub,
    session::{Call, GetGlance, LiveSession},
    wire::{rest, schema},
};

async fn call(
    session: &Addr<LiveSession>,
    method: &'static str,
    params: Value,
) -> ApiResult<Result<Value, RpcError>> {
    let answer = session.send(Call { method, params, within: rpc::PATIENCE }).await?;
    Ok(answer.map(|answer| raw::read(&answer).unwrap_or_default()))
}

fn unsuccessful(error: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "success": false, "error": error.into() }))
}

#[derive(Deserialize)]
pub struct SearchQuery {
    query: Option<String>,
    limit: Option<String>,
}

/// Finds files of the session's folder by name.
#[utoipa::path(
    get, path = "/api/sessions/{id}/files", tag = "files",
    params(
        ("id" = String, Path),
        ("query" = Option<String>, Query, description = "part of a path, or a pattern with * and ?"),
        ("limit" = Option<u32>, Query, description = "1 to 500, 200 by default"),
    ),
    responses((status = 200, body = schema::FileSearch), (status = 400, body = rest::ErrorBody)),
)]
pub async fn search(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    query: web::Query<SearchQuery>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let Some(path) = session.send(GetGlance).await?.path else {
        return Ok(unsuccessful("Session path not available"));
    };
    let limit = match query.limit.as_deref() {
        None => 200,
        Some(limit) => text::number(limit)
            .and_then(text::safe_integer)
            .and_then(|limit| usize::try_from(limit).ok())
            .filter(|limit| (1..=500).contains(limit))
            .ok_or_else(ApiError::invalid_query)?,
    };
    let wanted = file_search::Wanted::new(query.query.as_deref().unwrap_or_default(), &path);
    let params = json!({
        "args": wanted.arguments(), "cwd": path, "fileSearch": { "query": wanted.query(), "limit": limit },
    });
    let found = match call(&session, "ripgrep", params).await? {
        Ok(found) => found,
        Err(error) => return Ok(unsuccessful(error.to_string())),
    };
    if found.get("success").and_then(Value::as_bool) != Some(true) {
        let error = found.get("error").and_then(Value::as_str).unwrap_or("Failed to list files");
        return Ok(unsuccessful(error));
    }
    let output = found.get("stdout").and_then(Value::as_str).unwrap_or_default();
    let paths = wanted.matches(output, limit);
    let sizes = if paths.is_empty() { Vec::new() } else { sizes(&session, &paths).await? };
    let files: Vec<Value> = paths.iter().map(|path| file_row(path, &sizes)).collect();
    Ok(HttpResponse::Ok().json(json!({ "success": true, "files": files })))
}

/// Sizes and times of files; a failure only loses them.
async fn sizes(session: &Addr<LiveSession>, paths: &[String]) -> ApiResult<Vec<Value>> {
    let stated = call(session, "statFiles", json!({ "paths": paths })).await?;
    Ok(match stated.ok().and_then(|mut stated| stated.get_mut("entries").map(Value::take)) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    })
}

fn file_row(path: &str, sizes: &[Value]) -> Value {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut row = Map::from_iter([
        ("fileName".to_owned(), name.into()),
        ("filePath".to_owned(), folder.into()),
        ("fullPath".to_owned(), path.into()),
        ("fileType".to_owned(), "file".into()),
    ]);
    if let Some(entry) = sizes.iter().find(|entry| entry.get("path").and_then(Value::as_str) == Some(path)) {
        for key in ["size", "modified"] {
            if let Some(value) = entry.get(key) {
                row.insert(key.to_owned(), value.clone());
            }
        }
    }
    row.into()
}

/// What a file name may hold in a header as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~');

/// An image that the agent made. Its bytes never change.
#[utoipa::path(
    get, path = "/api/sessions/{id}/generated-images/{imageId}", tag = "files",
    params(("id" = String, Path), ("imageId" = String, Path)),
    responses((status = 200, description = "the bytes"), (status = 304), (status = 404, body = rest::ErrorBody)),
)]
pub async fn generated_image(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
    req: HttpRequest,
) -> ApiResult<HttpResponse> {
    const FOR_EVER: (&str, &str) = ("Cache-Control", "private, max-age=31536000, immutable");
    let (id, image) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    let tag = format!("\"{}\"", utf8_percent_encode(&image, PLAIN));
    let known = req.headers().get("If-None-Match").and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known.trim() == "*" || known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
    });
    if is_known {
        return Ok(HttpResponse::NotModified().insert_header(("ETag", tag)).insert_header(FOR_EVER).finish());
    }
    let missing = |text: &str| ApiError::unsuccessful(StatusCode::NOT_FOUND, text, None);
    let read = call(&session, "readGeneratedImage", json!({ "id": image })).await?;
    let read = read.map_err(|error| missing(&error.to_string()))?;
    let text = |key: &str| read.get(key).and_then(Value::as_str);
    let content = text("content").filter(|_| read.get("success").and_then(Value::as_bool) == Some(true));
    let bytes = content.and_then(|content| STANDARD.decode(content).ok());
    let bytes = bytes.ok_or_else(|| missing(text("error").unwrap_or("Generated image not found")))?;
    let kind = text("mimeType");
    let is_shown =
        kind.is_none_or(|kind| ["image/", "video/", "audio/"].iter().any(|start| kind.starts_with(start)));
    let name = utf8_percent_encode(text("fileName").unwrap_or("generated-media"), PLAIN);
    let disposition = format!("{}; filename=\"{name}\"", if is_shown { "inline" } else { "attachment" });
    Ok(HttpResponse::Ok()
        .content_type(kind.unwrap_or("application/octet-stream"))
        .insert_header(("Content-Disposition", disposition))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        // What an agent made is shown, never run in the hub's own origin.
        .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .insert_header(("ETag", tag))
        .insert_header(FOR_EVER)
        .body(bytes))
}

/// Commands that can be typed to the agent: those it named at its start, brought up to date by its process.
#[utoipa::path(
    get, path = "/api/sessions/{id}/slash-commands", tag = "files", params(("id" = String, Path)),
    responses((status = 200, body = schema::SlashCommands)),
)]
pub async fn slash_commands(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let glance = session.send(GetGlance).await?;
    let agent = glance.flavor.as_deref().unwrap_or("claude");
    let listed = call(&session, "listSlashCommands", json!({ "agent": agent })).await?;
    let mut commands: Vec<Value> =
        glance.slash_commands.iter().map(|name| json!({ "name": name, "source": "builtin" })).collect();
    let is_listed = |answer: &Value| answer.get("success").and_then(Value::as_bool) == Some(true);
    match listed {
        Ok(mut answer) if is_listed(&answer) && answer.get("commands").is_some_and(Value::is_array) => {
            let fresh = answer.get_mut("commands").map(Value::take);
            for command in fresh.as_ref().and_then(Value::as_array).into_iter().flatten() {
                match commands.iter_mut().find(|known| known.get("name") == command.get("name")) {
                    Some(known) => *known = command.clone(),
                    None => commands.push(command.clone()),
                }
            }
            if let Some(fields) = answer.as_object_mut() {
                fields.insert("commands".into(), commands.into());
            }
            Ok(HttpResponse::Ok().json(answer))
        }
        Ok(answer) if commands.is_empty() => Ok(HttpResponse::Ok().json(answer)),
        Err(error) if commands.is_empty() => relay::failed(relay::Failure::InBody, &error),
        Ok(_) | Err(_) => Ok(HttpResponse::Ok().json(json!({ "success": true, "commands": commands }))),
    }
}

/// Puts a file on the session's machine, for a prompt to refer to. The hub keeps nothing of it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/upload", tag = "files", params(("id" = String, Path)),
    request_body = rest::UploadRequest,
    responses(
        (status = 200, body = schema::UploadAnswer), (status = 400, body = rest::ErrorBody),
        (status = 413, body = rest::ErrorBody, description = "over 50 MiB"),
    ),
)]
pub async fn upload(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    sessions::active(&session).await?;
    let upload: rest::UploadRequest = body.read()?;
    let is_named = |text: &str| (1..=255).contains(&text::units(text));
    if !is_named(&upload.filename) || !is_named(&upload.mime_type) || upload.content.is_empty() {
        return Err(ApiError::invalid_body());
    }
    if limits::decoded_size(&upload.content) > limits::UPLOAD {
        return Err(ApiError::upload_too_large());
    }
    let params = json!({
        "sessionId": id.as_str(), "filename": upload.filename, "content": upload.content,
        "mimeType": upload.mime_type,
    });
    let answer = session.send(Call { method: "uploadFile", params, within: rpc::PATIENCE }).await?;
    match answer {
        Ok(answer) => Ok(super::json(answer.get().to_owned())),
        Err(error) => relay::failed(relay::Failure::Unsuccessful, &error),
    }
}
