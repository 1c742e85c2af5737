//! Addresses and their answers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, Request, State, WebSocketUpgrade};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use essence::ErrorKind;
use essence_brain::Input;
use essence_live::rtc::{MAX_OFFER_BYTES, PeerEvent, PeerOptions};
use essence_live::ws::MAX_MESSAGE_BYTES;
use serde::Deserialize;

use crate::api::error::ApiError;
use crate::remote::Remote;
use crate::state::{App, Wanted};
use crate::store::Agent;
use crate::{access, api, assets, launch, socket, web};

type Shared = State<Arc<App>>;

/// The origins that may show the page in a frame.
#[derive(Clone, Copy)]
enum Framed {
    Nobody,
    Embedders,
}

/// The query of a page and of its connections.
#[derive(Deserialize)]
struct Asked {
    session: Option<String>,
    /// Lets a page embed an agent.
    token: Option<String>,
    /// The name that the REST interface speaks to the conversation by.
    room: Option<String>,
    /// `local`: the page draws the avatar.
    render: Option<String>,
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let pages = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route("/assets/{name}", get(asset))
        .route("/embed/{code}", get(embed))
        .route("/api/embed/{code}", get(embed))
        .route("/{code}", get(page))
        .route("/{code}/poster.png", get(poster))
        .route("/{code}/ws", get(upgrade))
        .route("/{code}/offer", post(offer))
        .merge(web::router())
        .merge(assets::widget())
        .merge(launch::router(&app))
        .fallback(|| async { not_found() })
        .layer(DefaultBodyLimit::max(MAX_OFFER_BYTES));
    let guard = middleware::from_fn_with_state(app.clone(), guard);
    let pages = pages.with_state(app.clone());
    match &app.platform {
        Some(platform) => pages.merge(api::router(platform)),
        None => pages,
    }
    .layer(guard)
}

/// Refuses foreign hosts; adds the headers that every answer has.
async fn guard(State(app): Shared, request: Request, next: Next) -> Response {
    app.metrics.requests.add();
    let mut response = match access::host_is_known(request.headers(), &app.options.hosts) {
        true => next.run(request).await,
        false => refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "This server is not known by that name; it is allowed by --allow-host NAME.",
        ),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        app.metrics.requests_refused.add();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn page(state: Shared, Path(code): Path<String>, Query(asked): Query<Asked>) -> Response {
    html(&state, &code, &asked, Framed::Nobody)
        .await
        .unwrap_or_else(|refused| refused)
}

async fn embed(state: Shared, Path(code): Path<String>, Query(asked): Query<Asked>) -> Response {
    html(&state, &code, &asked, Framed::Embedders)
        .await
        .unwrap_or_else(|refused| refused)
}

/// A page that may talk to a face.
struct Admitted {
    code: String,
    name: String,
    /// The room that its token is for.
    room: Option<String>,
}

/// Lets a page in, without opening the avatar, which takes its time.
///
/// # Errors
/// The answer that refuses.
async fn admitted(app: &App, code: &str, asked: &Asked) -> Result<Admitted, Response> {
    let may = |code: &str, name: &str, room| {
        let (code, name) = (code.to_owned(), name.to_owned());
        Admitted { code, name, room }
    };
    if app.code.is(code) {
        return Ok(may(&app.own.code, &app.own.name, None));
    }
    let platform = app.platform.as_ref().ok_or_else(not_found)?;
    let failed = |error: sqlx::Error| ApiError::from(error).into_response();
    let agent = platform.store.agent_of_any(code).await.map_err(failed)?;
    let agent = agent.filter(Agent::is_ready).ok_or_else(not_found)?;
    match &asked.token {
        Some(token) => match platform.claims(token, &agent.code) {
            Some(claims) => Ok(may(&agent.code, &agent.name, Some(claims.sid))),
            None => Err(refuse(
                StatusCode::FORBIDDEN,
                "The token of this page is over or is not for this agent.",
            )),
        },
        None if !platform.store.has_keys().await.map_err(failed)? => {
            Ok(may(&agent.code, &agent.name, None))
        }
        None => Err(refuse(
            StatusCode::FORBIDDEN,
            "Embedding is disabled for this agent. Ask for a token at /v1/embed-tokens/request.",
        )),
    }
}

async fn html(app: &App, code: &str, asked: &Asked, framed: Framed) -> Result<Response, Response> {
    let page = admitted(app, code, asked).await?;
    let ancestors = match framed {
        Framed::Nobody => "'none'".to_owned(),
        // The holder of a token decides where its page stands.
        Framed::Embedders if page.room.is_some() => "*".to_owned(),
        Framed::Embedders => {
            let mut list = vec!["'self'"];
            list.extend(app.options.embedders.iter().map(String::as_str));
            list.join(" ")
        }
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    );
    let body = assets::PAGE
        .replace("{{name}}", &escaped(&page.name))
        .replace("{{code}}", &escaped(&page.code))
        .replace(
            "{{web}}",
            if app.draws_in_page(code) { "yes" } else { "no" },
        );
    let page = (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy),
        ],
        body,
    );
    Ok(page.into_response())
}

/// Text for HTML, in elements and attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

async fn asset(Path(name): Path<String>) -> Response {
    match assets::find(&name) {
        Some((kind, content)) => {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, content).into_response()
        }
        None => not_found(),
    }
}

async fn poster(State(app): Shared, Path(code): Path<String>) -> Response {
    match app.face(&code).await {
        Ok(Some(face)) => {
            let headers = [(header::CONTENT_TYPE, "image/png")];
            (headers, Body::from(face.poster.clone())).into_response()
        }
        Ok(None) => not_found(),
        Err(error) => error.into_response(),
    }
}

async fn metrics(State(app): Shared) -> Response {
    let peers = app.hub.as_ref().map_or(0, |hub| hub.peers());
    let mut text = app
        .metrics
        .render(app.table.len(), app.table.seats(), peers);
    app.launch.tasks.render(&mut text);
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (headers, text).into_response()
}

async fn upgrade(
    State(app): Shared,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Response {
    use axum::extract::FromRequestParts as _;
    let page = match admitted(&app, &code, &asked).await {
        Ok(page) => page,
        Err(refused) => return refused,
    };
    let wanted = Wanted {
        session: asked.session,
        room: asked.room.filter(|room| is_room(room)).or(page.room),
        page_draws: asked.render.as_deref() == Some("local") && app.draws_in_page(&code),
    };
    if !access::is_same_origin(request.headers()) {
        return foreign();
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => upgrade
            .max_message_size(MAX_MESSAGE_BYTES)
            .max_frame_size(MAX_MESSAGE_BYTES)
            .on_upgrade(move |ws| socket::serve(app, ws, page.code, wanted)),
        Err(refused) => refused.into_response(),
    }
}

async fn offer(
    State(app): Shared,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
    Extension(Remote(remote)): Extension<Remote>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response {
    if !access::is_same_origin(&headers) {
        return foreign();
    }
    let own = app.code.is(&code);
    let found = asked
        .session
        .and_then(|token| app.table.find(&token))
        .filter(|found| found.face.code == code || own && Arc::ptr_eq(&found.face, &app.own))
        .filter(|found| !found.page_draws);
    let (Some(conversation), Some(hub)) = (found, &app.hub) else {
        return not_found();
    };
    let Some(number) = conversation.connected() else {
        return not_found();
    };
    let Ok(sdp) = std::str::from_utf8(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "The offer is not text.");
    };
    let weak = Arc::downgrade(&conversation);
    let answered = hub.answer(sdp, PeerOptions::for_remote(remote.ip()), move |event| {
        let Some(conversation) = weak.upgrade() else {
            return;
        };
        match event {
            PeerEvent::Connected => conversation.input(Input::Begin),
            PeerEvent::Microphone(samples) => conversation.input(Input::Microphone(samples)),
            _ => {}
        }
    });
    match answered {
        Ok(connection) => {
            conversation.attach(number, connection.sink, Some(connection.peer));
            let headers = [(header::CONTENT_TYPE, "application/sdp")];
            (headers, connection.answer).into_response()
        }
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::LimitExceeded => StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::UnsupportedFormat => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                _ => StatusCode::BAD_REQUEST,
            };
            refuse(status, error.message())
        }
    }
}

/// Whether a text can be the name of a room.
fn is_room(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn foreign() -> Response {
    refuse(
        StatusCode::FORBIDDEN,
        "Only this server's own page may do that.",
    )
}

fn not_found() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "There is nothing here. Open the address that `bithuman run` printed.",
    )
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}
