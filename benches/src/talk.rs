//! A conversation to be timed frame by frame.

use essence::{Avatar, Frame, FrameRequest, Pacing, Session, SessionOptions};

use crate::voice;

/// A session that speaks without end.
#[derive(Debug)]
pub struct Talk {
    session: Session,
    voice: Vec<f32>,
    piece: usize,
    frame: Frame,
}

impl Talk {
    /// A new one, by 40 ms at 16 kHz.
    ///
    /// # Panics
    /// If the avatar gives no session.
    pub fn new(avatar: &Avatar) -> Self {
        let options = SessionOptions::default().pacing(Pacing::Unpaced);
        Self {
            session: avatar.session(options).expect("the options are valid"),
            voice: voice(16_000, 16_000),
            piece: 0,
            frame: Frame::new(),
        }
    }

    /// Pushes 40 ms until a frame is drawn.
    ///
    /// # Panics
    /// If rendering fails.
    pub fn frame(&mut self) {
        loop {
            let begin = self.piece % 25 * 640;
            let piece = &self.voice[begin..begin + 640];
            let push = self.session.push_audio(piece, 16_000, 1);
            push.expect("the audio is valid");
            self.piece += 1;
            let next = self.session.draw(&mut self.frame, FrameRequest::new());
            if next.expect("rendering works").is_frame() {
                return;
            }
        }
    }
}
