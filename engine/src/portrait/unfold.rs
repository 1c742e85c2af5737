//! Triangles that a pose would turn over keep a little of their area instead: a face that shows its back
//! is a hole beside a fold. The far cheek of a head that turns, the side of a nose that sneers.
//!
//! Each of them moves its three corners along the gradient of its area, one triangle after the other and
//! all of them again (position-based dynamics). What is moved goes to nothing as the area comes up to its
//! least, so nothing pops.

use super::head::POINTS;
use super::mesh::{Follow, Mesh};
use super::points::{EYES, LOWER_LIP, UPPER_LIP};
use crate::warp::{Place, UNIT};

/// Least area of a triangle, of its own at rest.
const LEAST: f32 = 0.04;
/// The same of its longest side, in pixels, twice: what rounding its corners to places may take from it.
const ROUNDED: f32 = 1.5 / UNIT as f32;
/// Rounds over the triangles, at most.
const ROUNDS: usize = 96;
/// A round that moves no corner by more than this many pixels is the last.
const STILL: f32 = 0.02;
/// The farthest that one triangle moves a corner in a round, in pixels.
const FARTHEST: f32 = 8.0;

/// The triangles of one mesh that may not turn over.
#[derive(Debug)]
pub(crate) struct Unfold {
    triangles: Vec<Triangle>,
    /// How far each corner gives way, in [0, 1].
    gives: Vec<f32>,
}

#[derive(Clone, Copy, Debug)]
struct Triangle {
    corners: [u16; 3],
    /// 1 or -1, the sign of its area at rest.
    side: f32,
    /// Twice its least area, in square pixels.
    least: f32,
}

/// Buffers of a pose.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    at: Vec<[f32; 2]>,
    before: Vec<Place>,
}

impl Unfold {
    pub(crate) fn new(mesh: &Mesh) -> Self {
        let is_skin = |&i: &u16| {
            let follow = mesh.corners[usize::from(i)].follow;
            matches!(follow, Follow::Skin(_) | Follow::Ring(..))
        };
        let triangles = mesh.triangles.iter().filter(|t| t.iter().all(is_skin));
        let triangles = triangles.filter_map(|&corners| {
            let [a, b, c] = corners.map(|i| mesh.rest[usize::from(i)].map(pixels));
            let area = cross(a, b, c);
            let sides = [(a, b), (b, c), (c, a)]
                .map(|([x, y], [u, v])| ((x - u) * (x - u) + (y - v) * (y - v)).sqrt());
            let longest = sides.into_iter().fold(0.0, f32::max);
            (area != 0.0).then(|| Triangle {
                corners,
                side: area.signum(),
                least: (LEAST * area.abs()).max(ROUNDED * longest),
            })
        });
        // Lids and the lips' edges are where they have to be.
        let mut gives: Vec<f32> = mesh.corners.iter().map(|corner| corner.free).collect();
        let eyes = EYES.iter().flat_map(|eye| {
            let lids = eye.upper.into_iter().chain(eye.lower);
            lids.chain(eye.corners)
        });
        for i in eyes.chain(UPPER_LIP[3]).chain(LOWER_LIP[3]) {
            gives[i] = 0.0;
        }
        Self {
            triangles: triangles.collect(),
            gives,
        }
    }

    /// Moves the corners and the landmarks of a pose.
    pub(crate) fn apply(&self, places: &mut [Place], points: &mut [[f32; 2]], flat: &mut Flat) {
        let Flat { at, before } = flat;
        at.clear();
        at.extend(places.iter().map(|place| place.map(pixels)));
        let mut moved = false;
        for _ in 0..ROUNDS {
            let most = self.round(at);
            moved |= most > 0.0;
            if most < STILL {
                break;
            }
        }
        if !moved {
            return;
        }
        before.clear();
        before.extend_from_slice(places);
        for (place, &at) in places.iter_mut().zip(&*at) {
            *place = crate::warp::place(at);
        }
        let shifts = before.iter().zip(&*places).take(POINTS);
        for (point, (before, now)) in points.iter_mut().zip(shifts) {
            for i in 0..2 {
                point[i] += pixels(now[i] - before[i]);
            }
        }
    }

    /// One round over the triangles: the farthest that a corner has moved, in pixels.
    fn round(&self, at: &mut [[f32; 2]]) -> f32 {
        let mut most = 0.0f32;
        for triangle in &self.triangles {
            let corners = triangle.corners.map(usize::from);
            let [a, b, c] = corners.map(|i| at[i]);
            let lacks = triangle.least - triangle.side * cross(a, b, c);
            if lacks <= 0.0 {
                continue;
            }
            let slopes = [(b, c), (c, a), (a, b)].map(|([x, y], [u, v])| [y - v, u - x]);
            let gives = corners.map(|i| self.gives[i]);
            let squares = slopes.map(|[x, y]| x * x + y * y);
            let sum: f32 = squares.iter().zip(gives).map(|(s, give)| s * give).sum();
            // Corners on one spot have no way out of it.
            let by = triangle.side * lacks / sum.max(1e-2);
            for ((i, slope), give) in corners.into_iter().zip(slopes).zip(gives) {
                for k in 0..2 {
                    let step = (give * by * slope[k]).clamp(-FARTHEST, FARTHEST);
                    at[i][k] += step;
                    most = most.max(step.abs());
                }
            }
        }
        most
    }
}

fn pixels(steps: i32) -> f32 {
    steps as f32 / UNIT as f32
}

/// Twice the signed area.
fn cross([x0, y0]: [f32; 2], [x1, y1]: [f32; 2], [x2, y2]: [f32; 2]) -> f32 {
    (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
}
