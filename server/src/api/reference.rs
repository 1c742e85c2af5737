//! The interface's own description, a page to read it, and the console.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

/// The head of the description.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "bithuman serve",
    description = "Talking avatars on one's own machine: agents, speech, gestures, videos, conversations.",
    license(name = "MIT OR Apache-2.0")
))]
pub(super) struct Described;

const PAGE: &str = include_str!("../../reference/index.html");
const SCRIPT: &str = include_str!("../../reference/reference.js");
const STYLE: &str = include_str!("../../reference/reference.css");

const CONSOLE: &str = include_str!("../../console/index.html");
const CONSOLE_SCRIPT: &str = include_str!("../../console/console.js");
const CONSOLE_STYLE: &str = include_str!("../../console/console.css");

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// The places that the pages may load from.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     media-src 'self' blob:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The addresses of the description and its page.
pub(super) fn router<S: Clone + Send + Sync + 'static>(mut described: Description) -> Router<S> {
    let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("api-secret")));
    let components = described.components.get_or_insert_default();
    components
        .security_schemes
        .insert("apiSecret".to_owned(), scheme);
    let none: [String; 0] = [];
    described.security = Some(vec![SecurityRequirement::new("apiSecret", none)]);
    let json = described.to_json().unwrap_or_default();
    let text = |kind: &'static str, content: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], content) })
    };
    let page = |content: &'static str| {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ];
        get(move || async move { (headers, content) })
    };
    Router::new()
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json) }),
        )
        .route("/docs", page(PAGE))
        .route("/docs/reference.js", text(JAVASCRIPT, SCRIPT))
        .route("/docs/reference.css", text(CSS, STYLE))
        .route("/console", page(CONSOLE))
        .route("/console/console.js", text(JAVASCRIPT, CONSOLE_SCRIPT))
        .route("/console/console.css", text(CSS, CONSOLE_STYLE))
}
