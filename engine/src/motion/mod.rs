//! Frame selection: which base frame shows in each frame period. Idle and talking loops, gestures, and the
//! transitions between them.

pub(crate) mod emotion;
pub(crate) mod mouth;

use crate::geometry::Affine;
use crate::imx::{Loop, Manifest, Motion};
use crate::portrait::Life;
use crate::{Error, ErrorKind, Result};

/// The motions of an avatar, ready to play.
#[derive(Debug)]
pub(crate) struct MotionSet {
    motions: Vec<(String, Motion)>,
    idle: usize,
    talking: usize,
    /// Affine of every base frame, to find the entry that lies nearest.
    affines: Vec<Affine>,
}

impl MotionSet {
    pub(crate) fn new(manifest: &Manifest, affines: Vec<Affine>) -> Result<Self> {
        let motions: Vec<_> = manifest
            .motions
            .iter()
            .map(|(name, motion)| (name.clone(), motion.clone()))
            .collect();
        let find = |name: &str| motions.iter().position(|(other, _)| other == name);
        let Some(idle) = find("idle") else {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                "the avatar has no motion `idle`",
            ));
        };
        let talking = find("talking").unwrap_or(idle);
        Ok(Self {
            motions,
            idle,
            talking,
            affines,
        })
    }

    /// Motions that no base frames were filmed for: stillness, and gestures each with its name and
    /// its frames.
    pub(crate) fn drawn(gestures: &[(&str, u32)]) -> Self {
        let mut first = 0;
        let mut motion = |name: &str, count: u32, looping: Loop| {
            let motion = Motion {
                first,
                count,
                looping,
                entries: vec![0],
                exits: vec![count - 1],
            };
            first += count;
            (name.to_owned(), motion)
        };
        let idle = motion("idle", 1, Loop::Cycle);
        let talking = (String::from("talking"), idle.1.clone());
        let gestures = gestures
            .iter()
            .map(|&(name, frames)| motion(name, frames, Loop::Once));
        Self {
            motions: [idle, talking].into_iter().chain(gestures).collect(),
            idle: 0,
            talking: 1,
            affines: Vec::new(),
        }
    }

    /// Names of the motions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.motions.iter().map(|(name, _)| name.as_str())
    }

    /// Gesture and frame of it that a base frame stands for, where none is
    /// [filmed](Self::drawn).
    pub(crate) fn gesture_at(&self, frame: usize) -> Option<(usize, u32)> {
        let frame = u32::try_from(frame).ok()?;
        let mut gestures = self.motions.iter().skip(2).enumerate();
        gestures.find_map(|(number, (_, motion))| {
            let offset = frame.checked_sub(motion.first)?;
            (offset < motion.count).then_some((number, offset))
        })
    }

    /// The motion called `name`.
    ///
    /// # Errors
    /// `NotFound`, naming those that there are.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        self.motions
            .iter()
            .position(|(other, _)| other == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.motions.iter().map(|(name, _)| name.as_str()).collect();
                Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "the avatar has no motion `{name}`; it has {}",
                        names.join(", ")
                    ),
                )
            })
    }

    /// Base frame at `offset` of a motion.
    fn frame(&self, motion: usize, offset: u32) -> usize {
        (self.motions[motion].1.first + offset) as usize
    }

    /// The entry of `motion` whose head position is nearest to that of `frame`.
    fn nearest_entry(&self, motion: usize, frame: usize) -> u32 {
        let Some(from) = self.affines.get(frame) else {
            return 0;
        };
        let distance = |offset: u32| from.distance(&self.affines[self.frame(motion, offset)]);
        let entries = self.motions[motion].1.entries.iter().copied();
        entries
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
            .unwrap_or(0)
    }
}

/// Frames of a crossfade from a base frame to one that was not filmed after it.
const CROSSFADE_FRAMES: u16 = 3;

/// State of the animation of one session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnimationState {
    at: Option<Position>,
    /// The gesture that waits for an exit of the motion that plays.
    gesture: Option<usize>,
    /// The base frame that a crossfade comes from, and the frames of it that are left.
    crossfade: Option<(usize, u16)>,
    /// Idle animation of a portrait.
    pub(crate) life: Life,
    pub(crate) emotion: emotion::Easing,
    /// A gesture that was cut off by a restart, and no frame has told so yet.
    cut_off: Option<usize>,
}

/// Gestures that begin or end with a frame, by the number of the motion.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct GestureEvents {
    pub(crate) started: Option<usize>,
    pub(crate) ended: Option<usize>,
}

impl GestureEvents {
    /// Adds those of a later frame.
    pub(crate) fn add(&mut self, later: Self) {
        self.started = later.started.or(self.started);
        self.ended = later.ended.or(self.ended);
    }
}

/// The base frames that a picture shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct FrameSelection {
    /// The base frame.
    pub(crate) frame: usize,
    /// The base frame that a crossfade comes from, and its weight in 256ths.
    pub(crate) crossfade: Option<(usize, u16)>,
    pub(crate) gestures: GestureEvents,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    motion: usize,
    offset: u32,
    /// On the way back of a bouncing loop.
    backwards: bool,
    /// It was requested as a gesture.
    gesture: bool,
}

impl AnimationState {
    /// Plays a gesture from the next exit on.
    pub(crate) fn perform(&mut self, gesture: usize) {
        self.gesture = Some(gesture);
    }

    /// Starts over, from the beginning of what plays then.
    pub(crate) fn restart(&mut self) {
        let playing = self.at.filter(|at| at.gesture).map(|at| at.motion);
        *self = Self {
            cut_off: playing.or(self.cut_off),
            ..Self::default()
        };
    }

    /// Moves on by a frame. `base_loop` plays instead of idle and talking.
    pub(crate) fn next(
        &mut self,
        set: &MotionSet,
        talking: bool,
        base_loop: Option<usize>,
    ) -> FrameSelection {
        let wanted = match base_loop {
            Some(motion) => motion,
            None if talking => set.talking,
            None => set.idle,
        };
        let before = self.at.filter(|at| at.gesture).map(|at| at.motion);
        let (next, entered) = match self.at {
            None => {
                let gesture = self.gesture.take();
                let motion = gesture.unwrap_or(wanted);
                let first = Position {
                    motion,
                    offset: set.motions[motion].1.entries[0],
                    backwards: false,
                    gesture: gesture.is_some(),
                };
                (first, true)
            }
            Some(at) => self.after(set, at, wanted),
        };
        self.at = Some(next);
        let gestures = GestureEvents {
            started: (entered && next.gesture).then_some(next.motion),
            ended: before.filter(|_| entered).or(self.cut_off.take()),
        };
        let crossfade = self.crossfade.map(|(frame, left)| {
            self.crossfade = (left > 1).then_some((frame, left - 1));
            (frame, 256 * left / (CROSSFADE_FRAMES + 1))
        });
        FrameSelection {
            frame: set.frame(next.motion, next.offset),
            crossfade,
            gestures,
        }
    }

    /// The position a frame after `at`, and whether a motion was entered with it.
    fn after(&mut self, set: &MotionSet, at: Position, wanted: usize) -> (Position, bool) {
        let motion = &set.motions[at.motion].1;
        let ended = motion.looping == Loop::Once && at.offset + 1 == motion.count;
        if motion.exits.contains(&at.offset) || ended {
            // A gesture that has begun plays to its end.
            let playing_gesture = motion.looping == Loop::Once && !ended;
            let goal = match self.gesture {
                Some(gesture) if !playing_gesture => {
                    self.gesture = None;
                    Some((gesture, true))
                }
                _ => (ended || at.motion != wanted && !playing_gesture).then_some((wanted, false)),
            };
            if let Some((motion, gesture)) = goal {
                let before = set.frame(at.motion, at.offset);
                let offset = set.nearest_entry(motion, before);
                // Frames that follow each other in the film fit.
                let fits = [before, before + 1].contains(&set.frame(motion, offset));
                let filmed = !set.affines.is_empty();
                self.crossfade = (filmed && !fits).then_some((before, CROSSFADE_FRAMES));
                let first = Position {
                    motion,
                    offset,
                    backwards: false,
                    gesture,
                };
                return (first, true);
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
        let next = Position {
            offset,
            backwards,
            ..at
        };
        (next, false)
    }
}
