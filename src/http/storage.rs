//! How much room the database takes.

use std::{io, path::Path, sync::Arc};

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    owner,
};
use crate::wire::rest;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSize {
    path: String,
    database_bytes: u64,
    /// The log of changes that are not yet folded in.
    wal_bytes: u64,
    shm_bytes: u64,
    total_bytes: u64,
}

/// Sizes of the files of the database.
#[utoipa::path(
    get, path = "/api/storage/sqlite", tag = "hub",
    responses(
        (status = 200, body = DatabaseSize),
        (status = 403, body = rest::ErrorBody, description = "not the hub's owner"),
    ),
)]
pub async fn sqlite(caller: Caller, shared: web::Data<Arc<Shared>>) -> ApiResult<HttpResponse> {
    owner::only(&caller, "Storage usage is")?;
    let path = shared.database.clone();
    let measured = web::block(move || measure(&path)).await.map_err(|_| ApiError::busy())?;
    let size =
        measured.map_err(|error| ApiError::unreadable(format!("Cannot read the database file: {error}")))?;
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(size))
}

fn measure(path: &Path) -> io::Result<DatabaseSize> {
    // The side files come and go.
    let beside = |suffix: &str| {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        std::fs::metadata(path).map_or(0, |about| about.len())
    };
    let database_bytes = std::fs::metadata(path)?.len();
    let (wal_bytes, shm_bytes) = (beside("-wal"), beside("-shm"));
    Ok(DatabaseSize {
        path: path.display().to_string(),
        database_bytes,
        wal_bytes,
        shm_bytes,
        total_bytes: database_bytes.saturating_add(wal_bytes).saturating_add(shm_bytes),
    })
}
