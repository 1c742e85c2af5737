//! The REST interface: the addresses, shapes and refusals that programs written for the platform know.
//!
//! Each handler carries its description, from which `/openapi.json` is made: what is served is what is
//! described.
#![allow(
    unused_qualifications,
    reason = "utoipa's macro names types by whole paths"
)]

pub(crate) mod account;
pub(crate) mod agents;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod dynamics;
pub(crate) mod embed;
pub(crate) mod error;
pub(crate) mod generate;
mod jobs;
pub(crate) mod limits;
mod more_models;
pub(crate) mod origin;
mod page;
mod reference;
mod replay;
mod runtime;
mod sessions;
pub(crate) mod speak;
mod studio;
pub(crate) mod upload;
mod video;
mod voice;
pub(crate) mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::{ApiError, Cause};
use self::limits::Bucket;
use crate::files::Category;
use crate::platform::Platform;

/// Most bytes of a body that carries no file.
const MAX_BODY_BYTES: usize = 256 << 10;

/// Most bytes of one that does: the largest file in base64, and the rest.
const MAX_FILE_BODY_BYTES: usize = (100 << 20) / 3 * 4 + MAX_BODY_BYTES;

/// The addresses.
pub(crate) fn router(platform: &Arc<Platform>) -> Router {
    debug_assert!(
        Category::Video.max_bytes() / 3 * 4 < MAX_FILE_BODY_BYTES,
        "a film fits"
    );
    let (with_files, files_described) =
        OpenApiRouter::with_openapi(reference::Described::openapi())
            .routes(routes!(generate::generate))
            .routes(routes!(upload::upload))
            .routes(routes!(video::generate))
            .routes(routes!(runtime::request))
            .layer(DefaultBodyLimit::max(MAX_FILE_BODY_BYTES))
            .split_for_parts();
    let (router, described) = OpenApiRouter::with_openapi(files_described)
        .routes(routes!(account::validate))
        .routes(routes!(agents::status))
        .routes(routes!(agents::get, agents::update, agents::delete))
        .routes(routes!(agents::list))
        .routes(routes!(agents::download))
        .routes(routes!(more_models::add_model))
        .routes(routes!(speak::speak))
        .routes(routes!(speak::add_context))
        .routes(routes!(account::me))
        .routes(routes!(account::pricing))
        .routes(routes!(account::credit_summaries))
        .routes(routes!(account::usage))
        .routes(routes!(embed::request))
        .routes(routes!(runtime::mint))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::cancel))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::get))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::messages))
        .routes(routes!(sessions::terminate))
        .routes(routes!(sessions::end_all))
        .routes(routes!(dynamics::generate))
        .routes(routes!(dynamics::get, dynamics::update))
        .routes(routes!(video::get))
        .routes(routes!(voice::tts))
        .routes(routes!(voice::voices))
        .routes(routes!(voice::openai_speech))
        .routes(routes!(studio::axes))
        .routes(routes!(studio::preview))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::get, webhooks::delete))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .split_for_parts();
    Router::new()
        .merge(with_files)
        .merge(router)
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "This address is not for that method",
            )
        })
        .layer(middleware::from_fn_with_state(platform.clone(), meter))
        .route("/files/{*name}", get(upload::file))
        .merge(reference::router(described))
        .layer(middleware::from_fn_with_state(platform.clone(), log_causes))
        .with_state(platform.clone())
}

/// Counts requests against the account's plan, and gives each answer a number.
async fn meter(State(platform): State<Arc<Platform>>, request: Request, next: Next) -> Response {
    let bucket = Bucket::of(request.method(), request.uri().path());
    let secret = caller::secret(request.headers()).unwrap_or_default();
    let (allowed, left) = platform.limits.count(secret, bucket);
    let mut response = match allowed {
        true => next.run(request).await,
        false => {
            let wait = left.map_or(1, |left| left.reset_s());
            limits::too_many("Too many requests in this minute")
                .retry_after(wait)
                .into_response()
        }
    };
    if let Some(left) = left {
        left.write(response.headers_mut());
    }
    let number = format!("req_{}", crate::access::token().unwrap_or_default());
    if let Ok(number) = HeaderValue::from_str(&number) {
        response.headers_mut().insert("x-request-id", number);
    }
    response
}

/// Writes the reasons of failures to the log.
async fn log_causes(
    State(platform): State<Arc<Platform>>,
    request: Request,
    next: Next,
) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let mut response = next.run(request).await;
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        platform.log(&format!("{asked}: {cause}"));
    }
    response
}
