//! Memory of the caller's own, which a picture is written into.

use crate::{Error, ErrorKind, PixelFormat, Result};

/// The target of a picture: up to three planes in the caller's memory, each with its stride.
///
/// Bytes between the end of a row and the beginning of the next are left alone.
#[derive(Debug)]
pub struct PictureMut<'a> {
    format: PixelFormat,
    width: usize,
    height: usize,
    planes: [&'a mut [u8]; 3],
    strides: [usize; 3],
}

impl<'a> PictureMut<'a> {
    /// A picture of `width` × `height` in `planes`, of which the
    /// [format's number](PixelFormat::planes) is used, with rows `strides` bytes apart.
    ///
    /// # Errors
    /// `InvalidArgument`: a stride is shorter than a row, or a plane ends before its last row does.
    pub fn new(
        format: PixelFormat,
        (width, height): (usize, usize),
        planes: [&'a mut [u8]; 3],
        strides: [usize; 3],
    ) -> Result<Self> {
        for plane in 0..format.planes() {
            let (row, rows) = format.plane_size(plane, width, height);
            let (stride, length) = (strides[plane], planes[plane].len());
            if stride < row {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "the stride of plane {plane} is {stride} bytes; a row of {format} at {width} pixels has {row}"
                    ),
                ));
            }
            let wanted = plane_len(stride, row, rows);
            if length < wanted {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "plane {plane} has {length} bytes; {rows} rows of {format} need {wanted}"
                    ),
                ));
            }
        }
        Ok(Self {
            format,
            width,
            height,
            planes,
            strides,
        })
    }

    /// A picture without padding in one piece of memory: plane after plane, row after row.
    ///
    /// # Errors
    /// `InvalidArgument`: `bytes` is shorter than [`PixelFormat::buffer_len`].
    pub fn packed(
        format: PixelFormat,
        (width, height): (usize, usize),
        bytes: &'a mut [u8],
    ) -> Result<Self> {
        let wanted = format.buffer_len(width, height);
        if bytes.len() < wanted {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a {format} picture of {width}×{height} needs {wanted} bytes, not {}",
                    bytes.len()
                ),
            ));
        }
        let mut rest = bytes;
        let mut strides = [0; 3];
        let planes = [0, 1, 2].map(|plane| {
            let (row, rows) = format.plane_size(plane, width, height);
            strides[plane] = row;
            let (plane, tail) = std::mem::take(&mut rest).split_at_mut(row * rows);
            rest = tail;
            plane
        });
        Ok(Self {
            format,
            width,
            height,
            planes,
            strides,
        })
    }

    /// The format that is written.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// A row of a plane, without what follows it.
    pub(crate) fn row_mut(&mut self, plane: usize, y: usize) -> &mut [u8] {
        let (row, _) = self.format.plane_size(plane, self.width, self.height);
        &mut self.planes[plane][y * self.strides[plane]..][..row]
    }

    /// A row of each of the planes U and V.
    pub(crate) fn chroma_rows_mut(&mut self, y: usize) -> (&mut [u8], &mut [u8]) {
        let (row, _) = self.format.plane_size(1, self.width, self.height);
        let [_, u, v] = &mut self.planes;
        let [_, u_stride, v_stride] = self.strides;
        (&mut u[y * u_stride..][..row], &mut v[y * v_stride..][..row])
    }
}

fn plane_len(stride: usize, row: usize, rows: usize) -> usize {
    rows.checked_sub(1)
        .map_or(0, |whole| stride.saturating_mul(whole).saturating_add(row))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn planes_that_are_too_short_are_refused() {
        let size = (5, 3);
        let none: fn() -> &'static mut [u8] = || &mut [];
        // Two whole rows of 16 bytes and a last one of 15.
        for (length, stride, fits) in [(47, 16, true), (46, 16, false), (60, 14, false)] {
            let mut bytes = vec![0; length];
            let picture = PictureMut::new(
                PixelFormat::Rgb8,
                size,
                [&mut bytes, none(), none()],
                [stride, 0, 0],
            );
            assert_eq!(picture.is_ok(), fits, "{length} bytes, stride {stride}");
        }
        for format in PixelFormat::ALL {
            let mut bytes = vec![0; format.buffer_len(5, 3)];
            assert!(
                PictureMut::packed(format, size, &mut bytes).is_ok(),
                "{format}"
            );
            let short = bytes.len() - 1;
            assert!(
                PictureMut::packed(format, size, &mut bytes[..short]).is_err(),
                "{format}"
            );
        }
    }

    /// Sizes whose bytes no computer can count.
    #[test]
    fn absurd_sizes_are_refused() {
        let huge = [usize::MAX, usize::MAX / 2, usize::MAX / 3, 1 << 40];
        for format in PixelFormat::ALL {
            for (width, height) in huge.into_iter().flat_map(|x| [(x, x), (x, 2), (2, x)]) {
                let size = (width, height);
                assert!(format.buffer_len(width, height) > 1 << 40, "{size:?}");
                assert!(
                    PictureMut::packed(format, size, &mut [0; 64]).is_err(),
                    "{format} {size:?}"
                );
                let planes = [0, 1, 2].map(|_| -> &mut [u8] { &mut [] });
                let picture = PictureMut::new(format, size, planes, [usize::MAX; 3]);
                assert!(picture.is_err(), "{format} {size:?}");
            }
        }
    }

    #[test]
    fn rows_leave_out_the_padding() {
        let mut bytes = [0; 8 * 3];
        let mut chroma = [0; 4];
        let mut picture = PictureMut::new(
            PixelFormat::Nv12,
            (3, 2),
            [&mut bytes[..8], &mut chroma, &mut []],
            [5, 4, 0],
        )
        .unwrap();
        for y in 0..2 {
            picture.row_mut(0, y).fill(9);
        }
        assert_eq!(picture.row_mut(1, 0).len(), 4, "chroma row");
        assert_eq!(&bytes[..9], &[9, 9, 9, 0, 0, 9, 9, 9, 0], "luma");
    }
}
