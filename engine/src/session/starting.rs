//! Conversations with an avatar: one begins, and how many there can be.

use crate::clock::Instant;
use std::time::Duration;

use super::{Avatar, FrameRequest, Session};
use crate::Result;
use crate::clock::{FRAME_DURATION, FRAME_SAMPLES, NETWORK_RATE_HZ};
use crate::frame::Frame;
use crate::options::{Pacing, SessionOptions};

impl Avatar {
    /// How many sessions of this avatar the engine's threads can keep speaking in real time, from
    /// the time that a frame of speech takes now, sound and picture at the avatar's size included. A
    /// machine that is busy with something else gives fewer.
    ///
    /// # Errors
    /// The errors of [`Session::next_frame`].
    ///
    /// # Real time
    /// Draws some forty frames.
    pub fn capacity(&self) -> Result<usize> {
        // The mouth is all there after three.
        const FRAMES: usize = 21;
        const TICK: usize = FRAME_SAMPLES as usize;
        // Loud, so that the mouth doesn't rest: a square wave of 200 Hz, with what is heard ahead.
        let voice: Vec<f32> = (0..(FRAMES + 4) * TICK)
            .map(|i| if i / 40 % 2 == 0 { 0.2 } else { -0.2 })
            .collect();
        let mut frame = Frame::new();
        let mut times = [Duration::MAX; FRAMES];
        // The base frames are decoded in the first round.
        for _ in 0..2 {
            let session = self.session(SessionOptions::default().pacing(Pacing::Unpaced))?;
            session.push_audio(&voice[..], NETWORK_RATE_HZ, 1)?;
            for time in &mut times {
                let begin = Instant::now();
                session.draw(&mut frame, FrameRequest::new())?;
                *time = begin.elapsed();
            }
        }
        times.sort_unstable();
        let frame = times[FRAMES / 2].as_secs_f64();
        // Where this gave 21 for a core, 24 left out 0.3 % of their pictures in one minute, and 18 left
        // out 9 % in another, when the machine was slower (benches/record/sessions.csv).
        let each = FRAME_DURATION.as_secs_f64() * 0.85 / frame;
        Ok((each * self.pool.threads() as f64) as usize)
    }

    /// Starts a conversation.
    ///
    /// # Errors
    /// - `InvalidArgument` if a setting is outside its domain.
    /// - `ProviderUnavailable` if the provider can't load the networks for all of the engine's threads.
    /// - `LimitExceeded` if it is one in real time and the engine serves
    ///   [as many as it may](crate::EngineBuilder::max_sessions).
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        self.data.load_for_all_threads()?;
        Session::new(self.clone(), options)
    }
}
