//! The iris's circle, found in the picture itself: landmarks give each iris a person's size, and the eyes
//! of drawings have larger ones.

use super::picture::{Picture, light};
use super::points::{EYES, Eye};
use super::solid::{Point, around};

/// Radii that are tried, in the landmarks' radius, and the places of the middle, likewise.
const RADII: [f32; 2] = [0.8, 1.8];
const TRIES: usize = 21;
const ASIDE: f32 = 0.3;
const UP: f32 = 0.2;
const SHIFTS: i32 = 3;
/// Half the distance over which the edge is a change of light, in radii.
const EDGE: f32 = 0.1;
/// Directions from the middle, and the least of them in which the edge shows.
const WAYS: usize = 48;
const LEAST: usize = 8;
/// Change of light, in levels, from which on edges are all the same, and the least for a circle to be
/// taken.
const CLEAR: f32 = 70.0;
const SEEN: f32 = 18.0;
/// Levels that a circle has to be clearer by for half a radius more or less, and for a middle a radius off.
const PRIOR: [f32; 2] = [12.0, 150.0];

/// An iris as the landmarks have it.
struct Iris {
    middle: [f32; 2],
    radius: f32,
    /// From the middle to four points of its edge.
    ways: [[f32; 2]; 4],
    /// The lids.
    outline: Vec<[f32; 2]>,
}

/// Moves the points of both irises onto the clearest circles of dark within light between the lids. What
/// their radii are multiplied with is the same for both.
pub(super) fn find(picture: &Picture, points: &mut [Point]) {
    let irises = EYES.each_ref().map(|eye| {
        let [x, y, _] = points[eye.iris[0]];
        let ways = [1, 2, 3, 4].map(|k| {
            let [u, v, _] = points[eye.iris[k]];
            [u - x, v - y]
        });
        Iris {
            middle: [x, y],
            radius: ways.iter().map(|&way| length(way)).sum::<f32>() / 4.0,
            ways,
            outline: opening(eye, points),
        }
    });
    if irises.iter().any(|iris| iris.radius < 2.0) {
        return;
    }
    let mut best = (0.0, None);
    for place in 0..TRIES {
        let share = place as f32 / (TRIES - 1) as f32;
        let times = RADII[0] + share * (RADII[1] - RADII[0]);
        // A single eye's lashes and shade pass for a circle too easily.
        let [Some((one, a)), Some((other, b))] =
            irises.each_ref().map(|iris| iris.clearest(picture, times))
        else {
            continue;
        };
        let far = 4.0 * (times - 1.0) * (times - 1.0);
        let clear = (one + other) / 2.0 - PRIOR[0] * far;
        if clear > best.0 {
            best = (clear, Some((times, [a, b])));
        }
    }
    let Some((times, middles)) = best.1 else {
        return;
    };
    for ((eye, iris), [x, y]) in EYES.iter().zip(&irises).zip(middles) {
        [points[eye.iris[0]][0], points[eye.iris[0]][1]] = [x, y];
        let radius = times * iris.radius;
        for (&i, &way) in eye.iris[1..].iter().zip(&iris.ways) {
            let by = radius / length(way);
            [points[i][0], points[i][1]] = [x + by * way[0], y + by * way[1]];
        }
    }
}

/// The outline between an eye's lids.
pub(super) fn opening(eye: &Eye, points: &[Point]) -> Vec<[f32; 2]> {
    let mut outline = vec![eye.corners[0]];
    outline.extend(eye.upper);
    outline.push(eye.corners[1]);
    outline.extend(eye.lower.iter().rev());
    let flat = outline.iter().map(|&i| [points[i][0], points[i][1]]);
    flat.collect()
}

impl Iris {
    /// The middle of the clearest circle of this radius, in the landmarks', and how clear it is.
    fn clearest(&self, picture: &Picture, times: f32) -> Option<(f32, [f32; 2])> {
        let mut best: Option<(f32, [f32; 2])> = None;
        let [x, y] = self.middle;
        for i in -SHIFTS..=SHIFTS {
            for j in -SHIFTS..=SHIFTS {
                let [u, v] = [(i, ASIDE), (j, UP)].map(|(k, most)| k as f32 / SHIFTS as f32 * most);
                let middle = [x + u * self.radius, y + v * self.radius];
                let circle = [middle[0], middle[1], times * self.radius];
                let Some(seen) = clearness(picture, &self.outline, circle) else {
                    continue;
                };
                let clear = seen - PRIOR[1] * (u * u + v * v);
                if seen >= SEEN && best.is_none_or(|(most, _)| clear > most) {
                    best = Some((clear, middle));
                }
            }
        }
        best
    }
}

fn length([x, y]: [f32; 2]) -> f32 {
    (x * x + y * y).sqrt().max(1e-3)
}

/// How much lighter it is outside a circle than inside, in the mean of where its edge lies between the
/// lids.
fn clearness(picture: &Picture, outline: &[[f32; 2]], [x, y, radius]: [f32; 3]) -> Option<f32> {
    let (mut sum, mut count) = (0.0, 0);
    for k in 0..WAYS {
        let (sin, cos) = around(k, WAYS);
        let at = |by: f32| [x + by * radius * cos, y + by * radius * sin];
        let (inner, outer) = (at(1.0 - EDGE), at(1.0 + EDGE));
        // Shade of the lids is no edge.
        if !within(outline, inner) || !within(outline, at(1.0 + 2.0 * EDGE)) {
            continue;
        }
        let light = |[x, y]: [f32; 2]| light(&picture.sample(x, y));
        sum += (light(outer) - light(inner)).clamp(-CLEAR, CLEAR);
        count += 1;
    }
    (count >= LEAST).then(|| sum / count as f32)
}

/// Whether a place lies within an outline.
pub(super) fn within(outline: &[[f32; 2]], [x, y]: [f32; 2]) -> bool {
    let crossed = |i: usize| {
        let ([x0, y0], [x1, y1]) = (outline[i], outline[(i + 1) % outline.len()]);
        (y0 > y) != (y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    };
    (0..outline.len()).filter(|&i| crossed(i)).count() % 2 == 1
}
