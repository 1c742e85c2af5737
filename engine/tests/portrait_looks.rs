//! The parts that a portrait paints where its picture shows nothing: lids, rims of glasses, teeth, eyeballs.
#![cfg(all(feature = "portrait", feature = "internals"))]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use essence::internals::{PortraitStates, STATE};
use portraits::{face_pixels, png};

/// Side of the face's picture in pixels.
const SIDE: usize = 512;
/// Places in a state.
const JAW: usize = 0;
const FUNNEL: usize = 3;
const PUCKER: usize = 4;
const UPPER_UP: usize = 13;
const TALK: usize = 16;
const BROWS: [usize; 3] = [17, 18, 19];
const BLINK: [usize; 2] = [27, 28];
const GAZE_RIGHT: usize = 29;
const GAZE_DOWN: usize = 30;
/// The landmarks of an eye, outer and inner corner, upper and lower lid, the person's right one first.
const EYES: [[usize; 4]; 2] = [[33, 133, 159, 145], [263, 362, 386, 374]];

fn state(values: &[(usize, f32)]) -> [f32; STATE] {
    let mut state = [0.0; STATE];
    for &(place, value) in values {
        state[place] = value;
    }
    state
}

fn portrait(pixels: &[u8]) -> PortraitStates {
    let side = SIDE as u32;
    PortraitStates::new(&png(side, side, pixels, png::ColorType::Rgb)).unwrap()
}

fn light([r, g, b, _]: [u8; 4]) -> u32 {
    (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000
}

/// The face with other pixels where `paint(x, y)` says so.
fn painted(paint: impl Fn(f32, f32) -> Option<[u8; 3]>) -> Vec<u8> {
    let mut pixels = face_pixels();
    for (i, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        if let Some(colour) = paint((i % SIDE) as f32 + 0.5, (i / SIDE) as f32 + 0.5) {
            *pixel = colour;
        }
    }
    pixels
}

/// The landmarks at rest and the eyes' distance.
fn measured() -> (Vec<[f32; 2]>, f32) {
    let mut plain = portrait(&face_pixels());
    let eyes = plain.eyes_px();
    (plain.landmarks(&[0.0; STATE]).to_vec(), eyes)
}

fn middle(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]
}

#[test]
fn rims_of_glasses_stay_where_they_are_while_lids_and_brows_move() {
    let (points, eyes) = measured();
    let lenses = EYES.map(|[outer, inner, ..]| middle(points[outer], points[inner]));
    let radius = 0.24 * eyes;
    let from_rim = |x: f32, y: f32| {
        let rings = lenses.map(|[u, v]| ((x - u).hypot(y - v) - radius).abs());
        let bridge = if x > lenses[0][0] + radius && x < lenses[1][0] - radius {
            (y - (lenses[0][1] + lenses[1][1]) / 2.0).abs()
        } else {
            f32::MAX
        };
        rings[0].min(rings[1]).min(bridge)
    };
    let thick = 0.02 * eyes;
    let mut states = portrait(&painted(|x, y| {
        (from_rim(x, y) < thick).then_some([18, 16, 20])
    }));
    for moved in [
        state(&BLINK.map(|place| (place, 1.0))),
        state(&[(BROWS[0], 1.0), (BROWS[1], 1.0)]),
        state(&[(BROWS[2], 1.0)]),
    ] {
        let shown = states.draw(&moved).0;
        for (i, pixel) in shown.iter().enumerate() {
            let (x, y) = ((i % SIDE) as f32 + 0.5, (i / SIDE) as f32 + 0.5);
            if from_rim(x, y) < 0.4 * thick {
                assert!(light(*pixel) < 70, "{pixel:?} on a rim at {x}, {y}");
            }
        }
    }
}

#[test]
fn shut_lids_take_the_colour_of_skin_and_not_of_hair_beside_the_eye() {
    let (points, eyes) = measured();
    // Dark strands that hang beside each eye's outer corner.
    let strands = EYES.map(|[outer, inner, ..]| {
        let out = (points[outer][0] - points[inner][0]).signum();
        points[outer][0] + 0.13 * out * eyes
    });
    let hair = painted(|x, _| {
        let near = strands.iter().any(|at| (x - at).abs() < 0.03 * eyes);
        near.then_some([30, 22, 20])
    });
    let shut = state(&BLINK.map(|place| (place, 1.0)));
    // Above the eyes' outer corners, where the lids were open or their lashes lay.
    let lids = |pixels: &[u8]| {
        let mut states = portrait(pixels);
        let shown = states.draw(&shut).0.to_vec();
        let mut seen = Vec::new();
        for [outer, inner, ..] in EYES {
            let out = (points[outer][0] - points[inner][0]).signum();
            for [right, up] in [[0.0, 0.05], [0.02, 0.05], [0.04, 0.04], [0.05, 0.0]] {
                let x = points[outer][0] + out * right * eyes;
                let y = points[outer][1] - up * eyes;
                seen.push(light(shown[y as usize * SIDE + x as usize]));
            }
        }
        seen
    };
    let (plain, beside) = (lids(&face_pixels()), lids(&hair));
    for (plain, beside) in plain.iter().zip(&beside) {
        assert!(
            plain.abs_diff(*beside) <= 10,
            "a lid of {plain} is {beside} beside hair"
        );
    }
}

#[test]
fn teeth_are_drawn_in_the_light_of_the_picture() {
    let bluish: Vec<u8> = (face_pixels().as_chunks::<3>().0.iter())
        .flat_map(|&[r, g, b]| {
            let level = |value: u8, by: f32| (by * f32::from(value)).min(255.0) as u8;
            [level(r, 0.72), level(g, 0.9), level(b, 1.15)]
        })
        .collect();
    let open = state(&[(JAW, 0.6), (UPPER_UP, 0.6), (TALK, 1.0)]);
    // Blue against red of the lightest pixels between the lips.
    let teeth = |pixels: &[u8]| {
        let mut states = portrait(pixels);
        let points = states.landmarks(&open).to_vec();
        let shown = states.draw(&open).0;
        let mut inside = Vec::new();
        for y in points[13][1] as usize..points[14][1] as usize {
            for x in points[80][0] as usize..points[310][0] as usize {
                inside.push(shown[y * SIDE + x]);
            }
        }
        inside.sort_by_key(|&pixel| std::cmp::Reverse(light(pixel)));
        let lightest = &inside[..inside.len() / 8];
        let sum = |c: usize| lightest.iter().map(|p| f32::from(p[c])).sum::<f32>();
        let darkest = lightest.iter().map(|&pixel| light(pixel)).min().unwrap();
        assert!(darkest > 110, "no teeth: {darkest}");
        sum(2) / sum(0)
    };
    let (plain, tinted) = (teeth(&face_pixels()), teeth(&bluish));
    assert!(
        tinted > 1.12 * plain,
        "blue against red {plain}, in bluish light {tinted}"
    );
}

#[test]
fn rounded_lips_show_the_dark_and_no_shut_teeth() {
    let mut states = portrait(&face_pixels());
    // The median light between the middles of the lips.
    let mut between = |[funnel, pucker]: [f32; 2], upper_up: f32| {
        let rig = state(&[
            (JAW, 0.13),
            (FUNNEL, funnel),
            (PUCKER, pucker),
            (UPPER_UP, upper_up),
            (TALK, 1.0),
        ]);
        let points = states.landmarks(&rig).to_vec();
        let shown = states.draw(&rig).0;
        let rows = points[13][1] as usize + 2..points[14][1] as usize - 1;
        let mut column: Vec<u32> = rows
            .map(|y| light(shown[y * SIDE + points[13][0] as usize]))
            .collect();
        column.sort_unstable();
        column[column.len() / 2]
    };
    let (spread, rounded) = (between([0.0, 0.0], 0.6), between([0.33, 0.63], 0.0));
    assert!(spread > 90, "no teeth: {spread}");
    assert!(
        2 * rounded < spread,
        "{rounded} between rounded lips, {spread} on teeth"
    );
}

#[test]
fn an_iris_that_looks_up_takes_no_lid_along() {
    let (points, eyes) = measured();
    // Green below the lower lids.
    let below = |x: f32, y: f32| {
        EYES.iter().any(|&[outer, inner, _, lower]| {
            let width = (points[outer][0] - points[inner][0]).abs();
            let [cx, cy] = points[lower];
            (x - cx).abs() < 0.3 * width && y > cy + 1.0 && y < cy + 0.06 * eyes
        })
    };
    let mut states = portrait(&painted(|x, y| below(x, y).then_some([20, 200, 40])));
    let up = state(&[(GAZE_DOWN, -15.0)]);
    let now = states.landmarks(&up).to_vec();
    let shown = states.draw(&up).0;
    for [_, _, upper, lower] in EYES {
        let [x, bottom] = now[lower];
        for y in now[upper][1] as usize + 2..bottom as usize - 2 {
            let [r, g, b, _] = shown[y * SIDE + x as usize].map(i32::from);
            assert!(g < r.max(b) + 40, "green within the eye at {x}, {y}");
        }
    }
}

#[test]
fn an_iris_keeps_its_colour_however_little_it_looks_around() {
    let mut states = portrait(&face_pixels());
    let mut pupils = |gaze: f32| {
        let state = state(&[(GAZE_RIGHT, gaze)]);
        let now = states.landmarks(&state).to_vec();
        let shown = states.draw(&state).0;
        EYES.map(|[outer, inner, upper, lower]| {
            let [x, y] = middle(
                middle(now[outer], now[inner]),
                middle(now[upper], now[lower]),
            );
            let wide = 0.15 * (now[outer][0] - now[inner][0]).abs();
            let high = 0.2 * (now[lower][1] - now[upper][1]);
            let rows = (y - high) as usize..(y + high) as usize;
            let all = rows.flat_map(|y| {
                ((x - wide) as usize..(x + wide) as usize).map(move |x| y * SIDE + x)
            });
            all.map(|i| light(shown[i])).min().unwrap()
        })
    };
    let rest = pupils(0.0);
    for tenths in (1..60).step_by(3) {
        let now = pupils(0.1 * tenths as f32);
        for (now, rest) in now.into_iter().zip(rest) {
            assert!(
                now.abs_diff(rest) <= 5,
                "{now} instead of {rest} at {tenths} tenths of a degree"
            );
        }
    }
}

/// Points along each lower lid: the middle, and one on either side beyond the iris.
const LOWER: [[usize; 3]; 2] = [[145, 163, 154], [374, 381, 390]];

#[test]
fn an_iris_that_looks_up_leaves_nothing_of_itself_below_the_lower_lid() {
    let mut states = portrait(&face_pixels());
    let eyes = states.eyes_px();
    let up = state(&[(GAZE_DOWN, -15.0)]);
    let points = states.landmarks(&up).to_vec();
    let shown = states.draw(&up).0;
    for lid in LOWER {
        for depth in [0.01, 0.02, 0.03] {
            let [middle, beside @ ..] = lid.map(|i| {
                let [x, y] = points[i];
                light(shown[(y + depth * eyes) as usize * SIDE + x as usize])
            });
            let least = beside[0].min(beside[1]);
            assert!(
                10 * middle > 8 * least,
                "{middle} below a lid of {beside:?}"
            );
        }
    }
}

#[test]
fn a_lower_lid_stays_as_it_is_until_the_upper_one_comes_down_on_it() {
    let mut states = portrait(&face_pixels());
    let eyes = states.eyes_px();
    let before = states.draw(&state(&[])).0.to_vec();
    let half = state(&BLINK.map(|place| (place, 0.6)));
    let points = states.landmarks(&half).to_vec();
    let shown = states.draw(&half).0;
    for i in LOWER.into_iter().flatten() {
        let [x, y] = points[i];
        let at = (y + 0.005 * eyes) as usize * SIDE + x as usize;
        let (before, now) = (light(before[at]), light(shown[at]));
        assert!(before.abs_diff(now) < 20, "{now}, {before} in the picture");
    }
}
