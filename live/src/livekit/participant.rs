//! A participant's thread: signalling, media, the agent's protocol, and coming back.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use essence::{Avatar, Error, ErrorKind, Result};
use mio::{Events, Poll, Token, Waker};

use super::inbox::Inbox;
use super::messages::{Leave, REASON_CLIENT, Request, TrackPublished};
use super::peers::{Peers, PeersEvent};
use super::room::{Limits, Room};
use super::signal::{ConnectError, Resumed, Signal};
use super::{AgentOutput, AgentProtocol, JoinOptions, LeaveReason, ParticipantEvent};
use crate::pipeline::lock;
use crate::{Event, Publisher, SinkId};

const WAKER: Token = Token(0);
pub(super) const SOCKET: Token = Token(1);
pub(super) const SIGNAL: Token = Token(2);

/// Longest wait where nothing asks for a shorter one.
pub(super) const IDLE: Duration = Duration::from_secs(1);

/// The time for media to connect after joining or coming back.
pub(super) const MEDIA_LIMIT: Duration = Duration::from_secs(15);

/// The first wait between tries to connect, which doubles.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Most data packets that wait for their channel.
const PACKETS_WAITING: usize = 1_024;

type OnEvent = Box<dyn FnMut(ParticipantEvent) + Send>;

/// A connection that is being made.
pub(super) struct Dialing {
    pub(super) result: Receiver<std::result::Result<Signal, ConnectError>>,
    pub(super) resumed: Resumed,
}

/// An open signalling connection.
pub(super) struct Line {
    pub(super) signal: Signal,
    /// When the server has to have greeted; none once it has.
    pub(super) greet_by: Option<Instant>,
    pub(super) ping_every: Duration,
    pub(super) ping_at: Instant,
    pub(super) silent_for: Duration,
    pub(super) heard: Instant,
}

/// Media, as long as the server knows this session.
pub(super) struct Media {
    pub(super) sid: String,
    pub(super) peers: Peers,
    pub(super) sink: SinkId,
    pub(super) tracks: Vec<TrackPublished>,
    /// When they have to be connected; none while they are.
    pub(super) connect_by: Option<Instant>,
}

pub(super) struct Runner {
    pub(super) options: JoinOptions,
    pub(super) on_event: OnEvent,
    pub(super) poll: Poll,
    pub(super) inbox: Arc<Inbox>,
    pub(super) publisher: Publisher,
    pub(super) agent: AgentProtocol,
    pub(super) room: Room,
    pub(super) dialing: Option<Dialing>,
    pub(super) line: Option<Line>,
    pub(super) media: Option<Media>,
    pub(super) packets: VecDeque<Vec<u8>>,
    pub(super) joined: bool,
    pub(super) published: bool,
    /// Since when the participant is not wholly connected.
    pub(super) lost_since: Option<Instant>,
    pub(super) cause: String,
    pub(super) dial_at: Option<Instant>,
    pub(super) wait: Duration,
}

/// The reason to end.
pub(super) type Ended = std::result::Result<(), LeaveReason>;

pub(super) fn start(
    avatar: &Avatar,
    options: JoinOptions,
    mut on_event: OnEvent,
) -> Result<(Arc<Inbox>, JoinHandle<()>)> {
    let failed =
        |cause| Error::new(ErrorKind::Io, "no thread for a participant").with_source(cause);
    let poll = Poll::new().map_err(failed)?;
    let waker = Waker::new(poll.registry(), WAKER).map_err(failed)?;
    let inbox = Arc::new(Inbox::new(waker));
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
                // A message of a server or an agent must end this participant at most.
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
    pub(super) fn step(&mut self) -> Ended {
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

    pub(super) fn tell(&mut self, event: ParticipantEvent) {
        (self.on_event)(event);
    }

    /// Requests of other threads.
    fn mail(&mut self) -> Ended {
        let (leave, events, speech) = {
            let mut mail = lock(&self.inbox.inner);
            mail.statistics = self.publisher.statistics();
            let events = std::mem::take(&mut mail.events);
            let speech = std::mem::take(&mut mail.speech);
            (mail.leave, events, speech)
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
        for (rate_hz, samples) in speech {
            match self
                .publisher
                .session()
                .push_audio(&samples[..], rate_hz, 1)
            {
                Ok(()) => self.publisher.flush(),
                Err(error) => self.tell(ParticipantEvent::Warning {
                    message: error.to_string(),
                }),
            }
        }
        if leave {
            return Err(LeaveReason::Asked);
        }
        Ok(())
    }

    pub(super) fn meet_agent(&mut self) {
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

    pub(super) fn turn_media(&mut self) -> Ended {
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

    pub(super) fn send_packets(&mut self) -> Ended {
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
        // The written packets are sent at once.
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
    pub(super) fn end(&mut self) {
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
