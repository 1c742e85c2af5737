//! Which base frame plays: idle and talking loops, gestures, and the ways between them.

pub(crate) mod mouth;

use crate::geometry::Affine;
use crate::imx::{Loop, Manifest, Motion};
use crate::{Error, ErrorKind, Result};

/// The motions of an avatar, ready to play.
#[derive(Debug)]
pub(crate) struct Clips {
    clips: Vec<(String, Motion)>,
    idle: usize,
    talking: usize,
    /// Affine of every base frame, to find the entry that lies nearest.
    affines: Vec<Affine>,
}

impl Clips {
    pub(crate) fn new(manifest: &Manifest, affines: Vec<Affine>) -> Result<Self> {
        let clips: Vec<_> = manifest
            .motions
            .iter()
            .map(|(name, motion)| (name.clone(), motion.clone()))
            .collect();
        let find = |name: &str| clips.iter().position(|(other, _)| other == name);
        let Some(idle) = find("idle") else {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                "the avatar has no motion `idle`",
            ));
        };
        let talking = find("talking").unwrap_or(idle);
        Ok(Self {
            clips,
            idle,
            talking,
            affines,
        })
    }

    /// The motion called `name`.
    ///
    /// # Errors
    /// `NotFound`, naming those that there are.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        self.clips
            .iter()
            .position(|(other, _)| other == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.clips.iter().map(|(name, _)| name.as_str()).collect();
                Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "the avatar has no motion `{name}`; it has {}",
                        names.join(", ")
                    ),
                )
            })
    }

    /// Base frame at `offset` of a clip.
    fn frame(&self, clip: usize, offset: u32) -> usize {
        (self.clips[clip].1.first + offset) as usize
    }

    /// The entry of `clip` whose head position is nearest to that of `frame`.
    fn nearest_entry(&self, clip: usize, frame: usize) -> u32 {
        let from = &self.affines[frame];
        let distance = |offset: u32| from.distance(&self.affines[self.frame(clip, offset)]);
        let entries = self.clips[clip].1.entries.iter().copied();
        entries
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .unwrap_or(0)
    }
}

/// Frames over which a base frame gives way to one that was not filmed after it.
const FADE_FRAMES: u16 = 3;

/// Plays the clips of one session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Player {
    at: Option<Position>,
    gesture: Option<usize>,
    /// The base frame that is faded out, and the frames of the fade that are left.
    fade: Option<(usize, u16)>,
}

/// The base frame of a tick.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shot {
    pub(crate) frame: usize,
    /// The base frame that gives way to it, and how much of that shows still, in 256ths.
    pub(crate) leaving: Option<(usize, u16)>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    clip: usize,
    offset: u32,
    /// On the way back of a bouncing loop.
    backwards: bool,
}

impl Player {
    /// Plays a gesture at the next exit.
    pub(crate) fn perform(&mut self, clip: usize) {
        self.gesture = Some(clip);
    }

    /// The base frame of this tick. `base_loop` plays instead of idle and talking.
    pub(crate) fn next(&mut self, clips: &Clips, talking: bool, base_loop: Option<usize>) -> Shot {
        let wanted = match base_loop {
            Some(clip) => clip,
            None if talking => clips.talking,
            None => clips.idle,
        };
        let next = match self.at {
            None => {
                let clip = self.gesture.take().unwrap_or(wanted);
                Position {
                    clip,
                    offset: clips.clips[clip].1.entries[0],
                    backwards: false,
                }
            }
            Some(at) => self.after(clips, at, wanted),
        };
        self.at = Some(next);
        let leaving = self.fade.map(|(frame, left)| {
            self.fade = (left > 1).then_some((frame, left - 1));
            (frame, 256 * left / (FADE_FRAMES + 1))
        });
        Shot {
            frame: clips.frame(next.clip, next.offset),
            leaving,
        }
    }

    fn after(&mut self, clips: &Clips, at: Position, wanted: usize) -> Position {
        let motion = &clips.clips[at.clip].1;
        let ended = motion.looping == Loop::Once && at.offset + 1 == motion.count;
        if motion.exits.contains(&at.offset) || ended {
            // A gesture that has begun plays to its end.
            let playing_gesture = motion.looping == Loop::Once && !ended;
            let goal = match self.gesture {
                Some(gesture) if !playing_gesture => {
                    self.gesture = None;
                    Some(gesture)
                }
                _ => (ended || at.clip != wanted && !playing_gesture).then_some(wanted),
            };
            if let Some(clip) = goal {
                let before = clips.frame(at.clip, at.offset);
                let offset = clips.nearest_entry(clip, before);
                // Frames that follow each other in the film fit.
                let fits = [before, before + 1].contains(&clips.frame(clip, offset));
                self.fade = (!fits).then_some((before, FADE_FRAMES));
                return Position {
                    clip,
                    offset,
                    backwards: false,
                };
            }
        }
        let last = motion.count - 1;
        let (offset, backwards) = match motion.looping {
            Loop::Bounce if last == 0 => (0, false),
            Loop::Bounce if at.backwards && at.offset == 0 => (1, false),
            Loop::Bounce if at.backwards || at.offset == last => (at.offset - 1, true),
            _ if at.offset == last => (0, false),
            _ => (at.offset + 1, false),
        };
        Position {
            clip: at.clip,
            offset,
            backwards,
        }
    }
}
