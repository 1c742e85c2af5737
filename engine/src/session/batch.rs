//! Frames of one session, or of several of one avatar, prepared together: each network runs once for
//! all of them.

use crate::clock::Instant;
use std::sync::Mutex;
use std::thread;

use arrayvec::ArrayVec;

use super::input::Input;
use super::plan::{FrameKind, Plan};
use super::prepare_request::PrepareRequest;
use super::renderer::Renderer;
use super::ring::PreparedFrame;
use crate::avatar::AvatarData;
use crate::clock::FRAME_DURATION;
use crate::infer::BATCH;
use crate::{Error, ErrorKind, Result};

/// One session's next frame.
pub(super) struct Work<'a> {
    renderer: &'a mut Renderer,
    input: &'a Mutex<Input>,
    request: PrepareRequest<'a>,
    frame: &'a mut PreparedFrame,
    stage: Stage,
}

/// How far a frame is.
enum Stage {
    Planned(Plan),
    /// No frame comes of it.
    None(FrameKind),
    /// It has its sound and all of its picture but the mouth.
    Taken(FrameKind),
    /// The draw was cancelled while it waited; the frame is taken back.
    Cancelled(Error),
}

/// The works that a network runs for.
type Run<'a, 'b> = ArrayVec<&'a mut Work<'b>, BATCH>;

impl<'a> Work<'a> {
    /// Plans a session's next frame, into `frame`.
    pub(super) fn new(
        renderer: &'a mut Renderer,
        input: &'a Mutex<Input>,
        request: PrepareRequest<'a>,
        frame: &'a mut PreparedFrame,
    ) -> Self {
        let stage = Stage::Planned(renderer.plan(input, request, frame));
        Self {
            renderer,
            input,
            request,
            frame,
            stage,
        }
    }

    /// The kind that the frame turned out to be. Where no frame comes of it, the kind says why.
    ///
    /// # Errors
    /// `Cancelled`: a wait on the way was. The sound is back in the queue.
    pub(super) fn finish(self) -> Result<FrameKind> {
        match self.stage {
            Stage::Planned(Plan { kind, .. }) | Stage::None(kind) | Stage::Taken(kind) => Ok(kind),
            Stage::Cancelled(error) => Err(error),
        }
    }

    fn needs_speech(&self) -> bool {
        matches!(&self.stage, Stage::Planned(plan) if plan.needs_speech())
    }

    fn needs_identity(&self) -> bool {
        matches!(self.stage, Stage::Taken(_)) && self.frame.has_patch
    }

    /// Takes sound and picture, up to the mouth.
    fn take(&mut self) {
        let Stage::Planned(plan) = self.stage else {
            return;
        };
        let ahead = self.request.ahead;
        let kind = self.renderer.take_audio(self.input, plan, self.frame);
        if self.renderer.is_frame(kind, ahead) {
            self.renderer.advance(self.input, kind, self.frame);
        } else if self.frame.dropped > 0 {
            // No more is to be had: the last of those that were to be dropped is shown after all.
            self.frame.dropped -= 1;
        } else {
            self.stage = Stage::None(kind);
            return;
        }
        self.stage = Stage::Taken(self.frame.kind);
        self.renderer.find_pictures(self.frame);
    }

    /// A network failed. The frame keeps its sound and goes on without what the network makes; only
    /// where the draw was cancelled, it is taken back.
    #[cold]
    fn fail(&mut self, error: &Error) {
        if error.kind() == ErrorKind::Cancelled {
            self.renderer.undo(self.input, self.request, self.frame);
            self.stage = Stage::Cancelled(Error::new(error.kind(), error.to_string()));
        } else if self.needs_speech() {
            self.renderer.speech_failed(error, self.frame);
        } else {
            self.renderer.identity_failed(error, self.frame);
        }
    }
}

/// Prepares one frame of each session; all are of `avatar`, the first is due first.
pub(super) fn prepare(avatar: &AvatarData, works: &mut [Work<'_>], urgent: bool) {
    // A prefetched frame can wait. A draw may be waiting for this very core, for up to 4 ms: a time
    // slice of the system's scheduler.
    let give_way = || {
        if !urgent {
            thread::yield_now();
        }
    };
    run(avatar, works, |work| work.needs_speech(), run_speech);
    give_way();
    works.iter_mut().for_each(Work::take);
    run(avatar, works, |work| work.needs_identity(), run_identity);
    give_way();
}

/// Runs a network for all works that need it. Where a run for several fails at once, each gets a run of
/// its own, so that one session's input costs no other session's mouth.
fn run(
    avatar: &AvatarData,
    works: &mut [Work<'_>],
    needs: fn(&Work<'_>) -> bool,
    network: fn(&AvatarData, &mut Run<'_, '_>) -> Result<()>,
) {
    let mut together: Run<'_, '_> = works.iter_mut().filter(|work| needs(work)).collect();
    if together.is_empty() {
        return;
    }
    let begin = Instant::now();
    let Err(error) = network(avatar, &mut together) else {
        return;
    };
    // A run that took long to fail would take as long again.
    let alone = together.len() > 1 && begin.elapsed() < FRAME_DURATION;
    for work in together {
        if alone {
            let failed = network(avatar, &mut Run::from_iter([&mut *work])).err();
            if let Some(error) = failed {
                work.fail(&error);
            }
        } else {
            work.fail(&error);
        }
    }
}

/// The speech network: windows in, coefficients out.
fn run_speech(avatar: &AvatarData, works: &mut Run<'_, '_>) -> Result<()> {
    let size = works.len();
    let PrepareRequest {
        deadline,
        cancelled,
        terminator,
        ..
    } = works[0].request;
    let networks = &mut *avatar.networks(deadline, cancelled)?;
    let speech = &mut networks.speech;
    for (index, work) in works.iter_mut().enumerate() {
        speech.set(size, index, &[work.renderer.speech_window()])?;
    }
    speech.run_batch(size, terminator)?;
    for (index, work) in works.iter_mut().enumerate() {
        let coefficients = speech.output(size, index);
        work.renderer.set_coefficients(coefficients);
    }
    Ok(())
}

/// The identity network: coefficients and poses in, patches out.
fn run_identity(avatar: &AvatarData, works: &mut Run<'_, '_>) -> Result<()> {
    let size = works.len();
    let PrepareRequest {
        deadline,
        cancelled,
        terminator,
        ..
    } = works[0].request;
    let networks = &mut *avatar.networks(deadline, cancelled)?;
    let Some(identity) = &mut networks.identity else {
        return Ok(());
    };
    for (index, work) in works.iter().enumerate() {
        identity.set(size, index, work.renderer.identity_input(work.frame))?;
    }
    identity.run_batch(size, terminator)?;
    for (index, work) in works.iter_mut().enumerate() {
        let Work {
            renderer, frame, ..
        } = &mut **work;
        renderer.set_patch(identity, (size, index), frame);
    }
    Ok(())
}
