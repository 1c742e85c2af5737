//! Pictures in memory of the caller's.

use std::ptr;

use engine::{Error, PictureMut, PixelFormat};

use crate::boundary::{export, invalid};
use crate::names::{ESSENCE_PIXEL_FORMAT_BGR8, essence_pixel_format, pixel_format};
use crate::sized::{self, Sized32, sized};
use crate::status::ESSENCE_OK;
use crate::text;

/// A picture in memory of the caller's: up to three planes of rows, from the top down.
///
/// Begin with #ESSENCE_PICTURE_INIT or essence_picture_wrap().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_picture {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// How pixels lie in the planes.
    pub format: essence_pixel_format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The first row of each plane that the format has. Each has room for all rows but the last at
    /// the distance of its stride, and for the last one.
    pub planes: [*mut u8; 3],
    /// Bytes from one row to the next, at least those of a row.
    pub strides: [usize; 3],
}

sized!(essence_picture {
    format: ESSENCE_PIXEL_FORMAT_BGR8,
    width: 0,
    height: 0,
    planes: [ptr::null_mut(); 3],
    strides: [0; 3],
});

export! {
    /// Bytes of a picture without padding; 0 for a format that this version does not have or a size
    /// beyond **65535** pixels.
    ///
    /// Threads: any, concurrently.
    fn essence_picture_bytes(format: essence_pixel_format, width: u32, height: u32) -> usize, on panic 0,
    {
        if width > SIDE_MAX || height > SIDE_MAX {
            return 0;
        }
        pixel_format(format).map_or(0, |format| format.buffer_len(width as usize, height as usize))
    }
}

export! {
    /// Describes a picture without padding in one piece of memory: plane after plane.
    ///
    /// `data`: the memory, of at least essence_picture_bytes(); it becomes part of `picture` and
    /// stays the caller's.
    /// `picture`: its `struct_size` is set (#ESSENCE_PICTURE_INIT); the rest is written.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_picture_wrap(
        format: essence_pixel_format,
        width: u32,
        height: u32,
        data: *mut u8,
        bytes: usize,
        picture: *mut essence_picture,
    ) -> essence_status {
        let pixels = pixel_format(format)?;
        if width > SIDE_MAX || height > SIDE_MAX {
            return Err(invalid(format!("{width}×{height} pixels; at most {SIDE_MAX} are possible")));
        }
        let wanted = pixels.buffer_len(width as usize, height as usize);
        if data.is_null() || bytes < wanted {
            return Err(invalid(format!("a {pixels} picture of {width}×{height} needs {wanted} bytes, not {bytes}")));
        }
        sized::write(picture, &describe(pixels, format, (width, height), data))?;
        Ok(ESSENCE_OK)
    }
}

/// Widest and highest picture that is described; its bytes fit into 32 bits' worth of address space
/// or are refused by the allocator.
const SIDE_MAX: u32 = 65_535;

/// A packed picture at `data`, which is null or has room for it.
pub(crate) fn describe(
    pixels: PixelFormat,
    format: essence_pixel_format,
    (width, height): (u32, u32),
    data: *mut u8,
) -> essence_picture {
    let mut picture = essence_picture {
        format,
        width,
        height,
        ..essence_picture::defaults()
    };
    let mut offset = 0;
    for plane in 0..pixels.planes() {
        let (row, rows) = pixels.plane_size(plane, width as usize, height as usize);
        picture.planes[plane] = data.wrapping_add(offset);
        picture.strides[plane] = row;
        offset += row * rows;
    }
    picture
}

/// A caller's picture, checked as far as can be.
#[derive(Clone, Copy)]
pub(crate) struct Checked {
    pub(crate) format: PixelFormat,
    pub(crate) size: (usize, usize),
    pub(crate) planes: [*mut u8; 3],
    lengths: [usize; 3],
    pub(crate) strides: [usize; 3],
}

/// Reads a caller's picture.
///
/// # Safety
/// `pointer` is null or points to an `essence_picture` whose `struct_size` is set.
pub(crate) unsafe fn check(pointer: *const essence_picture) -> Result<Checked, Error> {
    if pointer.is_null() {
        return Err(invalid("the picture is NULL"));
    }
    // SAFETY: as this function demands.
    let picture = unsafe { sized::read(pointer) }?;
    let format = pixel_format(picture.format)?;
    if picture.width > SIDE_MAX || picture.height > SIDE_MAX {
        return Err(invalid(format!(
            "the picture is {}×{}; at most {SIDE_MAX} are possible",
            picture.width, picture.height
        )));
    }
    let size = (picture.width as usize, picture.height as usize);
    let mut lengths = [0; 3];
    for (plane, length) in lengths.iter_mut().enumerate().take(format.planes()) {
        let (row, rows) = format.plane_size(plane, size.0, size.1);
        let stride = picture.strides[plane];
        if stride < row {
            return Err(invalid(format!(
                "the stride of plane {plane} is {stride} bytes; a row of {format} at {} pixels has {row}",
                size.0
            )));
        }
        *length = stride
            .checked_mul(rows.saturating_sub(1))
            .and_then(|bytes| bytes.checked_add(row))
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| {
                invalid(format!(
                    "the stride of plane {plane} is {stride} bytes: more than memory"
                ))
            })?;
        if picture.planes[plane].is_null() {
            return Err(invalid(format!("plane {plane} of the picture is NULL")));
        }
    }
    Ok(Checked {
        format,
        size,
        planes: picture.planes,
        lengths,
        strides: picture.strides,
    })
}

impl Checked {
    /// The picture to be written.
    ///
    /// # Safety
    /// The planes have the room that the header demands, and nobody else uses them for `'a`.
    pub(crate) unsafe fn writable<'a>(&self) -> Result<PictureMut<'a>, Error> {
        let [a, b, c] = [0, 1, 2].map(|plane| {
            // SAFETY: as this function demands.
            unsafe { text::slice_mut(self.planes[plane], self.lengths[plane], "bytes of a plane") }
        });
        PictureMut::new(self.format, self.size, [a?, b?, c?], self.strides)
    }

    /// The rows of a plane, to be read.
    ///
    /// # Safety
    /// The planes have the room that the header demands, and nobody writes to them for `'a`.
    pub(crate) unsafe fn rows<'a>(&self, plane: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (row, rows) = self.format.plane_size(plane, self.size.0, self.size.1);
        // SAFETY: as this function demands.
        let bytes = unsafe { text::slice(self.planes[plane], self.lengths[plane], "bytes") }
            .unwrap_or_default();
        bytes
            .chunks(self.strides[plane].max(1))
            .take(rows)
            .map(move |bytes| &bytes[..row])
    }
}
