//! Speech to an MP4 file.

use std::path::Path;

use essence::{
    AudioData, Avatar, Error, ErrorKind, Frame, FrameRequest, Pacing, PixelFormat, Result,
    SessionOptions,
};
use essence_brain::Cancel;
use essence_media::{AudioReader, FRAME_RATE, Mp4Options, Mp4Writer, Quality};

/// Sound of a film, block by block.
pub(crate) trait Sound {
    /// Samples a second.
    fn rate_hz(&self) -> u32;

    /// The next samples, mono; none at the end.
    ///
    /// # Errors
    /// It can't be read.
    fn next(&mut self) -> Result<Option<&[f32]>>;
}

impl Sound for AudioReader {
    fn rate_hz(&self) -> u32 {
        self.sample_rate()
    }

    fn next(&mut self) -> Result<Option<&[f32]>> {
        self.next_block()
    }
}

/// Samples in memory.
pub(crate) struct Samples {
    rate_hz: u32,
    samples: Vec<f32>,
    taken: bool,
}

impl Samples {
    pub(crate) fn new(rate_hz: u32, samples: Vec<f32>) -> Self {
        Self {
            rate_hz,
            samples,
            taken: false,
        }
    }
}

impl Sound for Samples {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn next(&mut self) -> Result<Option<&[f32]>> {
        let first = !std::mem::replace(&mut self.taken, true);
        Ok(first.then_some(&self.samples))
    }
}

/// Writes a film of an avatar that speaks, and performs a gesture at its beginning; gives its frames. More
/// than `max_frames` are an error.
///
/// # Errors
/// `LimitExceeded`: the sound is longer. `Cancelled`: it is no longer wanted. Those of the engine and of
/// files.
pub(crate) fn write(
    avatar: &Avatar,
    sound: &mut dyn Sound,
    path: &Path,
    max_frames: u64,
    gesture: Option<&str>,
    cancel: &Cancel,
) -> Result<u64> {
    let rate_hz = sound.rate_hz();
    let options = SessionOptions::default()
        .pixel_format(PixelFormat::I420)
        .pacing(Pacing::Unpaced);
    let session = avatar.session(options)?;
    let (width, height) = session.frame_size();
    let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut writer = Mp4Writer::create(
        path,
        &Mp4Options {
            width: size(width),
            height: size(height),
            sample_rate_hz: rate_hz,
            quality: Quality::Medium,
        },
    )?;
    if let Some(name) = gesture {
        session.perform(name)?;
    }
    let (mut frame, mut frames, mut flushed) = (Frame::new(), 0, false);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "stopped"));
        }
        if session.draw(&mut frame, FrameRequest::new())?.is_frame() {
            frames += 1;
            if frames > max_frames {
                let seconds = max_frames / u64::from(FRAME_RATE);
                let message = format!("the video would be longer than {seconds} s");
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
            writer.write_frame(frame.pixels())?;
            writer.write_audio(frame.audio())?;
        } else if flushed {
            break;
        } else if let Some(block) = sound.next()? {
            session.push_audio(AudioData::F32(block), rate_hz, 1)?;
        } else {
            session.flush();
            flushed = true;
        }
    }
    if frames == 0 {
        let message = "there is no sound in it";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    writer.finish()?;
    Ok(frames)
}
