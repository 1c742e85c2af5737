//! Remote procedure calls to the agent: one at a time, in order, each up to three times.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::messages::{Data, DataPacket, RpcRequest};

/// Times that a call is made before it is given up.
const TRIES: u32 = 3;

/// The time that the agent has for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Most calls that wait. Beyond it the oldest is dropped: its news is out of date.
const WAITING_LIMIT: usize = 64;

/// The error code of a method that the other side has not registered.
pub(super) const UNSUPPORTED_METHOD: u32 = 1400;

/// A call, and how often it has been made.
#[derive(Debug)]
struct Call {
    method: &'static str,
    payload: String,
    tries: u32,
}

/// The call that waits for its answer.
#[derive(Debug)]
struct Flight {
    call: Call,
    id: String,
    answer_by: Instant,
}

/// The calls to one agent.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: VecDeque<Call>,
    flight: Option<Flight>,
    made: u64,
    /// Methods that the agent has not registered.
    unsupported: Vec<&'static str>,
    given_up: u64,
}

impl Calls {
    /// Makes a call when those before it are answered.
    pub(super) fn push(&mut self, method: &'static str, payload: String) {
        if self.unsupported.contains(&method) {
            return;
        }
        if self.waiting.len() == WAITING_LIMIT {
            self.waiting.pop_front();
            self.given_up += 1;
        }
        let tries = 0;
        self.waiting.push_back(Call {
            method,
            payload,
            tries,
        });
    }

    /// Takes the agent's answer: the code of its error, or none.
    pub(super) fn answered(&mut self, id: &str, error: Option<u32>) {
        let Some(flight) = self.flight.take_if(|flight| flight.id == id) else {
            return;
        };
        match error {
            None => {}
            Some(UNSUPPORTED_METHOD) => {
                self.unsupported.push(flight.call.method);
                self.waiting
                    .retain(|call| call.method != flight.call.method);
            }
            Some(_) => self.again(flight.call),
        }
    }

    /// The moment by which [`poll`](Self::poll) is to be called again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.flight.as_ref().map(|flight| flight.answer_by)
    }

    /// The request to send now, if there is one.
    pub(super) fn poll(&mut self, agent: &str, now: Instant) -> Option<DataPacket> {
        if let Some(late) = self.flight.take_if(|flight| flight.answer_by <= now) {
            self.again(late.call);
        }
        if self.flight.is_some() {
            return None;
        }
        let mut call = self.waiting.pop_front()?;
        call.tries += 1;
        self.made += 1;
        let id = format!("avatar-{}", self.made);
        let packet = DataPacket {
            destination_identities: vec![agent.to_owned()],
            value: Some(Data::RpcRequest(RpcRequest {
                id: id.clone(),
                method: call.method.to_owned(),
                payload: call.payload.clone(),
                response_timeout_ms: u32::try_from(ANSWER_LIMIT.as_millis()).unwrap_or(u32::MAX),
                version: 1,
            })),
            ..DataPacket::default()
        };
        self.flight = Some(Flight {
            call,
            id,
            answer_by: now + ANSWER_LIMIT,
        });
        Some(packet)
    }

    /// Calls that were given up.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Another try, ahead of the calls that wait.
    fn again(&mut self, call: Call) {
        if call.tries == TRIES {
            self.given_up += 1;
        } else {
            self.waiting.push_front(call);
        }
    }
}
