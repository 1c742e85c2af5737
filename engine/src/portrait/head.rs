//! The canonical face and how each of ARKit's shapes moves it: `data/head.bin`, written by
//! `studio/essence_studio/face/head.py` from `MediaPipe`'s canonical face (Apache-2.0) and the ICT head
//! (MIT).

use crate::{Error, ErrorKind, Result};

/// Points of the mesh.
pub(crate) const POINTS: usize = 468;
/// Most shapes that a file may have.
const MOST_SHAPES: usize = 256;
/// Most triangles.
const MOST_TRIANGLES: usize = 4096;

/// The face that everybody's is compared with. Lengths in distances between the eyes' outer corners,
/// x to the right and y down in the picture, z away from the camera.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) points: Vec<[f32; 3]>,
    /// The skin's triangles; eyes and mouth are holes.
    pub(crate) triangles: Vec<[u16; 3]>,
    /// Names of the shapes, `ARKit`'s with `_L` and `_R` for the person's sides.
    pub(crate) names: Vec<String>,
    /// How each shape moves each point.
    pub(crate) moves: Vec<Vec<[f32; 3]>>,
}

impl Head {
    /// The head inside the library.
    ///
    /// # Errors
    /// `Internal` if it is damaged.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        read(bytes).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the head inside the library is damaged",
            )
        })
    }
}

fn read(bytes: &[u8]) -> Option<Head> {
    let mut rest = bytes.strip_prefix(b"ESFH")?;
    let [version, points, triangles, shapes] = [(); 4].map(|()| number(&mut rest));
    let (triangles, shapes) = (triangles?, shapes?);
    if version? != 1 || points? != POINTS || triangles > MOST_TRIANGLES || shapes > MOST_SHAPES {
        return None;
    }
    let places = take(&mut rest, 12 * POINTS)?.as_chunks::<4>().0;
    let places: Vec<f32> = places.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let corners = take(&mut rest, 6 * triangles)?.as_chunks::<2>().0;
    let corners: Vec<u16> = corners.iter().map(|&b| u16::from_le_bytes(b)).collect();
    let length = number(&mut rest)?;
    let names = std::str::from_utf8(take(&mut rest, length)?).ok()?;
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    let moves = take(&mut rest, 6 * POINTS * shapes)?.as_chunks::<2>().0;
    let moves: Vec<f32> = moves
        .iter()
        .map(|&b| f32::from(i16::from_le_bytes(b)) / 32768.0)
        .collect();
    let corners = corners.as_chunks::<3>().0.to_vec();
    let sound = names.len() == shapes && corners.iter().flatten().all(|&i| usize::from(i) < POINTS);
    sound.then(|| Head {
        points: places.as_chunks::<3>().0.to_vec(),
        triangles: corners,
        names,
        moves: moves
            .chunks_exact(3 * POINTS)
            .map(|shape| shape.as_chunks::<3>().0.to_vec())
            .collect(),
    })
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let bytes: [u8; 4] = take(rest, 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}
