//! The parts of a frame's picture, and error concealment: what stands in where a part fails.

use std::sync::Mutex;

use super::{Renderer, lock};
use crate::Error;
use crate::compose::blend::Patch;
use crate::identity::Identity;
use crate::log::LogLevel;
use crate::session::input::Input;
use crate::session::prefetch::{Damaged, LOOK_AHEAD};
use crate::session::ring::PreparedFrame;

/// Stages whose failure is logged once in a session.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Speech,
    Identity,
    Resampler,
}

impl Stage {
    pub(super) const COUNT: usize = 3;
}

impl Renderer {
    /// Finds all that the picture is made from but the mouth, which is to be drawn if the frame [has
    /// one](PreparedFrame::has_patch). Base frames that are damaged are replaced.
    pub(in crate::session) fn find_pictures(&mut self, frame: &mut PreparedFrame) {
        frame.has_patch = false;
        frame.base = None;
        frame.crossfade = None;
        frame.rig = None;
        if let Some(portrait) = self.avatar.portrait.as_ref().filter(|_| self.pictures) {
            let gesture = self.avatar.motions.gesture_at(self.selection.frame);
            let upper = (&self.animation.life, self.animation.emotion.weights());
            let (mouth, opacity) = (self.mouth.coefficients(), self.mouth.patch_opacity());
            frame.rig = Some(portrait.rig(mouth, opacity, upper, gesture));
        } else if self.pictures {
            let found = self.bases.take(&self.avatar, self.selection.frame);
            frame.base_frame = found.index;
            frame.base = Some(found.base);
            frame.concealed |= found.replaced;
            frame.has_patch = self.mouth.patch_opacity() > 0.0 && !found.blank;
            frame.mouth.clear();
            if let Some(film) = self.avatar.film.as_ref().filter(|_| !found.blank) {
                frame.mouth.extend_from_slice(self.mouth.coefficients());
                frame.presence = self.mouth.patch_opacity();
                frame.has_patch &= film.wants_patch();
            }
            match self.bases.crossfade(&self.avatar, self.selection) {
                Ok(crossfade) => frame.crossfade = crossfade,
                Err(Damaged) => frame.concealed = true,
            }
        }
        let shown = self.mouth.coefficients();
        frame.arkit.clear();
        frame.arkit.extend(self.avatar.arkit.iter().map(|weights| {
            weights
                .iter()
                .zip(shown)
                .map(|(w, x)| w * x)
                .sum::<f32>()
                .clamp(0.0, 1.0)
        }));
    }

    /// The identity network's input: coefficients and pose.
    pub(in crate::session) fn identity_input(&self, frame: &PreparedFrame) -> [&[f32]; 2] {
        let pose = self.avatar.pose(frame.base_frame);
        [self.mouth.coefficients(), pose]
    }

    /// Takes the patch from a batch of the identity network.
    pub(in crate::session) fn set_patch(
        &self,
        identity: &Identity,
        place: (usize, usize),
        frame: &mut PreparedFrame,
    ) {
        if frame.patch.is_empty() {
            frame.patch = Patch::new(self.avatar.info.patch_size);
        }
        identity.put(
            self.isa,
            place,
            self.mouth.patch_opacity(),
            &mut frame.patch,
        );
    }

    /// The identity network failed: the picture is the base frame, whose own mouth is at rest.
    pub(in crate::session) fn identity_failed(&mut self, error: &Error, frame: &mut PreparedFrame) {
        frame.has_patch = false;
        frame.presence = 0.0;
        frame.concealed = true;
        self.log_failure(Stage::Identity, error);
    }

    /// Says what failed, once in a session for each stage.
    #[cold]
    pub(super) fn log_failure(&mut self, stage: Stage, error: &Error) {
        if std::mem::replace(&mut self.logged[stage as usize], true) {
            return;
        }
        let name = &self.avatar.info.name;
        self.avatar.log.log(LogLevel::Error, || {
            format!("\"{name}\": {error}; speech goes on without what failed")
        });
    }

    /// Decodes a base frame that is likely to be needed soon: where no frame can be prepared, as in
    /// silence, its base frame can.
    pub(in crate::session) fn prefetch(&mut self, input: &Mutex<Input>) {
        if !self.pictures || self.avatar.portrait.is_some() {
            return;
        }
        let base_loop = lock(input).base_loop;
        let motions = &self.avatar.motions;
        let mut animation = self.animation;
        let next =
            [(); LOOK_AHEAD].map(|()| animation.next(motions, self.talking, base_loop).frame);
        self.bases.prefetch(&self.avatar, next);
    }

    /// Base frames that are prefetched.
    #[cfg(test)]
    pub(in crate::session) fn prefetched(&self) -> impl Iterator<Item = usize> {
        self.bases.decoded()
    }

    /// The speech network failed: the mouth holds its shape, and closes if that goes on.
    pub(in crate::session) fn speech_failed(&mut self, error: &Error, frame: &mut PreparedFrame) {
        self.failures = self.failures.saturating_add(1);
        frame.concealed = true;
        self.log_failure(Stage::Speech, error);
    }
}
