//! The inner edges of the lips, found in the picture itself: landmarks miss them by pixels under a
//! moustache, in shade and in grey.

use super::picture::{Picture, light};
use super::points::{LOWER_LIP, UPPER_LIP};
use super::solid::Point;

/// Levels of colour that an edge as far from its landmark as it may lie has to be clearer by.
const PRIOR: f32 = 30.0;
/// Places that are tried on either side of a landmark.
const TRIES: usize = 12;
const PLACES: usize = 2 * TRIES + 1;
/// Columns of the lips between their corners.
const COLUMNS: usize = 9;
/// How far from the landmarks the line between shut lips is looked for, in eyes.
const SEARCH: f32 = 0.045;
/// How far the edges of parted lips are looked for, in eyes: towards the lip, and into the mouth as a share
/// of the opening there.
const OUT: f32 = 0.06;
const IN: f32 = 0.45;
/// Half the distance over which an edge is a change of colour, in eyes.
const EDGE: f32 = 0.012;
/// Change of colour, in levels, from which on edges are all the same.
const CLEAR: f32 = 70.0;

/// Moves the inner lips of a shut mouth onto the dark line between them: the path of the least light
/// over the columns that bends little.
pub(crate) fn meet(picture: &Picture, points: &mut [Point], eyes: f32, down: Point) {
    let down = unit(down);
    let step = SEARCH * eyes / TRIES as f32;
    let middles: [[f32; 2]; COLUMNS] = std::array::from_fn(|k| {
        let (u, l) = (points[UPPER_LIP[3][k + 1]], points[LOWER_LIP[3][k + 1]]);
        [(u[0] + l[0]) / 2.0, (u[1] + l[1]) / 2.0]
    });
    let costs = middles.map(|at| {
        std::array::from_fn(|place| {
            let off = (place as f32 - TRIES as f32) * step;
            let far = off / (SEARCH * eyes);
            light(&along(picture, moved(at, down, off), down, eyes)) + 25.0 * far * far
        })
    });
    for (k, place) in path(&costs, 2.0).into_iter().enumerate() {
        let off = (place as f32 - TRIES as f32) * step;
        let seam = moved(middles[k], down, off);
        for lip in [&UPPER_LIP, &LOWER_LIP] {
            to(points, lip, k + 1, seam);
        }
    }
}

/// Moves the inner lips of an open mouth onto the edges between them and teeth or the dark: the clearest
/// path over the columns that bends little.
pub(crate) fn part(picture: &Picture, points: &mut [Point], eyes: f32, down: Point) {
    let down = unit(down);
    let openings: [f32; COLUMNS] = std::array::from_fn(|k| {
        let (u, l) = (points[UPPER_LIP[3][k + 1]], points[LOWER_LIP[3][k + 1]]);
        ((l[0] - u[0]) * down[0] + (l[1] - u[1]) * down[1]).max(0.0)
    });
    let edge = (EDGE * eyes).max(1.0);
    for (lip, sign) in [(&UPPER_LIP, -1.0), (&LOWER_LIP, 1.0)] {
        let starts: [[f32; 2]; COLUMNS] = std::array::from_fn(|k| {
            let [x, y, _] = points[lip[3][k + 1]];
            [x, y]
        });
        // Out of the mouth, as far as half the lip.
        let out: [f32; COLUMNS] = std::array::from_fn(|k| {
            let [x, y, _] = points[lip[0][k + 1]];
            let lip = ((x - starts[k][0]) * down[0] + (y - starts[k][1]) * down[1]) * sign;
            (OUT * eyes).min(0.55 * lip.max(0.0))
        });
        let off = |k: usize, place: usize| {
            let share = (place as f32 - TRIES as f32) / TRIES as f32;
            share
                * if share > 0.0 {
                    out[k]
                } else {
                    IN * openings[k]
                }
        };
        let costs: [[f32; PLACES]; COLUMNS] = std::array::from_fn(|k| {
            std::array::from_fn(|place| {
                let off = off(k, place);
                let at = |by: f32| {
                    along(
                        picture,
                        moved(starts[k], down, sign * (off + by)),
                        down,
                        eyes,
                    )
                };
                let (lip, mouth) = (at(edge), at(-edge));
                let change = (0..3)
                    .map(|c| (lip[c] - mouth[c]).abs())
                    .fold(0.0, f32::max);
                let far = off / (OUT * eyes);
                PRIOR * far * far - change.min(CLEAR)
            })
        });
        for (k, place) in path(&costs, 1.0).into_iter().enumerate() {
            let edge = moved(starts[k], down, sign * off(k, place));
            to(points, lip, k + 1, edge);
        }
    }
}

/// The mean colour of a short stretch along the lips, which says more than a single pixel.
fn along(picture: &Picture, [x, y]: [f32; 2], [dx, dy]: [f32; 2], eyes: f32) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for k in -2..=2 {
        let by = k as f32 * 0.015 * eyes;
        let colour = picture.sample(x + dy * by, y - dx * by);
        for (sum, value) in sum.iter_mut().zip(colour) {
            *sum += value / 5.0;
        }
    }
    sum
}

/// The places of the least sum of costs, and of `bend` times the squares of the steps between them.
fn path(costs: &[[f32; PLACES]; COLUMNS], bend: f32) -> [usize; COLUMNS] {
    let least = |values: &dyn Fn(usize) -> f32| {
        let places = (0..PLACES).min_by(|&a, &b| values(a).total_cmp(&values(b)));
        places.unwrap_or(TRIES)
    };
    let mut best = costs[0];
    let mut back = [[0; PLACES]; COLUMNS];
    for k in 1..COLUMNS {
        let before = best;
        for place in 0..PLACES {
            let from = |other: usize| {
                let by = place as f32 - other as f32;
                before[other] + bend * by * by
            };
            let other = least(&from);
            back[k][place] = other;
            best[place] = from(other) + costs[k][place];
        }
    }
    let mut places = [least(&|place| best[place]); COLUMNS];
    for k in (1..COLUMNS).rev() {
        places[k - 1] = back[k][places[k]];
    }
    places
}

/// Moves a column's inner lip to a place; the rows before it go along.
fn to(points: &mut [Point], lip: &[[usize; 11]; 4], column: usize, place: [f32; 2]) {
    let at = points[lip[3][column]];
    let by = [place[0] - at[0], place[1] - at[1]];
    for (row, share) in [(3, 1.0), (2, 0.66), (1, 0.33)] {
        let point = &mut points[lip[row][column]];
        point[0] += share * by[0];
        point[1] += share * by[1];
    }
}

fn moved([x, y]: [f32; 2], [dx, dy]: [f32; 2], by: f32) -> [f32; 2] {
    [x + dx * by, y + dy * by]
}

/// The direction in the picture, of length one.
fn unit([x, y, _]: Point) -> [f32; 2] {
    let length = (x * x + y * y).sqrt().max(1e-3);
    [x / length, y / length]
}
