//! Files of notes: taken in, shown, thrown away.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::json;

use crate::{
    domain::{
        scratchlist::{Folder, Refusal, find_attachment},
        text,
    },
    http::{
        Shared,
        auth::Caller,
        body::Body,
        disposition::{self, Shown},
        error::{ApiError, ApiResult},
        limits,
    },
    namespace::Hub,
    session::{DiscardAttachment, KeepAttachment, NoteError},
    wire::{rest, schema},
};

/// Released pages write the padding; scripts often do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Takes a file in. It belongs to a note when one claims it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/scratchlist/upload", tag = "scratchlist", params(("id" = String, Path)),
    request_body = rest::UploadRequest,
    responses(
        (status = 200, body = schema::AttachmentAnswer), (status = 400, body = rest::ErrorBody),
        (status = 404, body = rest::ErrorBody), (status = 413, body = rest::ErrorBody),
    ),
)]
pub async fn upload(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    body: Body,
) -> ApiResult<HttpResponse> {
    let session = super::super::session(&hub, &caller, &id).await?;
    let rest::UploadRequest { filename, content, mime_type } = body.read()?;
    let is_named = |text: &str| (1..=255).contains(&text::units(text));
    if !is_named(&filename) || !is_named(&mime_type) {
        return Err(ApiError::invalid_body());
    }
    let size = u64::try_from(limits::decoded_size(&content)).unwrap_or(u64::MAX);
    if size > shared.env.settings.scratchlist.max_bytes_per_file {
        return Err(ApiError::upload_refused(NoteError::Refused(Refusal::FileTooLarge)));
    }
    let decoded = web::block(move || BASE64.decode(content)).await.map_err(|_| ApiError::busy())?;
    let content = decoded.map_err(|_| ApiError::invalid_body())?.into();
    let kept = session.send(KeepAttachment { filename, mime_type, content }).await?;
    let attachment = kept.map_err(ApiError::upload_refused)?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "attachment": attachment })))
}

/// A file that a note has.
#[utoipa::path(
    get, path = "/api/sessions/{id}/scratchlist/attachments/{attachmentId}", tag = "scratchlist",
    params(("id" = String, Path), ("attachmentId" = String, Path)),
    responses((status = 200, description = "the bytes"), (status = 404, body = rest::ErrorBody)),
)]
pub async fn attachment(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, attachment_id) = path.into_inner();
    let session = super::super::session(&hub, &caller, &id).await?;
    let entries = super::entries(&shared, &session).await?;
    let found = find_attachment(&entries, &attachment_id).ok_or_else(ApiError::attachment_not_found)?;
    let folder = Folder::of(&caller.namespace, &id.as_str().into());
    let name = folder.name_in(&found.path).ok_or_else(ApiError::attachment_file_missing)?;
    let read = shared.env.attachments.read(&folder, name.to_owned()).await;
    let content = read.map_err(NoteError::from)?.ok_or_else(ApiError::attachment_file_missing)?;
    Ok(HttpResponse::Ok()
        .content_type(found.mime_type.as_str())
        .insert_header(("Content-Disposition", disposition::header(Shown::Inline, &found.filename)))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        // What somebody attached is shown, never run in the hub's own origin: pictures may hold scripts.
        .insert_header(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .insert_header(("Cache-Control", "private, no-cache"))
        .body(content))
}

/// Throws away a file that no note has claimed.
#[utoipa::path(
    delete, path = "/api/sessions/{id}/scratchlist/attachments/{attachmentId}", tag = "scratchlist",
    params(("id" = String, Path), ("attachmentId" = String, Path)),
    responses(
        (status = 200, body = rest::Ok), (status = 404, body = rest::ErrorBody),
        (status = 409, body = rest::ErrorBody, description = "a note has it"),
    ),
)]
pub async fn discard_attachment(
    caller: Caller,
    hub: web::Data<Hub>,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (id, attachment_id) = path.into_inner();
    let session = super::super::session(&hub, &caller, &id).await?;
    session.send(DiscardAttachment(attachment_id)).await??;
    Ok(HttpResponse::Ok().json(rest::Ok::TRUE))
}
