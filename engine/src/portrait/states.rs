//! A portrait drawn state by state of its rig, for the measurements of this repository.

use super::create::{PortraitOptions, create};
use super::points::{LOWER_LIP, UPPER_LIP};
use super::solid::sub;
use super::{Easel, Portrait, Rig};
use crate::Result;
use crate::imx::Container;
use crate::warp::{Canvas, Place, Texture, UNIT};

/// Values of a state: 16 coefficients of the mouth, how far the face speaks, 10 shapes of the rest of
/// the face, 2 lids, gaze right and down, yaw, pitch and roll, shift right and down, in the units of
/// the rig.
pub const STATE: usize = 36;

/// A portrait and the buffers that it is drawn in.
#[derive(Debug)]
pub struct PortraitStates {
    portrait: Portrait,
    easel: Easel,
    /// Pixels that the mesh covers at rest, and that show some of the person.
    covered: Vec<bool>,
}

/// Pixels that no sound mesh has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Covered at rest, and by no triangle now, outside the mouth.
    pub holes: usize,
    /// Shown by the back of a triangle.
    pub folds: usize,
    /// Corners of the mesh that have gone farther than a quarter of the picture, or that are none.
    pub strays: usize,
}

impl PortraitStates {
    /// From a picture file's bytes, as `create --force` takes it.
    ///
    /// # Errors
    /// The errors of [`create`].
    pub fn new(picture: &[u8]) -> Result<Self> {
        let options = PortraitOptions {
            force: true,
            ..PortraitOptions::default()
        };
        let (bytes, _) = create(picture, &options)?;
        let container = Container::from_bytes(bytes)?;
        let Some(manifest) = container.expression() else {
            unreachable!("a portrait is an expression avatar");
        };
        let portrait = Portrait::open(&container, manifest)?;
        let easel = portrait.easel();
        let (rest, triangles) = (&portrait.mesh.rest, &portrait.mesh.triangles);
        let sides = sides(&portrait.texture, triangles, rest, rest);
        Ok(Self {
            covered: sides
                .iter()
                .map(|side| side[0] != NONE && side[3] > 0)
                .collect(),
            portrait,
            easel,
        })
    }

    /// Width and height of a frame in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.portrait.texture.size()
    }

    /// Distance of the eyes' outer corners in pixels.
    pub fn eyes_px(&self) -> f32 {
        self.portrait.fit.eyes
    }

    /// Draws a state: RGBA, row by row, and the distance of the lips' middles in pixels.
    pub fn draw(&mut self, state: &[f32; STATE]) -> (&[[u8; 4]], f32) {
        let rig = rig(state);
        self.portrait.draw(&rig, &mut self.easel);
        let lips = if rig == Rig::default() {
            self.portrait.fit.gap[5]
        } else {
            let skin = &self.easel.posed.skin;
            let [x, y, _] = sub(skin[LOWER_LIP[3][5]], skin[UPPER_LIP[3][5]]);
            (x * x + y * y).sqrt()
        };
        (self.easel.canvas.pixels(), lips)
    }

    /// Landmarks of `MediaPipe`'s mesh in a state, 468, in pixels of the frame.
    pub fn landmarks(&mut self, state: &[f32; STATE]) -> &[[f32; 2]] {
        let (portrait, posed) = (&self.portrait, &mut self.easel.posed);
        portrait.pose(&rig(state), posed);
        &posed.points
    }

    /// Faults of the mesh in a state.
    pub fn faults(&mut self, state: &[f32; STATE]) -> Faults {
        let (portrait, posed) = (&self.portrait, &mut self.easel.posed);
        portrait.pose(&rig(state), posed);
        let (width, height) = portrait.texture.size();
        let inner = UPPER_LIP[3]
            .into_iter()
            .chain(LOWER_LIP[3].into_iter().rev());
        let lips: Vec<[f32; 2]> = inner.map(|i| posed.points[i]).collect();
        let triangles = &portrait.mesh.triangles;
        let sides = sides(&portrait.texture, triangles, &posed.sources, &posed.places);
        let mut faults = Faults::default();
        for (i, (side, covered)) in sides.iter().zip(&self.covered).enumerate() {
            let at = [(i % width) as f32 + 0.5, (i / width) as f32 + 0.5];
            match side[0] {
                NONE if *covered && !within(&lips, at) => faults.holes += 1,
                BACK if side[3] > 0 && !within(&lips, at) => faults.folds += 1,
                _ => {}
            }
        }
        let farthest = (width.max(height) / 4) as i32 * UNIT;
        let pairs = posed.places.iter().zip(&portrait.mesh.rest);
        faults.strays = pairs
            .filter(|(now, rest)| (0..2).any(|i| (now[i] - rest[i]).abs() > farthest))
            .count();
        faults
    }
}

/// Marks of a pixel that no triangle, a back or a front covers.
const NONE: u8 = 0;
const BACK: u8 = 1;
const FRONT: u8 = 2;

/// The sides of the triangles that cover each pixel, and how much of the person they show there.
fn sides(like: &Texture, triangles: &[[u16; 3]], from: &[Place], to: &[Place]) -> Vec<[u8; 4]> {
    let (width, height) = like.size();
    let area = |places: &[Place], corners: &[u16; 3]| {
        let [a, b, c] = corners.map(|i| places[usize::from(i)].map(i64::from));
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    };
    let (backs, fronts): (Vec<[u16; 3]>, Vec<[u16; 3]>) = triangles
        .iter()
        .partition(|corners| area(from, corners).signum() * area(to, corners).signum() < 0);
    let mut canvas = Canvas::new(width, height);
    for (mark, triangles) in [(BACK, backs), (FRONT, fronts)] {
        let pixels = (0..height).flat_map(|y| like.row(y));
        let pixels: Vec<[u8; 4]> = pixels.map(|p| [mark, mark, mark, p[3]]).collect();
        let texture = Texture::new(&pixels, width, height);
        canvas.draw(&texture, &triangles, from, to);
    }
    canvas.pixels().to_vec()
}

/// Whether a place lies within an outline, or less than two pixels from it.
fn within(outline: &[[f32; 2]], [x, y]: [f32; 2]) -> bool {
    let mut inside = false;
    for (i, &[x0, y0]) in outline.iter().enumerate() {
        let [x1, y1] = outline[(i + 1) % outline.len()];
        if (y0 > y) != (y1 > y) && x < x0 + (y - y0) / (y1 - y0) * (x1 - x0) {
            inside = !inside;
        }
        let (u, v) = (x1 - x0, y1 - y0);
        let share = ((x - x0) * u + (y - y0) * v) / (u * u + v * v).max(1e-6);
        let share = share.clamp(0.0, 1.0);
        let (dx, dy) = (x - x0 - share * u, y - y0 - share * v);
        if dx * dx + dy * dy < 4.0 {
            return true;
        }
    }
    inside
}

fn rig(state: &[f32; STATE]) -> Rig {
    let mut rig = Rig::default();
    let mut rest = &state[..];
    let mut take = |to: &mut [f32]| {
        let (values, others) = rest.split_at(to.len());
        to.copy_from_slice(values);
        rest = others;
    };
    take(&mut rig.mouth);
    take(std::slice::from_mut(&mut rig.talk));
    take(&mut rig.face);
    take(&mut rig.blink);
    take(&mut rig.gaze);
    take(&mut rig.turn);
    take(&mut rig.shift);
    rig
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::picture::Picture;
    use super::super::points::{EYES, OVAL};
    use super::*;

    /// Ends of each value's range.
    fn ranges() -> [[f32; 2]; STATE] {
        let mut ranges = [[0.0, 1.0]; STATE];
        ranges[29..31].fill([-15.0, 15.0]);
        ranges[31..34].fill([-12.0, 12.0]);
        ranges[34..].fill([-0.05, 0.05]);
        ranges
    }

    /// Each value alone at its ends, then `count` states in which a third of them are anywhere.
    fn swept(count: usize) -> Vec<[f32; STATE]> {
        let ranges = ranges();
        let mut states: Vec<[f32; STATE]> = Vec::new();
        for (i, ends) in ranges.iter().enumerate() {
            for end in ends.iter().filter(|&&end| end != 0.0) {
                let mut state = [0.0; STATE];
                state[i] = *end;
                states.push(state);
            }
        }
        let mut seed = 7u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 16_777_216.0
        };
        states.extend((0..count).map(|_| {
            ranges.map(|[low, high]| {
                let value = low + random() * (high - low);
                if random() < 0.33 { value } else { 0.0 }
            })
        }));
        states
    }

    fn juno() -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/juno.png");
        std::fs::read(path).unwrap()
    }

    /// Juno with whites that reach beyond the outer corners of the eyes, as drawings have them.
    fn wide_eyed() -> Vec<u8> {
        let fit = PortraitStates::new(&juno()).unwrap().portrait.fit;
        let mut picture = Picture::decode(&juno()).unwrap();
        let width = picture.width;
        for (eye, outer) in EYES.iter().zip([0, 1]) {
            let [x0, y0, _] = fit.points[eye.corners[outer]];
            for (i, pixel) in picture.rgba.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let (x, y) = ((i % width) as f32 - x0, (i / width) as f32 - y0);
                if x * x + y * y < (0.03 * fit.eyes) * (0.03 * fit.eyes) {
                    *pixel = [250, 250, 250, 255];
                }
            }
        }
        png_of(width, &picture.rgba)
    }

    /// Juno's face, which fills the picture.
    fn close_up() -> Vec<u8> {
        let fit = PortraitStates::new(&juno()).unwrap().portrait.fit;
        let picture = Picture::decode(&juno()).unwrap();
        let [x, y, _] = fit.middle();
        let side = (2.6 * fit.eyes) as usize;
        let [left, top] = [x, y].map(|at| at as usize - side / 2);
        let rows = (top..top + side).flat_map(|y| {
            let row = &picture.rgba[4 * (y * picture.width + left)..];
            row[..4 * side].to_vec()
        });
        png_of(side, &rows.collect::<Vec<u8>>())
    }

    fn png_of(width: usize, rgba: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (w, h) = (width as u32, (rgba.len() / 4 / width) as u32);
        let mut encoder = png::Encoder::new(&mut bytes, w, h);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(rgba).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn shut_eyes_show_nothing_lighter_than_the_skin_around_them() {
        let mut states = PortraitStates::new(&wide_eyed()).unwrap();
        let (width, _) = states.size();
        let mut state = [0.0; STATE];
        state[27..29].fill(1.0);
        let shut = states.draw(&state).0.to_vec();
        let fit = &states.portrait.fit;
        for eye in &EYES {
            let [left, right] = eye.corners.map(|i| fit.points[i]);
            let (cheek, margin) = (fit.points[eye.bag[3]], 0.05 * fit.eyes);
            let light = |x: f32, y: f32| {
                let [r, g, b, _] = shut[y as usize * width + x as usize].map(u32::from);
                (299 * r + 587 * g + 114 * b) / 1000
            };
            // Below the lashes, which hang over the lower lid.
            let skin = light(cheek[0], cheek[1] + 0.08 * fit.eyes);
            let (top, bottom) = (fit.points[eye.upper[3]][1], fit.points[eye.lower[3]][1]);
            for y in top as usize..bottom as usize {
                for x in (left[0] - margin) as usize..(right[0] + margin) as usize {
                    let seen = light(x as f32, y as f32);
                    assert!(seen <= skin + 40, "{seen} at {x}, {y}, the skin is {skin}");
                }
            }
        }
    }

    #[test]
    fn a_lid_that_comes_down_brings_its_lashes_along() {
        let mut states = PortraitStates::new(&juno()).unwrap();
        let (width, _) = states.size();
        for blink in [0.5, 0.75, 1.0] {
            let mut state = [0.0; STATE];
            state[27..29].fill(blink);
            let shown = states.draw(&state).0.to_vec();
            let (posed, fit) = (&states.easel.posed, &states.portrait.fit);
            for eye in &EYES {
                let light = |up: f32| {
                    let [x, y] = posed.points[eye.upper[3]];
                    let row = (y - up * fit.eyes) as usize;
                    let [r, g, b, _] = shown[row * width + x as usize].map(u32::from);
                    (299 * r + 587 * g + 114 * b) / 1000
                };
                // Lashes of a shut lid hang below its edge.
                let line = (-3..=1).map(|k| light(0.01 * k as f32)).min();
                let (line, lid) = (line.unwrap_or(u32::MAX), light(0.08));
                assert!(
                    3 * line < 2 * lid,
                    "{line} along a lid of {lid} that is shut by {blink}"
                );
            }
        }
    }

    /// Height of Juno's lips in pixels where speech presses them.
    fn pressed_lips(states: &mut PortraitStates) -> f32 {
        let mut pressed = [0.0; STATE];
        pressed[11] = 0.4;
        pressed[16] = 1.0;
        let points = states.landmarks(&pressed);
        let [upper, lower] = [UPPER_LIP[0][5], LOWER_LIP[0][5]].map(|i| points[i][1]);
        lower - upper
    }

    #[test]
    fn pressed_lips_are_thinner_where_the_picture_shows_them_parted() {
        let mut states = PortraitStates::new(&juno()).unwrap();
        let shut = pressed_lips(&mut states);
        // Parted by so little that it moves no point itself.
        states.portrait.fit.gap[5] = 0.02 * states.portrait.fit.eyes;
        let parted = pressed_lips(&mut states);
        assert!(parted < 0.9 * shut, "{parted} px of {shut}");
    }

    #[test]
    fn pressed_lips_are_thinner_where_they_seem_to_part() {
        let mut states = PortraitStates::new(&juno()).unwrap();
        let shut = pressed_lips(&mut states);
        states.portrait.fit.seen = 0.008;
        let seen = pressed_lips(&mut states);
        assert!(seen < 0.95 * shut, "{seen} px of {shut}");
    }

    #[test]
    fn a_jaw_that_opens_leaves_the_collar() {
        let mut states = PortraitStates::new(&juno()).unwrap();
        let (width, height) = states.size();
        let rest = states.draw(&[0.0; STATE]).0.to_vec();
        let mut open = [0.0; STATE];
        open[0] = 0.6;
        open[16] = 1.0;
        let shown = states.draw(&open).0.to_vec();
        let points = &states.portrait.fit.points;
        let middle = OVAL.iter().map(|&i| points[i][1]).sum::<f32>() / OVAL.len() as f32;
        let collar = (middle + 1.55 * (points[152][1] - middle)) as usize;
        assert!(collar + 20 < height, "the picture shows no collar");
        let (before, after) = (&rest[collar * width..], &shown[collar * width..]);
        let moved = before.iter().zip(after).filter(|(a, b)| a != b).count();
        assert_eq!(moved, 0, "pixels of the collar moved");
    }

    #[test]
    fn no_state_of_the_rig_tears_or_folds_the_face() {
        let turned = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../testdata/portraits/turned.jpg"
        );
        // A chin at the picture's edge may leave a pixel when a jaw that opens wide takes it beyond. A head that
        // is turned as far hides the far corner of an open mouth, which no triangle covers.
        let turned = std::fs::read(turned).unwrap();
        for (picture, most_holes) in [(juno(), 0), (close_up(), 1), (turned, usize::MAX)] {
            let mut states = PortraitStates::new(&picture).unwrap();
            for state in swept(60) {
                let Faults {
                    holes,
                    folds,
                    strays,
                } = states.faults(&state);
                assert_eq!(strays, 0, "corners went astray: {state:?}");
                assert!(holes <= most_holes, "{holes} pixels of a hole: {state:?}");
                assert!(folds <= 2, "{folds} pixels of a fold: {state:?}");
            }
        }
    }
}
