//! An agent's protocol: the data packets that make an avatar speak, and those that say what was heard.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use essence::{Error, ErrorKind, Result};
use prost::Message as _;

use super::calls::{Calls, UNSUPPORTED_METHOD};
use super::messages::{
    Data, DataPacket, RpcAck, RpcError, RpcRequest, RpcResponse, RpcResult, StreamHeader,
};
use super::stream::Stream;

/// The topic of the byte streams with speech.
const AUDIO_TOPIC: &str = "lk.audio_stream";
/// Drops everything that waits; agent to avatar.
const CLEAR_BUFFER: &str = "lk.clear_buffer";
/// Plays a gesture; agent to avatar, with `{"action": name}`.
const TRIGGER_DYNAMICS: &str = "trigger_dynamics";
/// A segment begins to be heard; avatar to agent.
const PLAYBACK_STARTED: &str = "lk.playback_started";
/// A segment is over; avatar to agent.
const PLAYBACK_FINISHED: &str = "lk.playback_finished";

/// The time in which an interruption takes effect. The agent waits for 2 s.
const INTERRUPTION_LIMIT: Duration = Duration::from_secs(1);

/// Sound that counts as nothing where durations are compared: rounding.
const ROUNDING: Duration = Duration::from_millis(2);

/// Most segments that wait to be spoken. An agent sends one after the other.
const SEGMENT_LIMIT: usize = 256;

/// Most outputs that wait to be taken.
const OUTPUT_LIMIT: usize = 4_096;

/// The error code of another version of remote calls.
const UNSUPPORTED_VERSION: u32 = 1404;

/// The work that [`AgentProtocol`] hands to its caller.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AgentOutput {
    /// Speech, to be pushed with `segment` as its tag.
    Audio {
        /// The segment, counted from 1.
        segment: u64,
        /// Samples a second and channel.
        sample_rate_hz: u32,
        /// Channels; their samples are interleaved.
        channels: u16,
        /// The samples.
        samples: Vec<i16>,
    },
    /// The segment has its last sample.
    Flush {
        /// The segment.
        segment: u64,
    },
    /// Everything that was pushed is to be dropped.
    Interrupt,
    /// A gesture is to be played, one of [those that are known](AgentProtocol::set_gestures).
    Perform(String),
    /// A data packet to be sent reliably and in order.
    Send(Vec<u8>),
}

/// One segment of speech: a byte stream of the agent's, from its header to the news that it is over.
#[derive(Debug)]
struct Segment {
    number: u64,
    /// The duration of the samples that were handed on.
    pushed: Duration,
    /// The duration heard before the speech paused.
    before: Duration,
    /// The duration heard in all.
    heard: Duration,
    started: bool,
    /// Whether all its samples have come.
    closed: bool,
    /// Whether the agent has cleared it.
    cleared: bool,
}

/// The avatar's side of what `DataStreamAudioOutput` of LiveKit's agents speaks, without a network and
/// without a clock: packets and moments in, packets and work out.
///
/// Byte streams of the topic `lk.audio_stream` bring speech, one a segment. The agent is told
/// `lk.playback_started` when a segment begins and `lk.playback_finished` exactly once for each stream that
/// it opened, with the seconds that were heard. `lk.clear_buffer` interrupts, `trigger_dynamics` plays a
/// gesture. Packets of others than the agent move nothing.
///
/// # Lost packets
/// A stream without a trailer ends when the next one begins, when the agent clears it, or after 10 s without
/// a chunk. A call that isn't answered is made three times and then given up; speech goes on.
#[derive(Debug)]
pub struct AgentProtocol {
    agent: Option<String>,
    gestures: Vec<String>,
    stream: Option<Stream>,
    segments: VecDeque<Segment>,
    last_segment: u64,
    /// When the segments that were cleared are over at the latest.
    cleared_by: Option<Instant>,
    calls: Calls,
    outputs: VecDeque<AgentOutput>,
}

impl AgentProtocol {
    /// A protocol without an agent.
    pub fn new() -> Self {
        Self {
            agent: None,
            gestures: Vec::new(),
            stream: None,
            segments: VecDeque::new(),
            last_segment: 0,
            cleared_by: None,
            calls: Calls::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The agent that the avatar obeys.
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The gestures that the agent may have played, by `trigger_dynamics`. Others are answered and ignored.
    pub fn set_gestures(&mut self, names: Vec<String>) {
        self.gestures = names;
    }

    /// Obeys the agent of this identity from now on; none: it is gone. What another one had said is
    /// dropped.
    pub fn set_agent(&mut self, identity: Option<&str>) {
        if self.agent.as_deref() == identity {
            return;
        }
        self.agent = identity.map(str::to_owned);
        self.stream = None;
        self.cleared_by = None;
        self.calls = Calls::default();
        self.outputs.clear();
        if !self.segments.is_empty() {
            self.segments.clear();
            self.outputs.push_back(AgentOutput::Interrupt);
        }
    }

    /// Takes a data packet.
    ///
    /// # Errors
    /// - `InvalidArgument`: it is no packet, or a stream has impossible attributes. Nothing is changed by
    ///   the former; the latter is told to the agent as a segment of no length.
    /// - `UnsupportedFormat`: a compressed stream, which this avatar does not ask for.
    /// - `LimitExceeded`: more segments wait than an agent sends.
    pub fn receive(&mut self, packet: &[u8], now: Instant) -> Result<()> {
        let packet = DataPacket::decode(packet).map_err(|cause| {
            Error::new(ErrorKind::InvalidArgument, "a damaged data packet").with_source(cause)
        })?;
        let from = packet.participant_identity;
        let of_agent = self.agent.as_ref() == Some(&from);
        match packet.value {
            Some(Data::RpcRequest(request)) => self.call(&from, of_agent, request, now),
            Some(Data::RpcResponse(response)) if of_agent => {
                let error = match response.value {
                    Some(RpcResult::Error(error)) => Some(error.code),
                    _ => None,
                };
                self.calls.answered(&response.request_id, error);
            }
            Some(Data::StreamHeader(header)) if of_agent && header.topic == AUDIO_TOPIC => {
                self.open(header, now)?;
            }
            Some(Data::StreamChunk(chunk)) if of_agent => {
                self.chunk(&chunk.stream_id, chunk.index, &chunk.content, now);
            }
            Some(Data::StreamTrailer(trailer)) if of_agent && self.is_open(&trailer.stream_id) => {
                self.close();
            }
            _ => {}
        }
        self.advance(now);
        Ok(())
    }

    /// The first sound of a segment was sent.
    pub fn started(&mut self, segment: u64, now: Instant) {
        // Segments are spoken in order: those before it are over, whatever became of their end.
        while let Some(first) = self.segments.front() {
            if first.number >= segment || !first.closed {
                break;
            }
            self.finish_first();
        }
        if let Some(found) = self.segment(segment)
            && !found.started
        {
            found.started = true;
            self.calls.push(PLAYBACK_STARTED, String::new());
        }
        self.advance(now);
    }

    /// A segment was heard for `position` since it began, or went on after a pause.
    pub fn played(&mut self, segment: u64, position: Duration) {
        if let Some(found) = self.segment(segment) {
            found.heard = found.before + position;
        }
    }

    /// The speech of a segment has ended after `position`, for good or because its stream brought nothing.
    pub fn ended(&mut self, segment: u64, position: Duration, now: Instant) {
        if let Some(found) = self.segment(segment) {
            found.before += position;
            found.heard = found.before;
        }
        self.advance(now);
    }

    /// An [`Interrupt`](AgentOutput::Interrupt) has taken effect: `segment`, if one was spoken, was heard up
    /// to `position`.
    pub fn interrupted(&mut self, segment: Option<u64>, position: Duration, now: Instant) {
        if let Some(found) = segment.and_then(|number| self.segment(number)) {
            found.heard = found.before + position;
        }
        self.finish_cleared();
        self.advance(now);
    }

    /// Speech of a segment, this much of it, could not be taken and will not be heard.
    pub fn refused(&mut self, segment: u64, duration: Duration) {
        if let Some(found) = self.segment(segment) {
            found.pushed = found.pushed.saturating_sub(duration);
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Instant) {
        if self.stream.as_ref().is_some_and(|s| s.idle_at <= now) {
            self.close();
        }
        if self.cleared_by.is_some_and(|limit| limit <= now) {
            self.finish_cleared();
        }
        while self.segments.front().is_some_and(Segment::is_over) {
            self.finish_first();
        }
        if let Some(agent) = &self.agent
            && let Some(packet) = self.calls.poll(agent, now)
        {
            self.outputs
                .push_back(AgentOutput::Send(packet.encode_to_vec()));
        }
    }

    /// The moment by which [`advance`](Self::advance) is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let idle = self.stream.as_ref().map(|stream| stream.idle_at);
        let deadlines = [idle, self.cleared_by, self.calls.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// The next thing to do, in order.
    pub fn next_output(&mut self) -> Option<AgentOutput> {
        self.outputs.pop_front()
    }

    /// Segments that are not over: those that wait, are spoken, or are still coming.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Calls to the agent that were given up.
    pub fn failed_calls(&self) -> u64 {
        self.calls.given_up()
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|s| s.number == number)
    }

    fn is_open(&self, stream: &str) -> bool {
        self.stream.as_ref().is_some_and(|open| open.id == stream)
    }

    /// A new stream. The agent never overlaps two, so the one before has lost its trailer.
    fn open(&mut self, header: StreamHeader, now: Instant) -> Result<()> {
        if self.is_open(&header.stream_id) {
            return Ok(());
        }
        self.close();
        if self.segments.len() >= SEGMENT_LIMIT || self.outputs.len() >= OUTPUT_LIMIT {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "more than {SEGMENT_LIMIT} segments of speech wait; wait for lk.playback_finished"
                ),
            ));
        }
        self.last_segment += 1;
        self.segments.push_back(Segment {
            number: self.last_segment,
            pushed: Duration::ZERO,
            before: Duration::ZERO,
            heard: Duration::ZERO,
            started: false,
            closed: false,
            cleared: false,
        });
        let opened = if header.compression == 0 {
            Stream::open(header.stream_id, &header.attributes, now)
        } else {
            Err(Error::new(
                ErrorKind::UnsupportedFormat,
                "a compressed audio stream; send its samples as they are",
            ))
        };
        match (opened, header.inline_content) {
            (Ok(stream), content) => {
                let id = stream.id.clone();
                self.stream = Some(stream);
                if let Some(content) = content {
                    self.chunk(&id, 0, &content, now);
                    self.close();
                }
                Ok(())
            }
            (Err(error), _) => {
                // The agent waits for the end of every stream that it opened.
                if let Some(segment) = self.segments.back_mut() {
                    segment.closed = true;
                    segment.cleared = true;
                }
                self.advance(now);
                Err(error)
            }
        }
    }

    fn chunk(&mut self, id: &str, index: u64, content: &[u8], now: Instant) {
        let Some(stream) = self.stream.as_mut().filter(|stream| stream.id == id) else {
            return;
        };
        let samples = stream.push(index, content, now);
        let (sample_rate_hz, channels) = (stream.sample_rate_hz, stream.channels);
        let Some(segment) = self.segments.back_mut().filter(|s| !s.cleared) else {
            return;
        };
        if samples.is_empty() {
            return;
        }
        let frames = samples.len() / usize::from(channels);
        segment.pushed += Duration::from_secs_f64(frames as f64 / f64::from(sample_rate_hz));
        let segment = segment.number;
        self.outputs.push_back(AgentOutput::Audio {
            segment,
            sample_rate_hz,
            channels,
            samples,
        });
    }

    /// The open stream has had its last chunk.
    fn close(&mut self) {
        if self.stream.take().is_none() {
            return;
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.closed = true;
            if !segment.cleared {
                let segment = segment.number;
                self.outputs.push_back(AgentOutput::Flush { segment });
            }
        }
    }

    /// Answers a call of another participant's.
    fn call(&mut self, from: &str, of_agent: bool, request: RpcRequest, now: Instant) {
        let ack = RpcAck {
            request_id: request.id.clone(),
        };
        self.send(from, Data::RpcAck(ack));
        let error = |code, message: &str| {
            let message = message.to_owned();
            RpcResult::Error(RpcError { code, message })
        };
        let value = if request.version != 1 {
            error(UNSUPPORTED_VERSION, "Unsupported RPC version")
        } else if ![CLEAR_BUFFER, TRIGGER_DYNAMICS].contains(&request.method.as_str()) {
            error(UNSUPPORTED_METHOD, "Method not supported at destination")
        } else if !of_agent {
            RpcResult::Payload("reject".to_owned())
        } else if request.method == CLEAR_BUFFER {
            self.clear(now);
            RpcResult::Payload("ok".to_owned())
        } else {
            RpcResult::Payload(self.perform(&request.payload))
        };
        let response = RpcResponse {
            request_id: request.id,
            value: Some(value),
        };
        self.send(from, Data::RpcResponse(response));
    }

    /// Plays the gesture of a call, and the answer to it.
    fn perform(&mut self, payload: &str) -> String {
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
        let action = payload["action"].as_str().unwrap_or_default();
        let known = self.gestures.iter().any(|name| name == action);
        if known {
            self.outputs
                .push_back(AgentOutput::Perform(action.to_owned()));
        }
        let answer = serde_json::json!({
            "action": action,
            "animation_triggered": known,
            "status": if known { "success" } else { "ignored" },
            "service": "bithuman-serve",
        });
        answer.to_string()
    }

    fn send(&mut self, to: &str, value: Data) {
        if self.outputs.len() >= OUTPUT_LIMIT {
            return;
        }
        let packet = DataPacket {
            destination_identities: vec![to.to_owned()],
            value: Some(value),
            ..DataPacket::default()
        };
        self.outputs
            .push_back(AgentOutput::Send(packet.encode_to_vec()));
    }

    /// Drops all that was said. What is left of an open stream is of no use: its trailer is not waited for.
    fn clear(&mut self, now: Instant) {
        self.stream = None;
        if self.segments.is_empty() {
            return;
        }
        for segment in &mut self.segments {
            segment.closed = true;
            segment.cleared = true;
        }
        // Speech that nobody has taken yet needs no interruption.
        self.outputs.retain(|output| {
            !matches!(
                output,
                AgentOutput::Audio { .. } | AgentOutput::Flush { .. }
            )
        });
        self.outputs.push_back(AgentOutput::Interrupt);
        self.cleared_by = Some(now + INTERRUPTION_LIMIT);
    }

    fn finish_cleared(&mut self) {
        self.cleared_by = None;
        while self.segments.front().is_some_and(|s| s.cleared) {
            self.finish_first();
        }
    }

    /// Tells the agent that the first segment is over.
    fn finish_first(&mut self) {
        let Some(segment) = self.segments.pop_front() else {
            return;
        };
        let payload = serde_json::json!({
            "playback_position": segment.heard.as_secs_f64(),
            "interrupted": segment.cleared,
        });
        self.calls.push(PLAYBACK_FINISHED, payload.to_string());
    }
}

impl Segment {
    /// Whether all that was said was heard, which counts more than the news of its end: a frame with that may
    /// be dropped. A segment that is cleared waits for the interruption instead.
    fn is_over(&self) -> bool {
        let silent = self.pushed.is_zero();
        self.closed && (silent || (!self.cleared && self.heard + ROUNDING >= self.pushed))
    }
}

impl Default for AgentProtocol {
    fn default() -> Self {
        Self::new()
    }
}
