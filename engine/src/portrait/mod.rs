//! A picture of a face becomes an avatar: faces and landmarks found, the head's shapes carried over
//! to them, a mesh laid over the picture, a rig that moves it.

mod contours;
mod create;
mod detect;
mod edges;
mod emotion;
mod eyeball;
mod film;
mod fit;
mod gesture;
mod glasses;
mod ground;
mod head;
mod iris;
mod judge;
mod key;
mod landmarks;
mod lid_edges;
mod lid_skin;
mod lids;
mod life;
mod lips;
mod mesh;
mod mouth;
mod network;
mod person;
mod picture;
mod points;
mod raster;
mod rig;
mod solid;
#[cfg(any(test, feature = "internals"))]
pub(crate) mod states;
mod stroke;
mod unfold;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::imx::{Container, Expression};
use crate::motion::emotion::{Emotion, Weights};
use crate::warp::{Canvas, Texture};
use crate::{Error, ErrorKind, Result};
use eyeball::Eyeballs;
use fit::Fit;
use glasses::Glasses;
use ground::{Ground, Person};
use head::Head;
use landmarks::Landmarks;
use lid_edges::LidEdges;
use lid_skin::LidSkin;
use lids::Lashes;
use mesh::{Hold, Mesh};
use mouth::Mouth;
use picture::Picture;
use rig::{Posed, Puppet};
use unfold::Unfold;

pub use create::{PortraitOptions, PortraitReport, create, describe};
/// The emotions that a portrait can show.
pub(crate) const EMOTIONS: &[Emotion] = &Emotion::ALL;

pub(crate) use film::{Film, Sheet};
pub(crate) use gesture::{GESTURES, gesture};
pub(crate) use life::Life;
pub(crate) use rig::Rig;

/// The head inside the library.
static HEAD: &[u8] = include_bytes!("data/head.bin");

/// A portrait, ready to be moved.
#[derive(Debug)]
pub(crate) struct Portrait {
    texture: Texture,
    /// The picture behind the person, where she was told from it.
    ground: Option<Ground>,
    fit: Fit,
    mesh: Mesh,
    unfold: Unfold,
    eyeballs: Eyeballs,
    mouth: Mouth,
    lid_edges: LidEdges,
    lid_skin: LidSkin,
    lashes: Lashes,
    glasses: Option<Glasses>,
    has_alpha: bool,
    puppet: Puppet,
    /// For each of the avatar's coefficients, the rig's.
    coefficients: Vec<Option<usize>>,
}

/// The buffers of one session's drawing.
#[derive(Debug)]
pub(crate) struct Easel {
    posed: Posed,
    canvas: Canvas,
}

/// How many times a mesh may cover its picture: a face's covers it twice. More would take a frame's
/// time.
const MOST_OVERDRAW: f32 = 8.0;

/// Most bytes of a picture file.
const MAX_PICTURE_BYTES: u64 = 64 << 20;

/// The avatar that a picture file makes, named as the file: what [`Engine::open`](crate::Engine::open)
/// opens.
///
/// # Errors
/// - Those of [`create`].
/// - `Io` if the file can't be read, `LimitExceeded` if it has more than 64 MiB.
pub fn open_file(path: &Path) -> Result<Container> {
    let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let options = PortraitOptions {
        name: name.chars().filter(|c| !c.is_control()).collect(),
        ..PortraitOptions::default()
    };
    let made = read(path).and_then(|picture| create(&picture, &options));
    let (bytes, _) = made.map_err(named)?;
    Container::from_bytes(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io =
        |e| Error::new(ErrorKind::Io, format!("the picture cannot be read: {e}")).with_source(e);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(MAX_PICTURE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > MAX_PICTURE_BYTES {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            "the picture file has more than 64 MiB; save it smaller",
        ));
    }
    Ok(bytes)
}

/// Whether a file begins as a picture does that an avatar can be made from.
pub fn is_picture(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    // A pipe would block.
    if !std::fs::metadata(path).is_ok_and(|file| file.is_file()) {
        return false;
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(12).read_to_end(&mut bytes));
    read.is_ok()
        && (bytes.starts_with(&[0x89, b'P', b'N', b'G'])
            || bytes.starts_with(&[0xff, 0xd8, 0xff])
            || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"))
}

/// The picture at the frames' size, and its landmarks.
fn members(container: &Container, manifest: &Expression) -> Result<(Picture, Landmarks)> {
    let size = [manifest.picture.width, manifest.picture.height].map(|side| side as usize);
    let picture = Picture::decode(container.member(&manifest.picture.file)?)
        .map_err(|e| Error::new(ErrorKind::InvalidAvatar, e.message().to_owned()))?
        .fitted(size[0], size[1]);
    let picture = key::keyed(picture);
    let points = container.floats(&manifest.landmarks)?;
    let landmarks = Landmarks {
        points: points.as_chunks::<3>().0.to_vec(),
        presence: 1.0,
    };
    Ok((picture, landmarks))
}

#[cold]
fn no_face() -> Error {
    Error::new(
        ErrorKind::InvalidAvatar,
        "the landmarks are no face in the picture; make the avatar again",
    )
}

impl Portrait {
    /// The portrait in an avatar's file.
    ///
    /// # Errors
    /// `InvalidAvatar` if its picture is damaged.
    pub(crate) fn open(container: &Container, manifest: &Expression) -> Result<Self> {
        let (picture, landmarks) = members(container, manifest)?;
        let (width, height) = (picture.width, picture.height);
        let head = Head::read(HEAD)?;
        let fit = Fit::new(&head, &picture, &landmarks);
        if !fit.is_plausible(width.max(height)) {
            return Err(no_face());
        }
        let person = match &manifest.person {
            Some(person) if !picture.has_alpha() => {
                Person::cut(container.member(person)?, &fit, (width, height))
            }
            _ => None,
        };
        let hold = match &person {
            _ if picture.has_alpha() => &ground::hold(&picture),
            Some(person) => &person.hold,
            None => &Hold::whole([width as f32, height as f32]),
        };
        let mesh = Mesh::held(&head, &fit, (width, height), hold);
        if mesh.overdraw(width, height) > MOST_OVERDRAW {
            return Err(no_face());
        }
        let alpha = person.as_ref().map(|person| &person.alpha[..]);
        let (glasses, bare) = Glasses::find(&fit, &mesh, &picture, alpha).unzip();
        let skin = bare.as_ref().unwrap_or(&picture);
        let mut pixels = skin.rgba.as_chunks::<4>().0.to_vec();
        for (pixel, alpha) in pixels.iter_mut().zip(person.iter().flat_map(|p| &p.alpha)) {
            pixel[3] = *alpha;
        }
        Ok(Self {
            texture: Texture::new(&pixels, width, height),
            ground: person.map(|person| person.ground(skin)),
            glasses,
            has_alpha: picture.has_alpha(),
            unfold: Unfold::new(&mesh),
            eyeballs: Eyeballs::new(&fit, &mesh, skin),
            mesh,
            mouth: Mouth::new(&fit, &picture)?,
            lid_edges: LidEdges::new(&fit, skin),
            lid_skin: LidSkin::new(&fit, skin),
            lashes: Lashes::of(&fit, &picture),
            puppet: Puppet::new(&head),
            coefficients: manifest
                .coefficients
                .iter()
                .map(|name| rig::MOUTH.iter().position(|known| known == name))
                .collect(),
            fit,
        })
    }

    /// Whether its picture is transparent somewhere.
    pub(crate) fn has_alpha(&self) -> bool {
        self.has_alpha
    }

    /// Buffers to draw it with.
    pub(crate) fn easel(&self) -> Easel {
        let (width, height) = self.texture.size();
        Easel {
            posed: Posed::default(),
            canvas: Canvas::new(width, height),
        }
    }

    /// The rig of a moment: speech's `mouth`, which is there by `presence`, over life, emotions and
    /// the gesture, if one is played.
    pub(crate) fn rig(
        &self,
        mouth: &[f32],
        presence: f32,
        (life, emotions): (&Life, &Weights),
        playing: Option<(usize, u32)>,
    ) -> Rig {
        let mut rig = life.rig();
        emotion::add(&mut rig, emotions, presence);
        if let Some((number, frame)) = playing {
            rig.add(&gesture(number, frame));
        }
        for (&value, place) in mouth.iter().zip(&self.coefficients) {
            if let Some(place) = *place {
                rig.mouth[place] = rig.mouth[place].max(value);
            }
        }
        rig.talk = rig.talk.max(presence);
        rig
    }

    /// Poses the mesh as `rig` says.
    fn pose(&self, rig: &Rig, posed: &mut Posed) {
        self.puppet.pose(&self.fit, &self.mesh, rig, posed);
        self.unfold
            .apply(&mut posed.places, &mut posed.points, &mut posed.flat);
    }

    /// Draws the face as `rig` says: the picture's pixels, row by row.
    pub(crate) fn draw<'a>(&self, rig: &Rig, easel: &'a mut Easel) -> &'a [[u8; 4]] {
        let Easel { posed, canvas } = easel;
        canvas.copy(&self.texture);
        let at_rest = *rig == Rig::default();
        if !at_rest {
            let fit = &self.fit;
            self.pose(rig, posed);
            self.mouth.seam.fill(fit, posed, canvas);
            let (under, skin) = self.mesh.triangles.split_at(self.mesh.skin);
            canvas.draw(&self.texture, under, &posed.sources, &posed.places);
            self.eyeballs.draw(fit, posed, rig.gaze, canvas);
            canvas.draw(&self.texture, skin, &posed.sources, &posed.places);
            edges::soften_outline(&self.mesh, posed, canvas);
            self.lid_edges
                .draw(fit, posed, (rig.gaze, rig.blink), canvas);
            self.lid_skin.draw(posed, rig.blink, canvas);
            lids::soften(fit, posed, (rig.gaze, rig.blink), canvas);
            self.lashes.draw(fit, posed, rig.blink, canvas);
            if self.mouth.is_own() || rig.talk > 0.0 || rig.smiles() {
                self.mouth.draw(fit, posed, rig.mouth[15], canvas);
            }
            self.mouth.seam.close(fit, posed, canvas);
        }
        if let Some(ground) = &self.ground {
            ground.lay(canvas);
        }
        match &self.glasses {
            Some(glasses) if at_rest => glasses.copy(canvas),
            Some(glasses) => glasses.draw(&self.mesh, &posed.head, canvas),
            None => {}
        }
        canvas.pixels()
    }
}
