//! The messages of LiveKit's signalling and data channels, as far as an avatar speaks them.
//!
//! Names and tags are those of `livekit_rtc.proto` and `livekit_models.proto` in LiveKit's protocol.
//! Fields that are not listed are skipped when reading and left out when writing.

use std::collections::HashMap;

use prost::{Message, Oneof};

/// `ParticipantInfo.Kind` of people.
pub(crate) const KIND_STANDARD: i32 = 0;
/// `ParticipantInfo.Kind` of phones, which are people, too.
pub(crate) const KIND_SIP: i32 = 3;
/// `ParticipantInfo.Kind` of agents.
pub(crate) const KIND_AGENT: i32 = 4;
/// `ParticipantInfo.State` of a participant that is gone.
pub(crate) const STATE_DISCONNECTED: i32 = 3;
/// `TrackType` of sound.
pub(crate) const TRACK_AUDIO: i32 = 0;
/// `TrackType` of pictures.
pub(crate) const TRACK_VIDEO: i32 = 1;
/// `TrackSource` of a camera.
pub(crate) const SOURCE_CAMERA: i32 = 1;
/// `TrackSource` of a microphone.
pub(crate) const SOURCE_MICROPHONE: i32 = 2;
/// `VideoQuality` of a track with one layer.
pub(crate) const QUALITY_HIGH: i32 = 2;
/// `SignalTarget` of the peer connection that the participant sends by.
pub(crate) const TARGET_PUBLISHER: i32 = 0;
/// `SignalTarget` of the peer connection that the server sends by.
pub(crate) const TARGET_SUBSCRIBER: i32 = 1;
/// `LeaveRequest.Action`: come back to the same session.
pub(crate) const LEAVE_RESUME: i32 = 1;
/// `LeaveRequest.Action`: join anew.
pub(crate) const LEAVE_RECONNECT: i32 = 2;
/// `DisconnectReason` of a participant that goes of its own accord.
pub(crate) const REASON_CLIENT: i32 = 1;
/// `DisconnectReason`: another participant has joined with the same identity.
pub(crate) const REASON_DUPLICATE: i32 = 2;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignalRequest {
    #[prost(oneof = "Request", tags = "1, 2, 3, 4, 8, 12, 16")]
    pub(crate) message: Option<Request>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Request {
    #[prost(message, tag = "1")]
    Offer(SessionDescription),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Trickle(Trickle),
    #[prost(message, tag = "4")]
    AddTrack(AddTrack),
    #[prost(message, tag = "8")]
    Leave(Leave),
    #[prost(message, tag = "12")]
    SyncState(SyncState),
    #[prost(message, tag = "16")]
    Ping(Ping),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignalResponse {
    #[prost(oneof = "Response", tags = "1, 2, 3, 4, 5, 6, 8, 16, 19, 20")]
    pub(crate) message: Option<Response>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Response {
    #[prost(message, tag = "1")]
    Join(Join),
    #[prost(message, tag = "2")]
    Answer(SessionDescription),
    #[prost(message, tag = "3")]
    Offer(SessionDescription),
    #[prost(message, tag = "4")]
    Trickle(Trickle),
    #[prost(message, tag = "5")]
    Update(Update),
    #[prost(message, tag = "6")]
    TrackPublished(TrackPublished),
    #[prost(message, tag = "8")]
    Leave(Leave),
    #[prost(string, tag = "16")]
    RefreshToken(String),
    #[prost(message, tag = "19")]
    Reconnect(Reconnect),
    #[prost(message, tag = "20")]
    Pong(Pong),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Join {
    #[prost(message, optional, tag = "2")]
    pub(crate) participant: Option<Participant>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) others: Vec<Participant>,
    /// Seconds without a message after which the connection is lost.
    #[prost(int32, tag = "10")]
    pub(crate) ping_timeout: i32,
    /// Seconds between two pings.
    #[prost(int32, tag = "11")]
    pub(crate) ping_interval: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Reconnect {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Participant {
    #[prost(string, tag = "1")]
    pub(crate) sid: String,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(int32, tag = "14")]
    pub(crate) kind: i32,
    #[prost(map = "string, string", tag = "15")]
    pub(crate) attributes: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Update {
    #[prost(message, repeated, tag = "1")]
    pub(crate) participants: Vec<Participant>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SessionDescription {
    /// `offer` or `answer`.
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) sdp: String,
    #[prost(uint32, tag = "3")]
    pub(crate) id: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Trickle {
    /// `RTCIceCandidateInit` in JSON.
    #[prost(string, tag = "1")]
    pub(crate) candidate: String,
    #[prost(int32, tag = "2")]
    pub(crate) target: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AddTrack {
    /// The name of the track in the publisher's offer.
    #[prost(string, tag = "1")]
    pub(crate) cid: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
    #[prost(uint32, tag = "4")]
    pub(crate) width: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) height: u32,
    #[prost(bool, tag = "7")]
    pub(crate) disable_dtx: bool,
    #[prost(int32, tag = "8")]
    pub(crate) source: i32,
    #[prost(message, repeated, tag = "9")]
    pub(crate) layers: Vec<VideoLayer>,
    #[prost(bool, tag = "13")]
    pub(crate) disable_red: bool,
    /// Tracks of one stream are played in step.
    #[prost(string, tag = "15")]
    pub(crate) stream: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct VideoLayer {
    #[prost(int32, tag = "1")]
    pub(crate) quality: i32,
    #[prost(uint32, tag = "2")]
    pub(crate) width: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) height: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) bitrate: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackPublished {
    #[prost(string, tag = "1")]
    pub(crate) cid: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) track: Option<Track>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Track {
    #[prost(string, tag = "1")]
    pub(crate) sid: String,
    #[prost(int32, tag = "2")]
    pub(crate) kind: i32,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(int32, tag = "9")]
    pub(crate) source: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Leave {
    #[prost(int32, tag = "2")]
    pub(crate) reason: i32,
    #[prost(int32, tag = "3")]
    pub(crate) action: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SyncState {
    #[prost(message, optional, tag = "1")]
    pub(crate) answer: Option<SessionDescription>,
    #[prost(message, optional, tag = "2")]
    pub(crate) subscription: Option<Subscription>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) tracks: Vec<TrackPublished>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) data_channels: Vec<DataChannel>,
    #[prost(message, optional, tag = "5")]
    pub(crate) offer: Option<SessionDescription>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Subscription {
    /// Tracks that differ from `auto_subscribe`. None are named.
    #[prost(bool, tag = "2")]
    pub(crate) subscribe: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DataChannel {
    #[prost(string, tag = "1")]
    pub(crate) label: String,
    #[prost(uint32, tag = "2")]
    pub(crate) id: u32,
    #[prost(int32, tag = "3")]
    pub(crate) target: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ping {
    /// Milliseconds since 1970.
    #[prost(int64, tag = "1")]
    pub(crate) timestamp: i64,
    #[prost(int64, tag = "2")]
    pub(crate) rtt: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pong {
    #[prost(int64, tag = "1")]
    pub(crate) last_ping_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DataPacket {
    /// The sender; the server fills it in.
    #[prost(string, tag = "4")]
    pub(crate) participant_identity: String,
    #[prost(string, repeated, tag = "5")]
    pub(crate) destination_identities: Vec<String>,
    #[prost(oneof = "Data", tags = "10, 11, 12, 13, 14, 15")]
    pub(crate) value: Option<Data>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Data {
    #[prost(message, tag = "10")]
    RpcRequest(RpcRequest),
    #[prost(message, tag = "11")]
    RpcAck(RpcAck),
    #[prost(message, tag = "12")]
    RpcResponse(RpcResponse),
    #[prost(message, tag = "13")]
    StreamHeader(StreamHeader),
    #[prost(message, tag = "14")]
    StreamChunk(StreamChunk),
    #[prost(message, tag = "15")]
    StreamTrailer(StreamTrailer),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcRequest {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) method: String,
    #[prost(string, tag = "3")]
    pub(crate) payload: String,
    #[prost(uint32, tag = "4")]
    pub(crate) response_timeout_ms: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) version: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcAck {
    #[prost(string, tag = "1")]
    pub(crate) request_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcResponse {
    #[prost(string, tag = "1")]
    pub(crate) request_id: String,
    #[prost(oneof = "RpcResult", tags = "2, 3")]
    pub(crate) value: Option<RpcResult>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum RpcResult {
    #[prost(string, tag = "2")]
    Payload(String),
    #[prost(message, tag = "3")]
    Error(RpcError),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcError {
    #[prost(uint32, tag = "1")]
    pub(crate) code: u32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamHeader {
    #[prost(string, tag = "1")]
    pub(crate) stream_id: String,
    #[prost(string, tag = "3")]
    pub(crate) topic: String,
    #[prost(map = "string, string", tag = "8")]
    pub(crate) attributes: HashMap<String, String>,
    /// The whole content, of a stream without chunks and trailer.
    #[prost(bytes = "vec", optional, tag = "11")]
    pub(crate) inline_content: Option<Vec<u8>>,
    /// 0: none.
    #[prost(int32, tag = "12")]
    pub(crate) compression: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamChunk {
    #[prost(string, tag = "1")]
    pub(crate) stream_id: String,
    #[prost(uint64, tag = "2")]
    pub(crate) index: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamTrailer {
    #[prost(string, tag = "1")]
    pub(crate) stream_id: String,
}
