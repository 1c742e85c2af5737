//! The rig: the values that describe a face at one moment, and the mesh's points that follow from
//! them.

use super::fit::Fit;
use super::head::{Head, POINTS};
use super::lips::{bare_lips, part_lips};
use super::mesh::{AXIS, Corner, Follow, Mesh, iris_radius};
use super::points::EYES;
use super::solid::{Point, Rotation, add, apply, product, scale, smooth, sub, transposed, turned};
use super::unfold::Flat;
use crate::warp::{Place, place};

/// Names of the mouth's coefficients, in the order of ARCHITECTURE.md.
pub(crate) const MOUTH: [&str; 16] = [
    "jawOpen",
    "jawForward",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmile",
    "mouthStretch",
    "mouthPress",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthDimple",
    "tongueTip",
];
/// Places of `mouthClose`, of `mouthFunnel` and `mouthPucker`, of both rolls and of `mouthPress`.
const CLOSE: usize = 2;
const ROUNDS: [usize; 2] = [3, 4];
const ROLLS: [usize; 2] = [5, 6];
const PRESS: usize = 11;
/// How far lips roll in where they are pressed: ones that the picture shows shut, ones that seem to part
/// although it does, and ones that it shows parted, which a smile has made no thinner.
const PRESS_ROLLS: [f32; 3] = [0.15, 0.7, 1.1];
/// Distance of shut lips' landmarks, in eyes, from which on they seem to part, and where they wholly do.
const SEEM: [f32; 2] = [0.0055, 0.007];
/// Opening in the picture, in eyes, from which on they count as parted.
const PARTED: f32 = 0.02;
/// Names of the shapes that move the rest of the face.
pub(crate) const FACE: [&str; 10] = [
    "browInnerUp",
    "browOuterUp",
    "browDown",
    "eyeSquint",
    "eyeWide",
    "cheekSquint",
    "mouthSmile",
    "mouthFrown",
    "noseSneer",
    "mouthUpperUp",
];
/// Places in [`FACE`].
pub(super) const INNER_UP: usize = 0;
pub(super) const OUTER_UP: usize = 1;
pub(super) const DOWN: usize = 2;
pub(super) const SQUINT: usize = 3;
pub(super) const WIDE: usize = 4;
pub(super) const CHEEK_SQUINT: usize = 5;
pub(super) const SMILE: usize = 6;
pub(super) const FROWN: usize = 7;
pub(super) const SNEER: usize = 8;
pub(super) const LIP_UP: usize = 9;
/// How far down the open eye the lids meet: the lower one comes up a little.
pub(super) const MEETING: f32 = 0.98;
/// How far the skin below the lower lid comes up in a blink, of the eye's height.
const BAG: f32 = 0.1;
/// The head's joint below the eyes, in eyes.
const NECK: f32 = 1.25;
/// How far the farthest part of a head goes with its turn before it is held back, of the picture's longer
/// side, and what it comes near to.
const ROOM: [f32; 2] = [0.16, 0.25];
/// Radius of an eyeball in radii of its iris.
const EYEBALL: f32 = 2.05;

/// A face at one moment; all zero is the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rig {
    /// The mouth's coefficients, each in [0, 1], in the order of [`MOUTH`].
    pub(crate) mouth: [f32; 16],
    /// How far the face is speaking, in [0, 1]: lips that the picture shows open close for it.
    pub(crate) talk: f32,
    /// Shapes of the rest of the face, each in [0, 1], in the order of [`FACE`].
    pub(crate) face: [f32; FACE.len()],
    /// Lids of the person's right and left eye, 1 shut.
    pub(crate) blink: [f32; 2],
    /// Gaze: right and down in the picture, in degrees.
    pub(crate) gaze: [f32; 2],
    /// Yaw, pitch and roll of the head, in degrees; see [`turned`].
    pub(crate) turn: [f32; 3],
    /// Shift of the head, right and down, in eyes.
    pub(crate) shift: [f32; 2],
}

impl Rig {
    /// Adds another: shapes add up to 1 at most.
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |to: &mut [f32], from: &[f32]| {
            for (to, from) in to.iter_mut().zip(from) {
                *to = (*to + from).min(1.0);
            }
        };
        sum(&mut self.mouth, &other.mouth);
        sum(&mut self.face, &other.face);
        sum(&mut self.blink, &other.blink);
        self.talk = self.talk.max(other.talk);
        for (to, from) in [
            (&mut self.gaze[..], &other.gaze[..]),
            (&mut self.turn[..], &other.turn[..]),
            (&mut self.shift[..], &other.shift[..]),
        ] {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        }
    }

    /// Whether the face's own shapes move the lips.
    pub(crate) fn smiles(&self) -> bool {
        self.face[6..].iter().any(|&shape| shape > 0.0)
    }
}

/// Moves one portrait's mesh.
#[derive(Debug)]
pub(crate) struct Puppet {
    /// For each coefficient of the mouth, then of the face, the shapes of the head it moves.
    pub(super) shapes: Vec<Vec<usize>>,
}

/// The points of a face at one moment.
#[derive(Debug, Default)]
pub(crate) struct Posed {
    /// Landmarks in space, after the face's expression and before the head's turn.
    pub(super) skin: Vec<Point>,
    /// The mesh's corners.
    pub(crate) places: Vec<Place>,
    /// Landmarks in the picture.
    pub(crate) points: Vec<[f32; 2]>,
    /// The source of each corner, where it isn't the one at rest.
    pub(crate) sources: Vec<Place>,
    /// How the head is turned, picture's coordinates.
    pub(crate) head: HeadMove,
    /// How far the jaw is down, in eyes.
    pub(crate) jaw: f32,
    /// How far the lips are rounded, the sum of funnel and pucker.
    pub(crate) rounded: f32,
    /// Buffers of [`Unfold`](super::unfold::Unfold).
    pub(super) flat: Flat,
}

/// A rigid move of the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadMove {
    pub(crate) turn: Rotation,
    pub(super) pivot: Point,
    pub(super) shift: Point,
}

impl Default for HeadMove {
    fn default() -> Self {
        Self {
            turn: super::solid::IDENTITY,
            pivot: [0.0; 3],
            shift: [0.0; 3],
        }
    }
}

impl HeadMove {
    /// As the rig has it, as far as the picture has room for: a head that fills it would leave it, and
    /// tear away from where its edge cuts it off.
    fn within(mesh: &Mesh, fit: &Fit, rig: &Rig) -> Self {
        let whole = Self::new(fit, rig.turn, rig.shift);
        let goes = |corner: &Corner| {
            let [x, y, _] = sub(whole.apply(corner.at), corner.at);
            corner.head * corner.free * (x * x + y * y).sqrt()
        };
        let far = mesh.corners.iter().map(goes).fold(0.0, f32::max) / mesh.longer;
        let [from, most] = ROOM;
        if far <= from {
            return whole;
        }
        let over = (far - from) / (most - from);
        let share = (from + (most - from) * over / (1.0 + over)) / far;
        Self::new(
            fit,
            rig.turn.map(|v| share * v),
            rig.shift.map(|v| share * v),
        )
    }

    fn new(fit: &Fit, [yaw, pitch, roll]: [f32; 3], shift: [f32; 2]) -> Self {
        // A head that the picture shows turned has little more of its face to show, and next to nothing of
        // the side that it hides.
        let [already, _, _] = fit.angles();
        let (most, end) = if yaw * already < 0.0 {
            (0.85, 24.0)
        } else {
            (0.75, 35.0)
        };
        let yaw = yaw * (1.0 - most * smooth(already.abs(), 10.0, end));
        // About the head's own axes.
        let own = turned(yaw, pitch, roll);
        let turn = product(&fit.turn, &product(&own, &transposed(&fit.turn)));
        let joint = fit.direction([0.0, NECK * fit.eyes, AXIS * fit.eyes]);
        let shift = fit.direction([shift[0] * fit.eyes, shift[1] * fit.eyes, 0.0]);
        Self {
            turn,
            pivot: add(fit.middle(), joint),
            shift,
        }
    }

    pub(crate) fn apply(&self, point: Point) -> Point {
        let from = sub(point, self.pivot);
        add(add(apply(&self.turn, from), self.pivot), self.shift)
    }
}

impl HeadMove {
    /// The place of a corner of the mesh that the expression has `moved`.
    pub(super) fn place(&self, corner: &Corner, moved: Point) -> Place {
        let turned = sub(self.apply(moved), moved);
        let by = add(sub(moved, corner.at), scale(turned, corner.head));
        let at = add(corner.at, scale(by, corner.free));
        place([at[0], at[1]])
    }
}

impl Puppet {
    pub(crate) fn new(head: &Head) -> Self {
        let sides = |name: &&str| {
            let fits = |other: &str| {
                other == *name
                    || [other.strip_suffix("_L"), other.strip_suffix("_R")].contains(&Some(*name))
            };
            (0..head.names.len())
                .filter(|&i| fits(&head.names[i]))
                .collect()
        };
        Self {
            shapes: MOUTH.iter().chain(&FACE).map(sides).collect(),
        }
    }

    /// Poses `fit`'s `mesh` as `rig` says.
    pub(crate) fn pose(&self, fit: &Fit, mesh: &Mesh, rig: &Rig, out: &mut Posed) {
        out.skin.clear();
        out.skin.extend_from_slice(&fit.points[..POINTS]);
        let mut mouth = rig.mouth;
        // Lips are shut over a jaw that is down: there is nothing to shut beyond it.
        mouth[CLOSE] = mouth[CLOSE].min(mouth[0]);
        let [shut, seem, parted] = PRESS_ROLLS;
        let shut = shut + (seem - shut) * smooth(fit.seen, SEEM[0], SEEM[1]);
        let rolls = shut + (parted - shut) * smooth(fit.gap[5] / fit.eyes, 0.0, PARTED);
        for roll in ROLLS {
            mouth[roll] = (mouth[roll] + rolls * mouth[PRESS]).min(1.0);
        }
        let weights = mouth.iter().chain(&rig.face);
        for (&weight, shapes) in weights.zip(&self.shapes) {
            if weight.abs() > 1e-4 {
                for &shape in shapes {
                    for (point, &by) in out.skin.iter_mut().zip(&fit.moves[shape]) {
                        *point = add(*point, scale(by, weight));
                    }
                }
            }
        }
        part_lips(fit, rig.talk, &mut out.skin);
        out.sources.clear();
        out.sources.extend_from_slice(&mesh.rest);
        bare_lips(fit, &out.skin, &mut out.sources);
        let gaze = [0, 1].map(|eye| look(fit, eye, rig.gaze));
        follow_gaze(fit, gaze, &mut out.skin);
        blink(fit, rig.blink, &mut out.skin, &mut out.sources);
        out.jaw = 0.42 * rig.mouth[0] * fit.mouth;
        out.rounded = ROUNDS.iter().map(|&place| rig.mouth[place]).sum();
        out.head = HeadMove::within(mesh, fit, rig);
        out.lay(fit, mesh, gaze);
    }
}

impl Posed {
    /// Lays the mesh's corners and the landmarks where the skin and the head have gone.
    pub(super) fn lay(&mut self, fit: &Fit, mesh: &Mesh, gaze: [Point; 2]) {
        let out = self;
        let down = fit.direction([0.0, 1.0, 0.0]);
        out.places.clear();
        for corner in &mesh.corners {
            let moved = match corner.follow {
                Follow::Skin(i) => out.skin[i],
                Follow::Ring(i, share) => {
                    add(corner.at, scale(sub(out.skin[i], fit.points[i]), share))
                }
                Follow::Still => corner.at,
                Follow::Lid(i, sign) => {
                    let by = sub(out.skin[i], fit.points[i]);
                    let opens = sign * (by[0] * down[0] + by[1] * down[1]) > 0.0;
                    if opens { add(corner.at, by) } else { corner.at }
                }
                Follow::Gaze(eye) => add(corner.at, gaze[eye]),
            };
            out.places.push(out.head.place(corner, moved));
        }
        out.points.clear();
        out.points
            .extend(out.skin.iter().zip(&mesh.corners).map(|(&p, corner)| {
                let by = scale(sub(out.head.apply(p), corner.at), corner.free);
                [corner.at[0] + by[0], corner.at[1] + by[1]]
            }));
    }
}

/// Lids go up and down with the iris that they lie on.
fn follow_gaze(fit: &Fit, gaze: [Point; 2], skin: &mut [Point]) {
    let down = fit.direction([0.0, 1.0, 0.0]);
    for (eye, gaze) in EYES.iter().zip(gaze) {
        let by = gaze[0] * down[0] + gaze[1] * down[1];
        if by == 0.0 {
            continue;
        }
        // Least at the corners.
        for (k, share) in [0.35, 0.7, 0.92, 1.0, 0.92, 0.7, 0.35]
            .into_iter()
            .enumerate()
        {
            for (i, part) in [
                (eye.upper[k], 0.95),
                (eye.crease[k], 0.4),
                (eye.above[k], 0.15),
                (eye.lower[k], 0.25),
            ] {
                skin[i] = add(skin[i], scale(down, part * share * by));
            }
        }
    }
}

/// Shuts the lids: the upper one down onto the lower one, its crease after it.
fn blink(fit: &Fit, blink: [f32; 2], skin: &mut [Point], sources: &mut [Place]) {
    for (eye, amount) in EYES.iter().zip(blink) {
        if amount <= 0.0 {
            continue;
        }
        for k in 0..7 {
            let (upper, lower) = (skin[eye.upper[k]], skin[eye.lower[k]]);
            let way = sub(lower, upper);
            skin[eye.lower[k]] = sub(lower, scale(way, (1.0 - MEETING) * amount));
            // One lid over the other, so that nothing shows between them.
            let over = 0.006 * fit.eyes * amount;
            let down = fit.direction([0.0, over, 0.0]);
            skin[eye.upper[k]] = add(upper, add(scale(way, MEETING * amount), down));
            for (i, share) in [(eye.crease[k], 0.4), (eye.above[k], 0.14)] {
                skin[i] = add(skin[i], scale(way, share * amount));
            }
            let bag = &mut skin[eye.bag[k]];
            *bag = sub(*bag, scale(way, BAG * amount));
            // A shut lid is the skin of its crease, and its crease the skin below the brow: neither the
            // white nor the lashes are stretched. The lower one's edge is seen until they meet.
            let shut = smooth(amount, 0.25, 1.0);
            let meet = smooth(amount, 0.7, 1.0);
            for (i, skin, share) in [
                (eye.upper[k], eye.crease[k], 0.95 * shut),
                (eye.crease[k], eye.above[k], 0.3 * shut),
                (eye.lower[k], eye.bag[k], 0.85 * meet),
            ] {
                let way = sub(fit.points[skin], fit.points[i]);
                let at = add(fit.points[i], scale(way, share));
                sources[i] = place([at[0], at[1]]);
            }
        }
    }
}

/// How far an iris goes for a gaze, in pixels.
pub(super) fn look(fit: &Fit, eye: usize, [right, down]: [f32; 2]) -> Point {
    let reach = EYEBALL * iris_radius(fit, eye);
    let (x, _) = super::solid::sin_cos(right);
    let (y, _) = super::solid::sin_cos(down);
    let [dx, dy, _] = fit.direction([x, y, 0.0]);
    [reach * dx, reach * dy, 0.0]
}
