//! A film's own open mouths, as the manifest lists them.

use serde::Deserialize;

/// Open mouths of a film, each as it lies between the inner lips: from corner to corner, and from the
/// upper lip to the lower one.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Mouths {
    /// The member with all of them, one below the other: a JPEG image of `width` × `height` times their
    /// number.
    pub file: String,
    /// Width of one in pixels: **4 to 512**.
    pub width: u32,
    /// Height of one in pixels: **4 to 512**.
    pub height: u32,
    /// How far the lips of each stand apart, in distances between the eyes: **1 to 64 numbers**, each
    /// larger than the one before.
    pub gaps: Vec<f32>,
    /// More mouths for each gap. Readers that don't know them show those of `file`.
    #[serde(default)]
    pub shapes: Option<Shapes>,
}

/// Open mouths of a film by gap, by width and by the chin's distance.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Shapes {
    /// The member with all of them: a JPEG image with a row of mouths for each gap, and in each row those
    /// of the least width first, each with all its chins.
    pub file: String,
    /// How far the corners of the mouth stand apart, in distances between the eyes: for each gap **1 to 8
    /// numbers**, for all as many, none smaller than the one before.
    pub widths: Vec<Vec<f32>>,
    /// How far the chin lies below the lower lip, in distances between the eyes; as many, and in the
    /// same order.
    pub chins: Vec<Vec<f32>>,
}
