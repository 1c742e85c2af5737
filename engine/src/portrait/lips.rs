//! How far the lips are apart, and how thick: what the shapes leave open.

use super::fit::Fit;
use super::points::{LOWER_LIP, UPPER_LIP};
use super::solid::{Point, add, scale, smooth, sub};
use crate::warp::{Place, place};

/// How far a lip's rows follow what sets the lips' gap, from the outline to where the lips meet.
const LIP_ROWS: [f32; 4] = [0.45, 0.65, 0.85, 1.0];
/// Thickness of a lip, of that in the picture, that rolling and pressing leave at least.
const THINNEST: f32 = 0.45;
/// Distance of lips, in pixels, below which they touch.
const TOUCHING: f32 = 0.35;
/// How far from the lips' edge in the picture they are drawn when they have moved, and how far they have
/// by then, in eyes.
const BARE: f32 = 0.022;
const MOVED: f32 = 0.02;
/// Opening of the lips, in eyes, above which a mouth that the picture shows open is as open as there.
pub(super) const SPOKEN: f32 = 0.07;

/// Sets the distance of the lips: what the shapes ask for, never less than none. Lips that the
/// picture shows open keep that at rest; while the face speaks they open from shut.
pub(super) fn part_lips(fit: &Fit, talk: f32, skin: &mut [Point]) {
    let down = fit.direction([0.0, 1.0, 0.0]);
    let along = |p: Point| p[0] * down[0] + p[1] * down[1];
    let opening = |column: usize, skin: &[Point]| {
        let by = sub(skin[LOWER_LIP[3][column]], skin[UPPER_LIP[3][column]]);
        let rest = sub(
            fit.points[LOWER_LIP[3][column]],
            fit.points[UPPER_LIP[3][column]],
        );
        along(by) - along(rest)
    };
    let asked = opening(5, skin) / fit.eyes;
    let held = 1.0 - talk * (1.0 - smooth(asked, 0.0, SPOKEN));
    for column in 1..10 {
        let wanted = (opening(column, skin) + held * fit.gap[column]).max(0.0);
        set_apart(down, skin, column, wanted);
    }
    thicken(fit, THINNEST, skin);
}

/// Sets the distance of the lips in a column, along `down`, in pixels.
pub(super) fn set_apart(down: Point, skin: &mut [Point], column: usize, wanted: f32) {
    let along = |p: Point| p[0] * down[0] + p[1] * down[1];
    let length = along(down).max(1e-3);
    let (upper, lower) = (UPPER_LIP[3][column], LOWER_LIP[3][column]);
    let now = along(sub(skin[lower], skin[upper]));
    // Positive where the lips stand too near.
    let by = (wanted - now) / (2.0 * length);
    for row in 0..4 {
        let share = LIP_ROWS[row] * by;
        for (lip, sign) in [(&UPPER_LIP, -1.0), (&LOWER_LIP, 1.0)] {
            let point = &mut skin[lip[row][column]];
            *point = add(*point, scale(down, sign * share));
        }
    }
    // Lips that touch share their edge to the last bit: no crack between them.
    if wanted < TOUCHING * length {
        let middle = scale(add(skin[upper], skin[lower]), 0.5);
        (skin[upper], skin[lower]) = (middle, middle);
    }
}

/// Lips that are pressed or rolled in keep so much of their thickness.
pub(super) fn thicken(fit: &Fit, thinnest: f32, skin: &mut [Point]) {
    let down = fit.direction([0.0, 1.0, 0.0]);
    let along = |p: Point| p[0] * down[0] + p[1] * down[1];
    let length = along(down).max(1e-3);
    for column in 1..10 {
        for (lip, sign) in [(&UPPER_LIP, -1.0), (&LOWER_LIP, 1.0)] {
            let (outer, inner) = (lip[0][column], lip[3][column]);
            let thick = |points: &[Point]| sign * along(sub(points[outer], points[inner]));
            let lacks = thinnest * thick(&fit.points) - thick(skin);
            if lacks > 0.0 {
                for (row, share) in [(0, 1.0), (1, 2.0 / 3.0), (2, 1.0 / 3.0)] {
                    let point = &mut skin[lip[row][column]];
                    *point = add(*point, scale(down, sign * share * lacks / length));
                }
            }
        }
    }
}

/// Draws lips that part otherwise than in the picture without the edge that they have there: teeth and
/// the dark between them lie within a landmark's error of it.
pub(super) fn bare_lips(fit: &Fit, skin: &[Point], sources: &mut [Place]) {
    if fit.gap[5] == 0.0 {
        return;
    }
    let down = fit.direction([0.0, 1.0, 0.0]);
    let along = |p: Point| p[0] * down[0] + p[1] * down[1];
    for column in 1..10 {
        let by = sub(skin[LOWER_LIP[3][column]], skin[UPPER_LIP[3][column]]);
        let moved = (along(by) - fit.gap[column]).abs();
        let share = smooth(moved, 0.0, MOVED * fit.eyes);
        for lip in [&UPPER_LIP, &LOWER_LIP] {
            let (edge, inside) = (lip[3][column], lip[2][column]);
            let way = sub(fit.points[inside], fit.points[edge]);
            let [x, y, _] = way;
            let length = (x * x + y * y).sqrt().max(1e-3);
            let inset = (BARE * fit.eyes).max(1.2).min(0.7 * length);
            let at = add(fit.points[edge], scale(way, share * inset / length));
            sources[edge] = place([at[0], at[1]]);
        }
    }
}
