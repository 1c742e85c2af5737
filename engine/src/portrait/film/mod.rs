//! A film's own pixels move: each base frame has a mesh over its landmarks, which follows the mouth's
//! coefficients as a portrait's does, less those that the frame shows already.
//!
//! Only a box around the mouth is drawn. Nothing moves at its edge, and where the coefficients are
//! those of the frame, nothing moves at all: the picture is the base frame, byte for byte. Between
//! the lips shows what the identity network draws there, or teeth and tongue as portraits have them.

mod atlas;
mod between;
mod face;

use std::sync::OnceLock;

use super::fit::{Fit, lip_weights};
use super::head::{Head, POINTS};
use super::mouth::{Mouth, Seam};
use super::picture::Picture;
use super::rig::{MOUTH, Posed, Puppet};
use super::solid::{Point, add, scale, smooth};
use crate::compose::Moved;
use crate::compose::arch::Isa;
use crate::compose::base::{BaseFrame, ChromaRows};
use crate::compose::blend::Patch;
use crate::geometry::Affine;
use crate::imx::{Container, Inside, Manifest};
use crate::warp::{Canvas, Texture};
use crate::{Error, ErrorKind, Result};
use atlas::Atlas;
use face::Face;

/// Landmarks of a base frame in the file.
const LANDMARKS: usize = 478;
/// Coefficients that differ less from those of the base frame move nothing.
const STILL: f32 = 1e-3;
/// `mouthPress` with which speech begins to ask for shut lips, and with which it does.
const PRESSED: [f32; 2] = [0.05, 0.15];

/// The source of what shows between the lips.
#[derive(Debug)]
enum Between {
    /// Teeth and tongue as portraits have them.
    Drawn(Box<Mouth>),
    /// The film's own open mouths.
    Film(Atlas),
    /// The identity network's patch.
    Network,
}

/// How the base frames of one avatar move.
#[derive(Debug)]
pub(crate) struct Film {
    head: Head,
    /// How each of the avatar's coefficients moves each point of the head.
    moves: Vec<Vec<Point>>,
    /// How far each point belongs to the mouth.
    lips: Vec<f32>,
    /// Places of `jawOpen`, of `mouthFunnel` and `mouthPucker`, of `mouthClose`, `mouthPress` and
    /// `tongueTip` among the coefficients.
    jaw: Option<usize>,
    rounds: [Option<usize>; 2],
    close: Option<usize>,
    press: Option<usize>,
    tongue: Option<usize>,
    /// `[C, C]`
    matrix: Vec<f32>,
    /// `[C]`: the most of each coefficient.
    limits: Vec<f32>,
    landmarks: Vec<Point>,
    /// `[count, C]`
    own: Vec<f32>,
    size: (usize, usize),
    inside: Between,
    seam: Seam,
    /// Of each base frame, from when it is drawn first; none where its landmarks are no face.
    faces: Vec<OnceLock<Option<Box<Face>>>>,
}

/// The buffers that one picture's mouth is drawn with.
#[derive(Debug)]
pub(crate) struct Sheet {
    isa: Isa,
    chroma: ChromaRows,
    /// Rows of the base frame.
    rows: Vec<u8>,
    texture: Texture,
    canvas: Canvas,
    posed: Posed,
    /// The person's coefficients.
    own: Vec<f32>,
    triangles: Vec<[u16; 3]>,
    /// The film's own mouth that shows.
    mixed: Vec<[f32; 3]>,
}

impl Film {
    /// From the avatar's file, if its pixels move. `first` is the base frame that is shown first.
    ///
    /// # Errors
    /// `InvalidAvatar` if that frame's landmarks are no face in it.
    pub(crate) fn open(
        container: &Container,
        manifest: &Manifest,
        first: &BaseFrame,
    ) -> Result<Option<Self>> {
        let Some(warp) = &manifest.warp else {
            return Ok(None);
        };
        let head = Head::read(super::HEAD)?;
        let puppet = Puppet::new(&head);
        let place = |name: &str| manifest.coefficients.iter().position(|known| known == name);
        let moves = manifest
            .coefficients
            .iter()
            .map(|name| match MOUTH.iter().position(|known| known == name) {
                Some(known) => summed(&head, &puppet.shapes[known]),
                None => vec![[0.0; 3]; POINTS],
            })
            .collect();
        let count = manifest.frame.count as usize;
        let mut film = Self {
            moves,
            lips: lip_weights(&head),
            jaw: place("jawOpen"),
            rounds: ["mouthFunnel", "mouthPucker"].map(place),
            close: place("mouthClose"),
            press: place("mouthPress"),
            tongue: place("tongueTip"),
            matrix: container.floats(&warp.matrix)?,
            limits: match &warp.limits {
                Some(member) => container.floats(member)?,
                None => vec![1.0; manifest.coefficients.len()],
            },
            landmarks: container.floats(&warp.landmarks)?.as_chunks().0.to_vec(),
            own: container.floats(&warp.own)?,
            size: (
                manifest.frame.width as usize,
                manifest.frame.height as usize,
            ),
            inside: Between::Network,
            seam: Seam::default(),
            faces: (0..count).map(|_| OnceLock::new()).collect(),
            head,
        };
        let shown = manifest
            .motions
            .get("idle")
            .map_or(0, |idle| idle.first as usize);
        if film.face(shown).is_none() {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                format!("the landmarks of base frame {shown} are no face; make the avatar again"),
            ));
        }
        let fit = Fit::of_points(&film.head, film.points(shown).to_vec());
        let picture = film.picture(first);
        film.seam = match warp.inside {
            Inside::Drawn => Seam::of(&fit, &picture),
            _ => Seam::filmed(&fit, &picture),
        };
        film.inside = match (warp.inside, &warp.mouths) {
            (Inside::Drawn, _) => Between::Drawn(Box::new(Mouth::painted(&fit, &picture)?)),
            (Inside::Film, Some(mouths)) => Between::Film(Atlas::open(container, mouths)?),
            _ => Between::Network,
        };
        Ok(Some(film))
    }

    /// Whether the identity network's patch is needed.
    pub(crate) fn wants_patch(&self) -> bool {
        matches!(self.inside, Between::Network)
    }

    /// Buffers for a picture, and for the one that it crossfades from.
    pub(crate) fn sheets(&self) -> [Sheet; 2] {
        [(); 2].map(|()| Sheet {
            isa: Isa::best(),
            chroma: ChromaRows::default(),
            rows: Vec::new(),
            texture: Texture::empty(),
            canvas: Canvas::new(0, 0),
            posed: Posed::default(),
            own: Vec::new(),
            triangles: Vec::new(),
            mixed: Vec::new(),
        })
    }

    /// Draws what moves of base frame `index` for speech's `mouth`, which is there by `presence`, with the
    /// identity network's patch between the lips. None where nothing moves.
    pub(crate) fn draw<'a>(
        &self,
        (index, base): (usize, &BaseFrame),
        (mouth, presence): (&[f32], f32),
        patch: Option<(&Patch, &Affine)>,
        sheet: &'a mut Sheet,
    ) -> Option<Moved<'a>> {
        let face = self.face(index)?;
        let presence = match self.wants_patch() && patch.is_none() {
            true => 0.0,
            false => presence,
        };
        self.persons(mouth, presence, &mut sheet.own);
        let count = self.moves.len();
        let shown = &self.own[index * count..][..count];
        let is_still = |(a, b): (&f32, &f32)| (a - b).abs() < STILL;
        if presence <= 0.0 && sheet.own.iter().zip(shown).all(is_still) {
            return None;
        }
        let press = self.press.and_then(|place| mouth.get(place));
        let pressed = presence * press.map_or(0.0, |&press| smooth(press, PRESSED[0], PRESSED[1]));
        self.pose(face, shown, (presence, pressed), sheet);
        let [left, top, width, height] = face.place;
        sheet.load(base, face.place, self.size.0);
        let Sheet {
            texture,
            canvas,
            posed,
            triangles,
            mixed,
            own,
            ..
        } = sheet;
        canvas.resize(width, height);
        canvas.copy(texture);
        self.seam.fill(&face.fit, posed, canvas);
        let rest = &face.mesh.rest;
        let stays = |&i: &u16| {
            let i = usize::from(i);
            posed.places[i] == rest[i] && posed.sources[i] == rest[i]
        };
        triangles.clear();
        let moved = face.mesh.triangles.iter().filter(|t| !t.iter().all(stays));
        triangles.extend(moved);
        canvas.draw(texture, triangles, &posed.sources, &posed.places);
        match (&self.inside, patch) {
            (Between::Drawn(mouth), _) => {
                let tongue = self.tongue.map_or(0.0, |place| own[place]);
                mouth.draw(&face.fit, posed, tongue, canvas);
            }
            (Between::Film(atlas), _) => atlas.draw(&face.fit, posed, mixed, canvas),
            (Between::Network, Some(patch)) => {
                between::patch(&face.fit, posed, patch, (left, top), canvas);
            }
            (Between::Network, None) => {}
        }
        self.seam.close(&face.fit, posed, canvas);
        Some(Moved {
            left,
            top,
            width,
            pixels: canvas.pixels(),
        })
    }

    /// The landmarks of a base frame.
    fn points(&self, index: usize) -> &[Point] {
        &self.landmarks[index * LANDMARKS..][..LANDMARKS]
    }

    fn face(&self, index: usize) -> Option<&Face> {
        let made = || Face::new(&self.head, self.points(index), self.size).map(Box::new);
        self.faces[index].get_or_init(made).as_deref()
    }

    /// The whole of a base frame.
    fn picture(&self, base: &BaseFrame) -> Picture {
        let (width, height) = self.size;
        let mut rgb = vec![0; 3 * width * height];
        base.write_rgb(Isa::best(), &mut ChromaRows::default(), 0..height, &mut rgb);
        let pixels = rgb.as_chunks::<3>().0.iter();
        Picture {
            width,
            height,
            rgba: pixels.flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
        }
    }

    /// The person's coefficients for speech's.
    fn persons(&self, mouth: &[f32], presence: f32, out: &mut Vec<f32>) {
        let count = self.moves.len();
        out.clear();
        out.resize(count, 0.0);
        for (value, row) in mouth.iter().zip(self.matrix.chunks_exact(count)) {
            for (sum, weight) in out.iter_mut().zip(row) {
                *sum += value * weight;
            }
        }
        for (value, &limit) in out.iter_mut().zip(&self.limits) {
            *value = presence * value.clamp(0.0, limit);
        }
        // Lips are shut over a jaw that is down: there is nothing to shut beyond it.
        if let (Some(jaw), Some(close)) = (self.jaw, self.close) {
            out[close] = out[close].min(out[jaw]);
        }
    }

    /// Moves the face's points from what it `shows` to the sheet's coefficients, for speech that is there by
    /// `talk` and presses the lips by `pressed`.
    fn pose(&self, face: &Face, shows: &[f32], (talk, pressed): (f32, f32), sheet: &mut Sheet) {
        let (fit, posed) = (&face.fit, &mut sheet.posed);
        let wanted = &sheet.own;
        posed.skin.clear();
        for (i, &at) in fit.points[..POINTS].iter().enumerate() {
            let mut by = [0.0; 3];
            for ((moves, &wanted), &shown) in self.moves.iter().zip(wanted).zip(shows) {
                by = add(by, scale(moves[i], wanted - shown));
            }
            posed.skin.push(add(at, fit.carried(by, self.lips[i])));
        }
        let opening = |coefficients: &[f32], lip: usize| {
            let mut sum = [0.0; 3];
            for (moves, &value) in self.moves.iter().zip(coefficients) {
                sum = add(sum, scale(moves[lip], value));
            }
            fit.carried(sum, self.lips[lip])
        };
        face.part(
            (talk, pressed),
            |lip| opening(wanted, lip),
            |lip| opening(shows, lip),
            posed,
        );
        posed.sources.clear();
        posed.sources.extend_from_slice(&face.mesh.rest);
        face.bare(posed);
        posed.jaw = 0.42 * self.jaw.map_or(0.0, |place| wanted[place]) * fit.mouth;
        posed.rounded = self
            .rounds
            .iter()
            .flatten()
            .map(|&place| wanted[place])
            .sum();
        posed.lay(fit, &face.mesh, [[0.0; 3]; 2]);
    }
}

impl Sheet {
    /// Takes the pixels of a rectangle of a base frame whose rows have `stride` pixels.
    fn load(&mut self, base: &BaseFrame, [left, top, width, height]: [usize; 4], stride: usize) {
        self.rows.resize(3 * stride * height, 0);
        base.write_rgb(
            self.isa,
            &mut self.chroma,
            top..top + height,
            &mut self.rows,
        );
        let rows = &self.rows;
        self.texture.fill((width, height), |y, line| {
            let row = &rows[3 * (y * stride + left)..][..3 * width];
            for (pixel, &[r, g, b]) in line.iter_mut().zip(row.as_chunks::<3>().0) {
                *pixel = [r, g, b, 255];
            }
        });
    }
}

/// How shapes move the head's points together.
fn summed(head: &Head, shapes: &[usize]) -> Vec<Point> {
    let mut out = vec![[0.0; 3]; POINTS];
    for &shape in shapes {
        for (sum, &by) in out.iter_mut().zip(&head.moves[shape]) {
            *sum = add(*sum, by);
        }
    }
    out
}
