//! Avatars in LiveKit rooms: begun, looked at, stopped, and remembered for a while.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use essence::Avatar;
use essence_live::livekit::{JoinOptions, LeaveReason, Participant, ParticipantEvent};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::metrics::Counter;
use crate::table::Table;

/// Tasks that are remembered.
const HISTORY: usize = 1_000;

/// How long a task that is over is remembered.
const RETENTION: Duration = Duration::from_secs(3_600);

/// The stage of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Pending,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// One avatar in one room.
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) room: String,
    /// The agent that it is the avatar of, if it is one's.
    agent: Option<String>,
    identity: String,
    avatar: String,
    created: SystemTime,
    stage: watch::Sender<Stage>,
    state: Mutex<State>,
    stopped: AtomicBool,
    place: Place,
}

#[derive(Default)]
struct State {
    participant: Option<Participant>,
    agent: Option<String>,
    reconnections: u64,
    message: Option<String>,
    over: Option<(Instant, SystemTime)>,
}

/// A seat in the table of conversations, which an avatar in a room takes, too.
struct Place {
    table: Arc<Table>,
    held: AtomicBool,
}

impl Place {
    fn free(&self) {
        if self.held.swap(false, Ordering::AcqRel) {
            self.table.give_back();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.free();
    }
}

/// Counters of launches.
#[derive(Default)]
pub(crate) struct LaunchMetrics {
    pub(crate) launches: Counter,
    pub(crate) refused: Counter,
    failed: Counter,
    reconnections: Counter,
}

/// All tasks of a server.
#[derive(Default)]
pub(crate) struct Tasks {
    tasks: Mutex<VecDeque<Arc<Task>>>,
    pub(crate) metrics: Arc<LaunchMetrics>,
}

impl Tasks {
    /// The task of this room and identity that is not over. A client that tries again gets the one that it
    /// has already started.
    pub(crate) fn of(&self, room: &str, identity: &str) -> Option<Arc<Task>> {
        let tasks = self.list();
        let mut tasks = tasks.iter();
        tasks.find(|task| task.is_same(room, identity)).cloned()
    }

    /// Sends an avatar into a room, or finds the one that was sent there meanwhile. None: every seat is
    /// taken.
    ///
    /// # Errors
    /// The errors of [`Participant::join`].
    pub(crate) fn start(
        &self,
        id: String,
        avatar: &Avatar,
        options: JoinOptions,
        (room, identity, agent): (String, String, Option<String>),
        table: &Arc<Table>,
    ) -> essence::Result<Option<Arc<Task>>> {
        if !table.take() {
            return Ok(None);
        }
        let task = Arc::new(Task {
            id,
            room,
            agent,
            identity,
            avatar: avatar.info().name.clone(),
            created: SystemTime::now(),
            stage: watch::Sender::new(Stage::Pending),
            state: Mutex::default(),
            stopped: AtomicBool::new(false),
            place: Place {
                table: table.clone(),
                held: AtomicBool::new(true),
            },
        });
        // Before it joins, so that a second request of the same finds it.
        let mut tasks = self.list();
        let same = |known: &&Arc<Task>| known.is_same(&task.room, &task.identity);
        if let Some(found) = tasks.iter().find(same) {
            return Ok(Some(found.clone()));
        }
        tasks.push_back(task.clone());
        drop(tasks);
        let (told, metrics) = (Arc::downgrade(&task), self.metrics.clone());
        let joined = Participant::join(avatar, options, move |event| {
            if let Some(task) = told.upgrade() {
                task.hear(event, &metrics);
            }
        });
        match joined {
            Ok(participant) => {
                task.keep(participant);
                self.metrics.launches.add();
                Ok(Some(task))
            }
            Err(error) => {
                task.stage.send_replace(Stage::Failed);
                self.list().retain(|known| known.id != task.id);
                Err(error)
            }
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Task>> {
        self.list().iter().find(|task| task.id == id).cloned()
    }

    /// Remembered tasks, the latest first.
    pub(crate) fn all(&self) -> Vec<Arc<Task>> {
        self.list().iter().rev().cloned().collect()
    }

    /// The rooms that an agent's avatar is in now, or the one of a name alone.
    pub(crate) fn of_agent(&self, code: &str, room: Option<&str>) -> Vec<Arc<Task>> {
        let is_meant = |task: &&Arc<Task>| {
            let here = room.is_none_or(|room| task.room == room);
            task.agent.as_deref() == Some(code) && here && task.stage() == Stage::Running
        };
        self.list().iter().filter(is_meant).cloned().collect()
    }

    /// Makes all leave and waits for them.
    pub(crate) fn stop(&self) {
        let tasks = std::mem::take(&mut *self.list());
        let participants = tasks.iter().filter_map(|task| task.take());
        let participants: Vec<Participant> = participants.collect();
        participants.iter().for_each(Participant::leave);
    }

    /// Lines for Prometheus.
    pub(crate) fn render(&self, text: &mut String) {
        use std::fmt::Write as _;
        let now = self.list().iter().filter(|t| !t.stage().is_over()).count();
        for (name, kind, value) in [
            ("livekit_sessions", "gauge", now as u64),
            (
                "livekit_launches_total",
                "counter",
                self.metrics.launches.value(),
            ),
            (
                "livekit_launches_refused_total",
                "counter",
                self.metrics.refused.value(),
            ),
            (
                "livekit_failures_total",
                "counter",
                self.metrics.failed.value(),
            ),
            (
                "livekit_reconnections_total",
                "counter",
                self.metrics.reconnections.value(),
            ),
        ] {
            // Writing to a string doesn't fail.
            let _ = writeln!(
                text,
                "# TYPE bithuman_{name} {kind}\nbithuman_{name} {value}"
            );
        }
    }

    /// The tasks, without those that are to be forgotten.
    fn list(&self) -> MutexGuard<'_, VecDeque<Arc<Task>>> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| task.is_fresh());
        while tasks.len() >= HISTORY {
            let Some(oldest) = tasks.iter().position(|task| task.stage().is_over()) else {
                break;
            };
            tasks.remove(oldest);
        }
        tasks
    }
}

impl Task {
    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Whether it is this room's and identity's, and goes on.
    fn is_same(&self, room: &str, identity: &str) -> bool {
        self.room == room && self.identity == identity && !self.stage().is_over()
    }

    /// Hears of the next stages.
    pub(crate) fn stages(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// Has the avatar say something; false if it has left or too much waits.
    pub(crate) fn say(&self, rate_hz: u32, samples: &[f32]) -> bool {
        let state = self.state();
        let participant = state.participant.as_ref();
        participant.is_some_and(|participant| participant.say(rate_hz, samples.to_vec()))
    }

    /// Makes the avatar leave.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        if let Some(participant) = &self.state().participant {
            participant.leave();
        }
    }

    /// The description for clients. The token is no part of it.
    pub(crate) fn describe(&self) -> Value {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_secs_f64()
        };
        let state = self.state();
        let statistics = state.participant.as_ref().map(Participant::statistics);
        json!({
            "task_id": self.id,
            "room_name": self.room,
            "participant_identity": self.identity,
            "avatar": self.avatar,
            "status": self.stage().name(),
            "agent": state.agent,
            "message": state.message,
            "created_at": seconds(self.created),
            "ended_at": state.over.map(|(_, time)| seconds(time)),
            "reconnections": state.reconnections,
            "frames": statistics.map(|numbers| numbers.pictures),
        })
    }

    fn hear(&self, event: ParticipantEvent, metrics: &LaunchMetrics) {
        match event {
            ParticipantEvent::AgentJoined { identity } => self.state().agent = Some(identity),
            ParticipantEvent::AgentLeft => self.state().agent = None,
            ParticipantEvent::Published => {
                self.stage.send_replace(Stage::Running);
            }
            ParticipantEvent::Reconnecting { .. } => {
                metrics.reconnections.add();
                self.state().reconnections += 1;
            }
            ParticipantEvent::Warning { message } => self.state().message = Some(message),
            ParticipantEvent::Left { reason } => {
                let stage = match reason {
                    _ if self.stopped.load(Ordering::Acquire) => Stage::Cancelled,
                    LeaveReason::Failed(_) | LeaveReason::Lost(_) | LeaveReason::Refused(_) => {
                        metrics.failed.add();
                        Stage::Failed
                    }
                    LeaveReason::Asked => Stage::Cancelled,
                    _ => Stage::Completed,
                };
                let participant = {
                    let mut state = self.state();
                    state.message = Some(reason.to_string());
                    state.over = Some((Instant::now(), SystemTime::now()));
                    state.participant.take()
                };
                drop(participant);
                self.place.free();
                self.stage.send_replace(stage);
            }
            _ => {}
        }
    }

    fn keep(&self, participant: Participant) {
        let mut state = self.state();
        if self.stopped.load(Ordering::Acquire) {
            participant.leave();
        }
        // It may already be over.
        if state.over.is_none() {
            state.participant = Some(participant);
        }
    }

    fn take(&self) -> Option<Participant> {
        self.state().participant.take()
    }

    fn is_fresh(&self) -> bool {
        let over = self.state().over;
        over.is_none_or(|(when, _)| when.elapsed() < RETENTION)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
