//! Conversations under way and those that were: listed, read, ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

use super::body::{Named, NamedTwice, Params};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use super::page::Page;
use crate::platform::Platform;
use crate::store::{CONVERSATIONS, SELF_HOSTED, Session, Window};

/// The account in a path may be spelled so.
const MYSELF: &str = "me";

/// The sessions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionParams {
    /// `live`, `recent` (begun within a day) or `all`.
    #[param(default = "live")]
    window: Option<String>,
    /// `conversations` with this server's brain, `self_hosted` rooms whose brain is elsewhere, or `all`.
    #[param(default = "all")]
    kind: Option<String>,
    /// Sessions in an answer, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    id: String,
    agent_code: String,
    agent_name: String,
    #[schema(example = "conversations")]
    billing_type: String,
    room_name: String,
    started: String,
    last_seen: String,
    /// Minutes that it has lasted.
    minutes: f64,
    /// Conversations cost nothing here.
    credits: f64,
    burn_rate_cr_per_min: f64,
    /// `live` or `ended`.
    status: &'static str,
    /// Whether what was said can be read.
    has_transcript: bool,
}

impl SessionView {
    fn new(session: Session, keeps_words: bool) -> Self {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
        let last = session.ended.as_deref().unwrap_or(&session.last_seen);
        let lasted = at(last).zip(at(&session.started));
        let minutes = lasted.map_or(0.0, |(last, first)| (last - first).as_seconds_f64() / 60.0);
        Self {
            status: if session.is_live() { "live" } else { "ended" },
            has_transcript: keeps_words && session.kind == CONVERSATIONS,
            minutes: minutes.max(0.0),
            credits: 0.0,
            burn_rate_cr_per_min: 0.0,
            id: session.id,
            agent_code: session.agent_code,
            agent_name: session.agent_name,
            billing_type: session.kind,
            room_name: session.room_name,
            started: session.started,
            last_seen: session.last_seen,
        }
    }
}

/// Sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    #[schema(example = true)]
    success: bool,
    data: SessionListData,
}

/// Sessions and what they cost.
#[derive(Serialize, ToSchema)]
struct SessionListData {
    /// Sessions that go on.
    active_count: usize,
    live_burn_rate_cr_per_min: f64,
    credits_this_hour: f64,
    sessions: Vec<SessionView>,
}

/// One session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    #[schema(example = true)]
    success: bool,
    data: SessionView,
}

/// Messages of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageList {
    #[schema(example = true)]
    success: bool,
    data: Messages,
}

/// Messages of a session, from its beginning.
#[derive(Serialize, ToSchema)]
struct Messages {
    session_id: String,
    messages: Vec<Message>,
}

/// Something that was said. An interrupted reply has the words that were spoken.
#[derive(Serialize, ToSchema)]
struct Message {
    /// `user` or `assistant`.
    role: String,
    message: String,
    timestamp: String,
}

/// The ends of sessions were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ending {
    #[schema(example = true)]
    success: bool,
    data: BTreeMap<&'static str, u64>,
}

/// Lists the account's sessions, newest first.
#[utoipa::path(get, path = "/v2/{user}/runtime-sessions", operation_id = "listSessions", tag = "Sessions",
    params(("user" = String, Path, description = "`me`, or the account of the secret"), SessionParams),
    responses((status = 200, description = "The sessions", body = SessionList),
        (status = 400, description = "The query is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "That is another account", body = ErrorBody)))]
pub(crate) async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(user): Named,
    Params(params): Params<SessionParams>,
) -> Answer<Json<SessionList>> {
    own(&caller, &user)?;
    let window = match params.window.as_deref() {
        None | Some("live") => Window::Live,
        Some("recent") => Window::Recent,
        Some("all") => Window::All,
        Some(_) => return Err(ApiError::invalid("window is live, recent or all")),
    };
    let kind = match params.kind.as_deref() {
        None | Some("all") => "",
        Some(CONVERSATIONS) => CONVERSATIONS,
        Some(SELF_HOSTED) => SELF_HOSTED,
        Some(_) => {
            let message = format!("kind is {CONVERSATIONS}, {SELF_HOSTED} or all");
            return Err(ApiError::invalid(message));
        }
    };
    let limit = Page::new(params.limit, None, 50, 200)?.limit;
    let (store, account) = (&platform.store, &caller.account);
    let sessions = store.sessions(account, window, kind, limit).await?;
    let keeps_words = platform.sessions.keeps_words;
    let views = sessions
        .into_iter()
        .map(|session| SessionView::new(session, keeps_words));
    Ok(Json(SessionList {
        success: true,
        data: SessionListData {
            active_count: store.live_sessions(account).await?,
            live_burn_rate_cr_per_min: 0.0,
            credits_this_hour: 0.0,
            sessions: views.collect(),
        },
    }))
}

/// Gives a session.
#[utoipa::path(get, path = "/v1/runtime-sessions/{session_id}", operation_id = "getSession", tag = "Sessions",
    params(("session_id" = String, Path, description = "The session")),
    responses((status = 200, description = "The session", body = SessionAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody)))]
pub(crate) async fn get(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<SessionAnswer>> {
    let session = found(&platform, &caller, &id).await?;
    let data = SessionView::new(session, platform.sessions.keeps_words);
    Ok(Json(SessionAnswer {
        success: true,
        data,
    }))
}

/// Ends a session, in whichever server it lives: within about a second.
#[utoipa::path(post, path = "/v1/runtime-sessions/{session_id}/end", operation_id = "endSession", tag = "Sessions",
    params(("session_id" = String, Path, description = "The session")),
    responses((status = 200, description = "It ends, or has ended", body = Ending),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody)))]
pub(crate) async fn end(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<Ending>> {
    found(&platform, &caller, &id).await?;
    stop(&platform, &caller, &id).await
}

/// Gives what was said in a session.
#[utoipa::path(get, path = "/v2/{user}/runtime-sessions/{session_id}/messages", operation_id = "getSessionMessages",
    tag = "Sessions",
    params(("user" = String, Path, description = "`me`, or the account of the secret"),
        ("session_id" = String, Path, description = "The session")),
    responses((status = 200, description = "The messages", body = MessageList),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody)))]
pub(crate) async fn messages(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    NamedTwice(user, id): NamedTwice,
) -> Answer<Json<MessageList>> {
    own(&caller, &user)?;
    let session = found(&platform, &caller, &id).await?;
    let messages = platform.store.messages(&session.id).await?;
    let messages = messages.into_iter().map(|said| Message {
        role: said.role,
        message: said.message,
        timestamp: said.created_at,
    });
    Ok(Json(MessageList {
        success: true,
        data: Messages {
            session_id: session.id,
            messages: messages.collect(),
        },
    }))
}

/// Ends a session, as `POST /v1/runtime-sessions/{session_id}/end` does.
#[utoipa::path(post, path = "/v2/{user}/runtime-sessions/{session_id}/terminate", operation_id = "terminateSession",
    tag = "Sessions",
    params(("user" = String, Path, description = "`me`, or the account of the secret"),
        ("session_id" = String, Path, description = "The session")),
    responses((status = 200, description = "It ends, or has ended", body = Ending),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody)))]
pub(crate) async fn terminate(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    NamedTwice(user, id): NamedTwice,
) -> Answer<Json<Ending>> {
    own(&caller, &user)?;
    found(&platform, &caller, &id).await?;
    stop(&platform, &caller, &id).await
}

/// Ends all sessions of the account.
#[utoipa::path(post, path = "/v2/{user}/runtime/revoke-all", operation_id = "endAllSessions", tag = "Sessions",
    params(("user" = String, Path, description = "`me`, or the account of the secret")),
    responses((status = 200, description = "They end", body = Ending),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "That is another account", body = ErrorBody)))]
pub(crate) async fn end_all(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(user): Named,
) -> Answer<Json<Ending>> {
    own(&caller, &user)?;
    stop(&platform, &caller, "").await
}

async fn stop(platform: &Platform, caller: &Caller, id: &str) -> Answer<Json<Ending>> {
    let asked = platform.store.stop_sessions(&caller.account, id).await?;
    Ok(Json(Ending {
        success: true,
        data: BTreeMap::from([("ended", asked)]),
    }))
}

async fn found(platform: &Platform, caller: &Caller, id: &str) -> Answer<Session> {
    let session = platform.store.session(&caller.account, id).await?;
    session.ok_or_else(|| ApiError::not_found("Session"))
}

/// Refuses accounts that aren't the caller's own.
fn own(caller: &Caller, user: &str) -> Answer<()> {
    match user == MYSELF || user == caller.account {
        true => Ok(()),
        false => Err(ApiError::not_found("Account")),
    }
}
