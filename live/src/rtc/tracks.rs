//! The two tracks that a peer is sent, and what is written to them.

use std::time::{Duration, Instant};

use str0m::format::Codec;
use str0m::media::{Frequency, MediaKind, MediaTime, Mid, Pt};
use str0m::{Rtc, RtcError};

use crate::FRAME_SAMPLES;
use crate::send_queue::QueuedFrame;

/// Samples of the video clock, 90 kHz, in a frame.
const VIDEO_TICKS: u64 = 90_000 / essence::clock::FRAME_RATE as u64;

/// How far pictures go ahead of their sound. Browsers hold them back until the sound that was sent with
/// them has passed its jitter buffer, which is longer than theirs by more than this; told that they belong
/// to earlier sound, they show them earlier. Nobody sees up to 125 ms (ITU-R BT.1359-1).
const LEAD: Duration = Duration::from_millis(40);

/// Constrained baseline, any level: what OpenH264 encodes (`profile-level-id=42e0xx`).
const CONSTRAINED_BASELINE: u32 = 0x42e0;

/// The tracks of a connection.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) video: Option<Mid>,
    pub(crate) audio: Option<Mid>,
    video_type: Option<Pt>,
    audio_type: Option<Pt>,
}

/// A picture or a piece of sound for one of the tracks. str0m is to be polled after each.
#[derive(Debug)]
pub(crate) struct Write {
    mid: Mid,
    payload_type: Pt,
    /// The moment that `time` stands for. Senders' reports carry both, and browsers play together what was at
    /// the same moment.
    due: Instant,
    time: MediaTime,
    data: Vec<u8>,
}

impl Tracks {
    /// A medium that was agreed on. The first of each kind is used.
    pub(crate) fn add(&mut self, mid: Mid, kind: MediaKind) {
        match kind {
            MediaKind::Video => self.video = self.video.or(Some(mid)),
            MediaKind::Audio => self.audio = self.audio.or(Some(mid)),
        }
    }

    /// The parts of a frame that are to be written.
    pub(crate) fn writes(&mut self, rtc: &mut Rtc, queued: &QueuedFrame) -> Vec<Write> {
        self.find_payload_types(rtc);
        let frame = &queued.frame;
        let mut writes = Vec::new();
        if let (true, Some(mid), Some(payload_type)) = (queued.sound, self.audio, self.audio_type) {
            writes.extend(frame.sound.iter().map(|sound| Write {
                mid,
                payload_type,
                due: frame.due,
                time: MediaTime::new(
                    sound.index * FRAME_SAMPLES as u64,
                    Frequency::FORTY_EIGHT_KHZ,
                ),
                data: sound.opus.clone(),
            }));
        }
        if let (true, Some(picture), Some(mid), Some(payload_type)) =
            (queued.picture, &frame.picture, self.video, self.video_type)
        {
            writes.push(Write {
                mid,
                payload_type,
                due: frame.due.checked_sub(LEAD).unwrap_or(frame.due),
                time: MediaTime::from_90khz(frame.index * VIDEO_TICKS),
                data: picture.data.clone(),
            });
        }
        writes
    }

    /// The payload types are known some time after the connection is.
    fn find_payload_types(&mut self, rtc: &mut Rtc) {
        if let (None, Some(mid)) = (self.video_type, self.video)
            && let Some(writer) = rtc.writer(mid)
        {
            let found = writer.payload_params().find(|params| {
                let format = params.spec().format;
                params.spec().codec == Codec::H264
                    && format.packetization_mode == Some(1)
                    && format
                        .profile_level_id
                        .is_some_and(|id| id >> 8 == CONSTRAINED_BASELINE)
            });
            self.video_type = found.map(|params| params.pt());
        }
        if let (None, Some(mid)) = (self.audio_type, self.audio)
            && let Some(writer) = rtc.writer(mid)
        {
            let found = writer
                .payload_params()
                .find(|params| params.spec().codec == Codec::Opus);
            self.audio_type = found.map(|params| params.pt());
        }
    }
}

impl Write {
    /// Hands it to `rtc`. Returns whether the track is there.
    pub(crate) fn apply(self, rtc: &mut Rtc) -> Result<bool, RtcError> {
        let Some(writer) = rtc.writer(self.mid) else {
            return Ok(false);
        };
        writer.write(self.payload_type, self.due, self.time, self.data)?;
        Ok(true)
    }
}
