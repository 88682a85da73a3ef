//! The form that carries a recording. It is read once, piece by piece; only the recording is kept.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::{
    HttpRequest,
    error::PayloadError,
    web::{self, Bytes, BytesMut},
};
use futures_util::TryStreamExt;

use super::{announces_more_than, at_most};
use crate::{
    domain::voice::audio::LARGEST_BODY,
    http::error::{ApiError, ApiResult},
};

/// No right value is longer.
const LONGEST_VALUE: usize = 256;

/// A form's fields; of several with one name the first counts.
#[derive(Default)]
pub struct Upload {
    pub file: Option<Part>,
    pub provider: Option<Part>,
    pub mode: Option<Part>,
    pub language: Option<Part>,
}

pub enum Part {
    Text(String),
    File { name: String, mime_type: Option<String>, content: Bytes },
}

impl Part {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::File { .. } => None,
        }
    }
}

/// Reads the whole form, at most 26 MiB of it.
pub async fn read(req: &HttpRequest, body: web::Payload) -> ApiResult<Upload> {
    if announces_more_than(req, LARGEST_BODY) {
        return Err(ApiError::audio_too_large());
    }
    form(req, body).await.map_err(|error| match error {
        MultipartError::Payload(PayloadError::Overflow) => ApiError::audio_too_large(),
        _ => ApiError::invalid("Invalid form data"),
    })
}

async fn form(req: &HttpRequest, body: web::Payload) -> Result<Upload, MultipartError> {
    let mut fields = Multipart::new(req.headers(), at_most(LARGEST_BODY, body));
    let mut upload = Upload::default();
    while let Some(mut field) = fields.try_next().await? {
        let place = match field.name() {
            Some("file") => &mut upload.file,
            Some("provider") => &mut upload.provider,
            Some("mode") => &mut upload.mode,
            Some("language") => &mut upload.language,
            _ => &mut None,
        };
        let is_wanted = place.is_none();
        let read = part(&mut field, is_wanted).await?;
        if is_wanted {
            *place = Some(read);
        }
    }
    Ok(upload)
}

/// Reads a field to its end, whether anybody wants it or not.
async fn part(field: &mut Field, is_wanted: bool) -> Result<Part, MultipartError> {
    let name = field.content_disposition().and_then(|about| about.get_filename()).map(str::to_owned);
    let mime_type = field.content_type().map(|mime_type| mime_type.essence_str().to_owned());
    let most = match (is_wanted, &name) {
        (false, _) => 0,
        (true, Some(_)) => LARGEST_BODY,
        (true, None) => LONGEST_VALUE,
    };
    let mut content = BytesMut::new();
    while let Some(chunk) = field.try_next().await? {
        let room = most.saturating_sub(content.len());
        content.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    Ok(match name {
        Some(name) => Part::File { name, mime_type, content: content.freeze() },
        None => Part::Text(String::from_utf8_lossy(&content).into_owned()),
    })
}
