//! What every request passes: HEAD answered as GET, CORS for the surfaces that other origins may use, headers that
//! keep browsers safe, and a JSON body for what went wrong on the way.

use std::sync::Arc;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::{Shared, admission};
use crate::config::CorsOrigins;

/// Nothing is loaded from, sent to, or shown inside any other site. Markdown and terminals need inline styles.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; \
     manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub async fn around<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let cors = Cors::of(&req);
    let is_cli = req.path().starts_with("/cli/");
    if req.method() == Method::OPTIONS && cors.applies {
        let mut response = HttpResponse::NoContent();
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,PUT,PATCH,DELETE,OPTIONS"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization,content-type,last-event-id"))
            .insert_header((header::VARY, "Origin, Access-Control-Request-Headers"));
        let mut response = response.finish();
        cors.allow(response.headers_mut());
        return Ok(req.into_response(response).map_into_right_body());
    }
    if req.method() == Method::HEAD {
        // Answered as GET; the encoder leaves the body out.
        req.head_mut().method = Method::GET;
    }
    let mut response = admission::pass(req, next).await?;
    let headers = response.headers_mut();
    if cors.applies {
        cors.allow(headers);
        if !cors.is_any {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
    }
    if is_cli {
        set(headers, "x-hapi-protocol-version", "1");
    }
    set(headers, "x-content-type-options", "nosniff");
    set(headers, "x-frame-options", "DENY");
    set(headers, "referrer-policy", "no-referrer");
    set(headers, "cross-origin-opener-policy", "same-origin");
    set(headers, "permissions-policy", "camera=(), geolocation=(), microphone=(self)");
    set(headers, "content-security-policy", CONTENT_SECURITY_POLICY);
    Ok(response)
}

/// A handler that knows better keeps its own value.
fn set(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
    let name = HeaderName::from_static(name);
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

struct Cors {
    applies: bool,
    is_any: bool,
    allowed: Option<HeaderValue>,
}

impl Cors {
    fn of(req: &ServiceRequest) -> Self {
        let path = req.path();
        let applies = path == "/health" || path.starts_with("/api/") || path.starts_with("/cli/");
        let shared = req.app_data::<web::Data<Arc<Shared>>>();
        let is_any = shared.is_some_and(|shared| matches!(shared.cors, CorsOrigins::Any));
        let origin = req.headers().get(header::ORIGIN);
        let allowed = match (shared, origin) {
            _ if is_any => Some(HeaderValue::from_static("*")),
            (Some(shared), Some(origin)) if origin.to_str().is_ok_and(|text| shared.allows(text)) => {
                Some(origin.clone())
            }
            _ => None,
        };
        Self { applies, is_any, allowed }
    }

    fn allow(&self, headers: &mut HeaderMap) {
        if let Some(origin) = &self.allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
}
