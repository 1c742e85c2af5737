//! A request for a session's next frame, and the answer.

use std::time::Duration;

use super::target::Target;
use crate::PictureMut;
#[cfg(feature = "gpu-compose")]
use crate::compose::gpu::Canvas;

/// A request for a session's next frame: the picture's destination, and how long to wait.
///
/// ```no_run
/// # use essence::{Frame, FrameRequest, Next, PictureMut, PixelFormat, Session, Wait};
/// # fn draw(session: &Session, bytes: &mut [u8]) -> essence::Result<()> {
/// let mut frame = Frame::new();
/// let mut picture = PictureMut::packed(PixelFormat::Bgra8, session.frame_size(), bytes)?;
/// match session.draw(&mut frame, FrameRequest::into_memory(&mut picture).wait(Wait::Never))? {
///     Next::Frame => { /* show the picture, play frame.audio() */ }
///     Next::Pending => { /* not due yet */ }
///     Next::NeedAudio | Next::Done => { /* unpaced only */ }
///     _ => {}
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct FrameRequest<'a, 'b> {
    pub(super) target: Target<'a, 'b>,
    pub(super) wait: Wait,
}

/// How long to wait for a frame that is not due yet. Only real-time sessions on the system's clock
/// or a host's wait.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wait {
    /// No longer than this.
    AtMost(Duration),
    /// Not at all.
    Never,
    /// Until it is due.
    #[default]
    UntilDue,
}

/// The answer to a [`FrameRequest`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Next {
    /// There is no audio left: every utterance is complete. Unpaced sessions only. The next
    /// [`push_audio`](crate::Session::push_audio) begins a new utterance.
    Done,
    /// The frame was drawn.
    Frame,
    /// The utterance goes on, but the next frame needs more audio, or a
    /// [`flush`](crate::Session::flush). Unpaced sessions only.
    NeedAudio,
    /// The next frame is not due yet; in an unpaced session, speech is
    /// [paused](crate::Session::set_paused).
    Pending,
}

impl Next {
    /// Whether the frame was drawn.
    pub fn is_frame(self) -> bool {
        self == Self::Frame
    }
}

impl<'a, 'b> FrameRequest<'a, 'b> {
    /// The picture goes into the [`Frame`](crate::Frame) itself; waits until it is due.
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture goes straight into memory of the caller's, in any format; the frame's own
    /// [`pixels`](crate::Frame::pixels) stay empty.
    pub fn into_memory(picture: &'a mut PictureMut<'b>) -> Self {
        Self {
            target: Target::Memory(picture),
            wait: Wait::default(),
        }
    }

    /// A graphics processor composes the picture into the texture of `canvas`, which is one of the
    /// session's avatar; the frame's own [`pixels`](crate::Frame::pixels) stay empty. Submits work to
    /// the device and doesn't wait for it. `wgpu` allocates.
    #[cfg(feature = "gpu-compose")]
    pub fn into_canvas(canvas: &'a mut Canvas) -> Self {
        Self {
            target: Target::Canvas(canvas),
            wait: Wait::default(),
        }
    }

    /// The same request, waiting so long.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }
}
