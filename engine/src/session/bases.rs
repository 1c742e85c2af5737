//! The base frames of a session's next pictures: some are decoded before they are needed.

use std::sync::Arc;

use super::ring::Leaving;
use crate::Result;
use crate::avatar::Avatar;
use crate::compose::base::BaseFrame;
use crate::motion::Shot;

/// Base frames that are decoded before they are needed, where no frame can be prepared.
pub(super) const LOOK_AHEAD: usize = 2;

/// Those that are decoded and not shown yet.
#[derive(Debug, Default)]
pub(super) struct Bases(Vec<(usize, Arc<BaseFrame>)>);

impl Bases {
    /// A base frame, decoded [before](Self::look_ahead) or now.
    pub(super) fn take(&mut self, avatar: &Avatar, index: usize) -> Result<Arc<BaseFrame>> {
        let known = self.0.iter().position(|(other, _)| *other == index);
        match known {
            Some(place) => Ok(self.0.swap_remove(place).1),
            None => avatar.0.base_frame(index),
        }
    }

    /// The base frame that a shot fades out.
    pub(super) fn leaving(&mut self, avatar: &Avatar, shot: Shot) -> Result<Option<Leaving>> {
        let Some((base_frame, weight)) = shot.leaving else {
            return Ok(None);
        };
        Ok(Some(Leaving {
            base_frame,
            base: self.take(avatar, base_frame)?,
            weight,
        }))
    }

    /// Decodes the first of the `next` base frames that is not at hand, and lets go of all others.
    pub(super) fn look_ahead(&mut self, avatar: &Avatar, next: [usize; LOOK_AHEAD]) {
        self.0.retain(|(frame, _)| next.contains(frame));
        let known = |frame: &usize| self.0.iter().any(|(other, _)| other == frame);
        if let Some(&missing) = next.iter().find(|&frame| !known(frame))
            // If it is damaged, the error comes when it is shown.
            && let Ok(base) = avatar.0.base_frame(missing)
        {
            self.0.push((missing, base));
        }
    }

    /// Which ones they are.
    #[cfg(test)]
    pub(super) fn decoded(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(frame, _)| *frame)
    }
}
