//! Notes that people keep beside a session.

mod files;

pub use files::*;

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::{
    Shared,
    auth::Caller,
    body::Body,
    error::{ApiError, ApiResult},
};
use crate::{
    domain::scratchlist::{Added, Entry, read_edit, read_new},
    namespace::Hub,
    session::{AddNote, EditNote, GetKey, LiveSession, RemoveNote},
    store,
    wire::{rest, schema},
};

/// The notes as they are stored, the newest first.
async fn entries(shared: &Shared, session: &actix::Addr<LiveSession>) -> ApiResult<Vec<Entry>> {
    let (key, _) = session.send(GetKey).await??;
    Ok(shared.env.store.read(move |conn| store::scratchlist::of_session(conn, key)).await?)
}

/// The notes of a session, the newest first.
#[utoipa::path(
    get, path = "/api/sessions/{id}/scratchlist", tag = "scratchlist", params(("id" = String, Path)),
    responses((status = 200, body = schema::Scratchlist), (status = 404, body = rest::ErrorBody)),
)]
pub async fn list(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let entries = entries(&shared, &session).await?;
    Ok(HttpResponse::Ok().json(json!({ "entries": entries })))
}

/// What may be attached to notes.
#[utoipa::path(
    get, path = "/api/sessions/{id}/scratchlist/limits", tag = "scratchlist", params(("id" = String, Path)),
    responses((status = 200, body = schema::ScratchlistLimitsAnswer), (status = 404, body = rest::ErrorBody)),
)]
pub async fn limits(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    super::session(&hub, &caller, &id).await?;
    Ok(HttpResponse::Ok().json(json!({ "limits": shared.env.settings.scratchlist })))
}

/// Keeps a note. With an `entryId` that is there already nothing changes, so that it can be sent again.
#[utoipa::path(
    post, path = "/api/sessions/{id}/scratchlist", tag = "scratchlist", params(("id" = String, Path)),
    request_body = schema::NewNoteRequest,
    responses(
        (status = 200, body = schema::NoteAnswer, description = "it was there"),
        (status = 201, body = schema::NoteAnswer), (status = 400, body = rest::ErrorBody),
        (status = 404, body = rest::ErrorBody), (status = 409, body = rest::ErrorBody, description = "200 are enough"),
    ),
)]
pub async fn add(
    caller: Caller,
    hub: web::Data<Hub>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let new = read_new(body.value().as_ref()).map_err(|issues| ApiError::invalid_note(&issues))?;
    Ok(match session.send(AddNote(new)).await?? {
        Added::New(entry) => HttpResponse::Created().json(json!({ "entry": entry })),
        Added::Known(entry) => HttpResponse::Ok().json(json!({ "entry": entry })),
    })
}

/// Changes the text or the files of a note.
#[utoipa::path(
    put, path = "/api/sessions/{id}/scratchlist/{entryId}", tag = "scratchlist",
    params(("id" = String, Path), ("entryId" = String, Path)), request_body = schema::NoteEditRequest,
    responses(
        (status = 200, body = schema::NoteAnswer), (status = 400, body = rest::ErrorBody),
        (status = 404, body = rest::ErrorBody),
    ),
)]
pub async fn edit(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let (id, entry_id) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    let edit = read_edit(body.value().as_ref()).map_err(|issues| ApiError::invalid_note(&issues))?;
    let entry = session.send(EditNote { entry_id, edit }).await??;
    Ok(HttpResponse::Ok().json(json!({ "entry": entry })))
}

/// Deletes a note, and its files with it.
#[utoipa::path(
    delete, path = "/api/sessions/{id}/scratchlist/{entryId}", tag = "scratchlist",
    params(("id" = String, Path), ("entryId" = String, Path)),
    responses((status = 200, body = rest::Ok), (status = 404, body = rest::ErrorBody)),
)]
pub async fn remove(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, entry_id) = path.into_inner();
    let session = super::session(&hub, &caller, &id).await?;
    session.send(RemoveNote(entry_id)).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}
