//! Frames for executors: polls that register a waker where no frame is there yet, and the stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Session;
use super::frame_request::{FrameRequest, Wait};
use crate::clock::Clock;
use crate::frame::Frame;
use crate::options::Pacing;
use crate::{ErrorKind, Result};

impl Session {
    /// Polls for the next frame.
    ///
    /// Pending stands for every answer of [`draw`](Self::draw) but [`Next::Frame`](crate::Next::Frame).
    /// The task is woken as soon as there may be a frame: in real time when it is due, on a
    /// [manual clock](crate::clock::ManualClock) when that moves, unpaced when audio is pushed or
    /// flushed. It may be woken without a frame being there. The waker registered last is woken.
    ///
    /// # Errors
    /// The errors of [`next_frame`](Self::next_frame).
    ///
    /// # Real time
    /// Draws in the calling thread, as [`next_frame`](Self::next_frame) does. Waits for a frame that
    /// another thread is drawing.
    pub fn poll_next_frame(&self, context: &mut Context<'_>) -> Poll<Result<Frame>> {
        let mut frame = Frame::new();
        let drawn = self.poll_draw(context, &mut frame, FrameRequest::new());
        drawn.map(|drawn| drawn.map(|()| frame))
    }

    /// The same as [`poll_next_frame`](Self::poll_next_frame) as `request` asks for it, into a frame
    /// that is used again. Polling never waits, whatever the request says.
    ///
    /// # Errors
    /// The errors of [`draw`](Self::draw).
    pub fn poll_draw(
        &self,
        context: &mut Context<'_>,
        frame: &mut Frame,
        request: FrameRequest<'_, '_>,
    ) -> Poll<Result<()>> {
        let waker = context.waker();
        let paced = self.core.options.pacing == Pacing::Realtime;
        // Before drawing is tried, so that nothing that happens meanwhile is missed.
        self.core.wakeup.register(waker);
        if let (true, Clock::Manual(clock)) = (paced, &self.core.options.clock) {
            clock.wake_when_moved(waker);
        }
        match self.draw(frame, request.wait(Wait::Never)) {
            Ok(next) if next.is_frame() => return Poll::Ready(Ok(())),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        if let Some(at) = self.core.next_due().filter(|_| paced)
            && self.core.wakeup.set(at)
        {
            let timer = self.core.pool.timer();
            timer.wake_at(at, waker.clone());
        }
        Poll::Pending
    }

    /// The frames as a stream, which ends after the error `Cancelled` and not before.
    ///
    /// ```no_run
    /// # async fn show(session: essence::Session) -> essence::Result<()> {
    /// use std::future::poll_fn;
    /// use std::pin::pin;
    /// # use futures_core::Stream as _;
    ///
    /// let mut frames = pin!(session.frames());
    /// while let Some(frame) = poll_fn(|context| frames.as_mut().poll_next(context)).await {
    ///     let frame = frame?;
    ///     // show frame.pixels(), play frame.audio()
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn frames(&self) -> Frames<'_> {
        Frames {
            session: self,
            ended: false,
        }
    }
}

/// The frames of a [`Session`] as a stream: see [`Session::frames`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Frames<'a> {
    session: &'a Session,
    ended: bool,
}

impl Stream for Frames<'_> {
    type Item = Result<Frame>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = self.session.poll_next_frame(context);
        if let Poll::Ready(Err(error)) = &polled {
            self.ended = error.kind() == ErrorKind::Cancelled;
        }
        polled.map(Some)
    }
}
