//! A participant's signalling: connecting, joining, coming back, and the server's messages.

use std::sync::mpsc::{TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::messages::{
    AddTrack, Join, LEAVE_RECONNECT, LEAVE_RESUME, Ping, QUALITY_HIGH, REASON_DUPLICATE, Request,
    Response, SOURCE_CAMERA, SOURCE_MICROPHONE, SessionDescription, Subscription, SyncState,
    TRACK_AUDIO, TRACK_VIDEO, TrackPublished, Update, VideoLayer,
};
use super::participant::{
    Dialing, Ended, FIRST_WAIT, IDLE, Line, MEDIA_LIMIT, Media, Runner, SIGNAL, SOCKET,
};
use super::peers::{AUDIO_CID, Peers, STREAM, VIDEO_CID, media_address};
use super::signal::{ConnectError, Signal};
use super::{LeaveReason, ParticipantEvent};
use crate::QueuedSink;
use crate::send_queue::SendQueue;

/// The time for the server's first message.
const GREETING: Duration = Duration::from_secs(5);

/// Longest wait between tries to connect.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The least distance of two pings, whatever the server says.
const SHORTEST_PING: Duration = Duration::from_secs(1);

impl Runner {
    /// Begins to connect when it is time, and takes the connection when it is made.
    pub(super) fn dial(&mut self) -> Ended {
        if self.dial_at.is_some_and(|at| at <= Instant::now()) {
            self.dial_at = None;
            let (sender, result) = channel();
            let (url, token) = (self.options.url.clone(), self.options.token.clone());
            let resumed = self.media.as_ref().map(|media| media.sid.clone());
            let (session, inbox) = (resumed.clone(), self.inbox.clone());
            let dialing = std::thread::Builder::new()
                .name("essence-livekit-dial".to_owned())
                .spawn(move || {
                    let _ = sender.send(Signal::connect(&url, &token, &session));
                    inbox.wake();
                });
            match dialing {
                Ok(_) => self.dialing = Some(Dialing { result, resumed }),
                Err(error) => return self.dial_again(error.to_string()),
            }
        }
        let Some(dialing) = &self.dialing else {
            return Ok(());
        };
        let connected = match dialing.result.try_recv() {
            Ok(connected) => connected,
            Err(TryRecvError::Empty) => return Ok(()),
            Err(TryRecvError::Disconnected) => Err(ConnectError::Failed("a panic".to_owned())),
        };
        let resumed = self.dialing.take().and_then(|dialing| dialing.resumed);
        match connected {
            Ok(mut signal) => {
                if let Err(error) = signal.register(self.poll.registry(), SIGNAL) {
                    return self.dial_again(error.to_string());
                }
                let now = Instant::now();
                self.line = Some(Line {
                    signal,
                    greet_by: Some(now + GREETING),
                    ping_every: IDLE,
                    ping_at: now + GREETING,
                    silent_for: GREETING,
                    heard: now,
                });
                Ok(())
            }
            // A server that does not know the session any more may still let the participant in.
            Err(ConnectError::Refused(cause)) if resumed.is_some() => self.rejoin(cause),
            Err(ConnectError::Refused(cause)) => Err(LeaveReason::Refused(cause)),
            Err(ConnectError::Failed(cause)) => self.dial_again(cause),
        }
    }

    /// A connection is lost or was not made: another try, for some time.
    pub(super) fn dial_again(&mut self, cause: String) -> Ended {
        let now = Instant::now();
        if let Some(line) = self.line.take() {
            drop(line);
            self.wait = FIRST_WAIT;
        }
        if self.lost_since.is_none() {
            self.tell(ParticipantEvent::Reconnecting {
                cause: cause.clone(),
            });
        }
        self.cause = cause;
        let since = *self.lost_since.get_or_insert(now);
        if now >= since + self.options.reconnect_limit {
            return Err(LeaveReason::Lost(self.cause.clone()));
        }
        if self.dialing.is_none() && self.dial_at.is_none() {
            self.dial_at = Some(now + self.wait);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        Ok(())
    }

    /// The session is over for the server: the next one begins.
    pub(super) fn rejoin(&mut self, cause: String) -> Ended {
        self.drop_media();
        self.line = None;
        self.dial_again(cause)
    }

    pub(super) fn drop_media(&mut self) {
        if let Some(mut media) = self.media.take() {
            media.peers.close();
            self.publisher.detach(media.sink);
        }
    }

    /// Reads the server's messages.
    pub(super) fn listen(&mut self) -> Ended {
        let now = Instant::now();
        loop {
            let Some(line) = &mut self.line else {
                return Ok(());
            };
            match line.signal.receive() {
                Ok(Some(message)) => {
                    line.heard = now;
                    self.message(message)?;
                }
                Ok(None) => break,
                Err(cause) => return self.dial_again(cause),
            }
        }
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        if line.greet_by.is_some_and(|by| by <= now) || line.heard + line.silent_for <= now {
            return self.dial_again("the server says nothing".to_owned());
        }
        let mut sent = line.signal.flush();
        if line.ping_at <= now && line.greet_by.is_none() {
            line.ping_at = now + line.ping_every;
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            let timestamp = since.map_or(0, |time| time.as_millis() as i64);
            sent = sent.and_then(|()| line.signal.send(Request::Ping(Ping { timestamp, rtt: 0 })));
        }
        match sent {
            Ok(()) => Ok(()),
            Err(cause) => self.dial_again(cause),
        }
    }

    fn message(&mut self, message: Response) -> Ended {
        let now = Instant::now();
        match message {
            Response::Join(join) => return self.join(join, now),
            Response::Reconnect(_) => return self.resume(now),
            Response::Update(Update { participants }) => {
                self.room.update(participants, now);
                self.meet_agent();
            }
            Response::TrackPublished(track) => return self.track_published(track),
            Response::Offer(offer) => {
                let Some(media) = &mut self.media else {
                    return Ok(());
                };
                return match media.peers.accept(&offer.sdp) {
                    Ok(sdp) => {
                        let (kind, id) = ("answer".to_owned(), offer.id);
                        self.request(Request::Answer(SessionDescription { kind, sdp, id }))
                    }
                    Err(error) => self.rejoin(format!("the server's offer: {error}")),
                };
            }
            Response::Answer(answer) => {
                if let Some(media) = &mut self.media
                    && let Err(error) = media.peers.answered(&answer.sdp)
                {
                    return self.rejoin(format!("the server's answer: {error}"));
                }
            }
            Response::Trickle(trickle) => {
                if let Some(media) = &mut self.media {
                    media.peers.candidate(trickle.target, &trickle.candidate);
                }
            }
            Response::RefreshToken(token) => self.options.token = token,
            Response::Leave(leave) => {
                return match leave.action {
                    LEAVE_RESUME => self.dial_again("the server asks to come back".to_owned()),
                    LEAVE_RECONNECT if leave.reason != REASON_DUPLICATE => {
                        self.rejoin("the server asks to join anew".to_owned())
                    }
                    _ => Err(LeaveReason::Removed),
                };
            }
            Response::Pong(_) => {}
        }
        Ok(())
    }

    /// The server has let the participant in: its tracks are announced.
    fn join(&mut self, join: Join, now: Instant) -> Ended {
        self.drop_media();
        self.greeted(&join, now);
        let Some(line) = &self.line else {
            return Ok(());
        };
        let inbox = self.inbox.clone();
        let queue = SendQueue::new(move || inbox.wake());
        let peers = Peers::open(
            media_address(line.signal.local().ip()),
            self.options.max_bitrate_bps,
            queue.clone(),
            self.poll.registry(),
            SOCKET,
        );
        let peers = match peers {
            Ok(peers) => peers,
            Err(error) => return self.dial_again(format!("no UDP port: {error}")),
        };
        let me = join.participant;
        self.media = Some(Media {
            sid: me.as_ref().map(|me| me.sid.clone()).unwrap_or_default(),
            peers,
            sink: self.publisher.attach(QueuedSink(queue)),
            tracks: Vec::new(),
            connect_by: Some(now + MEDIA_LIMIT),
        });
        self.room.join(me, join.others, now);
        if !self.joined {
            self.joined = true;
            self.tell(ParticipantEvent::Joined);
        }
        self.meet_agent();
        let (width, height) = self.publisher.session().frame_size();
        let (width, height) = (width as u32, height as u32);
        let audio = AddTrack {
            cid: AUDIO_CID.to_owned(),
            name: "avatar_audio".to_owned(),
            kind: TRACK_AUDIO,
            source: SOURCE_MICROPHONE,
            disable_dtx: true,
            disable_red: true,
            stream: STREAM.to_owned(),
            ..AddTrack::default()
        };
        let video = AddTrack {
            cid: VIDEO_CID.to_owned(),
            name: "avatar_video".to_owned(),
            kind: TRACK_VIDEO,
            source: SOURCE_CAMERA,
            width,
            height,
            layers: vec![VideoLayer {
                quality: QUALITY_HIGH,
                width,
                height,
                bitrate: self.options.max_bitrate_bps,
            }],
            stream: STREAM.to_owned(),
            ..AddTrack::default()
        };
        self.request(Request::AddTrack(audio))?;
        self.request(Request::AddTrack(video))
    }

    /// The server goes on with the session: it is told what this side has, and both connections find new
    /// ways.
    fn resume(&mut self, now: Instant) -> Ended {
        self.greeted(&Join::default(), now);
        let Some(media) = &mut self.media else {
            return self.rejoin("the server goes on with a session that is over".to_owned());
        };
        media.connect_by = (!media.peers.is_connected()).then_some(now + MEDIA_LIMIT);
        let description = |kind: &str, sdp: Option<&String>| {
            sdp.map(|sdp| SessionDescription {
                kind: kind.to_owned(),
                sdp: sdp.clone(),
                id: 0,
            })
        };
        let state = SyncState {
            answer: description("answer", media.peers.last_answer.as_ref()),
            offer: description("offer", media.peers.last_offer.as_ref()),
            subscription: Some(Subscription { subscribe: true }),
            tracks: media.tracks.clone(),
            data_channels: media.peers.channels(),
        };
        self.request(Request::SyncState(state))?;
        self.offer()
    }

    fn greeted(&mut self, join: &Join, now: Instant) {
        let Some(line) = &mut self.line else { return };
        line.greet_by = None;
        let seconds = |given: i32, default: u64| {
            let given = u64::try_from(given).ok().filter(|&seconds| seconds > 0);
            Duration::from_secs(given.unwrap_or(default))
        };
        line.ping_every = seconds(join.ping_interval, 5).max(SHORTEST_PING);
        line.silent_for = seconds(join.ping_timeout, 15).max(2 * line.ping_every);
        line.ping_at = now + line.ping_every;
        self.wait = FIRST_WAIT;
    }

    /// A track has its place on the server. Once both have, they are offered.
    fn track_published(&mut self, track: TrackPublished) -> Ended {
        let Some(media) = &mut self.media else {
            return Ok(());
        };
        let known = media.tracks.iter().any(|known| known.cid == track.cid);
        if known || ![AUDIO_CID, VIDEO_CID].contains(&track.cid.as_str()) {
            return Ok(());
        }
        media.tracks.push(track);
        match media.tracks.len() {
            2 => self.offer(),
            _ => Ok(()),
        }
    }

    fn offer(&mut self) -> Ended {
        let Some(media) = &mut self.media else {
            return Ok(());
        };
        if media.tracks.len() < 2 {
            return Ok(());
        }
        match media.peers.offer() {
            Ok(sdp) => {
                let (kind, id) = ("offer".to_owned(), 0);
                self.request(Request::Offer(SessionDescription { kind, sdp, id }))
            }
            Err(error) => self.rejoin(format!("no offer: {error}")),
        }
    }

    pub(super) fn request(&mut self, request: Request) -> Ended {
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        match line.signal.send(request) {
            Ok(()) => Ok(()),
            Err(cause) => self.dial_again(cause),
        }
    }
}
