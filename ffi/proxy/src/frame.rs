//! Frames, copied out of the library's memory.

use std::ffi::c_void;
use std::ptr;

use crate::raw::{API, FrameInfo, Picture};
use crate::{PixelFormat, Result, call};

/// The header's `essence_frame`.
#[derive(Debug)]
pub struct FrameRoom(pub(crate) *mut c_void);

// SAFETY: the header says that it may be handed from thread to thread.
unsafe impl Send for FrameRoom {}

impl FrameRoom {
    pub fn new() -> Result<Self> {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is there.
        call(|err| unsafe { (API.essence_frame_create)(&raw mut out, err) })?;
        Ok(Self(out))
    }
}

impl Drop for FrameRoom {
    fn drop(&mut self) {
        // SAFETY: created, and destroyed once.
        unsafe { (API.essence_frame_destroy)(self.0) };
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FrameFlags {
    pub speech: bool,
    pub end_of_speech: bool,
    pub underrun: bool,
    pub late: bool,
    pub muted: bool,
    pub concealed: bool,
    pub skipped: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Frame {
    room: Room,
    pixels: Vec<u8>,
    audio: Vec<f32>,
    audio_i16: Vec<i16>,
    arkit: Vec<f32>,
    width: usize,
    height: usize,
    index: u64,
    pts_samples: u64,
    flags: FrameFlags,
    base_frame: usize,
    audio_rate_hz: u32,
    interruptions: u64,
    tag: u64,
    gestures: [Option<usize>; 2],
}

/// The memory that a frame is drawn into, made when that happens first.
#[derive(Debug, Default)]
struct Room(Option<FrameRoom>);

// SAFETY: a frame that is shared gives no access to it.
unsafe impl Sync for Room {}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Frame {
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws into the frame's own room and copies what was drawn.
    pub(crate) fn draw(
        &mut self,
        draw: impl FnOnce(&FrameRoom, &mut FrameInfo) -> Result<bool>,
    ) -> Result<bool> {
        let room = match self.room.0.take() {
            Some(room) => room,
            None => FrameRoom::new()?,
        };
        let mut info = FrameInfo::empty();
        let drawn = draw(&room, &mut info);
        if let Ok(true) = drawn {
            // SAFETY: the frame was just drawn, and its room lives.
            *self = unsafe { Self::copy(&info) };
        }
        self.room.0 = Some(room);
        drawn
    }

    /// # Safety
    /// `info` was just written and its pointers lead somewhere.
    pub(crate) unsafe fn copy(info: &FrameInfo) -> Self {
        let (width, height) = (info.width as usize, info.height as usize);
        let format = FORMATS[info.format as usize];
        // SAFETY: as this function demands; a picture of the frame's own is packed.
        unsafe {
            let slice = |plane: *const u8, bytes| std::slice::from_raw_parts(plane, bytes);
            let mut pixels = Vec::new();
            let planes = if info.planes[0].is_null() {
                0
            } else {
                format.planes()
            };
            for plane in 0..planes {
                let (row, rows) = format.plane_size(plane, width, height);
                assert_eq!(info.strides[plane], row, "packed");
                pixels.extend_from_slice(slice(info.planes[plane], row * rows));
            }
            let samples = info.audio_samples;
            Self {
                room: Room::default(),
                pixels,
                audio: std::slice::from_raw_parts(info.audio, samples).to_vec(),
                audio_i16: std::slice::from_raw_parts(info.audio_i16, samples).to_vec(),
                arkit: std::slice::from_raw_parts(info.arkit, info.arkit_count).to_vec(),
                width,
                height,
                index: info.index,
                pts_samples: info.pts_samples,
                flags: FrameFlags {
                    speech: info.flags & 1 != 0,
                    end_of_speech: info.flags & 2 != 0,
                    underrun: info.flags & 4 != 0,
                    late: info.flags & 8 != 0,
                    muted: info.flags & 16 != 0,
                    concealed: info.flags & 32 != 0,
                    skipped: info.skipped,
                },
                base_frame: info.base_frame as usize,
                audio_rate_hz: info.audio_rate_hz,
                interruptions: info.interruptions,
                tag: info.tag,
                gestures: [info.gesture_started, info.gesture_ended]
                    .map(|motion| (motion != u32::MAX).then_some(motion as usize)),
            }
        }
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn tag(&self) -> u64 {
        self.tag
    }

    pub fn gesture_started(&self) -> Option<usize> {
        self.gestures[0]
    }

    pub fn gesture_ended(&self) -> Option<usize> {
        self.gestures[1]
    }

    pub fn interruptions(&self) -> u64 {
        self.interruptions
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn pts_samples(&self) -> u64 {
        self.pts_samples
    }

    pub fn flags(&self) -> FrameFlags {
        self.flags
    }

    pub fn base_frame(&self) -> usize {
        self.base_frame
    }

    pub fn audio(&self) -> &[f32] {
        &self.audio
    }

    pub fn audio_rate_hz(&self) -> u32 {
        self.audio_rate_hz
    }

    pub fn audio_i16(&self) -> impl ExactSizeIterator<Item = i16> + '_ {
        self.audio_i16.iter().copied()
    }

    pub fn arkit(&self) -> &[f32] {
        &self.arkit
    }
}

const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Bgr8,
    PixelFormat::Rgb8,
    PixelFormat::Rgba8,
    PixelFormat::Bgra8,
    PixelFormat::I420,
    PixelFormat::Nv12,
];

pub(crate) fn format_value(format: PixelFormat) -> u32 {
    FORMATS.iter().position(|&x| x == format).expect("known") as u32
}

/// A packed picture in `bytes`.
pub(crate) fn picture(
    format: PixelFormat,
    (width, height): (usize, usize),
    bytes: &mut [u8],
) -> Picture {
    assert!(
        bytes.len() >= format.buffer_len(width, height),
        "there is room"
    );
    let mut picture = Picture {
        struct_size: size_of::<Picture>() as u32,
        format: format_value(format),
        width: width as u32,
        height: height as u32,
        planes: [ptr::null_mut(); 3],
        strides: [0; 3],
    };
    let mut rest = bytes;
    for plane in 0..format.planes() {
        let (row, rows) = format.plane_size(plane, width, height);
        picture.planes[plane] = rest.as_mut_ptr();
        picture.strides[plane] = row;
        rest = &mut rest[row * rows..];
    }
    picture
}
