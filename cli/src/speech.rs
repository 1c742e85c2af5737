//! An audio file through a session: frames as they come, memory as flat as the blocks it is fed in.

use std::path::Path;
use std::time::{Duration, Instant};

use essence::{
    AudioData, Avatar, Error, ErrorKind, Frame, MAX_RATE_HZ, MIN_RATE_HZ, Pacing, SessionOptions,
};
use essence_media::{AudioReader, FRAME_RATE};

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// What [`frames`] went through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) frames: u64,
    /// Time inside the engine.
    pub(crate) engine_time: Duration,
    /// The user asked to stop before the end.
    pub(crate) interrupted: bool,
    /// What the user should know about the audio and the pictures.
    pub(crate) warnings: Vec<String>,
}

/// What a `sink` wants next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    More,
    /// Nobody is there to take more.
    Stop,
}

/// Opens the audio of a command.
pub(crate) fn open(path: &Path) -> Result<AudioReader, Failure> {
    let audio = AudioReader::open(path).map_err(Failure::audio)?;
    let rate = audio.sample_rate();
    if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate) {
        let message = format!(
            "audio file {} has {rate} samples a second; {MIN_RATE_HZ} to {MAX_RATE_HZ} can be used, \
             so convert it",
            path.display()
        );
        return Err(Failure::audio(Error::new(
            ErrorKind::UnsupportedFormat,
            message,
        )));
    }
    Ok(audio)
}

/// Renders all of `audio`, or up to `limit` frames of it, into `sink`, which may keep a frame and leave
/// another in its place.
pub(crate) fn frames(
    console: &Console,
    avatar: &Avatar,
    options: SessionOptions,
    audio: &mut AudioReader,
    limit: Option<u64>,
    interrupt: &Interrupt,
    mut sink: impl FnMut(&mut Frame) -> Result<Flow, Failure>,
) -> Result<Passed, Failure> {
    let rate = audio.sample_rate();
    let expected = audio
        .expected_samples()
        .map(|n| (n * u64::from(FRAME_RATE)).div_ceil(u64::from(rate)));
    let total = match (expected, limit) {
        (Some(expected), Some(limit)) => Some(expected.min(limit)),
        (expected, limit) => expected.or(limit),
    };
    let limit = limit.unwrap_or(u64::MAX);
    let mut progress = Progress::new(console.shows_progress(), total);
    let mut passed = Passed::default();
    let mut engine = Stopwatch::default();

    let session = engine.time(|| avatar.session(options.pacing(Pacing::Unpaced)))?;
    let mut frame = Frame::new();
    let mut flushed = false;
    while passed.frames < limit {
        if interrupt.requested() {
            passed.interrupted = true;
            break;
        }
        if engine.time(|| session.next_frame_into(&mut frame))? {
            passed.frames += 1;
            progress.update(passed.frames);
            if sink(&mut frame)? == Flow::Stop {
                break;
            }
        } else if flushed {
            break;
        } else if let Some(block) = audio.next_block().map_err(Failure::audio)? {
            engine.time(|| session.push_audio(AudioData::F32(block), rate, 1))?;
        } else {
            engine.time(|| session.flush());
            flushed = true;
        }
    }
    progress.clear();
    passed.engine_time = engine.0;

    if flushed && audio.missing_samples() > 0 {
        let seconds = audio.missing_samples() as f64 / f64::from(rate);
        passed.warnings.push(format!(
            "the audio file is cut off: {seconds:.2} s are missing at its end"
        ));
    }
    if audio.damaged_packets() > 0 {
        passed.warnings.push(format!(
            "{} damaged parts of the audio file became silence",
            audio.damaged_packets()
        ));
    }
    let concealed = session.statistics().concealed;
    if concealed > 0 {
        passed.warnings.push(format!(
            "{concealed} of {} pictures are not as they should be: a base frame of the avatar is damaged or a \
             network failed (--log warn says which)",
            passed.frames
        ));
    }
    for warning in &passed.warnings {
        console.warn(warning);
    }
    Ok(passed)
}

#[derive(Debug, Default)]
struct Stopwatch(Duration);

impl Stopwatch {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.0 += begin.elapsed();
        result
    }
}
