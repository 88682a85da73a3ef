//! A session as a file: JSON for programs, Markdown for people.

mod spool;
mod write;

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Shared,
    auth::Caller,
    disposition::{self, Shown},
    error::{ApiError, ApiResult},
};
use crate::{
    domain::{json as raw, transcript},
    namespace::Hub,
    session::{GetFull, GetKey},
    wire::{
        export::{ExportTooLarge, ExportWarning, SessionExport},
        rest,
    },
};
use write::{Export, Outcome};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Markdown,
}

#[derive(Deserialize)]
pub struct ExportQuery {
    force: Option<String>,
    format: Option<String>,
}

impl ExportQuery {
    fn format(&self) -> ApiResult<Format> {
        match self.format.as_deref() {
            None | Some("json") => Ok(Format::Json),
            Some("markdown") => Ok(Format::Markdown),
            Some(_) => Err(ApiError::invalid_query()),
        }
    }
}

/// Everything that a chat shows of a session, and its notes. More than 20000 messages are warned of first.
#[utoipa::path(
    get, path = "/api/sessions/{id}/export", tag = "sessions",
    params(
        ("id" = String, Path),
        ("force" = Option<String>, Query, description = "`true`: also when it is large"),
        ("format" = Option<String>, Query, description = "`json` (the default), or `markdown` for a text to read"),
    ),
    responses(
        (status = 200, body = SessionExport), (status = 400, body = rest::ErrorBody),
        (status = 404, body = rest::ErrorBody), (status = 413, body = rest::ErrorBody, description = "over 100 MiB"),
    ),
)]
pub async fn export(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    query: web::Query<ExportQuery>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let format = query.format()?;
    let (key, _) = session.send(GetKey).await??;
    let full = String::from_utf8_lossy(&session.send(GetFull).await?).into_owned();
    let view = raw::read_text(&full).unwrap_or(Value::Null);
    let now = shared.env.clock.now();
    let file_name = transcript::file_name(&view, now);
    let export = Export {
        key,
        now,
        format,
        is_forced: query.force.as_deref() == Some("true"),
        session: full,
        view,
        folder: shared.home.clone(),
    };
    let written = shared.env.store.read(move |conn| export.run(conn)).await?;
    let outcome = written.map_err(|error| {
        tracing::error!(%error, session = id.as_str(), "could not write an export");
        ApiError::busy()
    })?;
    let spool = match outcome {
        Outcome::TooLarge { count, estimated } => {
            return Err(ApiError::export_too_large(&ExportTooLarge::new(count, estimated)));
        }
        Outcome::Large { count, estimated, limit } => {
            return Ok(HttpResponse::Ok().json(ExportWarning::new(count, limit, estimated)));
        }
        Outcome::Written(spool) => spool,
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    match format {
        Format::Json => response.content_type("application/json"),
        Format::Markdown => response
            .content_type("text/markdown; charset=utf-8")
            .insert_header(("Content-Disposition", disposition::header(Shown::Attachment, &file_name))),
    };
    Ok(spool.send(response))
}
