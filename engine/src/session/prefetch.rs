//! The base frames of a session's next pictures: some are decoded before they are needed, and
//! damaged ones are replaced.

use std::sync::Arc;

use super::ring::Crossfade;
use crate::avatar::AvatarData;
use crate::compose::base::BaseFrame;
use crate::log::LogLevel;
use crate::motion::FrameSelection;

/// Base frames that are decoded ahead where no frame of speech can be prepared.
pub(super) const LOOK_AHEAD: usize = 2;

/// Prefetched base frames, and what the session knows of damaged ones.
#[derive(Debug, Default)]
pub(super) struct BasePrefetch {
    decoded: Vec<(usize, Arc<BaseFrame>)>,
    /// Base frames that can't be decoded; empty until one can't.
    damaged: Vec<bool>,
    /// The base frame found last that can be decoded.
    good: Option<usize>,
    /// A black picture, for an avatar without a single base frame that can be decoded.
    blank: Option<Arc<BaseFrame>>,
}

/// A base frame to show.
pub(super) struct Found {
    pub(super) index: usize,
    pub(super) base: Arc<BaseFrame>,
    /// It stands in for a damaged one.
    pub(super) replaced: bool,
    /// It is black: no mouth belongs onto it.
    pub(super) blank: bool,
}

impl BasePrefetch {
    /// Base frame `wanted`, decoded [before](Self::prefetch) or now. For one that has not arrived, the
    /// nearest that has. For a damaged one: the last good one of this session, else the next of the file that can be decoded, else a black one.
    pub(super) fn take(&mut self, avatar: &AvatarData, wanted: usize) -> Found {
        if let Some(base) = self.decode(avatar, wanted) {
            return self.found(wanted, base, false);
        }
        let count = avatar.info.frame_count;
        if !avatar.has_frame(wanted) {
            // The nearest that has arrived moves least.
            let nearest =
                (1..count).flat_map(|step| [wanted.checked_sub(step), Some(wanted + step)]);
            for index in nearest.flatten().filter(|&index| index < count) {
                if let Some(base) = self.decode(avatar, index) {
                    return self.found(index, base, true);
                }
            }
        }
        let others = (1..count).map(|step| (wanted + step) % count);
        for index in self.good.into_iter().chain(others) {
            if let Some(base) = self.decode(avatar, index) {
                return self.found(index, base, true);
            }
        }
        let blank = self.blank.get_or_insert_with(|| {
            let info = &avatar.info;
            let size = (info.frame_width, info.frame_height);
            Arc::new(BaseFrame::new(&vec![0; 3 * size.0 * size.1], size))
        });
        Found {
            index: wanted,
            base: Arc::clone(blank),
            replaced: true,
            blank: true,
        }
    }

    fn found(&mut self, index: usize, base: Arc<BaseFrame>, replaced: bool) -> Found {
        self.good = Some(index);
        Found {
            index,
            base,
            replaced,
            blank: false,
        }
    }

    /// The base frame that `selection` fades out. None if there is none; an error without a
    /// message if it is damaged, so that the picture goes without the crossfade.
    pub(super) fn crossfade(
        &mut self,
        avatar: &AvatarData,
        selection: FrameSelection,
    ) -> Result<Option<Crossfade>, Damaged> {
        let Some((base_frame, weight)) = selection.crossfade else {
            return Ok(None);
        };
        let base = self.decode(avatar, base_frame).ok_or(Damaged)?;
        Ok(Some(Crossfade {
            base_frame,
            base,
            weight,
        }))
    }

    /// Decodes the first of the `next` base frames that is not at hand, and lets go of all others.
    pub(super) fn prefetch(&mut self, avatar: &AvatarData, next: [usize; LOOK_AHEAD]) {
        self.decoded.retain(|(frame, _)| next.contains(frame));
        let known = |frame: &usize| {
            let damaged = self.damaged.get(*frame) == Some(&true);
            damaged || self.decoded.iter().any(|(other, _)| other == frame)
        };
        if let Some(&missing) = next.iter().find(|&frame| !known(frame))
            && let Some(base) = self.decode(avatar, missing)
        {
            self.decoded.push((missing, base));
        }
    }

    /// A base frame; None if it is damaged, which the log says once for each.
    fn decode(&mut self, avatar: &AvatarData, index: usize) -> Option<Arc<BaseFrame>> {
        if self.damaged.get(index) == Some(&true) {
            return None;
        }
        let known = self.decoded.iter().position(|(other, _)| *other == index);
        if let Some(place) = known {
            return Some(self.decoded.swap_remove(place).1);
        }
        if !avatar.has_frame(index) {
            return None;
        }
        match avatar.base_frame(index) {
            Ok(base) => Some(base),
            Err(error) => {
                self.damaged.resize(avatar.info.frame_count, false);
                self.damaged[index] = true;
                let name = &avatar.info.name;
                let log = &avatar.log;
                log.log(LogLevel::Warn, || {
                    format!("\"{name}\": {error}; another picture is shown instead")
                });
                None
            }
        }
    }

    /// The base frames that are prefetched.
    #[cfg(test)]
    pub(super) fn decoded(&self) -> impl Iterator<Item = usize> {
        self.decoded.iter().map(|(frame, _)| *frame)
    }
}

/// A base frame can't be decoded.
pub(super) struct Damaged;
