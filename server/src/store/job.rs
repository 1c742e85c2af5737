//! Jobs as they are told of: their kinds and states, those to be queued, and what comes with their ends.

use super::agents::Agent;
use super::keys::Charge;
use super::usage::UsageEvent;

/// Attempts at a job whose server dies under it. One that fails by itself isn't tried again: it would
/// fail again.
const MAX_ATTEMPTS: i64 = 4;

/// The kind of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Makes an agent.
    Agent,
    /// Adds a model to an agent.
    Model,
    /// Renders an agent's gestures.
    Dynamics,
    /// Renders a talking video.
    Video,
    /// Delivers an event to a webhook.
    Delivery,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Dynamics => "dynamics",
            Self::Video => "video",
            Self::Delivery => "delivery",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Agent,
            Self::Model,
            Self::Dynamics,
            Self::Video,
            Self::Delivery,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// Not over.
    Open,
    /// Over, with a result.
    Done,
    /// Over, with an error.
    Failed,
}

/// A job as it is read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) kind: String,
    /// The agent's code, or the delivery.
    pub(crate) subject: String,
    /// In JSON.
    pub(crate) input: String,
    pub(super) state: String,
    /// Credits that were taken.
    pub(crate) charged: f64,
    pub(crate) attempts: i64,
    /// In JSON, of one that is done.
    pub(crate) result: Option<String>,
    /// Of one that failed.
    pub(crate) error: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Job {
    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::parse(&self.kind)
    }

    pub(crate) fn state(&self) -> State {
        match self.state.as_str() {
            "done" => State::Done,
            "failed" => State::Failed,
            _ => State::Open,
        }
    }
}

/// A job to be queued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: &'a str,
    pub(crate) account: &'a str,
    pub(crate) kind: Kind,
    /// The agent's code, or the delivery.
    pub(crate) subject: &'a str,
    /// In JSON.
    pub(crate) input: &'a str,
    /// The most that it can cost.
    pub(crate) charge: Option<Charge>,
}

/// A request for a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Queued {
    Yes,
    /// The agent's code is somebody's.
    Taken,
    /// There are fewer credits than it costs.
    Unpaid,
}

/// A lease on a job.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) owner: String,
}

/// A change that comes with the end of a job.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The agent is now like this.
    Agent(Box<Agent>),
    /// An agent's gestures have these clips, by gesture.
    Clips {
        code: String,
        clips: Vec<(String, String)>,
    },
    /// Credits that were used.
    Usage(UsageEvent),
    /// Another job for the same subject, which costs nothing.
    Job { kind: Kind, input: String },
    /// An event for webhooks: its type and its data in JSON.
    Event { kind: &'static str, data: String },
}

impl Claim {
    /// Whether the job has killed its server so often that it isn't tried again.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.job.attempts > MAX_ATTEMPTS
    }
}
