//! Fit: where the avatar's picture lies in an output of another size.

use std::ops::Range;

use crate::options::{Fit, OutputSize, SessionOptions};
use crate::{Error, ErrorKind, Result};

/// Width and height of an output, in pixels.
const DOMAIN: std::ops::RangeInclusive<usize> = 16..=8192;

/// The place of the avatar's picture in the output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Placement {
    pub(crate) output: OutputSize,
    /// Width and height of the whole picture after scaling.
    pub(crate) scaled: (usize, usize),
    /// Column and row of the scaled picture that come first in the output; beyond 0, the picture is
    /// cut off.
    pub(crate) offset: (usize, usize),
    /// Columns and rows of the output that the picture fills; bars are outside of them.
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
}

impl Placement {
    /// Places a picture of `source`, width and height. A crop lies inside of the picture.
    pub(crate) fn new(source: (usize, usize), output: OutputSize, fit: Fit) -> Self {
        let size = (output.width, output.height);
        let (scaled, offset, shown) = match fit {
            Fit::Contain => {
                let scaled = contained(source, output);
                (scaled, (0, 0), scaled)
            }
            Fit::Cover => {
                let scaled = covering(source, output);
                let offset = ((scaled.0 - size.0) / 2, (scaled.1 - size.1) / 2);
                (scaled, offset, size)
            }
            Fit::Crop { left, top } => (source, (left, top), size),
        };
        let (left, top) = ((size.0 - shown.0) / 2, (size.1 - shown.1) / 2);
        Self {
            output,
            scaled,
            offset,
            columns: left..left + shown.0,
            rows: top..top + shown.1,
        }
    }

    /// Whether the output has bars.
    pub(crate) fn has_bars(&self) -> bool {
        (self.columns.len(), self.rows.len()) != (self.output.width, self.output.height)
    }
}

/// Checks the output size and fit of a session against the avatar's picture, width and height.
///
/// # Errors
/// `InvalidArgument`: the output is outside of its domain, or a crop outside of the picture.
pub(crate) fn check(options: &SessionOptions, source: (usize, usize)) -> Result<()> {
    let invalid = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
    let own = OutputSize {
        width: source.0,
        height: source.1,
    };
    let OutputSize { width, height } = options.output_size.unwrap_or(own);
    if options.output_size.is_some() && !(DOMAIN.contains(&width) && DOMAIN.contains(&height)) {
        return invalid(format!(
            "an output of {width}×{height} pixels is outside 16 to 8192"
        ));
    }
    if let Fit::Crop { left, top } = options.fit {
        let inside = |from: usize, length: usize, whole: usize| {
            from.checked_add(length).is_some_and(|end| end <= whole)
        };
        if !inside(left, width, source.0) || !inside(top, height, source.1) {
            return invalid(format!(
                "a crop of {width}×{height} pixels from ({left}, {top}) on is not inside of the \
                 avatar's picture, {}×{}",
                source.0, source.1
            ));
        }
    }
    Ok(())
}

/// The largest size of the source's proportions that fits into the output.
fn contained((width, height): (usize, usize), output: OutputSize) -> (usize, usize) {
    if width * output.height >= height * output.width {
        let scaled = (height * output.width + width / 2) / width;
        (output.width, scaled.clamp(1, output.height))
    } else {
        let scaled = (width * output.height + height / 2) / height;
        (scaled.clamp(1, output.width), output.height)
    }
}

/// The smallest size of the source's proportions that fills the output.
fn covering((width, height): (usize, usize), output: OutputSize) -> (usize, usize) {
    if width * output.height >= height * output.width {
        let scaled = (width * output.height + height / 2) / height;
        (scaled.max(output.width), output.height)
    } else {
        let scaled = (height * output.width + width / 2) / width;
        (output.width, scaled.max(output.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: usize, height: usize) -> OutputSize {
        OutputSize { width, height }
    }

    #[test]
    fn contain_keeps_the_whole_picture_and_cover_fills_the_output() {
        let place = |source, output, fit| {
            let placement = Placement::new(source, output, fit);
            (
                placement.scaled,
                placement.offset,
                placement.columns,
                placement.rows,
            )
        };
        let wide = size(1280, 720);
        assert_eq!(
            place((512, 512), wide, Fit::Contain),
            ((720, 720), (0, 0), 280..1000, 0..720)
        );
        assert_eq!(
            place((512, 512), wide, Fit::Cover),
            ((1280, 1280), (0, 280), 0..1280, 0..720)
        );
        assert_eq!(
            place((640, 480), size(320, 320), Fit::Contain),
            ((320, 240), (0, 0), 0..320, 40..280)
        );
        assert_eq!(
            place((640, 480), size(320, 320), Fit::Cover),
            ((427, 320), (53, 0), 0..320, 0..320)
        );
        let crop = Fit::Crop { left: 7, top: 9 };
        assert_eq!(
            place((640, 480), size(320, 320), crop),
            ((640, 480), (7, 9), 0..320, 0..320)
        );
    }
}
