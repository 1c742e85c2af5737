//! A room with one agent, on a clock that is moved by hand.

#[path = "../../src/livekit/messages.rs"]
#[expect(dead_code, reason = "signalling is no part of this test")]
pub(crate) mod messages;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use essence_live::livekit::{AgentOutput, AgentProtocol};
use messages::{
    Data, DataPacket, RpcError, RpcRequest, RpcResponse, RpcResult, StreamChunk, StreamHeader,
    StreamTrailer,
};
use prost::Message as _;

pub(crate) const RATE_HZ: u32 = 16_000;
pub(crate) const FINISHED: &str = "lk.playback_finished";
pub(crate) const STARTED: &str = "lk.playback_started";

/// A protocol under test, with a clock that is moved by hand and an agent that answers every call.
pub(crate) struct Room {
    pub(crate) protocol: AgentProtocol,
    pub(crate) now: Instant,
    /// Outputs but packets.
    pub(crate) work: Vec<AgentOutput>,
    /// Method and payload of the calls that were made.
    pub(crate) calls: Vec<(String, String)>,
    /// Answers to the agent's own calls: payload, or the code of an error.
    pub(crate) answers: Vec<Result<String, u32>>,
    /// How the agent answers calls: None says nothing.
    pub(crate) answer: fn(&str) -> Option<RpcResult>,
}

impl Room {
    pub(crate) fn new() -> Self {
        let mut protocol = AgentProtocol::new();
        protocol.set_agent(Some("agent"));
        Self {
            protocol,
            now: Instant::now(),
            work: Vec::new(),
            calls: Vec::new(),
            answers: Vec::new(),
            answer: |_| Some(RpcResult::Payload("ok".to_owned())),
        }
    }

    pub(crate) fn receive(&mut self, from: &str, value: Data) -> essence::Result<()> {
        let packet = DataPacket {
            participant_identity: from.to_owned(),
            value: Some(value),
            ..DataPacket::default()
        };
        let received = self.protocol.receive(&packet.encode_to_vec(), self.now);
        self.settle();
        received
    }

    pub(crate) fn agent(&mut self, value: Data) {
        self.receive("agent", value).expect("the packet is whole");
    }

    pub(crate) fn open(&mut self, id: &str) {
        self.agent(Data::StreamHeader(header(id, "16000", "1")));
    }

    /// Seconds of speech in chunks of a tenth.
    pub(crate) fn speak(&mut self, id: &str, seconds: f64) {
        let chunks = (seconds * 10.0).round() as u64;
        for index in 0..chunks {
            let content = vec![1; RATE_HZ as usize / 10 * 2];
            self.agent(chunk(id, index, content));
        }
    }

    pub(crate) fn close(&mut self, id: &str) {
        let stream_id = id.to_owned();
        self.agent(Data::StreamTrailer(StreamTrailer { stream_id }));
    }

    pub(crate) fn say(&mut self, id: &str, seconds: f64) {
        self.open(id);
        self.speak(id, seconds);
        self.close(id);
    }

    pub(crate) fn clear(&mut self) {
        self.agent(call("lk.clear_buffer", 1));
    }

    /// A segment is heard, and ends if `ends`.
    pub(crate) fn play(&mut self, segment: u64, seconds: f64, ends: bool) {
        let position = Duration::from_secs_f64(seconds);
        self.protocol.started(segment, self.now);
        self.protocol.played(segment, position);
        if ends {
            self.protocol.ended(segment, position, self.now);
        }
        self.settle();
    }

    pub(crate) fn interrupted(&mut self, segment: Option<u64>, seconds: f64) {
        let position = Duration::from_secs_f64(seconds);
        self.protocol.interrupted(segment, position, self.now);
        self.settle();
    }

    pub(crate) fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.protocol.advance(self.now);
        self.settle();
    }

    /// Takes what is to be done, and answers calls.
    pub(crate) fn settle(&mut self) {
        while let Some(output) = self.protocol.next_output() {
            let AgentOutput::Send(packet) = output else {
                self.work.push(output);
                continue;
            };
            let packet = DataPacket::decode(&packet[..]).expect("a packet");
            match packet.value.expect("a value") {
                Data::RpcRequest(request) => {
                    assert_eq!(packet.destination_identities, ["agent"]);
                    let answer = (self.answer)(&request.method);
                    self.calls.push((request.method, request.payload));
                    if let Some(value) = answer {
                        let response = RpcResponse {
                            request_id: request.id,
                            value: Some(value),
                        };
                        self.receive("agent", Data::RpcResponse(response))
                            .expect("the answer is whole");
                    }
                }
                Data::RpcResponse(response) => self.answers.push(match response.value {
                    Some(RpcResult::Payload(payload)) => Ok(payload),
                    Some(RpcResult::Error(RpcError { code, .. })) => Err(code),
                    None => panic!("an answer without a value"),
                }),
                _ => {}
            }
        }
    }

    pub(crate) fn samples(&self) -> Vec<i16> {
        let audio = self.work.iter().filter_map(|output| match output {
            AgentOutput::Audio { samples, .. } => Some(&samples[..]),
            _ => None,
        });
        audio.flatten().copied().collect()
    }

    pub(crate) fn interruptions(&self) -> usize {
        let interrupts = self.work.iter();
        interrupts.filter(|o| **o == AgentOutput::Interrupt).count()
    }

    pub(crate) fn flushes(&self) -> Vec<u64> {
        let flushes = self.work.iter().filter_map(|output| match output {
            AgentOutput::Flush { segment } => Some(*segment),
            _ => None,
        });
        flushes.collect()
    }

    /// Position and interruption of the segments that the agent was told of.
    pub(crate) fn finished(&self) -> Vec<(f64, bool)> {
        let calls = self.calls.iter().filter(|(method, _)| method == FINISHED);
        let told = calls.map(|(_, payload)| {
            let event: serde_json::Value = serde_json::from_str(payload).expect("JSON");
            let position = event["playback_position"].as_f64().expect("a position");
            (
                (position * 1000.0).round() / 1000.0,
                event["interrupted"] == true,
            )
        });
        told.collect()
    }

    pub(crate) fn started(&self) -> usize {
        self.calls.iter().filter(|(m, _)| m == STARTED).count()
    }
}

pub(crate) fn header(id: &str, rate: &str, channels: &str) -> StreamHeader {
    let attributes = [("sample_rate", rate), ("num_channels", channels)];
    StreamHeader {
        stream_id: id.to_owned(),
        topic: "lk.audio_stream".to_owned(),
        attributes: HashMap::from(attributes.map(|(name, value)| (name.into(), value.into()))),
        ..StreamHeader::default()
    }
}

pub(crate) fn chunk(id: &str, index: u64, content: Vec<u8>) -> Data {
    Data::StreamChunk(StreamChunk {
        stream_id: id.to_owned(),
        index,
        content,
    })
}

pub(crate) fn call(method: &str, version: u32) -> Data {
    Data::RpcRequest(RpcRequest {
        id: "call".to_owned(),
        method: method.to_owned(),
        version,
        ..RpcRequest::default()
    })
}
