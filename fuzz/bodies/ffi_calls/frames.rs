//! Frames, and drawing into them.

use std::ptr;

use arbitrary::Arbitrary;
use essence_c::*;

use super::input::{Number, Room, Size};
use super::world::{World, pick, take};

#[derive(Arbitrary, Debug)]
pub(super) enum Call {
    CreateFrame,
    DestroyFrame(u8),
    DescribeFrame(u8, Size),
    Draw {
        session: u8,
        frame: u8,
        picture: Option<Picture>,
        info: Option<Size>,
        times: u8,
    },
    // The usual one.
    DrawOwn {
        session: u8,
        frame: u8,
        times: u8,
    },
}

/// From so many `times` on, frames are drawn in one call.
const TOGETHER: u8 = 128;

#[derive(Arbitrary, Debug)]
pub(super) struct Picture {
    format: Number,
    fits: bool,
    size: (u8, u8),
    padding: u8,
    null_plane: Option<u8>,
    struct_size: Size,
}

impl World {
    pub(super) fn frame(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: handles are null or live, memory has the size that is announced.
        unsafe {
            match call {
                Call::CreateFrame => {
                    if self.frames.len() < 3 {
                        let mut out = ptr::null_mut();
                        let status = essence_frame_create(&raw mut out, err);
                        assert!(self.check(status), "there is room for a frame");
                        self.frames.push(out);
                    }
                }
                Call::DestroyFrame(index) => {
                    essence_frame_destroy(take(&mut self.frames, index));
                }
                Call::DescribeFrame(frame, size) => {
                    let mut info = Room::<essence_frame_info>::zeroed(size);
                    let status =
                        essence_frame_describe(pick(&self.frames, frame), info.pointer(), err);
                    self.check(status);
                }
                Call::Draw {
                    session,
                    frame,
                    picture,
                    info,
                    times,
                } => {
                    if times >= TOGETHER {
                        self.draw_together(session, frame, picture.as_ref(), info, times);
                        return;
                    }
                    for _ in 0..=times % 8 {
                        self.draw(session, frame, picture.as_ref(), info);
                    }
                }
                Call::DrawOwn {
                    session,
                    frame,
                    times,
                } => {
                    if times >= TOGETHER {
                        self.draw_together(session, frame, None, Some(Size::Right), times);
                        return;
                    }
                    for _ in 0..=times % 8 {
                        self.draw(session, frame, None, Some(Size::Right));
                    }
                }
            }
        }
    }

    unsafe fn draw(
        &mut self,
        session: u8,
        frame: u8,
        picture: Option<&Picture>,
        info: Option<Size>,
    ) {
        let session = pick(&self.sessions, session);
        let frame = pick(&self.frames, frame);
        let err = self.err();
        let mut info = info.map(Room::<essence_frame_info>::zeroed);
        let whole = info
            .as_ref()
            .is_some_and(|i| i.value.struct_size as usize >= size_of::<essence_frame_info>());
        let info_pointer = info.as_mut().map_or(ptr::null_mut(), Room::pointer);
        let mut room = picture.map(|picture| self.picture(session, picture));
        let picture = room
            .as_mut()
            .map_or(ptr::null(), |room| room.pointer().cast_const());
        // Never the call that waits: a session may run on the system's clock.
        // SAFETY: handles are null or live, memory has the size that is announced.
        let status =
            unsafe { essence_session_try_next_frame(session, frame, picture, info_pointer, err) };
        let drawn = self.check(status);
        if let (true, true, Some(info)) = (drawn, whole, &info) {
            // SAFETY: borrowed until the frame is drawn again.
            unsafe { look_at(&info.value, picture.is_null()) };
        }
    }

    /// Up to three frames in one call, the first into a picture, if there is one. `times` says how many
    /// frames there are, and seldom that there are more than can be.
    unsafe fn draw_together(
        &mut self,
        session: u8,
        frame: u8,
        picture: Option<&Picture>,
        info: Option<Size>,
        times: u8,
    ) {
        let session = pick(&self.sessions, session);
        if self.waiting.contains(&session) {
            return;
        }
        let count = times % 4;
        let frames: Vec<_> = (0..count)
            .map(|i| pick(&self.frames, frame.wrapping_add(i)))
            .collect();
        let announced = if times == u8::MAX {
            usize::MAX
        } else {
            frames.len()
        };
        let err = self.err();
        let mut infos: Vec<_> = frames
            .iter()
            .map(|_| info.map(Room::<essence_frame_info>::zeroed))
            .collect();
        let into: Vec<_> = infos
            .iter_mut()
            .map(|info| info.as_mut().map_or(ptr::null_mut(), Room::pointer))
            .collect();
        let mut room = picture.map(|picture| self.picture(session, picture));
        let mut pictures = vec![ptr::null(); frames.len()];
        if let (Some(room), Some(first)) = (&mut room, pictures.first_mut()) {
            *first = room.pointer().cast_const();
        }
        let mut drawn = usize::MAX;
        // SAFETY: handles are null or live, memory has the size that is announced; or more is announced
        // than is looked at.
        let status = unsafe {
            essence_session_next_frames(
                session,
                frames.as_ptr(),
                pictures.as_ptr(),
                into.as_ptr(),
                announced,
                &raw mut drawn,
                err,
            )
        };
        assert_eq!(self.check(status), status == ESSENCE_OK, "success");
        assert!(drawn <= frames.len(), "{drawn} of {}", frames.len());
        match status {
            ESSENCE_OK => assert!(drawn > 0, "frames"),
            ESSENCE_AGAIN => assert_eq!(drawn, 0, "no frame"),
            _ => {}
        }
        for (i, info) in infos[..drawn].iter().enumerate() {
            if let Some(info) = info
                && info.value.struct_size as usize >= size_of::<essence_frame_info>()
            {
                // SAFETY: borrowed until the frame is drawn again.
                unsafe { look_at(&info.value, pictures[i].is_null()) };
            }
        }
    }

    /// A picture in `self.pixels`, sound or not.
    fn picture(
        &mut self,
        session: *mut essence_session,
        picture: &Picture,
    ) -> Room<essence_picture> {
        let mut drawn = Room::<essence_session_info>::zeroed(Size::Right);
        let mut described = Room::<essence_picture>::zeroed(picture.struct_size);
        // SAFETY: null or live.
        unsafe { essence_session_describe(session, drawn.pointer(), ptr::null_mut()) };
        let to = &mut described.value;
        to.format = picture.format.value();
        (to.width, to.height) = if picture.fits {
            (drawn.value.frame_width, drawn.value.frame_height)
        } else {
            (u32::from(picture.size.0), u32::from(picture.size.1))
        };
        let (width, height) = (to.width as usize, to.height as usize);
        let stride = 4 * width + usize::from(picture.padding);
        // Room for three planes of the widest format.
        self.pixels.resize(3 * stride * height + 1, 7);
        for plane in 0..3 {
            to.planes[plane] = self.pixels[plane * stride * height..].as_mut_ptr();
            to.strides[plane] = stride;
        }
        if let Some(plane) = picture.null_plane {
            to.planes[usize::from(plane % 3)] = ptr::null_mut();
        }
        described
    }
}

/// A frame that was drawn is what it says.
unsafe fn look_at(info: &essence_frame_info, own: bool) {
    assert_eq!(info.pts_samples, 640 * info.index, "time");
    // SAFETY: the caller's promise: what `info` says is still there.
    unsafe {
        let audio = std::slice::from_raw_parts(info.audio, info.audio_samples);
        let integers = std::slice::from_raw_parts(info.audio_i16, info.audio_samples);
        assert!(audio.iter().all(|x| x.is_finite()), "sound");
        assert_eq!(
            audio.is_empty(),
            info.audio_rate_hz == 0 || integers.is_empty(),
            "rate"
        );
        let arkit = std::slice::from_raw_parts(info.arkit, info.arkit_count);
        assert!(
            arkit.iter().all(|x| (0.0..=1.0).contains(x)),
            "curves in their domain"
        );
        // NULL in a session without pictures.
        if own && !info.planes[0].is_null() {
            let bytes = essence_picture_bytes(info.format, info.width, info.height);
            let pixels = std::slice::from_raw_parts(info.planes[0], bytes);
            std::hint::black_box(pixels.iter().fold(0u8, |sum, x| sum ^ x));
        }
    }
}
