//! One base frame's face: where its box lies, and how its lips part.

use crate::portrait::fit::Fit;
use crate::portrait::head::Head;
use crate::portrait::lips::{SPOKEN, bare_lips, set_apart, thicken};
use crate::portrait::mesh::Mesh;
use crate::portrait::points::{LOWER_LIP, UPPER_LIP};
use crate::portrait::rig::Posed;
use crate::portrait::solid::{Point, add, scale, smooth, sub};

/// How far the box reaches from the middle of the mouth: to the sides, up and down, in eyes.
const ASIDE: f32 = 1.15;
const ABOVE: f32 = 0.75;
const BELOW: f32 = 1.15;
/// Least side of a box, in pixels.
const LEAST_PX: usize = 16;
/// Most times that a mesh may cover its box; a face's covers it about three times.
const MOST_OVERDRAW: f32 = 16.0;
/// How much nearer to each other lips are drawn that speech asks to shut, in eyes: coefficients that flow
/// into each other would leave a narrow crack.
const DRAWN: f32 = 0.025;
/// Thickness of a lip, of that in the picture, that speech leaves at least.
const THINNEST: f32 = 0.7;

/// A face in its box: places count from the box's corner.
#[derive(Debug)]
pub(super) struct Face {
    /// Left, top, width and height in the base frame.
    pub(super) place: [usize; 4],
    pub(super) fit: Fit,
    pub(super) mesh: Mesh,
}

impl Face {
    /// None where the landmarks are no face in a picture of this size.
    pub(super) fn new(head: &Head, points: &[Point], size: (usize, usize)) -> Option<Self> {
        let mut fit = Fit::of_points(head, points.to_vec());
        if !fit.is_plausible(size.0.max(size.1)) {
            return None;
        }
        let [x, y, _] = scale(add(fit.points[13], fit.points[14]), 0.5);
        let side = |from: f32, to: f32, most: usize| {
            let from = (from.max(0.0) as usize).min(most);
            let to = (to.max(0.0).ceil() as usize).min(most);
            (to.saturating_sub(from) >= LEAST_PX).then_some((from, to - from))
        };
        let (left, width) = side(x - ASIDE * fit.eyes, x + ASIDE * fit.eyes, size.0)?;
        let (top, height) = side(y - ABOVE * fit.eyes, y + BELOW * fit.eyes, size.1)?;
        for point in &mut fit.points {
            *point = sub(*point, [left as f32, top as f32, 0.0]);
        }
        let mesh = Mesh::filmed(head, &fit, (width, height));
        (mesh.overdraw(width, height) <= MOST_OVERDRAW).then_some(Self {
            place: [left, top, width, height],
            fit,
            mesh,
        })
    }

    /// Sets the distance of the lips: what the coefficients ask for, never less than none. Lips that the
    /// frame shows farther open than its coefficients say are so at rest; speech opens them from shut.
    ///
    /// `wanted` and `shown` say where a lip's point goes for the coefficients that are asked for, and for
    /// those of the frame. Speech is there by `talk`, and asks for shut lips by `pressed`.
    pub(super) fn part(
        &self,
        (talk, pressed): (f32, f32),
        wanted: impl Fn(usize) -> Point,
        shown: impl Fn(usize) -> Point,
        posed: &mut Posed,
    ) {
        let fit = &self.fit;
        let down = fit.direction([0.0, 1.0, 0.0]);
        let along = |p: Point| p[0] * down[0] + p[1] * down[1];
        let opening = |place: &dyn Fn(usize) -> Point, column: usize| {
            along(sub(
                place(LOWER_LIP[3][column]),
                place(UPPER_LIP[3][column]),
            ))
        };
        let held = 1.0 - talk * (1.0 - smooth(opening(&wanted, 5) / fit.eyes, 0.0, SPOKEN));
        for column in 1..10 {
            let beyond = fit.gap[column] - opening(&shown, column);
            let drawn = pressed * DRAWN * fit.eyes;
            let gap = (opening(&wanted, column) + held * beyond - drawn).max(0.0);
            set_apart(down, &mut posed.skin, column, gap);
        }
        thicken(fit, THINNEST, &mut posed.skin);
    }

    /// Draws lips that part otherwise than in the frame without the edge that they have there.
    pub(super) fn bare(&self, posed: &mut Posed) {
        bare_lips(&self.fit, &posed.skin, &mut posed.sources);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portrait::head::POINTS;
    use crate::portrait::points::OVAL;
    use crate::portrait::solid::{apply, turned};

    /// The canonical face, 120 pixels from eye to eye, turned to the side.
    fn face(yaw: f32) -> Face {
        let head = Head::read(crate::portrait::HEAD).expect("the library's own");
        let turn = turned(yaw, 0.0, 0.0);
        let place = |&p: &Point| add(scale(apply(&turn, p), 120.0), [256.0, 220.0, 0.0]);
        let mut points: Vec<Point> = head.points.iter().map(place).collect();
        points.resize(478, points[168]);
        Face::new(&head, &points, (512, 512)).expect("a face")
    }

    #[test]
    fn rings_begin_outside_the_skin_of_a_face_that_is_turned() {
        for yaw in [-35.0, -20.0, 0.0, 20.0, 35.0] {
            let corners = face(yaw).mesh.corners;
            let reach = |corners: &[crate::portrait::mesh::Corner], [x, y]: [f32; 2]| {
                let along = corners
                    .iter()
                    .map(|corner| x * corner.at[0] + y * corner.at[1]);
                along.fold(f32::MIN, f32::max)
            };
            let (skin, rings) = corners.split_at(POINTS);
            for degrees in (0..360).step_by(10) {
                let (y, x) = (degrees as f32).to_radians().sin_cos();
                let (face, ring) = (reach(skin, [x, y]), reach(&rings[..OVAL.len()], [x, y]));
                assert!(ring > face - 0.01, "{yaw}: {face} and {ring} at {degrees}");
            }
        }
    }
}
