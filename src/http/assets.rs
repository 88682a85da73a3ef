//! The web app: embedded in the binary with its compressed forms, or served from a folder while it is worked on.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::Write,
    path::{Component, Path},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use rust_embed::RustEmbed;

use super::Shared;

#[derive(RustEmbed)]
#[folder = "web-dist/"]
struct Built;

/// A page of the app, or one of its files.
pub async fn serve(req: HttpRequest, shared: web::Data<Arc<Shared>>) -> HttpResponse {
    let path = req.path();
    if !super::is_read(req.method()) || path.starts_with("/api") {
        return super::not_found();
    }
    let wanted = path.trim_start_matches('/');
    let is_asset = wanted.starts_with("assets/");
    let found = load(&shared, wanted).map(|content| (wanted, content));
    // Every other address is one of the app's own pages. A hashed file that is gone is gone: a page from before an
    // update must not get HTML where it expects a script.
    let found = match found {
        None if is_asset => None,
        None => load(&shared, "index.html").map(|content| ("index.html", content)),
        found => found,
    };
    match found {
        Some((name, content)) => respond(&req, name, content),
        None if is_asset => super::not_found(),
        None => HttpResponse::ServiceUnavailable()
            .content_type("text/plain; charset=UTF-8")
            .body("The web app is not built. Run `npm run build` in web/."),
    }
}

fn load(shared: &Shared, name: &str) -> Option<Cow<'static, [u8]>> {
    let Some(folder) = &shared.web_dir else { return Some(Built::get(name)?.data) };
    let name = Path::new(name);
    let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || name.as_os_str().is_empty() {
        return None;
    }
    std::fs::read(folder.join(name)).ok().map(Cow::Owned)
}

fn respond(req: &HttpRequest, name: &str, content: Cow<'static, [u8]>) -> HttpResponse {
    let tag = tag(&content);
    // Names under assets/ change with their content; everything else is asked for again.
    let caching =
        if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = HttpResponse::Ok();
    if name == "sw.js" {
        response
            .insert_header((header::CACHE_CONTROL, "no-store, no-cache, must-revalidate"))
            .insert_header(("CDN-Cache-Control", "no-store"))
            .insert_header(("Cloudflare-CDN-Cache-Control", "no-store"));
    } else {
        response.insert_header((header::CACHE_CONTROL, caching));
    }
    response.insert_header((header::ETAG, tag.clone())).append_header((header::VARY, "Accept-Encoding"));
    let known = req.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return response.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    let kind = content_type(name);
    response.content_type(kind);
    let accepted = req.headers().get(header::ACCEPT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default();
    let wants_gzip = accepted.windows(4).any(|part| part == b"gzip");
    if wants_gzip && is_text(kind) && content.len() > 1_024 {
        let packed = packed(&tag, &content);
        return response.insert_header((header::CONTENT_ENCODING, "gzip")).body(packed);
    }
    response.body(content.into_owned())
}

fn tag(content: &[u8]) -> String {
    format!("\"{:08x}-{:x}\"", crc32fast::hash(content), content.len())
}

/// The compressed form, made at first need and kept: there are few files and they do not change.
fn packed(tag: &str, content: &[u8]) -> web::Bytes {
    static KEPT: OnceLock<Mutex<HashMap<String, web::Bytes>>> = OnceLock::new();
    let kept = KEPT.get_or_init(Mutex::default);
    if let Some(packed) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(tag) {
        return packed.clone();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory cannot fail.
    let _ = gzip.write_all(content);
    let packed = web::Bytes::from(gzip.finish().unwrap_or_default());
    kept.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.to_owned(), packed.clone());
    packed
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind.contains("json") || kind.contains("javascript") || kind.contains("svg")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json; charset=utf-8",
        "webmanifest" => "application/manifest+json; charset=utf-8",
        "ico" => "image/x-icon",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        _ => "application/octet-stream",
    }
}
