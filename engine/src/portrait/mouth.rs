//! The inside of a mouth: teeth, gums and tongue between parted lips, in the picture's own light.
//!
//! Teeth and tongue are the ICT head's, drawn by the studio (`data/*.png`: red is the light on teeth,
//! green that on gums and tongue). The upper ones lie on the skull, the lower ones and the tongue on
//! the jaw. Where the picture shows teeth itself, its own pixels are the upper ones.

use image::ImageFormat;

use super::fit::Fit;
use super::picture::Picture;
use super::points::{EYES, LOWER_LIP, UPPER_LIP};
use super::rig::Posed;
use super::solid::{Point, add, apply, scale, smooth, sub};
use crate::warp::Canvas;
use crate::{Error, ErrorKind, Result};

/// Width of the studio's pictures in distances between the eyes.
const SPAN: f32 = 0.8;
/// How far behind the lips the front teeth lie, in eyes.
const BEHIND: f32 = 0.06;
/// How much lower the upper teeth and how much higher the lower ones lie than the ICT head's, which
/// shows hardly any of them in speech; in eyes.
const UPPER_LOW: f32 = 0.04;
const LOWER_HIGH: f32 = 0.005;
/// Gap of the picture's own lips, in eyes, from which its own mouth is shown.
const OWN: f32 = 0.03;
/// Light between the picture's lips, as a share of the cheeks', from which it is teeth.
const TEETH_LIGHT: f32 = 0.7;
/// How far below the upper lip the picture's own teeth are free of it, and how far above that gums begin
/// and end to take their place, in eyes.
const UNDER_LIP: f32 = 0.012;
const GUMS: [f32; 2] = [0.045, 0.08];
/// How far the mask reaches over the lips, and over how many pixels it gets soft: nearly all of it on the
/// lips, so that the dark behind them makes no line beside the teeth.
const OVER: f32 = 1.2;
const SOFT: f32 = 1.5;

/// The inside of one portrait's mouth.
#[derive(Debug)]
pub(crate) struct Mouth {
    upper: Layer,
    lower: Layer,
    tongue: Layer,
    colours: Colours,
    /// The middle of the line between the lips, at rest.
    seam: Point,
    /// The picture's own open mouth.
    own: Option<Own>,
}

/// One of the studio's pictures, at the portrait's size.
#[derive(Debug)]
struct Layer {
    width: usize,
    height: usize,
    /// Light on teeth, light on flesh, coverage; premultiplied, each in [0, 1].
    values: Vec<[f32; 3]>,
}

#[derive(Clone, Copy, Debug)]
struct Colours {
    teeth: [f32; 3],
    flesh: [f32; 3],
    dark: [f32; 3],
}

/// The picture's own pixels between its lips, which lie on the skull.
#[derive(Debug)]
struct Own {
    left: i64,
    top: i64,
    width: usize,
    height: usize,
    pixels: Vec<[f32; 3]>,
    /// How much of it is shown while the lips part as here, and while they part farther.
    shares: Vec<[f32; 2]>,
    /// Whether they are teeth; else what is shown gives way to drawn ones.
    teeth: bool,
    /// The lips that they lie between.
    lips: Option<Lips>,
}

impl Mouth {
    /// # Errors
    /// `Internal` if the pictures inside the library are damaged.
    pub(crate) fn new(fit: &Fit, picture: &Picture) -> Result<Self> {
        let pixels = SPAN * fit.eyes * fit.mouth;
        let layer = |bytes| Layer::read(bytes, pixels);
        let middle =
            |points: [usize; 2]| scale(add(fit.points[points[0]], fit.points[points[1]]), 0.5);
        Ok(Self {
            upper: layer(include_bytes!("data/upper.png").as_slice())?,
            lower: layer(include_bytes!("data/lower.png").as_slice())?,
            tongue: layer(include_bytes!("data/tongue.png").as_slice())?,
            colours: Colours::of(fit, picture),
            seam: middle([13, 14]),
            own: (fit.gap[5] > OWN * fit.eyes).then(|| Own::of(fit, picture)),
        })
    }

    /// Whether the picture's own mouth is open.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Darkens what lies behind the lips, before they are drawn: nothing of the mouth at rest shows
    /// beside or between them.
    pub(crate) fn fill(&self, fit: &Fit, posed: &Posed, canvas: &mut Canvas) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let (width, height) = canvas.size();
        let [left, top, right, bottom] = lips.bounds(width, height);
        let [r, g, b] = self.colours.dark.map(|v| v as u8);
        for y in top..bottom {
            let row = canvas.row_mut(y);
            for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let (above, below, _) = lips.distances([x as f32 + 0.5, y as f32 + 0.5]);
                if above > -1.5 && below > -1.5 {
                    *pixel = [r, g, b, pixel[3]];
                }
            }
        }
    }

    /// Draws the inside between the lips as they are posed.
    pub(crate) fn draw(&self, fit: &Fit, posed: &Posed, tongue_tip: f32, canvas: &mut Canvas) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let turn = |along: Point| apply(&posed.head.turn, fit.direction(along));
        let behind = fit.direction([0.0, 0.0, BEHIND * fit.eyes]);
        let origin = posed.head.apply(add(self.seam, behind));
        let jaw = scale(turn([0.0, 1.0, 0.0]), posed.jaw * fit.eyes);
        let lift = (0.03 + tongue_tip.min(0.5) * 0.16) * fit.eyes;
        let up = scale(turn([0.0, -1.0, 0.0]), lift);
        let frame =
            |origin: Point| Frame::new(origin, turn([1.0, 0.0, 0.0]), turn([0.0, 1.0, 0.0]));
        let low = scale(turn([0.0, 1.0, 0.0]), UPPER_LOW * fit.eyes * fit.mouth);
        let high = scale(turn([0.0, -1.0, 0.0]), LOWER_HIGH * fit.eyes * fit.mouth);
        let (upper, lower) = (frame(add(origin, low)), frame(add(add(origin, jaw), high)));
        let tongue = frame(add(add(origin, jaw), up));
        // Little light falls through a narrow gap.
        let light = 0.78 + 0.22 * smooth(lips.widest / fit.eyes, 0.02, 0.15);
        let (width, height) = canvas.size();
        let [left, top, right, bottom] = lips.bounds(width, height);
        let farther = smooth((lips.widest - fit.gap[5]) / fit.eyes, 0.0, 0.03);
        let shows_teeth = self.own.as_ref().is_some_and(|own| own.teeth);
        // A pixel's place in the picture, for the picture's own teeth.
        let back = super::solid::transposed(&posed.head.turn);
        let anchor = self.seam;
        let anchor_now = posed.head.apply(anchor);
        for y in top..bottom {
            let row = canvas.row_mut(y);
            for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let at = [x as f32 + 0.5, y as f32 + 0.5];
                let (mask, below_upper, above_lower) = lips.inside(at);
                if mask <= 0.0 {
                    continue;
                }
                let colours = &self.colours;
                let mut colour = colours.dark;
                let mut lay = |layer: &Layer, frame: &Frame, light: f32| {
                    let [tooth, flesh, cover] = layer.at(frame.coordinates(at));
                    for (c, value) in colour.iter_mut().enumerate() {
                        *value = *value * (1.0 - cover)
                            + light * (tooth * colours.teeth[c] + flesh * colours.flesh[c]);
                    }
                };
                lay(&self.tongue, &tongue, 0.9 * light);
                lay(&self.lower, &lower, 0.72 * light);
                if !shows_teeth {
                    lay(&self.upper, &upper, light);
                }
                // The lips' shadow, above all the upper one's.
                let shadow = |distance: f32, reach: f32| {
                    let t = (distance / (reach * fit.eyes)).max(0.0);
                    1.0 / (1.0 + t * t)
                };
                let shade =
                    1.0 - 0.42 * shadow(below_upper, 0.022) - 0.22 * shadow(above_lower, 0.015);
                colour = colour.map(|v| v * shade.max(0.2));
                if let Some(own) = &self.own {
                    let by = [at[0] - anchor_now[0], at[1] - anchor_now[1], 0.0];
                    let was = add(anchor, apply(&back, by));
                    let (was, lifted) = own.below_lip([was[0], was[1]], UNDER_LIP * fit.eyes);
                    let gum = smooth(lifted / fit.eyes, GUMS[0], GUMS[1]);
                    if let Some((own, share)) = own.at(was, farther) {
                        for (c, value) in colour.iter_mut().enumerate() {
                            let own = own[c] + gum * (0.9 * colours.flesh[c] - own[c]);
                            *value += share * (own - *value);
                        }
                    }
                }
                for (level, value) in pixel.iter_mut().zip(colour) {
                    let under = f32::from(*level);
                    *level = (under + mask * (value - under) + 0.5).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
}

/// A layer's place in the picture.
struct Frame {
    origin: [f32; 2],
    /// Rows of the inverse of its axes.
    inverse: [[f32; 2]; 2],
}

impl Frame {
    /// From where its middle lies and its axes, of length one in space.
    fn new(origin: Point, right: Point, down: Point) -> Self {
        let determinant = right[0] * down[1] - right[1] * down[0];
        let by = 1.0 / determinant.abs().max(0.2) * determinant.signum();
        Self {
            origin: [origin[0], origin[1]],
            inverse: [
                [down[1] * by, -down[0] * by],
                [-right[1] * by, right[0] * by],
            ],
        }
    }

    /// Pixels right of and below the layer's middle.
    fn coordinates(&self, at: [f32; 2]) -> [f32; 2] {
        let (x, y) = (at[0] - self.origin[0], at[1] - self.origin[1]);
        self.inverse.map(|row| row[0] * x + row[1] * y)
    }
}

impl Layer {
    /// From a PNG, `pixels` wide.
    fn read(bytes: &[u8], pixels: f32) -> Result<Self> {
        let image = image::load_from_memory_with_format(bytes, ImageFormat::Png).map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("a picture inside the library is damaged: {e}"),
            )
        })?;
        let image = image.into_rgba8();
        let whole = Picture {
            width: image.width() as usize,
            height: image.height() as usize,
            rgba: image.into_raw(),
        };
        let width = (pixels.round() as usize).clamp(8, 2048);
        let height = (width * whole.height).div_ceil(whole.width);
        let small = whole.resized(width, height);
        let values = small.rgba.as_chunks::<4>().0;
        Ok(Self {
            width,
            height,
            values: values
                .iter()
                .map(|&[r, g, _, a]| {
                    let cover = f32::from(a) / 255.0;
                    [
                        f32::from(r) / 255.0 * cover,
                        f32::from(g) / 255.0 * cover,
                        cover,
                    ]
                })
                .collect(),
        })
    }

    /// Between pixels, from the layer's middle; nothing outside.
    fn at(&self, [x, y]: [f32; 2]) -> [f32; 3] {
        let (x, y) = (
            x + self.width as f32 / 2.0 - 0.5,
            y + self.height as f32 / 2.0 - 0.5,
        );
        let (left, top) = (x.floor(), y.floor());
        if !(left >= 0.0 && top >= 0.0) {
            return [0.0; 3];
        }
        let (i, j) = (left as usize, top as usize);
        if i + 1 >= self.width || j + 1 >= self.height {
            return [0.0; 3];
        }
        let (p, q) = (x - left, y - top);
        let at = |i: usize, j: usize| self.values[j * self.width + i];
        let (a, b, c, d) = (at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1));
        [0, 1, 2]
            .map(|k| (1.0 - q) * ((1.0 - p) * a[k] + p * b[k]) + q * ((1.0 - p) * c[k] + p * d[k]))
    }
}

/// The opening between the lips in the picture.
#[derive(Debug)]
struct Lips {
    corner: [f32; 2],
    /// Along the mouth, of length one.
    axis: [f32; 2],
    length: f32,
    /// Place along the axis and across it of the upper and lower inner lip.
    upper: [[f32; 2]; 11],
    lower: [[f32; 2]; 11],
    widest: f32,
    /// How far the mask is there at all, at each column.
    parted: [f32; 11],
}

impl Lips {
    /// Nothing where the lips are shut.
    fn new(fit: &Fit, posed: &Posed) -> Option<Self> {
        let corner = posed.points[UPPER_LIP[3][0]];
        let other = posed.points[UPPER_LIP[3][10]];
        let (dx, dy) = (other[0] - corner[0], other[1] - corner[1]);
        let length = (dx * dx + dy * dy).sqrt();
        if length < 1.0 {
            return None;
        }
        let axis = [dx / length, dy / length];
        let line = |points: [usize; 11]| {
            points.map(|i| {
                let [x, y] = posed.points[i];
                let (x, y) = (x - corner[0], y - corner[1]);
                [axis[0] * x + axis[1] * y, axis[0] * y - axis[1] * x]
            })
        };
        let (upper, lower) = (line(UPPER_LIP[3]), line(LOWER_LIP[3]));
        let gap = |k: usize| lower[k][1] - upper[k][1];
        let widest = (0..11).map(gap).fold(0.0, f32::max);
        let (from, to) = (0.004 * fit.eyes, 0.016 * fit.eyes);
        let parted = std::array::from_fn(|k| {
            // Corners open as their neighbours do.
            let beside = gap(k)
                .max(0.6 * gap(k.max(1) - 1))
                .max(0.6 * gap((k + 1).min(10)));
            smooth(beside, from, to)
        });
        Some(Self {
            corner,
            axis,
            length,
            upper,
            lower,
            widest,
            parted,
        })
    }

    fn bounds(&self, width: usize, height: usize) -> [usize; 4] {
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [u, v] in self.upper.iter().chain(&self.lower) {
            let x = self.corner[0] + self.axis[0] * u - self.axis[1] * v;
            let y = self.corner[1] + self.axis[1] * u + self.axis[0] * v;
            bounds = [
                bounds[0].min(x - 2.0),
                bounds[1].min(y - 2.0),
                bounds[2].max(x + 3.0),
                bounds[3].max(y + 3.0),
            ];
        }
        let [left, top, right, bottom] = bounds.map(|v| v.max(0.0) as usize);
        [
            left.min(width),
            top.min(height),
            right.min(width),
            bottom.min(height),
        ]
    }

    /// How much of the inside a pixel shows, and how far it lies below the upper lip and above the
    /// lower one.
    fn inside(&self, at: [f32; 2]) -> (f32, f32, f32) {
        let (above, below, parted) = self.distances(at);
        let edge = |distance: f32| ((distance + OVER) / SOFT).clamp(0.0, 1.0);
        let gap = smooth(above + below, 0.0, 1.5);
        (edge(above) * edge(below) * parted * gap, above, below)
    }

    /// How far a pixel lies below the upper lip and above the lower one, and how far they part there.
    fn distances(&self, at: [f32; 2]) -> (f32, f32, f32) {
        let (x, y) = (at[0] - self.corner[0], at[1] - self.corner[1]);
        let (u, v) = (
            self.axis[0] * x + self.axis[1] * y,
            self.axis[0] * y - self.axis[1] * x,
        );
        if u < 0.0 || u > self.length {
            return (-1e3, -1e3, 0.0);
        }
        let (upper, share, k) = on(&self.upper, u);
        let (lower, _, _) = on(&self.lower, u);
        let parted = self.parted[k] + share * (self.parted[(k + 1).min(10)] - self.parted[k]);
        (v - upper, lower - v, parted)
    }
}

/// The height of a line at `u`, with the share of the way between column `k` and the next.
fn on(line: &[[f32; 2]; 11], u: f32) -> (f32, f32, usize) {
    let k = (1..10).take_while(|&k| line[k][0] <= u).count();
    let ([a, from], [b, to]) = (line[k], line[k + 1]);
    let share = if b - a > 1e-3 {
        ((u - a) / (b - a)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (from + share * (to - from), share, k)
}

impl Colours {
    /// From the skin, the lips and the eyes' whites.
    fn of(fit: &Fit, picture: &Picture) -> Self {
        let mean = |points: &[usize]| {
            let mut sum = [0.0; 3];
            for &i in points {
                let colour = around(picture, fit.points[i], 0.02 * fit.eyes);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value / points.len() as f32;
                }
            }
            sum
        };
        let skin = mean(&[50, 280, 205, 425, 151, 9, 4, 101, 330]);
        let lips = mean(&[73, 11, 303, 90, 16, 320, 180, 404, 85, 315]);
        let white = whites(fit, picture, skin);
        let level = light(&white).max(light(&skin) * 1.08).min(235.0);
        // Ivory in the colour of the picture's light.
        let tint = [0, 1, 2].map(|c| 0.65 * white[c] / light(&white).max(1.0) + 0.35);
        let ivory = [1.02, 0.99, 0.92];
        let teeth = [0, 1, 2].map(|c| (level * 1.12 * tint[c] * ivory[c]).min(246.0));
        let flesh = [0, 1, 2].map(|c| 0.85 * lips[c] + [14.0, 0.0, 2.0][c]);
        let dark = [0, 1, 2].map(|c| lips[c] * [0.16, 0.09, 0.09][c]);
        Self { teeth, flesh, dark }
    }
}

fn light(c: &[f32; 3]) -> f32 {
    0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]
}

/// Light that the lightest sixth of the pixels between the picture's lips reaches.
fn lightest(pixels: &[[f32; 3]], shares: &[[f32; 2]]) -> f32 {
    let shown = pixels
        .iter()
        .zip(shares)
        .filter(|(_, share)| share[0] > 0.0);
    let mut levels: Vec<f32> = shown.map(|(pixel, _)| light(pixel)).collect();
    levels.sort_by(f32::total_cmp);
    levels.get(levels.len() * 5 / 6).copied().unwrap_or(0.0)
}

/// Light of the cheeks.
fn lightest_skin(fit: &Fit, picture: &Picture) -> f32 {
    let cheeks = [50, 280].map(|i| light(&around(picture, fit.points[i], 0.02 * fit.eyes)));
    cheeks[0].max(cheeks[1])
}

/// Mean colour of a small square.
fn around(picture: &Picture, at: Point, reach: f32) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for i in 0..9 {
        let (dx, dy) = ((i % 3) as f32 - 1.0, (i / 3) as f32 - 1.0);
        let colour = picture.sample(at[0] + dx * reach, at[1] + dy * reach);
        for (sum, value) in sum.iter_mut().zip(colour) {
            *sum += value / 9.0;
        }
    }
    sum
}

/// The eyes' whites: the lighter pixels between the lids, never darker than the skin.
fn whites(fit: &Fit, picture: &Picture, skin: [f32; 3]) -> [f32; 3] {
    let mut found: Vec<[f32; 3]> = Vec::new();
    for eye in &EYES {
        for k in 0..7 {
            let (u, l) = (fit.points[eye.upper[k]], fit.points[eye.lower[k]]);
            for step in 1..6 {
                let p = add(u, scale(sub(l, u), step as f32 / 6.0));
                found.push(picture.sample(p[0], p[1]));
            }
        }
    }
    found.sort_by(|a, b| light(b).total_cmp(&light(a)));
    let some = &found[..found.len() / 6];
    let mut sum = [0.0; 3];
    for colour in some {
        for (sum, value) in sum.iter_mut().zip(colour) {
            *sum += value / some.len() as f32;
        }
    }
    let least = light(&skin);
    let by = (least / light(&sum).max(1.0)).max(1.0);
    sum.map(|v| (v * by).min(250.0))
}

impl Own {
    fn of(fit: &Fit, picture: &Picture) -> Self {
        let inner = UPPER_LIP[3].iter().chain(&LOWER_LIP[3]);
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for &i in inner {
            let [x, y, _] = fit.points[i];
            bounds = [
                bounds[0].min(x),
                bounds[1].min(y),
                bounds[2].max(x),
                bounds[3].max(y),
            ];
        }
        // Pixels outside the picture are no mouth.
        let most = [picture.width as f32, picture.height as f32];
        for (i, bound) in bounds.iter_mut().enumerate() {
            *bound = bound.clamp(0.0, most[i % 2]);
        }
        let [left, top] = [bounds[0] - 4.0, bounds[1] - 4.0].map(|v| v.floor() as i64);
        let width = (bounds[2] + 4.0 - left as f32).ceil().max(1.0) as usize;
        let height = (bounds[3] + 4.0 - top as f32).ceil().max(1.0) as usize;
        let rest = Posed {
            points: fit.points.iter().map(|p| [p[0], p[1]]).collect(),
            ..Posed::default()
        };
        let lips = Lips::new(fit, &rest);
        let soft = 0.03 * fit.eyes;
        let (mut pixels, mut shares) = (Vec::new(), Vec::new());
        for j in 0..height {
            for i in 0..width {
                let (x, y) = (left + i as i64, top + j as i64);
                pixels.push(picture.rgb(x, y));
                let at = [x as f32 + 0.5, y as f32 + 0.5];
                shares.push(lips.as_ref().map_or([0.0; 2], |lips| {
                    let (mask, _, below) = lips.inside(at);
                    let there = if mask > 0.0 { 1.0 } else { 0.0 };
                    [there, there * smooth(below, 0.0, soft)]
                }));
            }
        }
        let teeth = lightest(&pixels, &shares) > TEETH_LIGHT * lightest_skin(fit, picture);
        if !teeth {
            shares.iter_mut().for_each(|share| share[1] = 0.0);
        }
        Self {
            left,
            top,
            width,
            height,
            pixels,
            shares,
            teeth,
            lips,
        }
    }

    /// A place of the picture's own mouth, and how far down from `at` it lies: where the upper lip has
    /// gone up, teeth go on as they end beneath it.
    fn below_lip(&self, at: [f32; 2], edge: f32) -> ([f32; 2], f32) {
        let Some(lips) = self.lips.as_ref().filter(|_| self.teeth) else {
            return (at, 0.0);
        };
        let (above, _, _) = lips.distances(at);
        let lifted = if above > -1e3 { edge - above } else { 0.0 };
        if lifted <= 0.0 {
            return (at, 0.0);
        }
        let [x, y] = lips.axis;
        ([at[0] - y * lifted, at[1] + x * lifted], lifted)
    }

    /// Colour and share at a place of the picture, for lips that part `farther` than there, in
    /// [0, 1].
    fn at(&self, [x, y]: [f32; 2], farther: f32) -> Option<([f32; 3], f32)> {
        let (x, y) = (x - 0.5 - self.left as f32, y - 0.5 - self.top as f32);
        if !(x >= 0.0 && y >= 0.0) {
            return None;
        }
        let (i, j) = (x as usize, y as usize);
        if i + 1 >= self.width || j + 1 >= self.height {
            return None;
        }
        let (p, q) = (x - i as f32, y - j as f32);
        let mut colour = [0.0; 3];
        let mut share = 0.0;
        for (di, dj, weight) in [
            (0, 0, (1.0 - p) * (1.0 - q)),
            (1, 0, p * (1.0 - q)),
            (0, 1, (1.0 - p) * q),
            (1, 1, p * q),
        ] {
            let at = (j + dj) * self.width + i + di;
            for (sum, value) in colour.iter_mut().zip(self.pixels[at]) {
                *sum += weight * value;
            }
            let [as_here, parted] = self.shares[at];
            share += weight * (as_here + farther * (parted - as_here));
        }
        Some((colour, share))
    }
}
