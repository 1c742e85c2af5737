//! The mesh over a portrait: the face's triangles, rings around it out to the picture's edge, and the
//! eyes behind the lids.

use super::fit::Fit;
use super::head::{Head, POINTS};
use super::points::{EYES, OVAL};
use super::raster::Plane;
use super::solid::{Point, add, around, scale, smooth, sub};
use crate::warp::{Place, place};

/// The rings around the face, as multiples of its outline.
const RINGS: [f32; 11] = [1.06, 1.13, 1.22, 1.34, 1.5, 1.7, 1.95, 2.25, 2.6, 3.0, 3.5];
/// Where they begin, likewise: a face that turns draws its skin in from between the outline's points.
const BEGIN: f32 = 0.9;
/// How far each ring follows what the outline does in an expression: a jaw that opens takes no collar
/// along.
const FOLLOWS: [f32; RINGS.len()] = [0.74, 0.44, 0.18, 0.04, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// Depth of the axis that the head turns about, behind the eyes' outer corners, in eyes.
pub(crate) const AXIS: f32 = 0.75;
/// Cosine of the angle beside a ray within which skin counts for it.
const BESIDE: f32 = 0.995;
/// Points of an eye's discs.
pub(super) const DISC: usize = 16;
/// Radii of the part of the disc that looks around, and of the whole of it, in radii of the iris.
pub(super) const LOOKS: f32 = 1.22;
const RIM: f32 = 2.4;
/// How far an eye's opening goes on under its lids, in eyes, and in pixels at least: side by side, a lid
/// that moves aside would leave a line between them.
const UNDER: [f32; 2] = [0.02, 1.5];

/// The source of a point's motion.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Follow {
    /// Landmark of this number.
    Skin(usize),
    /// A landmark, by this much.
    Ring(usize, f32),
    /// The head alone.
    Still,
    /// A lid, landmark of this number, as far as it opens the eye (up: -1, down: 1).
    Lid(usize, f32),
    /// The eye of this number, by its gaze.
    Gaze(usize),
}

/// A point of the mesh at rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corner {
    pub(crate) at: Point,
    pub(crate) follow: Follow,
    /// How far it goes with the head, in [0, 1].
    pub(crate) head: f32,
    /// How far it moves at all: 0 at the picture's edge.
    pub(crate) free: f32,
}

/// Points and triangles, in the order in which they are drawn.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) corners: Vec<Corner>,
    pub(crate) triangles: Vec<[u16; 3]>,
    /// Number of the first triangle of the face's skin, which lies over rings and eyes.
    pub(crate) skin: usize,
    /// Each eye's disc.
    pub(crate) discs: [Disc; 2],
    /// The skin's points that the first ring is around.
    pub(crate) outline: [usize; OVAL.len()],
    /// The corners at rest.
    pub(crate) rest: Vec<Place>,
    /// The picture's longer side in pixels.
    pub(crate) longer: f32,
}

/// The corners of an eye's disc that look around.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disc {
    pub(crate) middle: u16,
    /// First of [`DISC`] corners around the iris.
    pub(crate) iris: u16,
}

/// The parts of the picture's edge that the mesh is fixed to.
#[derive(Debug)]
pub(crate) struct Hold {
    edges: Vec<[[f32; 2]; 2]>,
    /// Distance over which it comes free, in pixels.
    room: f32,
    /// How far the head takes what is around it along, as multiples of its outline: wholly, and at all;
    /// and where its neck begins, as the cosine of the way down.
    reach: [f32; 2],
    neck: [f32; 2],
}

impl Hold {
    /// The picture's whole edge: what is around the head is as fixed as its ground.
    pub(crate) fn whole([width, height]: [f32; 2]) -> Self {
        let [a, b, c, d] = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
        Self {
            edges: vec![[a, b], [b, c], [c, d], [d, a]],
            room: 0.08 * width.min(height),
            reach: [1.55, 2.9],
            neck: [0.1, 0.8],
        }
    }

    /// The edges that cut off a person who lies where `person` isn't 0, in pixels of `step`, and
    /// the lower one: the ground is another layer, so that hair moves as far as it reaches.
    pub(crate) fn of(person: &Plane, step: f32, near: usize) -> Self {
        let (columns, rows) = (person.width, person.height);
        let ends = |count: usize, cut_off: &dyn Fn(usize) -> bool| {
            let first = (0..count).find(|&i| cut_off(i))?;
            let last = (0..count).rfind(|&i| cut_off(i))?;
            Some([first as f32 * step, (last + 1) as f32 * step])
        };
        let any = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
            y.into_iter()
                .any(|y| x.clone().any(|x| person.at([x, y]) > 0.0))
        };
        let [width, height] = [columns, rows].map(|size| size as f32 * step);
        let mut edges = vec![[[0.0, height], [width, height]]];
        let top = ends(columns, &|x| any(x..x + 1, 0..near.min(rows)));
        edges.extend(top.map(|ends| ends.map(|x| [x, 0.0])));
        let left = ends(rows, &|y| any(0..near.min(columns), y..y + 1));
        edges.extend(left.map(|ends| ends.map(|y| [0.0, y])));
        let right = ends(rows, &|y| {
            any(columns.saturating_sub(near)..columns, y..y + 1)
        });
        edges.extend(right.map(|ends| ends.map(|y| [width, y])));
        Self {
            edges,
            reach: [2.3, 3.4],
            neck: [0.05, 0.55],
            ..Self::whole([width, height])
        }
    }

    /// A corner, free as far as it lies from what holds it.
    fn corner(&self, at: Point, follow: Follow, head: f32) -> Corner {
        let [x, y, _] = at;
        let distance = |&[[x0, y0], [x1, y1]]: &[[f32; 2]; 2]| {
            let (u, v) = (
                x - x.clamp(x0.min(x1), x0.max(x1)),
                y - y.clamp(y0.min(y1), y0.max(y1)),
            );
            (u * u + v * v).sqrt()
        };
        let edge = self.edges.iter().map(distance).fold(f32::MAX, f32::min);
        Corner {
            at,
            follow,
            head,
            free: smooth(edge, 0.0, self.room),
        }
    }
}

impl Mesh {
    /// Over a frame of a film, whose head may be turned, but turns no farther: skin that it hides stays hidden,
    /// and would leave an edge where the cheek before it was.
    pub(crate) fn filmed(head: &Head, fit: &Fit, size: (usize, usize)) -> Self {
        let hold = Hold::whole([size.0 as f32, size.1 as f32]);
        let mut mesh = Self::held(head, fit, size, &hold);
        let mut skin = mesh.triangles.split_off(mesh.skin);
        let area = |corners: &[u16; 3]| {
            let [a, b, c] = corners.map(|i| fit.points[usize::from(i)]);
            let (u, v) = (sub(b, a), sub(c, a));
            u[0] * v[1] - u[1] * v[0]
        };
        let front = skin.iter().map(area).sum::<f32>().signum();
        let ends = |corners: &[u16; 3]| corners.iter().any(|&i| OVAL.contains(&usize::from(i)));
        skin.retain(|corners| front * area(corners) > 0.0 || !ends(corners));
        mesh.triangles.extend(skin);
        mesh
    }

    /// Over a portrait.
    pub(crate) fn held(head: &Head, fit: &Fit, size: (usize, usize), hold: &Hold) -> Self {
        let outline = silhouette(fit);
        let size = [size.0 as f32, size.1 as f32];
        let mut corners: Vec<Corner> = (0..POINTS)
            .map(|i| hold.corner(fit.points[i], Follow::Skin(i), 1.0))
            .collect();
        let mut triangles = Vec::new();
        rings(fit, &outline, size, hold, &mut corners, &mut triangles);
        let discs = [0, 1].map(|eye| eyeball(fit, eye, hold, &mut corners, &mut triangles));
        let mut skin = head.triangles.clone();
        // Nearer triangles are drawn later, and upper lids over lower ones.
        let depth = |corner: &[u16; 3]| {
            let sum: f32 = corner.iter().map(|&i| fit.points[usize::from(i)][2]).sum();
            let lid = EYES
                .iter()
                .any(|eye| corner.iter().any(|&i| eye.upper.contains(&usize::from(i))));
            if lid { f32::MIN } else { sum }
        };
        skin.sort_by(|a, b| depth(b).total_cmp(&depth(a)));
        let first = triangles.len();
        triangles.extend(skin);
        let rest = corners.iter().map(|c| place([c.at[0], c.at[1]])).collect();
        Self {
            corners,
            triangles,
            skin: first,
            discs,
            outline,
            rest,
            longer: size[0].max(size[1]),
        }
    }
}

impl Mesh {
    /// The triangles' area at rest as a multiple of the picture's.
    pub(crate) fn overdraw(&self, width: usize, height: usize) -> f32 {
        let area = |corners: &[u16; 3]| {
            let [a, b, c] = corners.map(|i| self.corners[usize::from(i)].at);
            let (u, v) = (sub(b, a), sub(c, a));
            (u[0] * v[1] - u[1] * v[0]).abs() / 2.0
        };
        self.triangles.iter().map(area).sum::<f32>() / (width * height) as f32
    }
}

/// The skin's points at which a face is seen to end: the outline's, but beyond the far cheek of a turned
/// head those that hide it. Rings that began at hidden points would keep an edge of the cheek where it was.
fn silhouette(fit: &Fit) -> [usize; OVAL.len()] {
    let middle = middle(&OVAL.map(|i| fit.points[i]));
    OVAL.map(|number| {
        let [x, y, _] = sub(fit.points[number], middle);
        let length = (x * x + y * y).max(1e-3);
        let reach = |&skin: &usize| {
            let [u, v, _] = sub(fit.points[skin], middle);
            let along = x * u + y * v;
            let is_beside = along > BESIDE * (length * (u * u + v * v)).sqrt();
            if is_beside { along / length } else { 0.0 }
        };
        let farthest = (0..POINTS).max_by(|a, b| reach(a).total_cmp(&reach(b)));
        farthest.filter(|skin| reach(skin) > 1.0).unwrap_or(number)
    })
}

fn middle(outline: &[Point]) -> Point {
    let sum = outline.iter().fold([0.0; 3], |sum, &p| add(sum, p));
    scale(sum, 1.0 / outline.len() as f32)
}

/// Rings around the outline, along rays from its middle, stopped by the picture's edge.
fn rings(
    fit: &Fit,
    numbers: &[usize; OVAL.len()],
    size: [f32; 2],
    hold: &Hold,
    corners: &mut Vec<Corner>,
    triangles: &mut Vec<[u16; 3]>,
) {
    let outline = numbers.map(|i| fit.points[i]);
    let middle = middle(&outline);
    let down = fit.direction([0.0, 1.0, 0.0]);
    let axis = fit.middle()[2] + AXIS * fit.eyes;
    // The last corners: where the rings begin, under the skin.
    let under = (corners.len() + RINGS.len() * outline.len()) as u16;
    let mut inner: Vec<u16> = (under..under + outline.len() as u16).collect();
    let mut outside = Vec::new();
    for (&times, &follow) in RINGS.iter().zip(&FOLLOWS) {
        let first = corners.len() as u16;
        for (k, &point) in outline.iter().enumerate() {
            let ray = sub(point, middle);
            let length = (ray[0] * ray[0] + ray[1] * ray[1]).sqrt().max(1e-3);
            let below = (ray[0] * down[0] + ray[1] * down[1]) / length;
            // A neck stays where hair and ears still go with the head.
            let neck = smooth(below, hold.neck[0], hold.neck[1]);
            let begin = hold.reach[0] + (1.04 - hold.reach[0]) * neck;
            let end = hold.reach[1] + (2.1 - hold.reach[1]) * neck;
            let head = 1.0 - smooth(times, begin, end);
            let reach = times.min(room(middle, ray, size).max(1.0));
            let depth = smooth(times, 1.0, 1.5);
            let mut at = add(middle, scale(ray, reach));
            at[2] = point[2] + depth * (axis - point[2]);
            let follow = Follow::Ring(numbers[k], follow);
            corners.push(hold.corner(at, follow, head));
        }
        let count = outline.len() as u16;
        let mut ring = Vec::new();
        for i in 0..count {
            let j = (i + 1) % count;
            let (a, b) = (inner[usize::from(i)], inner[usize::from(j)]);
            ring.push([a, b, first + i]);
            ring.push([b, first + j, first + i]);
        }
        outside.push(ring);
        inner = (first..first + count).collect();
    }
    for (&number, &point) in numbers.iter().zip(&outline) {
        let [x, y, _] = add(middle, scale(sub(point, middle), BEGIN));
        corners.push(hold.corner([x, y, point[2]], Follow::Ring(number, 1.0), 1.0));
    }
    // From the outside in.
    for ring in outside.into_iter().rev() {
        triangles.extend(ring);
    }
}

/// How many times a ray may be taken before it leaves the picture.
fn room(from: Point, ray: Point, size: [f32; 2]) -> f32 {
    let mut most = f32::MAX;
    for i in 0..2 {
        if ray[i] > 1e-3 {
            most = most.min((size[i] - from[i]) / ray[i]);
        } else if ray[i] < -1e-3 {
            most = most.min(-from[i] / ray[i]);
        }
    }
    most
}

/// The eye's opening, which goes with the head, and over it a disc whose middle looks around.
fn eyeball(
    fit: &Fit,
    number: usize,
    hold: &Hold,
    corners: &mut Vec<Corner>,
    triangles: &mut Vec<[u16; 3]>,
) -> Disc {
    let eye = &EYES[number];
    let mut outline = vec![eye.corners[0]];
    outline.extend(eye.upper);
    outline.push(eye.corners[1]);
    outline.extend(eye.lower.iter().rev());
    let sum = outline
        .iter()
        .fold([0.0; 3], |sum, &i| add(sum, fit.points[i]));
    let middle = scale(sum, 1.0 / outline.len() as f32);
    let first = corners.len() as u16;
    corners.push(hold.corner(middle, Follow::Still, 1.0));
    let under = (UNDER[0] * fit.eyes).max(UNDER[1]);
    let down = fit.direction([0.0, under, 0.0]);
    let across = fit.direction([under, 0.0, 0.0]);
    for &i in &outline {
        let (follow, by) = if eye.upper.contains(&i) {
            (Follow::Lid(i, -1.0), scale(down, -1.0))
        } else if eye.lower.contains(&i) {
            (Follow::Lid(i, 1.0), down)
        } else {
            let sign = if i == eye.corners[0] { -1.0 } else { 1.0 };
            (Follow::Ring(i, 1.0), scale(across, sign))
        };
        corners.push(hold.corner(add(fit.points[i], by), follow, 1.0));
    }
    let count = outline.len() as u16;
    for i in 0..count {
        triangles.push([first, first + 1 + i, first + 1 + (i + 1) % count]);
    }
    let iris = fit.points[eye.iris[0]];
    let radius = iris_radius(fit, number);
    let circle = |radius: f32| -> Vec<Point> {
        (0..DISC)
            .map(|i| {
                let (s, c) = around(i, DISC);
                add(iris, [radius * c, radius * s, 0.0])
            })
            .collect()
    };
    let inner = corners.len() as u16 + 1;
    corners.push(hold.corner(iris, Follow::Gaze(number), 1.0));
    for point in circle(LOOKS * radius) {
        corners.push(hold.corner(point, Follow::Gaze(number), 1.0));
    }
    for i in 0..DISC as u16 {
        triangles.push([inner - 1, inner + i, inner + (i + 1) % DISC as u16]);
    }
    let outer = corners.len() as u16;
    for point in circle(RIM * radius) {
        corners.push(hold.corner(point, Follow::Still, 1.0));
    }
    for i in 0..DISC as u16 {
        let j = (i + 1) % DISC as u16;
        triangles.push([inner + i, inner + j, outer + i]);
        triangles.push([inner + j, outer + j, outer + i]);
    }
    Disc {
        middle: inner - 1,
        iris: inner,
    }
}

/// Mean distance of the iris's edge from its middle, in pixels.
pub(crate) fn iris_radius(fit: &Fit, number: usize) -> f32 {
    let [middle, edge @ ..] = EYES[number].iris.map(|i| fit.points[i]);
    let sum: f32 = edge
        .iter()
        .map(|&p| {
            let [x, y, _] = sub(p, middle);
            (x * x + y * y).sqrt()
        })
        .sum();
    sum / 4.0
}
