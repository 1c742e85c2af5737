//! A participant's thread: signalling, media, the agent's protocol, and coming back.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use essence::{Avatar, Error, ErrorKind, Result};
use mio::{Events, Poll, Token, Waker};

use super::messages::{
    AddTrack, Join, LEAVE_RECONNECT, LEAVE_RESUME, Leave, Ping, QUALITY_HIGH, REASON_CLIENT,
    REASON_DUPLICATE, Request, Response, SOURCE_CAMERA, SOURCE_MICROPHONE, SessionDescription,
    Subscription, SyncState, TRACK_AUDIO, TRACK_VIDEO, TrackPublished, Update, VideoLayer,
};
use super::peers::{AUDIO_CID, Peers, PeersEvent, STREAM, VIDEO_CID, media_address};
use super::room::{Limits, Room};
use super::signal::{ConnectError, Resumed, Signal};
use super::{AgentOutput, AgentProtocol, JoinOptions, LeaveReason, ParticipantEvent};
use crate::pipeline::lock;
use crate::send_queue::SendQueue;
use crate::{Event, Publisher, PublisherStatistics, QueuedSink, SinkId};

const WAKER: Token = Token(0);
const SOCKET: Token = Token(1);
const SIGNAL: Token = Token(2);

/// Longest wait where nothing asks for a shorter one.
const IDLE: Duration = Duration::from_secs(1);

/// The time for the server's first message.
const GREETING: Duration = Duration::from_secs(5);

/// The time for media to connect after joining or coming back.
const MEDIA_LIMIT: Duration = Duration::from_secs(15);

/// Waits between tries to connect, doubled each time up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Most data packets that wait for their channel.
const PACKETS_WAITING: usize = 1_024;

/// The least distance of two pings, whatever the server says.
const SHORTEST_PING: Duration = Duration::from_secs(1);

type OnEvent = Box<dyn FnMut(ParticipantEvent) + Send>;

/// Requests of other threads to the participant's.
pub(super) struct Inbox {
    waker: Waker,
    inner: Mutex<Mail>,
}

#[derive(Default)]
struct Mail {
    leave: bool,
    events: VecDeque<Event>,
    statistics: PublisherStatistics,
}

impl Inbox {
    /// It can't fail but for want of kernel memory, and then the thread comes round within a second.
    fn wake(&self) {
        let _ = self.waker.wake();
    }

    pub(super) fn leave(&self) {
        lock(&self.inner).leave = true;
        self.wake();
    }

    pub(super) fn statistics(&self) -> PublisherStatistics {
        lock(&self.inner).statistics
    }

    /// An event of the drawing thread. Of a reply that goes on, the latest position is enough.
    fn push(&self, event: Event) {
        let mut mail = lock(&self.inner);
        if let (Some(Event::Played { reply: last, .. }), Event::Played { reply, .. }) =
            (mail.events.back(), &event)
            && last == reply
        {
            mail.events.pop_back();
        }
        mail.events.push_back(event);
        drop(mail);
        self.wake();
    }
}

/// A connection that is being made.
struct Dialing {
    result: Receiver<std::result::Result<Signal, ConnectError>>,
    resumed: Resumed,
}

/// An open signalling connection.
struct Line {
    signal: Signal,
    /// When the server has to have greeted; none once it has.
    greet_by: Option<Instant>,
    ping_every: Duration,
    ping_at: Instant,
    silent_for: Duration,
    heard: Instant,
}

/// Media, as long as the server knows this session.
struct Media {
    sid: String,
    peers: Peers,
    sink: SinkId,
    tracks: Vec<TrackPublished>,
    /// When they have to be connected; none while they are.
    connect_by: Option<Instant>,
}

struct Runner {
    options: JoinOptions,
    on_event: OnEvent,
    poll: Poll,
    inbox: Arc<Inbox>,
    publisher: Publisher,
    agent: AgentProtocol,
    room: Room,
    dialing: Option<Dialing>,
    line: Option<Line>,
    media: Option<Media>,
    packets: VecDeque<Vec<u8>>,
    joined: bool,
    published: bool,
    /// Since when the participant is not wholly connected.
    lost_since: Option<Instant>,
    cause: String,
    dial_at: Option<Instant>,
    wait: Duration,
}

/// The reason to end.
type Ended = std::result::Result<(), LeaveReason>;

pub(super) fn start(
    avatar: &Avatar,
    options: JoinOptions,
    mut on_event: OnEvent,
) -> Result<(Arc<Inbox>, JoinHandle<()>)> {
    let failed =
        |cause| Error::new(ErrorKind::Io, "no thread for a participant").with_source(cause);
    let poll = Poll::new().map_err(failed)?;
    let inbox = Arc::new(Inbox {
        waker: Waker::new(poll.registry(), WAKER).map_err(failed)?,
        inner: Mutex::default(),
    });
    let drawn = inbox.clone();
    let publisher = Publisher::start(avatar, options.publisher.clone(), move |event| {
        drawn.push(event);
    })?;
    let limits = Limits {
        join: options.join_limit,
        empty: options.empty_limit,
        agent: options.agent_limit,
    };
    let mut agent = AgentProtocol::new();
    agent.set_gestures(avatar.info().motions.clone());
    let returned = inbox.clone();
    let thread = std::thread::Builder::new()
        .name("essence-livekit".to_owned())
        .spawn(move || {
            let (sender, receiver) = channel();
            let mut runner = Runner {
                options,
                on_event: Box::new(move |event| {
                    // The receiver lives as long as the runner.
                    let _ = sender.send(event);
                }),
                poll,
                inbox,
                publisher,
                agent,
                room: Room::new(limits),
                dialing: None,
                line: None,
                media: None,
                packets: VecDeque::new(),
                joined: false,
                published: false,
                lost_since: Some(Instant::now()),
                cause: String::new(),
                dial_at: Some(Instant::now()),
                wait: FIRST_WAIT,
            };
            let mut tell = |receiver: &Receiver<ParticipantEvent>| {
                for event in receiver.try_iter() {
                    on_event(event);
                }
            };
            let reason = loop {
                // What a server or an agent sends must end this participant at most.
                let step = catch_unwind(AssertUnwindSafe(|| runner.step()));
                tell(&receiver);
                match step {
                    Ok(Ok(())) => {}
                    Ok(Err(reason)) => break reason,
                    Err(_) => break LeaveReason::Failed("a panic".to_owned()),
                }
            };
            let _ = catch_unwind(AssertUnwindSafe(|| runner.end()));
            drop(runner);
            on_event(ParticipantEvent::Left { reason });
        })
        .map_err(failed)?;
    Ok((returned, thread))
}

impl Runner {
    /// Waits for something to happen, and sees to it.
    fn step(&mut self) -> Ended {
        let mut events = Events::with_capacity(16);
        let wait = self.deadline().saturating_duration_since(Instant::now());
        // An interrupted wait is a wait that ended early.
        let _ = self.poll.poll(&mut events, Some(wait.min(IDLE)));
        self.mail()?;
        self.dial()?;
        self.listen()?;
        self.turn_media()?;
        self.agent.advance(Instant::now());
        self.speak();
        self.send_packets()?;
        self.decide()
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        let line = self.line.as_ref().map(|line| {
            let heard_by = line.heard + line.silent_for;
            let ping = line.ping_at.min(heard_by);
            line.greet_by.map_or(ping, |greet_by| greet_by.min(ping))
        });
        let media = self.media.as_ref().map(|media| media.peers.deadline());
        let leaves = self.room.leaves().filter(|_| self.joined);
        let others = [
            line,
            media,
            self.agent.deadline(),
            self.dial_at,
            leaves.map(|(when, _)| when),
        ];
        others.into_iter().flatten().min().unwrap_or(now + IDLE)
    }

    fn tell(&mut self, event: ParticipantEvent) {
        (self.on_event)(event);
    }

    /// Requests of other threads.
    fn mail(&mut self) -> Ended {
        let (leave, events) = {
            let mut mail = lock(&self.inbox.inner);
            mail.statistics = self.publisher.statistics();
            (mail.leave, std::mem::take(&mut mail.events))
        };
        let now = Instant::now();
        for event in events {
            match event {
                Event::SpeechStarted { reply, .. } => self.agent.started(reply, now),
                Event::Played { reply, position } => self.agent.played(reply, position),
                Event::SpeechEnded { reply, position } => self.agent.ended(reply, position, now),
                Event::Interrupted { reply, position } => {
                    self.agent.interrupted(reply, position, now);
                }
                Event::Closed { error } => {
                    let cause = error.map_or("it ended".to_owned(), |error| error.to_string());
                    return Err(LeaveReason::Failed(cause));
                }
                _ => {}
            }
        }
        if leave {
            return Err(LeaveReason::Asked);
        }
        Ok(())
    }

    /// Begins to connect when it is time, and takes the connection when it is made.
    fn dial(&mut self) -> Ended {
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
    fn dial_again(&mut self, cause: String) -> Ended {
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
    fn rejoin(&mut self, cause: String) -> Ended {
        self.drop_media();
        self.line = None;
        self.dial_again(cause)
    }

    fn drop_media(&mut self) {
        if let Some(mut media) = self.media.take() {
            media.peers.close();
            self.publisher.detach(media.sink);
        }
    }

    /// Reads the server's messages.
    fn listen(&mut self) -> Ended {
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

    fn request(&mut self, request: Request) -> Ended {
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        match line.signal.send(request) {
            Ok(()) => Ok(()),
            Err(cause) => self.dial_again(cause),
        }
    }

    fn meet_agent(&mut self) {
        let agent = self.room.agent().map(str::to_owned);
        if agent.as_deref() == self.agent.agent() {
            return;
        }
        self.agent.set_agent(agent.as_deref());
        self.packets.clear();
        self.tell(match agent {
            Some(identity) => ParticipantEvent::AgentJoined { identity },
            None => ParticipantEvent::AgentLeft,
        });
    }

    fn turn_media(&mut self) -> Ended {
        let Some(media) = &mut self.media else {
            return Ok(());
        };
        let mut events = Vec::new();
        let turned = media.peers.turn(&mut events);
        let (mut lost, mut ended) = (None, false);
        for event in events {
            match event {
                PeersEvent::Connected => {
                    media.connect_by = None;
                    if !self.published {
                        self.published = true;
                        (self.on_event)(ParticipantEvent::Published);
                    }
                }
                PeersEvent::Data(packet) => {
                    if let Err(error) = self.agent.receive(&packet, Instant::now()) {
                        let message = error.to_string();
                        (self.on_event)(ParticipantEvent::Warning { message });
                    }
                }
                PeersEvent::Ended => ended = true,
                PeersEvent::Lost(cause) => lost = Some(cause),
            }
        }
        if let Err(error) = turned {
            return self.rejoin(format!("media failed: {error}"));
        }
        if ended {
            return self.rejoin("the server ended a connection".to_owned());
        }
        if media.connect_by.is_some_and(|by| by <= Instant::now()) {
            return self.rejoin("media do not connect".to_owned());
        }
        match lost {
            // One that is already on its way comes back with new candidates anyhow.
            Some(cause) if media.connect_by.is_none() => {
                media.connect_by = Some(Instant::now() + MEDIA_LIMIT);
                self.dial_again(cause)
            }
            _ => Ok(()),
        }
    }

    /// Does what the agent wants.
    fn speak(&mut self) {
        while let Some(output) = self.agent.next_output() {
            match output {
                AgentOutput::Audio {
                    segment,
                    sample_rate_hz,
                    channels,
                    samples,
                } => {
                    let session = self.publisher.session();
                    let pushed =
                        session.push_audio_tagged(&samples[..], sample_rate_hz, channels, segment);
                    if let Err(error) = pushed {
                        let frames = samples.len() / usize::from(channels);
                        let seconds = frames as f64 / f64::from(sample_rate_hz);
                        self.agent
                            .refused(segment, Duration::from_secs_f64(seconds));
                        let message = error.to_string();
                        self.tell(ParticipantEvent::Warning { message });
                    }
                }
                AgentOutput::Flush { .. } => self.publisher.flush(),
                AgentOutput::Interrupt => self.publisher.interrupt(),
                AgentOutput::Perform(gesture) => {
                    // The avatar has it, or the protocol would not have let it through.
                    let _ = self.publisher.perform(&gesture);
                }
                AgentOutput::Send(packet) => {
                    if self.packets.len() < PACKETS_WAITING {
                        self.packets.push_back(packet);
                    }
                }
            }
        }
    }

    fn send_packets(&mut self) -> Ended {
        let Some(media) = &mut self.media else {
            return Ok(());
        };
        if self.packets.is_empty() || !media.peers.sends_data() {
            return Ok(());
        }
        while let Some(packet) = self.packets.front() {
            match media.peers.send(packet) {
                Ok(true) => self.packets.pop_front(),
                Ok(false) => break,
                Err(error) => return self.rejoin(format!("data failed: {error}")),
            };
        }
        // What was written is sent at once.
        self.turn_media()
    }

    /// Whether to stay.
    fn decide(&mut self) -> Ended {
        let now = Instant::now();
        let connected = self
            .line
            .as_ref()
            .is_some_and(|line| line.greet_by.is_none())
            && self.media.as_ref().is_some_and(|m| m.connect_by.is_none());
        if connected {
            self.lost_since = None;
        } else if let Some(since) = self.lost_since
            && now >= since + self.options.reconnect_limit
        {
            return Err(LeaveReason::Lost(self.cause.clone()));
        }
        match self.room.leaves() {
            Some((when, reason)) if self.joined && when <= now => Err(reason),
            _ => Ok(()),
        }
    }

    /// Says goodbye.
    fn end(&mut self) {
        if let Some(line) = &mut self.line {
            let leave = Leave {
                reason: REASON_CLIENT,
                action: 0,
            };
            let _ = line.signal.send(Request::Leave(leave));
            line.signal.close();
        }
        self.drop_media();
    }
}
