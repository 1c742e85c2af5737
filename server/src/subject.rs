//! Whether a picture is a photograph of a person, or something drawn, or shows nobody.
//!
//! A photograph has the noise of a sensor or the grain of a film nearly everywhere; what is drawn has
//! areas in which neighbouring pixels are the same, and few colours. Both are counted on the picture at a
//! small size, after which compression has left no blocks.
//!
//! That tells flat drawings, prints and rendered characters (0.66 to 0.84 of the pairs are the same) from
//! photographs and frames of films (0.12 to 0.60). A painting with a canvas's grain counts as a photograph:
//! where it is not sure, nobody is refused. In what is left a face is looked for, as avatars of pictures need one:
//! animals have none.

use image::imageops::FilterType;

/// Pixels of the longer side at which is counted.
const SIDE: u32 = 256;

/// The share of pairs of neighbours that differ by no more than [`SAME`] in any channel, from which on a
/// picture is taken for a drawing.
const FLAT_SHARE: f64 = 0.64;
const SAME: u8 = 1;

/// The share of pixels that the sixteen commonest of 4,096 colours have in a drawing.
const FEW_COLOURS_SHARE: f64 = 0.6;

/// The kind of a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    Person,
    Drawing,
    /// No face of a person is in it.
    Nobody,
}

impl Subject {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Drawing => "drawing",
            Self::Nobody => "nobody",
        }
    }
}

/// The kind of a picture; none where it can't be read, which others say better.
pub(crate) fn of_picture(content: &[u8]) -> Option<Subject> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(content))
        .with_guessed_format()
        .ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(8_192);
    limits.max_image_height = Some(8_192);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let picture = reader.decode().ok()?;
    let small = picture.resize(SIDE, SIDE, FilterType::Triangle).to_rgb8();
    let (width, height) = small.dimensions();
    let (mut flat, mut pairs) = (0u32, 0u32);
    let mut colours = vec![0u32; 4_096];
    for y in 0..height {
        for x in 0..width {
            let here = small.get_pixel(x, y).0;
            let index = here.map(|c| usize::from(c >> 4));
            colours[index[0] << 8 | index[1] << 4 | index[2]] += 1;
            let right = (x + 1 < width).then(|| small.get_pixel(x + 1, y).0);
            let below = (y + 1 < height).then(|| small.get_pixel(x, y + 1).0);
            for other in [right, below].into_iter().flatten() {
                pairs += 1;
                let same = here.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= SAME);
                flat += u32::from(same);
            }
        }
    }
    colours.sort_unstable_by(|a, b| b.cmp(a));
    let common: u32 = colours.iter().take(16).sum();
    let flat = f64::from(flat) / f64::from(pairs.max(1));
    let few = f64::from(common) / f64::from((width * height).max(1));
    Some(match flat > FLAT_SHARE && few > FEW_COLOURS_SHARE {
        true => Subject::Drawing,
        false if !has_face(content) => Subject::Nobody,
        false => Subject::Person,
    })
}

/// Whether a picture shows a face, whatever an avatar's maker would have against it.
#[cfg(feature = "portrait")]
fn has_face(content: &[u8]) -> bool {
    use essence::ErrorKind;
    use essence::portrait::{PortraitOptions, create};
    let mut options = PortraitOptions::default();
    options.force = true;
    let made = create(content, &options);
    !made.is_err_and(|error| error.kind() == ErrorKind::InvalidAvatar)
}

#[cfg(not(feature = "portrait"))]
fn has_face(_: &[u8]) -> bool {
    true
}
