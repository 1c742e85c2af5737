//! An avatar enters a LiveKit room, and the session that it has there is noted.

use std::sync::Arc;

use axum::http::StatusCode;
use essence::Avatar;
use essence_live::livekit::JoinOptions;
use tokio::runtime::Handle;

use crate::access;
use crate::launch_error::LaunchError;
use crate::launch_state::Launch;
use crate::launch_tasks::{Stage, Task};
use crate::sessions::Chronicle;
use crate::table::Table;

/// An avatar on its way into a room.
pub(crate) struct Entry {
    pub(crate) avatar: Avatar,
    /// The agent that it is the avatar of, if it is one's.
    pub(crate) code: Option<String>,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) room: String,
    /// The participant of the token.
    pub(crate) identity: String,
}

impl Entry {
    /// Sends the avatar into its room, or finds the one that was sent there meanwhile. Starts threads, and blocks.
    ///
    /// # Errors
    /// 503: every seat is taken. Those of a session.
    pub(crate) fn enter(
        self,
        launch: &Launch,
        table: &Arc<Table>,
        session: Option<Chronicle>,
        runtime: &Handle,
    ) -> Result<Arc<Task>, LaunchError> {
        let mut options = JoinOptions::new(self.url, self.token);
        options.join_limit = launch.join_limit;
        let who = (self.room, self.identity, self.code);
        let id = access::token()?;
        let started = launch.tasks.start(id, &self.avatar, options, who, table)?;
        let task = started.ok_or_else(|| {
            LaunchError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("at capacity: all {} seats are taken", table.seats()),
            )
        })?;
        if let Some(session) = session {
            runtime.spawn(follow(task.clone(), session));
        }
        Ok(task)
    }
}

/// Notes a session in a room as long as its avatar is there, and makes that leave where its end is asked for.
async fn follow(task: Arc<Task>, chronicle: Chronicle) {
    let mut stages = task.stages();
    let entered = stages.wait_for(|stage| *stage != Stage::Pending).await;
    if entered.is_ok_and(|stage| *stage == Stage::Running) {
        chronicle.joined();
    }
    tokio::select! {
        _ = stages.wait_for(|stage| stage.is_over()) => {}
        () = chronicle.to_end() => task.stop(),
    }
}
