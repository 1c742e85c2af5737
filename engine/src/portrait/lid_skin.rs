//! The skin of shut lids, which the picture doesn't show: the open eye painted over from the skin around
//! it, with the grain of the cheek. A lid that comes down would stretch the little skin above the eye,
//! lashes and all.

use super::fit::Fit;
use super::picture::{Picture, light};
use super::points::{EYES, OVAL};
use super::raster::{self, Plane};
use super::rig::{MEETING, Posed};
use super::solid::{Point, add, scale, smooth, sub};
use crate::warp::{Canvas, Place, Texture, place};

/// Columns of a lid: beyond one corner, the corner, seven of the lids' points, the other corner, beyond it.
const COLUMNS: usize = 11;
/// How far the eye is painted over: of the way to the crease above, of the way to the row below, and
/// beyond its corners in eyes, but at most by this share of the way to the face's outline.
const ABOVE: f32 = 0.6;
const BELOW: f32 = 0.45;
const BEYOND: f32 = 0.11;
const OUTWARD: f32 = 0.4;
/// Width of an eye that is seen from the front, in eyes: less is painted over beside one that isn't.
const WIDTH: f32 = 0.32;
/// Half the height of what is painted over there, in eyes.
const BLUNT: f32 = 0.04;
/// How far beyond the crease the painted skin may still fade, of the way to the row above it.
const FADES: f32 = 0.7;
/// How far the corner's column keeps from the lid's last one, above and below, in eyes.
const APART: f32 = 0.065;
/// The outline's points beside the eyes' outer corners.
const OUTLINE: [usize; 2] = [127, 356];
/// Softness of the edge, in eyes.
const SOFT: f32 = 0.018;
/// Most rounds of smoothing that make it soft.
const MOST_ROUNDS: f32 = 40.0;
/// Skin from which on it is darker than its surroundings' median by this share is lashes or brow.
const LASHES: f32 = 0.16;
/// Light from which on it is a highlight, likewise, and how far its hue may differ from the median's.
const HIGHLIGHT: f32 = 0.3;
const HUE: f32 = 0.16;
/// The surroundings of an eye are taken as they are if less than one in so many of their pixels is like that.
const FEW: usize = 8;
/// How far below the eye the cheek's grain is taken from, in eyes, and the most of it in levels and in
/// medians: a highlight or a crease is no grain.
const CHEEK: f32 = 0.36;
const GRAIN: f32 = 12.0;
const COARSE: f32 = 3.5;
/// How far a blink is where painted skin begins to show and covers all: the upper lid's, the lower one's.
const SHOWS: [f32; 2] = [0.25, 0.6];
const SHOWS_BELOW: [f32; 2] = [0.75, 0.95];

/// Both lids of one portrait.
#[derive(Debug)]
pub(crate) struct LidSkin([Eye; 2]);

#[derive(Debug)]
struct Eye {
    painted: Texture,
    /// The painted window's corner in the picture.
    corner: [f32; 2],
    columns: [Column; COLUMNS],
}

/// One column of a lid, from the crease to the edge where lids meet and on to below the lower lid, at
/// rest; and the landmarks that it follows.
#[derive(Clone, Copy, Debug)]
struct Column {
    rest: [Point; 3],
    /// The eye's corner at rest, where the column follows it.
    corner: Point,
    follows: Follows,
}

#[derive(Clone, Copy, Debug)]
enum Follows {
    /// Row above the crease, crease, upper edge, lower edge, row below.
    Lids([usize; 5]),
    /// A corner of the eye, which all three places move with.
    Corner(usize),
}

impl LidSkin {
    pub(crate) fn new(fit: &Fit, picture: &Picture) -> Self {
        Self([0, 1].map(|number| Eye::new(fit, picture, number)))
    }

    /// Covers eyes that are shut by `blink`.
    pub(crate) fn draw(&self, posed: &Posed, blink: [f32; 2], canvas: &mut Canvas) {
        for (eye, blink) in self.0.iter().zip(blink) {
            let cover = |[from, to]: [f32; 2]| (255.0 * smooth(blink, from, to) + 0.5) as u32;
            if blink > SHOWS[0] {
                eye.draw(posed, [SHOWS, SHOWS_BELOW].map(cover), canvas);
            }
        }
    }
}

impl Eye {
    fn new(fit: &Fit, picture: &Picture, number: usize) -> Self {
        let columns = columns(fit, number);
        let outline = outline(fit, number);
        let window = Window::new(fit, picture, &outline);
        let hole = window.mask(&outline);
        let alpha = window.soft(&hole, SOFT * fit.eyes);
        let colours = window.painted(fit, picture, &hole);
        let rgba: Vec<[u8; 4]> = colours
            .iter()
            .zip(&alpha.values)
            .map(|(&[r, g, b], alpha)| [r, g, b, (255.0 * alpha + 0.5) as u8])
            .collect();
        Self {
            painted: Texture::new(&rgba, window.width, window.height),
            corner: [window.left as f32, window.top as f32],
            columns,
        }
    }

    fn draw(&self, posed: &Posed, [upper, lower]: [u32; 2], canvas: &mut Canvas) {
        let mut from = [[0; 2]; 4 * COLUMNS];
        let mut to = from;
        for (k, column) in self.columns.iter().enumerate() {
            let [top, edge, bottom] = column.rest;
            let rest = [top, edge, edge, bottom];
            let now = match column.follows {
                Follows::Lids(points) => {
                    let [above, crease, rest @ ..] = points.map(|point| posed.places[point]);
                    let top = between(crease, above, FADES);
                    [top, rest[0], rest[1], rest[2]]
                }
                Follows::Corner(point) => {
                    rest.map(|at| with_corner(posed.places[point], at, column.corner))
                }
            };
            for row in 0..4 {
                let [x, y, _] = rest[row];
                from[4 * k + row] = place([x - self.corner[0], y - self.corner[1]]);
                to[4 * k + row] = now[row];
            }
        }
        let ends = ENDS.as_flattened();
        for (triangles, cover) in [(&UPPER[..], upper), (ends, upper), (&LOWER, lower)] {
            canvas.blend(&self.painted, triangles, (&from, &to), cover);
        }
    }
}

fn between(from: Place, to: Place, share: f32) -> Place {
    [0, 1].map(|i| from[i] + ((to[i] - from[i]) as f32 * share).round() as i32)
}

/// The place of `at`, which keeps its way to a corner that has gone `to` from where it was.
fn with_corner(to: Place, at: Point, corner: Point) -> Place {
    let by = place([at[0] - corner[0], at[1] - corner[1]]);
    [to[0] + by[0], to[1] + by[1]]
}

/// The upper lid, the lower one, and what is beside it beyond the eye's corners.
const UPPER: [[u16; 3]; 2 * (COLUMNS - 1)] = between_columns(0, 0);
const LOWER: [[u16; 3]; 2 * (COLUMNS - 3)] = between_columns(2, 1);
const ENDS: [[[u16; 3]; 2]; 2] = [between_columns(2, 0), between_columns(2, COLUMNS - 2)];

/// The triangles between two of the columns' four rows, from a column on.
const fn between_columns<const N: usize>(row: u16, first: usize) -> [[u16; 3]; N] {
    let mut triangles = [[0; 3]; N];
    let mut k = 0;
    while k < N / 2 {
        let a = 4 * (first + k) as u16 + row;
        let b = a + 4;
        triangles[2 * k] = [a, b, a + 1];
        triangles[2 * k + 1] = [b, b + 1, a + 1];
        k += 1;
    }
    triangles
}

fn columns(fit: &Fit, number: usize) -> [Column; COLUMNS] {
    let eye = &EYES[number];
    let at = |i: usize| fit.points[i];
    let down = fit.direction([0.0, 1.0, 0.0]);
    let lid = |k: usize| {
        let (upper, lower) = (at(eye.upper[k]), at(eye.lower[k]));
        let edge = add(upper, scale(sub(lower, upper), MEETING));
        let crease = at(eye.crease[k]);
        let top = add(crease, scale(sub(at(eye.above[k]), crease), FADES));
        let rows = [eye.above, eye.crease, eye.upper, eye.lower, eye.bag];
        Column {
            rest: [top, edge, at(eye.bag[k])],
            corner: edge,
            follows: Follows::Lids(rows.map(|row| row[k])),
        }
    };
    std::array::from_fn(|k| {
        if (2..COLUMNS - 2).contains(&k) {
            return lid(k - 2);
        }
        let side = usize::from(k > 2);
        let corner = at(eye.corners[side]);
        let outward = outward(fit, number, side);
        let beyond = if k == 0 || k == COLUMNS - 1 {
            beyond(fit, number, side) + SOFT * fit.eyes
        } else {
            0.0
        };
        let edge = add(corner, scale(outward, beyond));
        let beside = lid(6 * side).rest;
        let [up, low] = [(-0.09, beside[0]), (0.08, beside[2])].map(|(far, beside)| {
            let place = add(edge, scale(down, far * fit.eyes));
            // Rows of a lid may reach beyond its corner, where columns would cross.
            let [x, y, _] = sub(beside, add(corner, scale(down, far * fit.eyes)));
            let past = x * outward[0] + y * outward[1] + APART * fit.eyes;
            add(place, scale(outward, past.max(0.0)))
        });
        Column {
            rest: [up, edge, low],
            corner,
            follows: Follows::Corner(eye.corners[side]),
        }
    })
}

/// The way out of an eye's corner, of length one in the picture.
fn outward(fit: &Fit, number: usize, side: usize) -> Point {
    let corners = EYES[number].corners.map(|i| fit.points[i]);
    let by = sub(corners[side], corners[1 - side]);
    scale(by, 1.0 / length(by))
}

fn flat([x, y, _]: Point) -> Point {
    [x, y, 0.0]
}

fn length([x, y, _]: Point) -> f32 {
    (x * x + y * y).sqrt().max(1e-3)
}

/// How far beyond a corner the eye is painted over, in pixels.
fn beyond(fit: &Fit, number: usize, side: usize) -> f32 {
    let eye = &EYES[number];
    let width = length(sub(
        flat(fit.points[eye.corners[1]]),
        flat(fit.points[eye.corners[0]]),
    ));
    let most = BEYOND * fit.eyes * (width / (WIDTH * fit.eyes)).min(1.0);
    if number != side {
        return most;
    }
    let corner = fit.points[EYES[number].corners[side]];
    let room = length(sub(fit.points[OUTLINE[number]], corner));
    most.min(OUTWARD * room)
}

/// The area that is painted over: the eye with its lashes and corners.
fn outline(fit: &Fit, number: usize) -> Vec<[f32; 2]> {
    let eye = &EYES[number];
    let flat = |p: Point| [p[0], p[1]];
    let between = |from: usize, to: usize, share: f32| {
        let (from, to) = (fit.points[from], fit.points[to]);
        flat(add(from, scale(sub(to, from), share)))
    };
    let down = fit.direction([0.0, BLUNT * fit.eyes, 0.0]);
    let blunt = |side: usize, sign: f32| {
        let way = scale(outward(fit, number, side), beyond(fit, number, side));
        flat(add(
            add(fit.points[eye.corners[side]], way),
            scale(down, sign),
        ))
    };
    let mut outline = vec![blunt(0, 1.0), blunt(0, -1.0)];
    outline.extend((0..7).map(|k| between(eye.upper[k], eye.crease[k], ABOVE)));
    outline.extend([blunt(1, -1.0), blunt(1, 1.0)]);
    outline.extend(
        (0..7)
            .rev()
            .map(|k| between(eye.lower[k], eye.bag[k], BELOW)),
    );
    outline
}

/// Whether a colour is that of `skin` in more or less light.
fn is_like(colour: [f32; 3], skin: [f32; 3]) -> bool {
    let share = light(&colour) / light(&skin).max(1.0);
    let apart = (0..3).map(|c| (colour[c] - share * skin[c]).abs());
    let hue = apart.fold(0.0, f32::max) / (share * light(&skin)).max(1.0);
    (1.0 - LASHES..1.0 + HIGHLIGHT).contains(&share) && hue < HUE
}

/// The part of the picture around an eye.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Window {
    fn new(fit: &Fit, picture: &Picture, outline: &[[f32; 2]]) -> Self {
        let margin = 0.12 * fit.eyes;
        let range = |axis: usize, most: usize| {
            let values = outline.iter().map(|p| p[axis]);
            let low = values.clone().fold(f32::MAX, f32::min) - margin;
            let high = values.fold(f32::MIN, f32::max) + margin;
            let low = (low.max(0.0) as usize).min(most - 1);
            (low, (high.max(0.0) as usize).clamp(low + 1, most))
        };
        let (left, right) = range(0, picture.width);
        let (top, bottom) = range(1, picture.height);
        Self {
            left,
            top,
            width: right - left,
            height: bottom - top,
        }
    }

    /// 1 inside the outline.
    fn mask(&self, outline: &[[f32; 2]]) -> Plane {
        Plane::new(self.width, self.height, |x, y| {
            let (x, y) = ((self.left + x) as f32 + 0.5, (self.top + y) as f32 + 0.5);
            let crossed = |i: usize| {
                let ([x0, y0], [x1, y1]) = (outline[i], outline[(i + 1) % outline.len()]);
                (y0 > y) != (y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
            };
            let inside = (0..outline.len()).filter(|&i| crossed(i)).count() % 2;
            inside as f32
        })
    }

    /// The mask, soft by about `pixels`, and 0 at the window's edge.
    fn soft(&self, mask: &Plane, pixels: f32) -> Plane {
        // Means of means spread by the root of their number.
        let rounds = (pixels * pixels).clamp(1.0, MOST_ROUNDS) as usize;
        (0..rounds).fold(mask.clone(), |soft, _| soft.smoothed())
    }

    fn painted(&self, fit: &Fit, picture: &Picture, hole: &Plane) -> Vec<[u8; 3]> {
        let colour =
            |x: usize, y: usize| picture.rgb((self.left + x) as i64, (self.top + y) as i64);
        let colours: [Plane; 3] =
            [0, 1, 2].map(|c| Plane::new(self.width, self.height, |x, y| colour(x, y)[c]));
        let face = self.mask(&OVAL.map(|i| [fit.points[i][0], fit.points[i][1]]));
        let around: Vec<usize> = (0..hole.values.len())
            .filter(|&i| hole.values[i] == 0.0 && face.values[i] > 0.0)
            .collect();
        let [r, g, b] = colours.each_ref().map(|plane| {
            let mut levels: Vec<f32> = around.iter().map(|&i| plane.values[i]).collect();
            levels.sort_by(f32::total_cmp);
            levels.get(levels.len() / 2).copied().unwrap_or(0.0)
        });
        let skin = [r, g, b];
        let mut unknown = Plane::new(self.width, self.height, |_, _| 1.0);
        let mut known = 0;
        for &i in &around {
            if is_like(colours.each_ref().map(|plane| plane.values[i]), skin) {
                unknown.values[i] = 0.0;
                known += 1;
            }
        }
        // Skin of no one colour.
        let unknown = if known * FEW < around.len() {
            hole
        } else {
            &unknown
        };
        let mut painted = raster::painted_out(&colours, unknown);
        let down = fit.direction([0.0, CHEEK * fit.eyes, 0.0]);
        let grains: Vec<[f32; 3]> = (0..painted.len())
            .map(|i| {
                let (x, y) = (self.left + i % self.width, self.top + i / self.width);
                let at = [x as f32 + down[0], y as f32 + down[1]].map(|v| v.round() as i64);
                grain(picture, at)
            })
            .collect();
        let mut sizes: Vec<f32> = grains.iter().map(|grain| grain[1].abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
        let most = (COARSE * median + 1.0).min(GRAIN);
        for (pixel, grain) in painted.iter_mut().zip(grains) {
            for (level, grain) in pixel.iter_mut().zip(grain) {
                let grain = grain.clamp(-most, most);
                *level = (f32::from(*level) + grain + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
        painted
    }
}

/// A pixel's difference from the mean around it.
fn grain(picture: &Picture, [x, y]: [i64; 2]) -> [f32; 3] {
    let mut grain = picture.rgb(x, y);
    for k in 0..25 {
        let near = picture.rgb(x + k % 5 - 2, y + k / 5 - 2);
        for (sum, value) in grain.iter_mut().zip(near) {
            *sum -= value / 25.0;
        }
    }
    grain
}

#[cfg(test)]
mod tests;
