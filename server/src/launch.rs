//! `POST /launch` sends an avatar into a LiveKit room; `/health`, `/ready`, `/status` and `/tasks` tell of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time;

use crate::launch_entry::Entry;
use crate::launch_error::LaunchError;
use crate::launch_request::{Claims, LaunchRequest, MAX_BODY_BYTES};
use crate::launch_tasks::{Stage, Task};
use crate::state::App;
use crate::store::SELF_HOSTED;

type Shared = State<Arc<App>>;

/// The time that a request waits for the avatar if it asks for that: shorter than the server's limit for a
/// request.
const SYNCHRONOUS: Duration = Duration::from_secs(8);

/// The addresses of this part.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let admitted = Router::new()
        .route("/launch", post(launch))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route("/status", get(status))
        .route("/tasks", get(tasks))
        .route("/tasks/{id}", get(task))
        .route("/tasks/{id}/stop", post(stop))
        .layer(middleware::from_fn_with_state(app.clone(), admit));
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .merge(admitted)
}

async fn admit(State(app): Shared, request: Request, next: Next) -> Response {
    match app.launch.admit(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn launch(
    State(app): Shared,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, LaunchError> {
    let launched = begin(&app, &headers, body).await;
    if launched.is_err() {
        app.launch.tasks.metrics.refused.add();
    }
    let (task, asynchronous) = launched?;
    if !asynchronous {
        let mut stages = task.stages();
        let begun = stages.wait_for(|stage| *stage != Stage::Pending);
        // One that takes longer is answered as it is.
        let _ = time::timeout(SYNCHRONOUS, begun).await;
    }
    let stage = task.stage();
    let answer = json!({
        "status": stage.name(),
        "message": "the avatar is on its way into the room",
        "mode": "libessence",
        "async": asynchronous,
        "task_id": task.id,
        "request_id": task.id,
        "room_name": task.room,
    });
    Ok(match stage {
        Stage::Failed => {
            let detail = task.describe()["message"].clone();
            let detail = detail.as_str().unwrap_or_default();
            LaunchError::new(StatusCode::BAD_GATEWAY, detail).into_response()
        }
        _ => Json(answer).into_response(),
    })
}

async fn begin(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: axum::body::Bytes,
) -> Result<(Arc<Task>, bool), LaunchError> {
    let request = LaunchRequest::read(headers, body).await?;
    let claims = Claims::read(&request.livekit_token)?;
    if claims.room.is_some_and(|room| room != request.room_name) {
        return Err(LaunchError::bad(
            "livekit_token is for another room than room_name",
        ));
    }
    let asynchronous = request.asynchronous;
    if let Some(task) = app.launch.tasks.of(&request.room_name, &claims.identity) {
        return Ok((task, asynchronous));
    }
    // An agent's code means its avatar, where the room's own agent may have it.
    let agent = match (&app.platform, request.avatar_id.as_deref()) {
        (Some(platform), Some(code)) => platform.face_of(code).await.ok().flatten(),
        _ => None,
    };
    let (app, runtime) = (app.clone(), Handle::current());
    // Opening avatars and starting their threads takes its time.
    let begun = tokio::task::spawn_blocking(move || {
        let avatar = match &agent {
            Some(face) => face.avatar.clone(),
            None => app.launch.avatars.find(&request)?,
        };
        let platform = app.platform.as_ref();
        let session = platform.zip(agent).and_then(|(platform, face)| {
            let sessions = &platform.sessions;
            Some(sessions.begin(face.whose()?, &request.room_name, SELF_HOSTED))
        });
        let entry = Entry {
            avatar,
            code: request.avatar_id.filter(|_| session.is_some()),
            url: request.livekit_url,
            token: request.livekit_token,
            room: request.room_name,
            identity: claims.identity,
        };
        entry.enter(&app.launch, &app.table, session, &runtime)
    });
    let task = begun.await.map_err(|_| {
        LaunchError::new(StatusCode::INTERNAL_SERVER_ERROR, "the launch has failed")
    })??;
    Ok((task, asynchronous))
}

async fn health(State(app): Shared) -> Response {
    Json(json!({
        "status": "healthy",
        "service": "bithuman-serve",
        "active_sessions": app.table.taken(),
        "max_sessions": app.table.seats(),
    }))
    .into_response()
}

async fn ready(State(app): Shared) -> Response {
    let (taken, seats) = (app.table.taken(), app.table.seats());
    let (status, name) = match taken < seats {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "at_capacity"),
    };
    let answer = json!({
        "status": name,
        "model_ready": true,
        "active_sessions": taken,
        "available_sessions": seats.saturating_sub(taken),
        "max_sessions": seats,
    });
    (status, Json(answer)).into_response()
}

async fn status(State(app): Shared) -> Response {
    let tasks = app.launch.tasks.all();
    let rooms: Vec<&str> = tasks
        .iter()
        .filter(|task| !task.stage().is_over())
        .map(|task| task.room.as_str())
        .collect();
    let (taken, seats) = (app.table.taken(), app.table.seats());
    let free = seats.saturating_sub(taken);
    Json(json!({
        "mode": "libessence",
        "pool_size": seats,
        "active_workers": taken,
        "idle_workers": free,
        "available_slots": free,
        "at_capacity": free == 0,
        "active_rooms": rooms.len(),
        "rooms": rooms,
    }))
    .into_response()
}

async fn tasks(State(app): Shared) -> Response {
    let tasks = app.launch.tasks.all();
    let list: Vec<_> = tasks.iter().map(|task| task.describe()).collect();
    Json(json!({ "total": list.len(), "tasks": list })).into_response()
}

async fn task(State(app): Shared, Path(id): Path<String>) -> Result<Response, LaunchError> {
    let task = app.launch.tasks.find(&id).ok_or_else(no_task)?;
    Ok(Json(task.describe()).into_response())
}

async fn stop(State(app): Shared, Path(id): Path<String>) -> Result<Response, LaunchError> {
    let task = app.launch.tasks.find(&id).ok_or_else(no_task)?;
    task.stop();
    Ok(Json(task.describe()).into_response())
}

fn no_task() -> LaunchError {
    LaunchError::new(StatusCode::NOT_FOUND, "there is no such task")
}
