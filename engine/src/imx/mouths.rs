//! A film's own open mouths, as the manifest lists them.

use serde::Deserialize;

use super::fault::invalid;
use super::limits::{MAX_MOUTH_PX, MAX_MOUTH_SHAPES, MAX_MOUTHS, MAX_MOUTHS_PX};
use super::rules::within;
use crate::Result;

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

impl Mouths {
    pub(super) fn validate(&self) -> Result<()> {
        within("warp.mouths.width", self.width.into(), 4, MAX_MOUTH_PX)?;
        within("warp.mouths.height", self.height.into(), 4, MAX_MOUTH_PX)?;
        within(
            "warp.mouths.gaps (numbers)",
            self.gaps.len() as u64,
            1,
            MAX_MOUTHS,
        )?;
        let mut last = 0.0;
        for &gap in &self.gaps {
            if !(gap > last && gap < 10.0) {
                return Err(invalid(format!(
                    "warp.mouths.gaps has {gap} after {last}; each is larger than the one before"
                )));
            }
            last = gap;
        }
        match &self.shapes {
            Some(shapes) => self.validate_shapes(shapes),
            None => Ok(()),
        }
    }

    fn validate_shapes(&self, shapes: &Shapes) -> Result<()> {
        let mut mouths = self.gaps.len() as u64;
        for (key, rows) in [("widths", &shapes.widths), ("chins", &shapes.chins)] {
            let key = format!("warp.mouths.shapes.{key}");
            if rows.len() != self.gaps.len() {
                let (rows, gaps) = (rows.len(), self.gaps.len());
                return Err(invalid(format!("{key} has {rows} lists for {gaps} gaps")));
            }
            let count = rows[0].len();
            within(
                &format!("{key} (numbers)"),
                count as u64,
                1,
                MAX_MOUTH_SHAPES,
            )?;
            let grows = |row: &&Vec<f32>| row.len() == count && row.is_sorted();
            let is_near = |value: &f32| value.abs() < 10.0;
            if !rows
                .iter()
                .all(|row| grows(&row) && row.iter().all(is_near))
            {
                return Err(invalid(format!(
                    "{key} has to have {count} numbers for each gap, none smaller than the one before"
                )));
            }
            mouths *= count as u64;
        }
        let pixels = mouths * u64::from(self.width) * u64::from(self.height);
        within("warp.mouths.shapes (pixels)", pixels, 1, MAX_MOUTHS_PX)
    }
}
