//! Conversations.

use std::time::Duration;

use essence::clock::{Clock, HostClock};
use essence::{
    Background, Error, ErrorKind, Fit, Frame, FrameRequest, Next, OutputSize, Pacing, PictureMut,
    PixelFormat, Result, Session, SessionOptions,
};

use crate::avatar::emotion;
use crate::error::give;
use crate::world::{Thing, with};

/// A session and its last frame.
pub(crate) struct Conversation {
    pub(crate) session: Session,
    clock: HostClock,
    frame: Frame,
    /// RGBA.
    picture: Vec<u8>,
    facts: Facts,
}

/// The facts about a frame, each a double.
type Facts = [f64; 16];

/// Pacing by the sound card's clock; other numbers: unpaced.
const REALTIME: u32 = 1;
/// No background.
const NO_COLOR: i32 = -1;

/// Starts a session: its handle. A width of 0 stands for the avatar's own size. `fit`: 0 contain, 1
/// cover. `background`: red, green and blue as one number, or -1.
#[unsafe(no_mangle)]
pub extern "C" fn web_session(
    avatar: i32,
    pacing: u32,
    width: u32,
    height: u32,
    fit: u32,
    background: i32,
) -> i32 {
    give(with(|world| {
        let clock = HostClock::new();
        let mut options = SessionOptions::default()
            .pixel_format(PixelFormat::Rgba8)
            .pacing(match pacing {
                REALTIME => Pacing::Realtime,
                _ => Pacing::Unpaced,
            })
            .clock(Clock::Host(clock.clone()));
        if width != 0 {
            let (width, height) = (width as usize, height as usize);
            options = options.output_size(OutputSize { width, height });
        }
        if fit == 1 {
            options = options.fit(Fit::Cover);
        }
        if background != NO_COLOR {
            let [_, red, green, blue] = background.to_be_bytes();
            options = options.background(Background::Color([red, green, blue]));
        }
        let session = world.avatar(avatar)?.session(options)?;
        let (width, height) = session.frame_size();
        world.add(Thing::Session(Box::new(Conversation {
            picture: vec![0; PixelFormat::Rgba8.buffer_len(width, height)],
            session,
            clock,
            frame: Frame::new(),
            facts: [0.0; 16],
        })))
    }))
}

/// Pushes `count` samples out of a buffer, 32-bit floats, interleaved.
#[unsafe(no_mangle)]
pub extern "C" fn web_push(
    session: i32,
    address: usize,
    count: usize,
    rate_hz: u32,
    channels: u32,
) -> i32 {
    give(with(|world| {
        let samples = world.buffers.floats(address, count)?;
        let channels = u16::try_from(channels).unwrap_or(u16::MAX);
        let session = &world.session(session)?.session;
        session.push_audio(&samples[..], rate_hz, channels)?;
        Ok(0)
    }))
}

/// Ends the utterance.
#[unsafe(no_mangle)]
pub extern "C" fn web_flush(session: i32) -> i32 {
    call(session, |conversation| {
        conversation.session.flush();
        Ok(())
    })
}

/// Drops everything that is queued.
#[unsafe(no_mangle)]
pub extern "C" fn web_interrupt(session: i32) -> i32 {
    call(session, |conversation| {
        conversation.session.interrupt();
        Ok(())
    })
}

/// Pauses speech, or lets it go on if `paused` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn web_pause(session: i32, paused: u32) -> i32 {
    call(session, |conversation| {
        conversation.session.set_paused(paused != 0);
        Ok(())
    })
}

/// Mutes speech, or lets it be heard again if `muted` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn web_mute(session: i32, muted: u32) -> i32 {
    call(session, |conversation| {
        conversation.session.set_muted(muted != 0);
        Ok(())
    })
}

/// Plays the motion whose name is in a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn web_perform(session: i32, address: usize, length: usize) -> i32 {
    give(with(|world| {
        let name = world.buffers.text(address, length)?.to_owned();
        world.session(session)?.session.perform(&name)?;
        Ok(0)
    }))
}

/// Shows the emotion whose name is in a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn web_emotion(session: i32, address: usize, length: usize, strength: f32) -> i32 {
    give(with(|world| {
        let emotion = emotion(world.buffers.text(address, length)?)?;
        world
            .session(session)?
            .session
            .set_emotion(emotion, strength)?;
        Ok(0)
    }))
}

/// Says how many seconds of sound have been played.
#[unsafe(no_mangle)]
pub extern "C" fn web_position(session: i32, seconds: f64) -> i32 {
    call(session, |conversation| {
        let position = Duration::try_from_secs_f64(seconds).map_err(|_| {
            let message = format!("the sound's position is {seconds} s");
            Error::new(ErrorKind::InvalidArgument, message)
        })?;
        conversation.clock.set_position(position);
        Ok(())
    })
}

/// Starts real time anew: the next frame is due at once.
#[unsafe(no_mangle)]
pub extern "C" fn web_restart(session: i32) -> i32 {
    call(session, |conversation| {
        conversation.session.restart_clock();
        Ok(())
    })
}

/// Draws the next frame, if it is due: 1 if there is one, 0 if not yet or not without more audio, 2 if
/// everything that was pushed has been drawn.
#[unsafe(no_mangle)]
pub extern "C" fn web_next(session: i32) -> i32 {
    give(with(|world| world.session(session)?.draw()))
}

/// Address of what is said of the last frame, sixteen doubles: address of the picture, width, height;
/// address of its sound, samples, their rate; address of the ARKit values, their number; index of the
/// frame, its flags (bits: speech, end of speech, underrun, late, muted, concealed), skipped pictures,
/// interruptions, the gestures that began and ended (-1: none), the base frame's number, 0.
#[unsafe(no_mangle)]
pub extern "C" fn web_frame(session: i32) -> usize {
    with(|world| {
        let conversation = world
            .session(session)
            .map_err(|error| crate::error::keep(&error));
        conversation.map_or(0, |conversation| conversation.facts.as_ptr().addr())
    })
}

/// Counts since the session began, as five doubles in the buffer at `out`: frames, skipped pictures,
/// underruns, concealed frames, restarts of the clock.
#[unsafe(no_mangle)]
pub extern "C" fn web_statistics(session: i32, out: usize) -> i32 {
    give(with(|world| {
        let counts = world.session(session)?.session.statistics();
        let counts = [
            counts.frames,
            counts.skipped,
            counts.underruns,
            counts.concealed,
            counts.restarts,
        ];
        world
            .buffers
            .set_doubles(out, &counts.map(|count| count as f64))?;
        Ok(0)
    }))
}

fn call(session: i32, f: impl FnOnce(&mut Conversation) -> Result<()>) -> i32 {
    give(with(|world| f(world.session(session)?).map(|()| 0)))
}

impl Conversation {
    fn draw(&mut self) -> Result<i32> {
        let size = self.session.frame_size();
        let mut picture = PictureMut::packed(PixelFormat::Rgba8, size, &mut self.picture)?;
        let request = FrameRequest::into_memory(&mut picture).wait(essence::Wait::Never);
        let next = self.session.draw(&mut self.frame, request)?;
        Ok(match next {
            Next::Frame => {
                self.tell(size);
                1
            }
            Next::Done => 2,
            _ => 0,
        })
    }

    fn tell(&mut self, (width, height): (usize, usize)) {
        let frame = &self.frame;
        let flags = frame.flags();
        let bits = [
            flags.speech,
            flags.end_of_speech,
            flags.underrun,
            flags.late,
            flags.muted,
            flags.concealed,
        ];
        let bits = (0..).zip(bits).map(|(bit, set)| u32::from(set) << bit);
        let place = |gesture: Option<usize>| gesture.map_or(-1.0, |place| place as f64);
        self.facts = [
            self.picture.as_ptr().addr() as f64,
            width as f64,
            height as f64,
            frame.audio().as_ptr().addr() as f64,
            frame.audio().len() as f64,
            frame.audio_rate_hz().into(),
            frame.arkit().as_ptr().addr() as f64,
            frame.arkit().len() as f64,
            frame.index() as f64,
            bits.sum::<u32>().into(),
            flags.skipped.into(),
            frame.interruptions() as f64,
            place(frame.gesture_started()),
            place(frame.gesture_ended()),
            frame.base_frame() as f64,
            0.0,
        ];
    }
}
