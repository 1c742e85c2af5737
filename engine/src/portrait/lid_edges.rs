//! What belongs to the lids' edges although the landmarks' line divides it: lashes and shade of an upper
//! lid that lie on the eye, and the iris's edge below a lower lid that the landmarks have too high. In a
//! glance the first go with the lid and the second goes away; beside the iris the picture shows how.

use super::fit::Fit;
use super::mesh::iris_radius;
use super::picture::{Picture, light};
use super::points::{EYES, Eye};
use super::rig::{Posed, look};
use super::solid::{add, apply, scale, smooth};
use crate::warp::{Canvas, Place, Texture, UNIT, place};

/// How far the shade of an upper lid reaches, and the iris below a lower one, in eyes.
const SHADE: f32 = 0.055;
const BELOW: f32 = 0.09;
/// Half the width of what the iris hides of a lid's edge, in its radii: at first and at last.
const BESIDE: [f32; 2] = [1.04, 1.16];
/// Share of an eye's width from its corners within which nothing says how its lids are.
const CORNER: f32 = 0.07;
/// How far from the white (0) to the lashes (1) shade is, from which on it is drawn.
const LEAST: f32 = 0.06;
/// How far from the lid beside it (0) to the iris (1) a colour is, from which on it is the iris's.
const LIKE: [f32; 2] = [0.4, 0.7];
/// Where the iris's colour is taken, from its middle: down and to either side, in its radii.
const SEEN: [f32; 2] = [0.6, 0.45];
/// How far an iris has gone where they begin to show, and where they wholly do, in radii.
const SHOWS: [f32; 2] = [0.02, 0.2];
/// How far a blink is where nothing of them is left.
const SHUT: f32 = 0.3;
/// Points of a lid, its corners among them.
const POINTS: usize = 9;

/// The lids' edges of one portrait, upper and lower ones, where its picture shows them beside the iris.
#[derive(Debug)]
pub(crate) struct LidEdges([[Option<Strip>; 2]; 2]);

/// A strip along a lid.
#[derive(Debug)]
struct Strip {
    painted: Texture,
    points: [usize; POINTS],
    /// How far down it reaches, in pixels.
    depth: f32,
    /// The lid's points at rest and those below them, in the painted window.
    from: [Place; 2 * POINTS],
}

impl LidEdges {
    pub(crate) fn new(fit: &Fit, picture: &Picture) -> Self {
        let lids =
            |number| [true, false].map(|is_upper| Strip::new(fit, picture, (number, is_upper)));
        Self([0, 1].map(lids))
    }

    /// Lays them over the skin, for a gaze right and down in degrees.
    pub(crate) fn draw(
        &self,
        fit: &Fit,
        posed: &Posed,
        (gaze, blink): ([f32; 2], [f32; 2]),
        canvas: &mut Canvas,
    ) {
        for (number, lids) in self.0.iter().enumerate() {
            let [x, y, _] = look(fit, number, gaze);
            let far = (x * x + y * y).sqrt() / iris_radius(fit, number);
            let open = 1.0 - smooth(blink[number], 0.0, SHUT);
            let cover = (255.0 * open * smooth(far, SHOWS[0], SHOWS[1]) + 0.5) as u32;
            if cover > 0 {
                for strip in lids.iter().flatten() {
                    strip.draw(fit, posed, cover, canvas);
                }
            }
        }
    }
}

/// A lid's points with the eye's corners.
fn along(eye: &Eye, lid: &[usize; 7]) -> [usize; POINTS] {
    std::array::from_fn(|k| match k {
        0 => eye.corners[0],
        8 => eye.corners[1],
        _ => lid[k - 1],
    })
}

impl Strip {
    fn new(fit: &Fit, picture: &Picture, (number, is_upper): (usize, bool)) -> Option<Self> {
        let eye = &EYES[number];
        let [upper, lower] = [&eye.upper, &eye.lower].map(|lid| along(eye, lid));
        let (points, other, depth) = match is_upper {
            true => (upper, lower, SHADE * fit.eyes),
            false => (lower, upper, BELOW * fit.eyes),
        };
        let line = Line::new(fit, number, [points, other])?;
        let range = |axis: usize, most: usize| {
            let values = points.iter().map(|&i| fit.points[i][axis]);
            let least = values.clone().fold(f32::MAX, f32::min) - depth - 2.0;
            let largest = values.fold(f32::MIN, f32::max) + depth + 2.0;
            let [from, to] = [least, largest].map(|at| at.clamp(0.0, most as f32) as usize);
            (to > from).then_some((from, to - from))
        };
        let (left, width) = range(0, picture.width)?;
        let (top, height) = range(1, picture.height)?;
        let ends = line.ends(picture, depth);
        let pixels: Vec<[u8; 4]> = (0..width * height)
            .map(|i| {
                let at = [left + i % width, top + i / width];
                let at = at.map(|at| at as f32 + 0.5);
                let painted = if is_upper {
                    line.shade(picture, at, (depth, ends))
                } else {
                    line.bared(picture, at, depth)
                };
                painted.unwrap_or_default()
            })
            .collect();
        let down = fit.direction([0.0, depth, 0.0]);
        let from = std::array::from_fn(|k| {
            let at = add(fit.points[points[k / 2]], scale(down, (k % 2) as f32));
            place([at[0] - left as f32, at[1] - top as f32])
        });
        Some(Self {
            painted: Texture::new(&pixels, width, height),
            points,
            depth,
            from,
        })
    }

    fn draw(&self, fit: &Fit, posed: &Posed, cover: u32, canvas: &mut Canvas) {
        let down = apply(&posed.head.turn, fit.direction([0.0, self.depth, 0.0]));
        let to: [Place; 2 * POINTS] = std::array::from_fn(|k| {
            let at = posed.places[self.points[k / 2]];
            let by = [down[0], down[1]].map(|by| (by * UNIT as f32) as i32 * (k % 2) as i32);
            [at[0] + by[0], at[1] + by[1]]
        });
        canvas.blend(&self.painted, &QUADS, (&self.from, &to), cover);
    }
}

/// Between neighbouring points of a strip.
const QUADS: [[u16; 3]; 2 * (POINTS - 1)] = {
    let mut triangles = [[0; 3]; 2 * (POINTS - 1)];
    let mut k = 0;
    while k < POINTS - 1 {
        let a = 2 * k as u16;
        triangles[2 * k] = [a, a + 2, a + 1];
        triangles[2 * k + 1] = [a + 2, a + 3, a + 1];
        k += 1;
    }
    triangles
};

/// A lid's edge in the picture, by the way along the eye and the way down from its corner.
struct Line {
    corner: [f32; 2],
    /// From corner to corner, of length one.
    axis: [f32; 2],
    points: [[f32; 2]; POINTS],
    /// The other lid's.
    other: [[f32; 2]; POINTS],
    /// The iris's middle, and its radius.
    iris: [f32; 2],
    radius: f32,
    /// Where its edge shows left and right of the iris.
    beside: [Option<f32>; 2],
}

impl Line {
    /// None where the picture shows no side of the iris.
    fn new(fit: &Fit, number: usize, [points, other]: [[usize; POINTS]; 2]) -> Option<Self> {
        let flat = |i: usize| [fit.points[i][0], fit.points[i][1]];
        let (corner, end) = (flat(points[0]), flat(points[POINTS - 1]));
        let way = [end[0] - corner[0], end[1] - corner[1]];
        let length = (way[0] * way[0] + way[1] * way[1]).sqrt().max(1e-3);
        let mut line = Self {
            corner,
            axis: way.map(|v| v / length),
            points: [[0.0; 2]; POINTS],
            other: [[0.0; 2]; POINTS],
            iris: [0.0; 2],
            radius: iris_radius(fit, number),
            beside: [None; 2],
        };
        line.points = points.map(|i| line.own(flat(i)));
        line.other = other.map(|i| line.own(flat(i)));
        line.iris = line.own(flat(EYES[number].iris[0]));
        let room = CORNER * length..(1.0 - CORNER) * length;
        line.beside = [-1.0, 1.0].map(|sign| {
            let at = line.iris[0] + sign * BESIDE[1] * line.radius;
            room.contains(&at).then_some(at)
        });
        line.beside.iter().any(Option::is_some).then_some(line)
    }

    /// The way along and down of a place in the picture.
    fn own(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - self.corner[0], y - self.corner[1]);
        [
            self.axis[0] * x + self.axis[1] * y,
            self.axis[0] * y - self.axis[1] * x,
        ]
    }

    /// How far down the edge lies at a way along.
    fn height(&self, along: f32) -> f32 {
        height(&self.points, along)
    }

    fn colour(&self, picture: &Picture, along: f32, below: f32) -> [f32; 3] {
        let down = self.height(along) + below;
        let [x, y] = self.corner;
        picture.sample(
            x + self.axis[0] * along - self.axis[1] * down,
            y + self.axis[1] * along + self.axis[0] * down,
        )
    }

    /// The colour beside the iris at a place along that it hides.
    fn hidden(&self, picture: &Picture, along: f32, below: f32) -> [f32; 3] {
        let seen = |at: f32| self.colour(picture, at, below);
        match self.beside {
            [Some(a), Some(b)] => {
                let share = ((along - a) / (b - a).max(1e-3)).clamp(0.0, 1.0);
                let (from, to) = (seen(a), seen(b));
                [0, 1, 2].map(|c| from[c] + share * (to[c] - from[c]))
            }
            [Some(at), None] | [None, Some(at)] => seen(at),
            [None, None] => seen(along),
        }
    }

    /// The darkest and the lightest colour beside the iris, from above the edge to below the shade.
    fn ends(&self, picture: &Picture, depth: f32) -> [[f32; 3]; 2] {
        let sides = self.beside.iter().flatten();
        let places = sides.flat_map(|&at| (-2..=9).map(move |k| (at, 0.13 * k as f32 * depth)));
        let mut colours: Vec<[f32; 3]> = places
            .map(|(at, below)| self.colour(picture, at, below))
            .collect();
        colours.sort_by(|a, b| light(a).total_cmp(&light(b)));
        [0, colours.len() - 1].map(|i| colours[i])
    }

    /// The lashes and the shade that an upper lid has on the eye: so much of the lashes' colour.
    fn shade(
        &self,
        picture: &Picture,
        at: [f32; 2],
        (depth, [dark, white]): (f32, [[f32; 3]; 2]),
    ) -> Option<[u8; 4]> {
        let [along, down] = self.own(at);
        let below = down - self.height(along);
        if !(-1.0..depth).contains(&below) {
            return None;
        }
        let off = (along - self.iris[0]).abs() / self.radius;
        let hides = 1.0 - smooth(off, BESIDE[0], BESIDE[1]);
        let own = light(&picture.sample(at[0], at[1]));
        let dark_light = light(&dark);
        // How much of the lashes' colour takes a light to what is seen.
        let share = |from: f32, seen: f32| {
            let share = (from - seen) / (from - dark_light).max(1.0);
            ((share - LEAST) / (1.0 - LEAST)).clamp(0.0, 1.0)
        };
        let beside = share(light(&white), light(&self.hidden(picture, along, below)));
        let on_iris = share(light(&self.iris_colour(picture)), own).min(beside);
        let on_white = share(light(&white), own);
        let share = on_white + hides * (on_iris - on_white);
        let open = height(&self.other, along) - self.height(along);
        let ends = 1.0 - smooth(below, 0.5 * depth, depth);
        let ends = ends * (1.0 - smooth(below, 0.4 * open, (0.8 * open).max(1e-3)));
        Some(painted(dark, share * ends))
    }

    /// The colour of the iris's lower part.
    fn iris_colour(&self, picture: &Picture) -> [f32; 3] {
        let [down, aside] = SEEN.map(|by| by * self.radius);
        let [a, b] = [-aside, aside].map(|aside| {
            let along = self.iris[0] + aside;
            self.colour(picture, along, self.iris[1] + down - self.height(along))
        });
        [0, 1, 2].map(|c| (a[c] + b[c]) / 2.0)
    }

    /// A lower lid without the iris.
    fn bared(&self, picture: &Picture, at: [f32; 2], depth: f32) -> Option<[u8; 4]> {
        let [along, down] = self.own(at);
        let below = down - self.height(along);
        if !(-1.0..depth).contains(&below) {
            return None;
        }
        let (x, y) = (along - self.iris[0], down - self.iris[1]);
        let far = (x * x + y * y).sqrt() / self.radius;
        let (own, beside) = (
            picture.sample(at[0], at[1]),
            self.hidden(picture, along, below),
        );
        let iris = self.iris_colour(picture);
        let (mut along_way, mut square) = (0.0, 1.0);
        for c in 0..3 {
            along_way += (own[c] - beside[c]) * (iris[c] - beside[c]);
            square += (iris[c] - beside[c]) * (iris[c] - beside[c]);
        }
        let is_iris = smooth(along_way / square, LIKE[0], LIKE[1]);
        let ends = 1.0 - smooth(far, BESIDE[0], BESIDE[1]);
        Some(painted(beside, is_iris * ends))
    }
}

/// How far down a line lies at a way along.
fn height(points: &[[f32; 2]; POINTS], along: f32) -> f32 {
    let k = (1..POINTS - 1).take_while(|&k| points[k][0] <= along);
    let k = k.count();
    let ([a, from], [b, to]) = (points[k], points[k + 1]);
    from + ((along - a) / (b - a).max(1e-3)).clamp(0.0, 1.0) * (to - from)
}

fn painted([r, g, b]: [f32; 3], alpha: f32) -> [u8; 4] {
    [r, g, b, 255.0 * alpha].map(|v| (v + 0.5).clamp(0.0, 255.0) as u8)
}
