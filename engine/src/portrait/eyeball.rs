//! The eyeball behind the lids, of which the picture shows a part: the white where the iris was, and the
//! parts of the iris that the lids hide. Without them an iris that looks around drags the lids' skin and
//! the corner of the eye along.

use super::fit::Fit;
use super::iris::{opening, within};
use super::mesh::{Corner, DISC, Disc, Follow, LOOKS, Mesh, iris_radius};
use super::picture::{Picture, light};
use super::points::{EYES, OVAL};
use super::raster::{self, Plane};
use super::rig::{Posed, look};
use super::solid::smooth;
use crate::warp::{Canvas, Place, Texture, UNIT, place};

/// Largest radius of an iris, in eyes: a person's is 0.07.
const LARGEST: f32 = 0.4;
/// From the iris's edge as the landmarks have it to where the white surely begins, and where the iris is
/// sure to end, in its radii.
const WHITE: f32 = 1.2;
const IRIS: [f32; 2] = [1.04, LOOKS - 0.02];
/// How far from a lid's edge the picture is neither lid nor its shadow, in radii of the iris.
const FROM_LID: f32 = 0.2;
/// Rings of the iris whose colours are told apart.
const RINGS: usize = 14;
/// Least area of white for it to be known, in squares of the radius. Where there is less, the lightest
/// pixels beside the iris are taken for it, so many of them.
const LEAST: f32 = 0.15;
const LIGHTEST: f32 = 0.4;
/// How far beyond the lids the eyeball goes on, in eyes.
const BEYOND: f32 = 0.07;
/// Light from which on a pixel beside the iris is white, from the iris's (0) to the white's (1), and how far
/// from the iris's middle darker ones belong to it, in radii.
const LIGHT: f32 = 0.55;
const NEAR: f32 = 2.0;
/// How far an iris has gone where the eyeball begins to show, and where it is all that shows, in radii.
const SHOWS: [f32; 2] = [0.01, 0.12];
/// How far it has gone up or down, and lids with it, where what they lay on shows no more of them.
const BARES: [f32; 2] = [0.04, 0.3];

/// Both eyeballs of one portrait.
#[derive(Debug)]
pub(crate) struct Eyeballs([Option<Eyeball>; 2]);

#[derive(Debug)]
struct Eyeball {
    number: usize,
    radius: f32,
    /// The white as the picture has it beside the iris, and without the edges of the lids.
    white: Texture,
    bare: Texture,
    iris: Texture,
    /// The window's corners, which go with the head.
    frame: [Corner; 4],
    disc: Disc,
    /// The window's corners, and the disc's middle and edge, at rest, in the window.
    frame_from: [Place; 4],
    disc_from: [Place; 1 + DISC],
}

impl Eyeballs {
    /// Of a picture without glasses.
    pub(crate) fn new(fit: &Fit, mesh: &Mesh, picture: &Picture) -> Self {
        Self([0, 1].map(|number| Eyeball::new(fit, mesh, picture, number)))
    }

    /// Lays them under the lids, which are drawn later, for a gaze right and down in degrees.
    pub(crate) fn draw(&self, fit: &Fit, posed: &Posed, gaze: [f32; 2], canvas: &mut Canvas) {
        for eye in self.0.iter().flatten() {
            let [x, y, _] = look(fit, eye.number, gaze);
            let cover = |far: f32, range: [f32; 2]| {
                (255.0 * smooth(far / eye.radius, range[0], range[1]) + 0.5) as u32
            };
            let shown = cover((x * x + y * y).sqrt(), SHOWS);
            if shown > 0 {
                eye.draw(posed, [shown, cover(y.abs(), BARES)], canvas);
            }
        }
    }
}

impl Eyeball {
    /// None where the picture shows too little of it.
    fn new(fit: &Fit, mesh: &Mesh, picture: &Picture, number: usize) -> Option<Self> {
        let disc = mesh.discs[number];
        let window = Window::new(fit, picture, number)?;
        let [white, bare, iris] = window.painted(picture)?;
        let in_window = |[x, y]: Place| {
            let [left, top] = [window.left, window.top].map(|at| at as i32 * UNIT);
            [x - left, y - top]
        };
        let like = mesh.corners[usize::from(disc.middle)];
        let (right, below) = (window.left + window.width, window.top + window.height);
        let frame = [
            [window.left, window.top],
            [right, window.top],
            [right, below],
            [window.left, below],
        ]
        .map(|[x, y]| Corner {
            at: [x as f32, y as f32, like.at[2]],
            follow: Follow::Still,
            ..like
        });
        let texture = |pixels: Vec<[u8; 4]>| Texture::new(&pixels, window.width, window.height);
        Some(Self {
            number,
            radius: window.radius,
            white: texture(white),
            bare: texture(bare),
            iris: texture(iris),
            frame_from: frame.map(|corner| in_window(place([corner.at[0], corner.at[1]]))),
            disc_from: looking(disc).map(|i| in_window(mesh.rest[i])),
            frame,
            disc,
        })
    }

    /// Draws it, covering what is there by `shown`, and lids' edges by `bared`, in [0, 255].
    fn draw(&self, posed: &Posed, [shown, bared]: [u32; 2], canvas: &mut Canvas) {
        let frame = self
            .frame
            .map(|corner| posed.head.place(&corner, corner.at));
        let frame = (&self.frame_from[..], &frame[..]);
        canvas.blend(&self.white, &WHOLE, frame, shown);
        if bared > 0 {
            canvas.blend(&self.bare, &WHOLE, frame, bared);
        }
        let disc = looking(self.disc).map(|i| posed.places[i]);
        // All of it at once, since it lies where the picture has its own: the white would grey it.
        canvas.blend(&self.iris, &MIDDLE, (&self.disc_from, &disc), 255);
    }
}

/// The corners that look around.
fn looking(disc: Disc) -> [usize; 1 + DISC] {
    std::array::from_fn(|k| match k {
        0 => usize::from(disc.middle),
        _ => usize::from(disc.iris) + k - 1,
    })
}

const WHOLE: [[u16; 3]; 2] = [[0, 1, 2], [0, 2, 3]];

/// The disc's triangles.
const MIDDLE: [[u16; 3]; DISC] = {
    let mut triangles = [[0; 3]; DISC];
    let mut k = 0;
    while k < DISC {
        triangles[k] = [0, 1 + k as u16, 1 + ((k + 1) % DISC) as u16];
        k += 1;
    }
    triangles
};

/// The part of the picture around an iris.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// The iris's middle in the window, and its radius, in pixels.
    middle: [f32; 2],
    radius: f32,
    /// The lids' outline, and the face's, in the window.
    outline: Vec<[f32; 2]>,
    face: Vec<[f32; 2]>,
    /// How far beyond the lids it goes, in pixels.
    beyond: f32,
}

impl Window {
    /// None where the eye lies outside the picture, or is none.
    fn new(fit: &Fit, picture: &Picture, number: usize) -> Option<Self> {
        let eye = &EYES[number];
        let radius = iris_radius(fit, number);
        if !(1.0..LARGEST * fit.eyes).contains(&radius) {
            return None;
        }
        let [x, y, _] = fit.points[eye.iris[0]];
        let outline = opening(eye, &fit.points);
        let range = |axis: usize, at: f32, most: usize| {
            let values = outline.iter().map(|p| p[axis]);
            let least = values.clone().fold(at - radius, f32::min) - BEYOND * fit.eyes;
            let largest = values.fold(at + radius, f32::max) + BEYOND * fit.eyes;
            let [from, to] = [least, largest].map(|at| at.clamp(0.0, most as f32) as usize);
            (to > from + 2).then_some((from, to - from))
        };
        let (left, width) = range(0, x, picture.width)?;
        let (top, height) = range(1, y, picture.height)?;
        let [dx, dy] = [left as f32, top as f32];
        Some(Self {
            left,
            top,
            width,
            height,
            middle: [x - dx, y - dy],
            radius,
            outline: outline.iter().map(|[x, y]| [x - dx, y - dy]).collect(),
            face: OVAL
                .map(|i| [fit.points[i][0] - dx, fit.points[i][1] - dy])
                .to_vec(),
            beyond: BEYOND * fit.eyes,
        })
    }

    /// Distance of a pixel from the iris's middle, in its radii.
    fn far(&self, x: usize, y: usize) -> f32 {
        let (dx, dy) = (
            x as f32 + 0.5 - self.middle[0],
            y as f32 + 0.5 - self.middle[1],
        );
        (dx * dx + dy * dy).sqrt() / self.radius
    }

    /// 1 between the lids.
    fn opening(&self) -> Plane {
        Plane::new(self.width, self.height, |x, y| {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            f32::from(u8::from(within(&self.outline, at)))
        })
    }

    /// The white without its iris, the same without the lids' edges, and the whole iris, which fades at
    /// its rim.
    fn painted(&self, picture: &Picture) -> Option<[Vec<[u8; 4]>; 3]> {
        let (width, height) = (self.width, self.height);
        let opening = self.opening();
        let lid = (FROM_LID * self.radius).round().max(1.0) as usize;
        let outside = Plane::new(width, height, |x, y| 1.0 - opening.at([x, y])).largest(lid);
        let clear = Plane::new(width, height, |x, y| 1.0 - outside.at([x, y]));
        let colour =
            |x: usize, y: usize| picture.rgb((self.left + x) as i64, (self.top + y) as i64);
        let colours = [0, 1, 2].map(|c| Plane::new(width, height, |x, y| colour(x, y)[c]));
        let rings = self.rings(&clear, &colour)?;
        let hidden = self.hidden(&opening, &clear, &colours, light(&rings[RINGS / 2]))?;
        let filled = raster::painted_out(&colours, &hidden.0);
        let inside = self.inside(&opening);
        let white = |shows: &Plane| {
            let pixels = (0..width * height).map(|i| {
                let (x, y) = (i % width, i / width);
                let far = self.far(x, y);
                let is_white = far > NEAR || light(&colour(x, y)) > hidden.1;
                let own = match is_white {
                    true => shows.values[i] * smooth(far, WHITE - 0.08, WHITE + 0.08),
                    false => 0.0,
                };
                let [r, g, b] = mixed(filled[i].map(f32::from), colour(x, y), own);
                [r, g, b, (255.0 * inside.values[i] + 0.5) as u8]
            });
            pixels.collect()
        };
        let soft = clear.smoothed().smoothed();
        let own = Plane::new(width, height, |x, y| 1.0 - opening.at([x, y]));
        let own = own.largest(1).smoothed();
        let iris = (0..width * height).map(|i| {
            let far = self.far(i % width, i / width);
            let colour = colour(i % width, i / width);
            let [r, g, b] = mixed(ringed(&rings, far), colour, 1.0 - own.values[i]);
            let alpha = 1.0 - smooth(far, IRIS[0], IRIS[1]);
            [r, g, b, (255.0 * alpha + 0.5) as u8]
        });
        Some([white(&opening), white(&soft), iris.collect()])
    }

    /// 1 where the eyeball may show: around the lids, and within the face.
    fn inside(&self, opening: &Plane) -> Plane {
        let around = opening.largest(self.beyond.ceil() as usize);
        Plane::new(self.width, self.height, |x, y| {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            match within(&self.face, at) {
                true => around.at([x, y]),
                false => 0.0,
            }
        })
    }

    /// 0 where the picture shows the white, else 1; and the light from which on a pixel is white, where the
    /// iris has this one.
    fn hidden(
        &self,
        opening: &Plane,
        clear: &Plane,
        colours: &[Plane; 3],
        iris: f32,
    ) -> Option<(Plane, f32)> {
        let level = |x: usize, y: usize| light(&[0, 1, 2].map(|c| colours[c].at([x, y])));
        let chosen = |shows: &Plane, from: f32, share: f32| {
            let is_beside = |x: usize, y: usize| shows.at([x, y]) > 0.0 && self.far(x, y) > from;
            let all = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
            let beside = all.filter(|&(x, y)| is_beside(x, y));
            let mut levels: Vec<f32> = beside.map(|(x, y)| level(x, y)).collect();
            levels.sort_by(f32::total_cmp);
            let white = *levels.get(levels.len() * 3 / 4)?;
            let darkest = levels[((1.0 - share) * (levels.len() - 1) as f32) as usize];
            let darkest = darkest.max(iris + LIGHT * (white - iris));
            let hidden = Plane::new(self.width, self.height, |x, y| {
                f32::from(u8::from(!(is_beside(x, y) && level(x, y) >= darkest)))
            });
            let known = hidden
                .values
                .iter()
                .filter(|&&hidden| hidden == 0.0)
                .count();
            let least = (LEAST * self.radius * self.radius).max(4.0);
            (known as f32 >= least).then_some((hidden, darkest))
        };
        chosen(clear, WHITE, 1.0).or_else(|| chosen(opening, 1.0, LIGHTEST))
    }

    /// The median colours of the iris's rings, from its middle out to where it looks around.
    fn rings(
        &self,
        clear: &Plane,
        colour: &dyn Fn(usize, usize) -> [f32; 3],
    ) -> Option<Vec<[f32; 3]>> {
        let mut seen: Vec<Vec<[f32; 3]>> = vec![Vec::new(); RINGS];
        for y in 0..self.height {
            for x in 0..self.width {
                let ring = (self.far(x, y) / LOOKS * RINGS as f32) as usize;
                if ring < RINGS && clear.at([x, y]) > 0.0 {
                    seen[ring].push(colour(x, y));
                }
            }
        }
        let mut rings: Vec<Option<[f32; 3]>> = seen
            .into_iter()
            .map(|mut colours| {
                colours.sort_by(|a, b| light(a).total_cmp(&light(b)));
                colours.get(colours.len() / 2).copied()
            })
            .collect();
        // Rings that the lids hide are as their neighbours.
        for k in 1..RINGS {
            rings[k] = rings[k].or(rings[k - 1]);
        }
        for k in (0..RINGS - 1).rev() {
            rings[k] = rings[k].or(rings[k + 1]);
        }
        rings.into_iter().collect()
    }
}

/// The colour so far from the middle, between two rings'.
fn ringed(rings: &[[f32; 3]], far: f32) -> [f32; 3] {
    let at = (far / LOOKS * RINGS as f32 - 0.5).clamp(0.0, (RINGS - 1) as f32);
    let k = (at as usize).min(RINGS - 2);
    let share = at - k as f32;
    [0, 1, 2].map(|c| rings[k][c] + share * (rings[k + 1][c] - rings[k][c]))
}

fn mixed(from: [f32; 3], to: [f32; 3], share: f32) -> [u8; 3] {
    [0, 1, 2].map(|c| (from[c] + share * (to[c] - from[c]) + 0.5).clamp(0.0, 255.0) as u8)
}
