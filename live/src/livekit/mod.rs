//! LiveKit: an avatar joins a room, and speaks what an agent sends it.
//!
//! [`Participant::join`] takes the address of a LiveKit server and a token, publishes the tracks
//! `avatar_audio` (source microphone, Opus) and `avatar_video` (source camera, H.264), and obeys one agent:
//! the one that the token's attribute `lk.publish_on_behalf` names, else the first agent in the room. It is
//! the other end of `DataStreamAudioOutput` of LiveKit's agents: [`AgentProtocol`] says which streams and
//! calls that means.
//!
//! # Connections
//! Signalling is a WebSocket, media are two WebRTC connections over one UDP socket: one that the avatar
//! sends by, one that the server sends data by. Nothing of other participants is subscribed to. Where
//! signalling or media are lost, the participant comes back to its session with ICE restarts; where the
//! server has forgotten it, it joins anew. Servers that are reached by TCP or TURN alone are out of reach.
//!
//! # Threads
//! Each participant has two: one draws and encodes ([`Publisher`](crate::Publisher)), one sends. A third lives
//! while a connection is made.
//!
//! # Secrets
//! The token goes to the server in a header, never into an address, an event or a message. Attributes of a
//! token are read for `lk.publish_on_behalf` alone.

mod agent;
mod calls;
mod inbox;
mod messages;
mod participant;
mod peers;
mod room;
mod signal;
mod signalling;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use essence::{Avatar, Result};

pub use agent::{AgentOutput, AgentProtocol};

use crate::{PublisherOptions, PublisherStatistics};
use inbox::Inbox;

/// Settings of a [`Participant`].
#[derive(Clone)]
#[non_exhaustive]
pub struct JoinOptions {
    /// The LiveKit server: `wss://…` or `ws://…`; `https` and `http` mean the same.
    pub url: String,
    /// The token, which names room and identity and permits joining and publishing.
    pub token: String,
    /// Settings of pictures and sound.
    pub publisher: PublisherOptions,
    /// The highest bit rate of the pictures that the bandwidth estimate looks for, in bits a second.
    pub max_bitrate_bps: u32,
    /// How long to stay in a room that no person has come to.
    pub join_limit: Duration,
    /// How long to stay after the last person has left: a page that is reloaded comes back.
    pub empty_limit: Duration,
    /// How long to stay without the agent.
    pub agent_limit: Duration,
    /// How long to try to come back after a connection is lost, and to connect at first.
    pub reconnect_limit: Duration,
}

impl JoinOptions {
    /// Settings for a room: 90 s for somebody to come, 5 s after the last has left, 30 s without an agent, 30
    /// s to come back.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            publisher: PublisherOptions::default(),
            max_bitrate_bps: 2_000_000,
            join_limit: Duration::from_secs(90),
            empty_limit: Duration::from_secs(5),
            agent_limit: Duration::from_secs(30),
            reconnect_limit: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for JoinOptions {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinOptions")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// An event of a participant.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParticipantEvent {
    /// The agent that the avatar obeys is there.
    AgentJoined {
        /// Its identity.
        identity: String,
    },
    /// The agent is gone. What it had said is dropped.
    AgentLeft,
    /// The server let it in.
    Joined,
    /// It has left. Nothing follows.
    Left {
        /// The reason.
        reason: LeaveReason,
    },
    /// Pictures and sound are being sent.
    Published,
    /// A connection was lost, and is made anew.
    Reconnecting {
        /// The cause, for a log.
        cause: String,
    },
    /// Something that was sent is of no use; the participant goes on.
    Warning {
        /// The fault, for a log.
        message: String,
    },
}

/// The reason why a participant has left.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LeaveReason {
    /// The agent was away for [`JoinOptions::agent_limit`].
    AgentGone,
    /// [`Participant::leave`] was called, or the participant dropped.
    Asked,
    /// The avatar failed; the message is for a log.
    Failed(String),
    /// The connection was lost and did not come back within [`JoinOptions::reconnect_limit`].
    Lost(String),
    /// No person came within [`JoinOptions::join_limit`].
    NobodyJoined,
    /// The server does not let it in.
    Refused(String),
    /// The server has removed it, closed the room, or let another one in with the same identity.
    Removed,
    /// The last person has left.
    RoomEmpty,
}

impl fmt::Display for LeaveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentGone => f.write_str("the agent is gone"),
            Self::Asked => f.write_str("it was asked to"),
            Self::Failed(cause) => write!(f, "the avatar failed: {cause}"),
            Self::Lost(cause) => write!(f, "the connection was lost: {cause}"),
            Self::NobodyJoined => f.write_str("nobody joined the room"),
            Self::Refused(cause) => write!(f, "the server refused it: {cause}"),
            Self::Removed => f.write_str("the server removed it"),
            Self::RoomEmpty => f.write_str("the last person left the room"),
        }
    }
}

/// An avatar in a LiveKit room. Dropping it makes it leave, and waits for that.
pub struct Participant {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Participant {
    /// Joins a room. Connecting goes on behind this call; `on_event` hears of it, in the participant's
    /// thread: it must not block.
    ///
    /// # Errors
    /// - Errors of [`Publisher::start`](crate::Publisher::start).
    /// - `Io`: the system gives no thread or no poll.
    pub fn join(
        avatar: &Avatar,
        options: JoinOptions,
        on_event: impl FnMut(ParticipantEvent) + Send + 'static,
    ) -> Result<Self> {
        let (inbox, thread) = participant::start(avatar, options, Box::new(on_event))?;
        Ok(Self {
            inbox,
            thread: Some(thread),
        })
    }

    /// Leaves the room. [`ParticipantEvent::Left`] follows.
    pub fn leave(&self) {
        self.inbox.leave();
    }

    /// Says something of the app's own: mono samples, **−1 to 1**, after what it is saying. The room's agent
    /// isn't told. False: too much waits.
    pub fn say(&self, rate_hz: u32, samples: Vec<f32>) -> bool {
        self.inbox.say(rate_hz, samples)
    }

    /// Whether it is there, or on its way.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Numbers of the pictures and sound since it began.
    pub fn statistics(&self) -> PublisherStatistics {
        self.inbox.statistics()
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.inbox.leave();
        if let Some(thread) = self.thread.take() {
            // Dropped by an event, it can't wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("running", &self.is_running())
            .finish_non_exhaustive()
    }
}
