//! Functions without a handle: names, sizes of pictures.

use arbitrary::Arbitrary;
use essence_c::*;

use super::input::{Room, Size};
use super::world::World;

#[derive(Arbitrary, Debug)]
pub(super) enum Call {
    Names(i32),
    PictureBytes(u32, u32, u32),
    WrapPicture(u32, u16, u16, u16, Size),
}

impl World {
    pub(super) fn name(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: memory has the size that is announced.
        unsafe {
            match call {
                Call::Names(value) => {
                    assert!(
                        !essence_status_name(value).is_null(),
                        "every status has a name"
                    );
                    assert!(
                        (0..=130).contains(&essence_status_exit_code(value)),
                        "an exit code"
                    );
                    let _ = essence_pixel_format_name(value as u32);
                    let _ = essence_provider_name(value as u32);
                }
                Call::PictureBytes(format, width, height) => {
                    let bytes = essence_picture_bytes(format % 8, width, height);
                    assert!(bytes <= 4 * 65_535 * 65_535, "a size that can be");
                }
                Call::WrapPicture(format, width, height, bytes, size) => {
                    let mut data = vec![0u8; usize::from(bytes)];
                    let mut picture = Room::<essence_picture>::zeroed(size);
                    let status = essence_picture_wrap(
                        format % 8,
                        u32::from(width),
                        u32::from(height),
                        data.as_mut_ptr(),
                        data.len(),
                        picture.pointer(),
                        err,
                    );
                    self.check(status);
                }
            }
        }
    }
}
