//! An audio file through a session, block by block, so that memory doesn't grow with its length.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use essence::{
    AudioData, Avatar, Error, ErrorKind, Frame, FrameRequest, MAX_RATE_HZ, MIN_RATE_HZ, Pacing,
    SessionOptions,
};
use essence_media::{AudioReader, FRAME_RATE};

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// The result of [`frames`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    pub(crate) frames: u64,
    /// Time inside the engine.
    pub(crate) engine_time: Duration,
    /// The user asked to stop before the end.
    pub(crate) interrupted: bool,
    /// Sentences on what is wrong with the audio and the pictures, already printed.
    pub(crate) warnings: Vec<String>,
}

/// Whether a `sink` takes more frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    More,
    /// Its reader is gone.
    Stop,
}

/// Opens the audio of a command; `-` is standard input.
pub(crate) fn open(path: &Path, interrupt: &Interrupt) -> Result<AudioReader, Failure> {
    let stdin = path == Path::new("-");
    if stdin && std::io::stdin().is_terminal() {
        return Err(Failure::argument(
            "-a - reads audio from standard input, which is a terminal; pipe a file into it",
        ));
    }
    let audio = interrupt.waiting(|| match stdin {
        true => AudioReader::from_stream(std::io::stdin(), "standard input"),
        false => AudioReader::open(path),
    });
    let audio = audio.map_err(Failure::audio)?;
    let rate = audio.sample_rate();
    if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate) {
        let message = format!(
            "audio file {} has {rate} samples a second; convert it to a rate from {MIN_RATE_HZ} to \
             {MAX_RATE_HZ}",
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
        if engine
            .time(|| session.draw(&mut frame, FrameRequest::new()))?
            .is_frame()
        {
            passed.frames += 1;
            progress.update(passed.frames);
            if sink(&mut frame)? == Flow::Stop {
                break;
            }
        } else if flushed {
            break;
        } else if let Some(block) = interrupt
            .waiting(|| audio.next_block())
            .map_err(Failure::audio)?
        {
            engine.time(|| session.push_audio(AudioData::F32(block), rate, 1))?;
        } else {
            engine.time(|| session.flush());
            flushed = true;
        }
    }
    progress.clear();
    passed.engine_time = engine.0;

    passed.warnings = audio.warnings();
    let concealed = session.statistics().concealed;
    if concealed > 0 {
        passed.warnings.push(format!(
            "{concealed} of {} pictures are not as they should be: a base frame of the avatar is damaged or a \
             network failed; get a fresh copy of the avatar, or try --provider cpu",
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
