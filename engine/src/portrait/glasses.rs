//! Glasses: their rims are found in the picture, painted out of the skin and drawn over it again, so
//! that they go with the head alone. A blink or a brow doesn't bend them.
//!
//! Dark rims are found by their bridge: a dark line that crosses the nose between the eyes, which no
//! bare face has. What is as dark and as thin, and hangs together with the bridge, is the rims.

use super::fit::Fit;
use super::iris::{opening, within};
use super::mesh::{Follow, Mesh};
use super::picture::{Picture, light};
use super::points::{EYES, OVAL};
use super::raster::{self, Plane};
use super::rig::HeadMove;
use super::solid::sub;
use crate::warp::{Canvas, Place, Texture, UNIT};

/// The eyes' inner corners.
const INNER: [usize; 2] = [133, 362];
/// Half the thickness of the thickest rim, in eyes.
const THICKEST: f32 = 0.05;
/// The window in which rims are looked for: left and right, above and below the eyes' middle, in eyes.
const ASIDE: f32 = 1.25;
const ABOVE: f32 = 0.45;
const BELOW: f32 = 0.55;
/// Columns in which the bridge is looked for, out to this share of the way between the inner corners.
const COLUMNS: usize = 9;
const BRIDGE: f32 = 0.22;
/// Rows in which it is looked for, and their range below the corners, in eyes.
const ROWS: usize = 60;
const BRIDGE_ROWS: [f32; 2] = [-0.22, 0.28];
/// How much darker than its surroundings a bridge is, in levels: in every column, and in the mean. The
/// portraits without glasses that were tried reach 35 and 52, the one with glasses 171 and 189.
const DARKER: f32 = 55.0;
const DARKER_MEAN: f32 = 75.0;
/// A rim is darker than its surroundings by this share of what the bridge is, and by levels.
const RIM_SHARE: f32 = 0.22;
const RIM_DARKER: f32 = 30.0;
/// The same share beside the face, where no lashes are.
const BESIDE_SHARE: f32 = 0.17;
/// The same before the ground, which may be nearly as dark: of its light, and in levels.
const GROUND_SHARE: f32 = 0.3;
const GROUND_DARKER: f32 = 12.0;
/// A rim is no lighter than this, from the bridge's level (0) to the skin's (1).
const RIM_LIGHTEST: f32 = 0.45;
/// Gaps that rims are followed over, and the margin around the eyes' openings, in eyes: a rim may lie on
/// the lid.
const GAP: f32 = 0.018;
const MARGIN: f32 = 0.012;
/// The margin within which lids' creases and lashes are dark, too, and the share that a rim is darker by there.
const LIDS: f32 = 0.03;
const LIDS_SHARE: f32 = 0.5;
/// Share of the window above which what was found is no rims.
const MOST: f32 = 0.25;

/// The rims of one portrait.
#[derive(Debug)]
pub(crate) struct Glasses {
    /// The window of the picture, its alpha the rims.
    overlay: Texture,
    /// The window's corner in the picture.
    left: usize,
    top: usize,
    triangles: Vec<[u16; 3]>,
    /// The mesh's corners at rest, in the window.
    sources: Vec<Place>,
}

impl Glasses {
    /// The glasses that a picture shows, if any, and the picture without them. `person` says how much of
    /// each pixel isn't ground, if that is known.
    pub(crate) fn find(
        fit: &Fit,
        mesh: &Mesh,
        picture: &Picture,
        person: Option<&[u8]>,
    ) -> Option<(Self, Picture)> {
        let view = View::new(fit, picture)?;
        let reach = (THICKEST * fit.eyes).round().max(2.0) as usize;
        let darker = view.light.closed(reach).minus(&view.light);
        let bridge = view.bridge(&darker)?;
        let is_ground = |[x, y]: [usize; 2]| {
            let at = (view.top + y) * picture.width + view.left + x;
            person.is_some_and(|person| person[at] < u8::MAX)
        };
        let rims = view.rims(&darker, &bridge, is_ground)?;
        let around = (0.008 * fit.eyes).round().max(1.0) as usize;
        let alpha = rims.largest(around).smoothed();
        let bare = raster::painted_out(&view.window(picture), &rims.largest(around + 2));
        let mut without = picture.clone();
        let mut overlay = Vec::with_capacity(bare.len());
        for y in 0..view.light.height {
            let first = (view.top + y) * picture.width + view.left;
            let row = &mut without.rgba.as_chunks_mut::<4>().0[first..][..view.light.width];
            let place = y * view.light.width;
            for ((pixel, bare), alpha) in row
                .iter_mut()
                .zip(&bare[place..])
                .zip(&alpha.values[place..])
            {
                overlay.push([pixel[0], pixel[1], pixel[2], *alpha as u8]);
                pixel[..3].copy_from_slice(bare);
            }
        }
        let glasses = Self {
            triangles: view.triangles(mesh, &alpha),
            sources: mesh
                .rest
                .iter()
                .map(|place| {
                    let by = |at: i32, from: usize| at - from as i32 * UNIT;
                    [by(place[0], view.left), by(place[1], view.top)]
                })
                .collect(),
            overlay: Texture::new(&overlay, view.light.width, view.light.height),
            left: view.left,
            top: view.top,
        };
        Some((glasses, without))
    }

    /// The picture itself, at rest.
    pub(crate) fn copy(&self, canvas: &mut Canvas) {
        let (width, height) = self.overlay.size();
        for y in 0..height {
            let row = &mut canvas.row_mut(self.top + y)[self.left..][..width];
            for (pixel, own) in row.iter_mut().zip(self.overlay.row(y)) {
                pixel[..3].copy_from_slice(&own[..3]);
            }
        }
    }

    /// Draws the rims over the face, where the head has taken them.
    pub(crate) fn draw(&self, mesh: &Mesh, head: &HeadMove, canvas: &mut Canvas) {
        let corners = mesh.corners.iter();
        let to: Vec<Place> = corners
            .map(|corner| head.place(corner, corner.at))
            .collect();
        canvas.blend(&self.overlay, &self.triangles, (&self.sources, &to), 255);
    }
}

/// The window around the eyes.
struct View<'a> {
    fit: &'a Fit,
    left: usize,
    top: usize,
    /// Levels of light.
    light: Plane,
    /// The middle between the eyes' inner corners, the way from one to the other, and down.
    middle: [f32; 2],
    across: [f32; 2],
    down: [f32; 2],
}

/// The bridge's pixels in the window, and the levels of it and of the skin beside it.
struct Bridge {
    pixels: Vec<[usize; 2]>,
    darker: f32,
    level: f32,
}

impl<'a> View<'a> {
    fn new(fit: &'a Fit, picture: &Picture) -> Option<Self> {
        let [a, b] = INNER.map(|i| fit.points[i]);
        let [x, y, _] = sub(b, a);
        let length = (x * x + y * y).sqrt();
        let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let reach = ASIDE * fit.eyes;
        let range = |middle: f32, size: usize| {
            let from = (middle - reach).floor().clamp(0.0, size as f32) as usize;
            let to = (middle + reach).ceil().clamp(0.0, size as f32) as usize;
            (from, to.saturating_sub(from))
        };
        let (left, width) = range(middle[0], picture.width);
        let (top, height) = range(middle[1], picture.height);
        // A face that fills no window, or one that is seen from the side.
        if width < 32 || height < 32 || length < 0.1 * fit.eyes {
            return None;
        }
        let pixels = picture.rgba.as_chunks::<4>().0;
        let light = Plane::new(width, height, |x, y| {
            let [r, g, b, _] = pixels[(top + y) * picture.width + left + x].map(f32::from);
            light(&[r, g, b])
        });
        Some(Self {
            fit,
            left,
            top,
            light,
            middle,
            across: [x / length, y / length],
            down: [-y / length, x / length],
        })
    }

    /// The pixel at `across` and `down` from the middle, in pixels.
    fn pixel(&self, across: f32, down: f32) -> Option<[usize; 2]> {
        let at = |i: usize| self.middle[i] + across * self.across[i] + down * self.down[i];
        let x = (at(0).floor() as usize).checked_sub(self.left)?;
        let y = (at(1).floor() as usize).checked_sub(self.top)?;
        (x < self.light.width && y < self.light.height).then_some([x, y])
    }

    /// The dark line over the nose: the darkest path over the columns that bends little.
    fn bridge(&self, darker: &Plane) -> Option<Bridge> {
        let [a, b] = INNER.map(|i| self.fit.points[i]);
        let [x, y, _] = sub(b, a);
        let reach = BRIDGE * (x * x + y * y).sqrt();
        let part = |i: usize, count: usize| i as f32 / (count - 1) as f32;
        let mut table = vec![[[0usize; 2]; ROWS]; COLUMNS];
        for (column, places) in table.iter_mut().enumerate() {
            let across = (2.0 * part(column, COLUMNS) - 1.0) * reach;
            for (row, place) in places.iter_mut().enumerate() {
                let [from, to] = BRIDGE_ROWS;
                let down = (from + (to - from) * part(row, ROWS)) * self.fit.eyes;
                *place = self.pixel(across, down)?;
            }
        }
        let value = |column: usize, row: usize| darker.at(table[column][row]);
        let mut best: [f32; ROWS] = std::array::from_fn(|row| value(0, row));
        let mut back: Vec<[usize; ROWS]> = Vec::new();
        for column in 1..COLUMNS {
            let bends = |row: usize, other: usize| {
                let by = row as f32 - other as f32;
                best[other] - 0.3 * by * by
            };
            let from = std::array::from_fn(|row: usize| {
                let others = row.saturating_sub(5)..(row + 6).min(ROWS);
                let nearest = others.max_by(|&a, &b| bends(row, a).total_cmp(&bends(row, b)));
                nearest.unwrap_or(row)
            });
            best = std::array::from_fn(|row| bends(row, from[row]) + value(column, row));
            back.push(from);
        }
        let mut row = (0..ROWS).max_by(|&a, &b| best[a].total_cmp(&best[b]))?;
        let mut pixels = Vec::with_capacity(COLUMNS);
        for column in (0..COLUMNS).rev() {
            pixels.push(table[column][row]);
            if column > 0 {
                row = back[column - 1][row];
            }
        }
        let mean =
            |plane: &Plane| pixels.iter().map(|&at| plane.at(at)).sum::<f32>() / COLUMNS as f32;
        let (darkness, level) = (mean(darker), mean(&self.light));
        let least = pixels
            .iter()
            .map(|&at| darker.at(at))
            .fold(f32::MAX, f32::min);
        (least >= DARKER && darkness >= DARKER_MEAN).then_some(Bridge {
            pixels,
            darker: darkness,
            level,
        })
    }

    /// The pixels of the rims: 255 in them, else 0.
    fn rims(
        &self,
        darker: &Plane,
        bridge: &Bridge,
        is_ground: impl Fn([usize; 2]) -> bool,
    ) -> Option<Plane> {
        let lids = self.openings(LIDS);
        let face = OVAL.map(|i| [self.fit.points[i][0], self.fit.points[i][1]]);
        let least = |at: [usize; 2]| {
            if is_ground(at) {
                let ground = self.light.at(at) + darker.at(at);
                return (GROUND_SHARE * ground).max(GROUND_DARKER);
            }
            let [x, y] = [self.left + at[0], self.top + at[1]].map(|at| at as f32 + 0.5);
            let share = if lids.at(at) > 0.0 {
                LIDS_SHARE
            } else if within(&face, [x, y]) {
                RIM_SHARE
            } else {
                BESIDE_SHARE
            };
            (share * bridge.darker).max(RIM_DARKER)
        };
        let lightest = bridge.level + RIM_LIGHTEST * bridge.darker;
        let openings = self.openings(MARGIN);
        let is_rim = |at: [usize; 2]| {
            let x = (self.left + at[0]) as f32 + 0.5 - self.middle[0];
            let y = (self.top + at[1]) as f32 + 0.5 - self.middle[1];
            let down = (x * self.down[0] + y * self.down[1]) / self.fit.eyes;
            (-ABOVE..BELOW).contains(&down)
                && darker.at(at) > least(at)
                && self.light.at(at) < lightest
                && openings.at(at) == 0.0
        };
        let gap = (GAP * self.fit.eyes).round().max(1.0) as usize;
        let (width, height) = (self.light.width, self.light.height);
        let mut rims = Plane::new(width, height, |_, _| 0.0);
        let mut open = bridge.pixels.clone();
        let mut count = 0;
        while let Some([x, y]) = open.pop() {
            let value = &mut rims.values[y * width + x];
            if *value > 0.0 || !is_rim([x, y]) {
                continue;
            }
            *value = 255.0;
            count += 1;
            for y in y.saturating_sub(gap)..(y + gap + 1).min(height) {
                for x in x.saturating_sub(gap)..(x + gap + 1).min(width) {
                    if rims.values[y * width + x] == 0.0 {
                        open.push([x, y]);
                    }
                }
            }
        }
        (count as f32 <= MOST * (width * height) as f32).then_some(rims)
    }

    /// The eyes' openings with a margin: 255 in them, else 0. Lashes are no rims.
    fn openings(&self, margin: f32) -> Plane {
        let outlines = EYES.each_ref().map(|eye| opening(eye, &self.fit.points));
        let openings = Plane::new(self.light.width, self.light.height, |x, y| {
            let at = [(self.left + x) as f32 + 0.5, (self.top + y) as f32 + 0.5];
            match outlines.iter().any(|outline| within(outline, at)) {
                true => 255.0,
                false => 0.0,
            }
        });
        openings.largest((margin * self.fit.eyes).round().max(1.0) as usize)
    }

    /// The window's colours.
    fn window(&self, picture: &Picture) -> [Plane; 3] {
        let pixels = picture.rgba.as_chunks::<4>().0;
        [0, 1, 2].map(|c| {
            Plane::new(self.light.width, self.light.height, |x, y| {
                f32::from(pixels[(self.top + y) * picture.width + self.left + x][c])
            })
        })
    }

    /// The mesh's triangles that show some of the rims. Eyes lie behind the glasses.
    fn triangles(&self, mesh: &Mesh, alpha: &Plane) -> Vec<[u16; 3]> {
        let shows = |corners: &&[u16; 3]| {
            let corners = corners.map(|i| &mesh.corners[usize::from(i)]);
            if corners
                .iter()
                .any(|corner| matches!(corner.follow, Follow::Gaze(_) | Follow::Lid(..)))
            {
                return false;
            }
            let range = |i: usize, from: usize, size: usize| {
                let values = corners.map(|corner| corner.at[i] - from as f32);
                let least = values.into_iter().fold(f32::MAX, f32::min).floor();
                let most = values.into_iter().fold(f32::MIN, f32::max).ceil();
                least.clamp(0.0, size as f32) as usize..most.clamp(0.0, size as f32) as usize
            };
            let columns = range(0, self.left, alpha.width);
            range(1, self.top, alpha.height).any(|y| {
                let row = &alpha.values[y * alpha.width..][columns.clone()];
                row.iter().any(|&value| value > 0.0)
            })
        };
        mesh.triangles.iter().filter(shows).copied().collect()
    }
}
