//! A conversation's frames, drawn, encoded once and handed to everybody who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use essence::clock::FRAME_DURATION;
use essence::{
    Avatar, Error, Frame, FrameRequest, Next, OutputSize, Pacing, PixelFormat, Result, Session,
    SessionOptions,
};
use essence_media::LiveVideoEncoder;

use crate::sound::SoundEncoder;
use crate::{Demand, Encoded, Picture, Sink};

/// Most pixels of a picture whose size follows from the avatar: 1280 × 720, level 3.1 of H.264, which
/// every browser decodes.
const MAX_PIXELS: usize = 1280 * 720;

/// Frames between two key frames that are sent because a watcher lost pictures: 500 ms.
const KEY_FRAME_DISTANCE: u64 = 13;

/// Frames between two raises of the bit rate: 480 ms. It sinks at once.
const RAISE_DISTANCE: u64 = 12;

/// Below this rate, in bits a second, every second picture is encoded.
const HALF_RATE_BPS: u32 = 300_000;

/// Settings of a [`Publisher`](crate::Publisher) or [`Pipeline`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublisherOptions {
    /// Settings of the session. Pacing is always real time and the format I420. Without an
    /// [`output_size`](SessionOptions::output_size), the pictures have the avatar's size, made even, and
    /// scaled down to the pixels of 1280 × 720 if it is larger; one that is given has to be even.
    pub session: SessionOptions,
    /// Bit rate of the pictures in bits a second (**50,000 to 20,000,000**). None: 1 Mbit/s at 512 × 512,
    /// 1.5 Mbit/s at 1280 × 720.
    pub picture_bitrate_bps: Option<u32>,
    /// Bit rate of the sound in bits a second (**6,000 to 128,000**).
    pub sound_bitrate_bps: u32,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            picture_bitrate_bps: None,
            sound_bitrate_bps: 48_000,
        }
    }
}

/// An event of a conversation. A reply is known by the tag that its audio was [pushed
/// with](Session::push_audio_tagged); 0 stands for none.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The conversation is over: closed, or (with an error) failed. Nothing follows.
    Closed {
        /// The failure. None: it was closed.
        error: Option<Error>,
    },
    /// A gesture is over.
    GestureEnded {
        /// The motion's place in [`essence::AvatarInfo::motions`].
        motion: usize,
    },
    /// A gesture begins.
    GestureStarted {
        /// The motion's place in [`essence::AvatarInfo::motions`].
        motion: usize,
    },
    /// An interruption has taken effect: nothing that was pushed before it is sent any more.
    Interrupted {
        /// The reply that was being spoken. None: none was.
        reply: Option<u64>,
        /// How much of it was sent.
        position: Duration,
    },
    /// A reply was sent up to `position`, frame by frame.
    Played {
        /// The reply.
        reply: u64,
        /// Time from its first sample.
        position: Duration,
    },
    /// A watcher is gone and was detached.
    SinkClosed {
        /// The watcher.
        sink: SinkId,
    },
    /// A reply was sent to its end.
    SpeechEnded {
        /// The reply.
        reply: u64,
        /// Its duration.
        position: Duration,
    },
    /// The first frame of a reply was sent.
    SpeechStarted {
        /// The reply.
        reply: u64,
        /// Number of the frame that it begins with.
        index: u64,
    },
}

/// The name of a watcher in its conversation.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SinkId(u64);

/// Numbers of a conversation since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublisherStatistics {
    /// Pictures that were encoded, once for all watchers.
    pub pictures: u64,
    /// Key frames among them.
    pub key_pictures: u64,
    /// Bytes of these pictures.
    pub picture_bytes: u64,
    /// Pieces of sound, 40 ms each, that were encoded.
    pub sounds: u64,
    /// Bytes of these pieces in Opus.
    pub sound_bytes: u64,
    /// The bit rate of the pictures now, in bits a second: the least that a watcher's connection carries, at
    /// most what was set.
    pub bitrate_bps: u32,
    /// Watchers now.
    pub sinks: usize,
}

/// Watchers to be attached and detached before the next frame.
#[derive(Default)]
struct Changes {
    next: u64,
    came: Vec<(SinkId, Box<dyn Sink>)>,
    gone: Vec<SinkId>,
}

/// Attaches and detaches watchers from any thread.
#[derive(Clone, Default)]
pub(crate) struct SinkChanges(Arc<Mutex<Changes>>);

impl SinkChanges {
    pub(crate) fn attach(&self, sink: Box<dyn Sink>) -> SinkId {
        let mut changes = self.changes();
        let id = SinkId(changes.next);
        changes.next += 1;
        changes.came.push((id, sink));
        id
    }

    pub(crate) fn detach(&self, id: SinkId) {
        let mut changes = self.changes();
        changes.came.retain(|(came, _)| *came != id);
        changes.gone.push(id);
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        lock(&self.0)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The reply that is being spoken.
#[derive(Clone, Copy)]
struct Speaking {
    reply: u64,
    position: Duration,
}

/// A conversation without a thread of its own: [`step`](Self::step) draws, encodes and sends one frame.
/// [`Publisher`](crate::Publisher) runs it in a thread.
pub struct Pipeline {
    session: Arc<Session>,
    changes: SinkChanges,
    sinks: Vec<(SinkId, Box<dyn Sink>)>,
    frame: Frame,
    video: LiveVideoEncoder,
    sound: SoundEncoder,
    bitrate_bps: u32,
    /// When frame 0 was due, as far as is known.
    start: Option<Instant>,
    last_key: Option<u64>,
    last_raise: u64,
    speaking: Option<Speaking>,
    interruptions: u64,
    statistics: Arc<Mutex<PublisherStatistics>>,
}

impl Pipeline {
    /// A conversation with `avatar`.
    ///
    /// # Errors
    /// - `InvalidArgument`: an odd or impossible output size.
    /// - The errors of [`Avatar::session`], `LimitExceeded` among them where there are too many sessions.
    pub fn new(avatar: &Avatar, options: PublisherOptions) -> Result<Self> {
        let mut session = options
            .session
            .pacing(Pacing::Realtime)
            .pixel_format(PixelFormat::I420)
            .pictures(true);
        if session.output_size.is_none() {
            let info = avatar.info();
            session.output_size = Some(picture_size(info.frame_width, info.frame_height));
        }
        let session = avatar.session(session)?;
        let (width, height) = session.frame_size();
        let bitrate_bps = options
            .picture_bitrate_bps
            .unwrap_or_else(|| default_bitrate(width * height))
            .clamp(
                LiveVideoEncoder::MIN_BITRATE_BPS,
                LiveVideoEncoder::MAX_BITRATE_BPS,
            );
        Ok(Self {
            video: LiveVideoEncoder::new(width, height, bitrate_bps)?,
            sound: SoundEncoder::new(options.sound_bitrate_bps)?,
            session: Arc::new(session),
            changes: SinkChanges::default(),
            sinks: Vec::new(),
            frame: Frame::new(),
            bitrate_bps,
            start: None,
            last_key: None,
            last_raise: 0,
            speaking: None,
            interruptions: 0,
            statistics: Arc::default(),
        })
    }

    /// The session, to push audio to and to control.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Attaches a watcher. Its pictures begin with a key frame.
    pub fn attach(&mut self, sink: impl Sink + 'static) -> SinkId {
        self.changes.attach(Box::new(sink))
    }

    pub(crate) fn changes(&self) -> SinkChanges {
        self.changes.clone()
    }

    /// Numbers since the conversation began.
    pub fn statistics(&self) -> PublisherStatistics {
        *lock(&self.statistics)
    }

    pub(crate) fn shared_statistics(&self) -> Arc<Mutex<PublisherStatistics>> {
        self.statistics.clone()
    }

    /// Waits until the next frame is due, draws it, encodes what the watchers want of it, sends it and
    /// tells `on_event` of what happened. Returns false where there was no frame yet, on a clock that is moved
    /// by hand. Nothing is encoded that nobody wants.
    ///
    /// # Errors
    /// - `Cancelled` after [`Session::cancel`].
    /// - The errors of [`Session::draw`] and of the encoders.
    pub fn step(&mut self, on_event: &mut impl FnMut(Event)) -> Result<bool> {
        if self.session.draw(&mut self.frame, FrameRequest::new())? != Next::Frame {
            return Ok(false);
        }
        let demand = self.update_sinks(on_event);
        let encoded = self.encode(demand)?;
        self.count(&encoded);
        if demand.pictures || demand.sound {
            let encoded = Arc::new(encoded);
            for (_, sink) in &mut self.sinks {
                sink.send(&encoded);
            }
        }
        self.report(on_event);
        Ok(true)
    }

    /// Attaches and detaches watchers, and sums up their demands.
    fn update_sinks(&mut self, on_event: &mut impl FnMut(Event)) -> Demand {
        {
            let mut changes = self.changes.changes();
            self.sinks.append(&mut changes.came);
            let gone = std::mem::take(&mut changes.gone);
            self.sinks.retain(|(id, _)| !gone.contains(id));
        }
        let mut sum = Demand::NOTHING;
        self.sinks.retain_mut(|(id, sink)| {
            let demand = sink.demand();
            if !demand.open {
                on_event(Event::SinkClosed { sink: *id });
                return false;
            }
            sum.pictures |= demand.pictures;
            sum.sound |= demand.sound;
            sum.key |= demand.pictures && demand.key;
            if let (true, Some(bps)) = (demand.pictures, demand.bitrate_bps) {
                sum.bitrate_bps = Some(sum.bitrate_bps.map_or(bps, |least: u32| least.min(bps)));
            }
            true
        });
        sum
    }

    fn encode(&mut self, demand: Demand) -> Result<Encoded> {
        let frame = &self.frame;
        let index = frame.index();
        let due = frame.due().unwrap_or_else(Instant::now);
        let offset = FRAME_DURATION.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
        let start = *self
            .start
            .get_or_insert_with(|| due.checked_sub(offset).unwrap_or(due));
        let skipped = u64::from(frame.flags().skipped);
        let rate_hz = frame.audio_rate_hz();
        let sound = self
            .sound
            .encode(frame.audio(), rate_hz, index, skipped, demand.sound)?;
        let picture = if demand.pictures {
            self.adapt_bitrate(index, demand.bitrate_bps)?;
            self.encode_picture(index, demand.key)?
        } else {
            None
        };
        Ok(Encoded {
            index,
            due: start + offset,
            interruptions: self.frame.interruptions(),
            picture,
            sound,
        })
    }

    fn encode_picture(&mut self, index: u64, key_wanted: bool) -> Result<Option<Picture>> {
        let key = key_wanted
            && self
                .last_key
                .is_none_or(|last| index >= last + KEY_FRAME_DISTANCE);
        let halved = self.video.bitrate_bps() < HALF_RATE_BPS;
        if halved && index % 2 == 1 && !key {
            return Ok(None);
        }
        let mut data = Vec::new();
        let encoded = self
            .video
            .encode(self.frame.pixels(), index, key, &mut data)?;
        if encoded == Some(true) {
            self.last_key = Some(index);
        }
        Ok(encoded.map(|key| Picture { key, data }))
    }

    /// Down at once, up in steps of time.
    fn adapt_bitrate(&mut self, index: u64, limit: Option<u32>) -> Result<()> {
        let wanted = limit.map_or(self.bitrate_bps, |limit| limit.min(self.bitrate_bps));
        let now = self.video.bitrate_bps();
        if wanted < now || (wanted > now && index >= self.last_raise + RAISE_DISTANCE) {
            self.last_raise = index;
            self.video.set_bitrate(wanted)?;
        }
        Ok(())
    }

    fn count(&self, encoded: &Encoded) {
        let mut statistics = lock(&self.statistics);
        statistics.bitrate_bps = self.video.bitrate_bps();
        statistics.sinks = self.sinks.len();
        if let Some(picture) = &encoded.picture {
            statistics.pictures += 1;
            statistics.key_pictures += u64::from(picture.key);
            statistics.picture_bytes += picture.data.len() as u64;
        }
        for sound in &encoded.sound {
            statistics.sounds += 1;
            statistics.sound_bytes += sound.opus.len() as u64;
        }
    }

    fn report(&mut self, on_event: &mut impl FnMut(Event)) {
        let frame = &self.frame;
        if frame.interruptions() != self.interruptions {
            self.interruptions = frame.interruptions();
            let speaking = self.speaking.take();
            on_event(Event::Interrupted {
                reply: speaking.map(|speaking| speaking.reply),
                position: speaking.map_or(Duration::ZERO, |speaking| speaking.position),
            });
        }
        if !frame.audio().is_empty() {
            let reply = frame.tag();
            let speaking = match self.speaking {
                Some(speaking) if speaking.reply == reply => speaking,
                before => {
                    if let Some(Speaking { reply, position }) = before {
                        on_event(Event::SpeechEnded { reply, position });
                    }
                    let index = frame.index() - u64::from(frame.flags().skipped).min(frame.index());
                    on_event(Event::SpeechStarted { reply, index });
                    Speaking {
                        reply,
                        position: Duration::ZERO,
                    }
                }
            };
            let seconds = frame.audio().len() as f64 / f64::from(frame.audio_rate_hz());
            let position = speaking.position + Duration::from_secs_f64(seconds);
            self.speaking = Some(Speaking { reply, position });
            on_event(Event::Played { reply, position });
        }
        if frame.flags().end_of_speech
            && let Some(Speaking { reply, position }) = self.speaking.take()
        {
            on_event(Event::SpeechEnded { reply, position });
        }
        if let Some(motion) = frame.gesture_ended() {
            on_event(Event::GestureEnded { motion });
        }
        if let Some(motion) = frame.gesture_started() {
            on_event(Event::GestureStarted { motion });
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("session", &self.session)
            .field("sinks", &self.sinks.len())
            .field("bitrate_bps", &self.video.bitrate_bps())
            .finish_non_exhaustive()
    }
}

/// The avatar's size, even, and not more than [`MAX_PIXELS`].
fn picture_size(width: usize, height: usize) -> OutputSize {
    let scale = (MAX_PIXELS as f64 / (width * height) as f64)
        .sqrt()
        .min(1.0);
    let even = |length: usize| ((length as f64 * scale) as usize / 2 * 2).max(16);
    OutputSize {
        width: even(width),
        height: even(height),
    }
}

/// 1 Mbit/s at 512 × 512 and 1.5 Mbit/s at 1280 × 720, and a straight line through both.
fn default_bitrate(pixels: usize) -> u32 {
    (800_000 + pixels as u64 * 3 / 4).min(u64::from(u32::MAX)) as u32
}
