//! The people and agents in a room: which agent the avatar obeys, and when it has no reason to stay.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::LeaveReason;
use super::messages::{KIND_AGENT, KIND_SIP, KIND_STANDARD, Participant, STATE_DISCONNECTED};

/// The attribute that names the participant on whose behalf another one publishes.
pub(super) const PUBLISH_ON_BEHALF: &str = "lk.publish_on_behalf";

/// How long an avatar stays without company.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) join: Duration,
    pub(super) empty: Duration,
    pub(super) agent: Duration,
}

/// A room as the server tells it.
#[derive(Debug)]
pub(super) struct Room {
    limits: Limits,
    /// This participant's identity.
    me: String,
    /// The identity of the agent to obey, if the token names one.
    behalf: Option<String>,
    others: HashMap<String, Other>,
    somebody_came: bool,
    people_gone: Option<Instant>,
    agent_gone: Option<Instant>,
}

/// Another participant.
#[derive(Debug)]
struct Other {
    kind: i32,
    /// Whether it publishes for somebody else, as avatars do.
    proxy: bool,
}

impl Room {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            me: String::new(),
            behalf: None,
            others: HashMap::new(),
            somebody_came: false,
            people_gone: None,
            agent_gone: None,
        }
    }

    /// This participant has joined, with those who are there.
    pub(super) fn join(&mut self, me: Option<Participant>, others: Vec<Participant>, now: Instant) {
        self.others.clear();
        if let Some(me) = me {
            self.me = me.identity;
            let behalf = me.attributes.get(PUBLISH_ON_BEHALF);
            self.behalf = behalf.filter(|name| !name.is_empty()).cloned();
        }
        self.update(others, now);
    }

    /// Others have come, changed or gone.
    pub(super) fn update(&mut self, participants: Vec<Participant>, now: Instant) {
        for participant in participants {
            if participant.identity == self.me {
                continue;
            }
            if participant.state == STATE_DISCONNECTED {
                self.others.remove(&participant.identity);
                continue;
            }
            let other = Other {
                kind: participant.kind,
                proxy: participant.attributes.contains_key(PUBLISH_ON_BEHALF),
            };
            self.others.insert(participant.identity, other);
        }
        let mut kinds = self.others.values().map(|other| other.kind);
        let people = kinds.any(|kind| kind == KIND_STANDARD || kind == KIND_SIP);
        self.somebody_came |= people;
        self.people_gone = since(self.people_gone, people, now);
        self.agent_gone = since(self.agent_gone, self.agent().is_some(), now);
    }

    /// The agent to obey, if it is there: the one that the token names, else the first by name that is no
    /// avatar itself.
    pub(super) fn agent(&self) -> Option<&str> {
        if let Some(behalf) = &self.behalf {
            return self.others.contains_key(behalf).then_some(behalf);
        }
        let agents = self.others.iter();
        let agents = agents.filter(|(_, other)| other.kind == KIND_AGENT && !other.proxy);
        agents.map(|(identity, _)| identity.as_str()).min()
    }

    /// The moment of the next decision to leave, and its reason.
    pub(super) fn leaves(&self) -> Option<(Instant, LeaveReason)> {
        let people = self.people_gone.map(|since| match self.somebody_came {
            true => (since + self.limits.empty, LeaveReason::RoomEmpty),
            false => (since + self.limits.join, LeaveReason::NobodyJoined),
        });
        let agent = self.agent_gone;
        let agent = agent.map(|since| (since + self.limits.agent, LeaveReason::AgentGone));
        people
            .into_iter()
            .chain(agent)
            .min_by_key(|(when, _)| *when)
    }
}

/// Since when something is missing.
fn since(before: Option<Instant>, there: bool, now: Instant) -> Option<Instant> {
    (!there).then(|| before.unwrap_or(now))
}
