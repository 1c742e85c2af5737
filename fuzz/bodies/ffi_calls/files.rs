//! Audio read from a file, video written into one.

use std::ffi::CString;
use std::ptr;

use arbitrary::Arbitrary;
use essence_c::*;

use super::input::{Room, Seldom, Size, Text};
use super::world::{World, pick};

#[derive(Arbitrary, Debug)]
pub(super) enum Call {
    OpenAudio(Seldom, Text),
    ReadAudio(u16),
    CreateMp4 {
        seldom: Seldom,
        width: u16,
        height: u16,
        rate_hz: u32,
        quality: u32,
    },
    WriteFrame(u8),
    WriteAudio(Vec<i16>),
    FinishMp4(Option<Size>),
}

impl World {
    pub(super) fn file(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: handles are null or live, memory has the size that is announced.
        unsafe {
            match call {
                Call::OpenAudio(seldom, path) => {
                    if matches!(path, Text::Toy | Text::Speech) && (self.listened || !seldom.now())
                    {
                        return;
                    }
                    self.listened = true;
                    let mut out = ptr::null_mut();
                    let status =
                        path.with(|path| essence_audio_reader_open(path, &raw mut out, err));
                    self.check(status);
                    essence_audio_reader_destroy(std::mem::replace(&mut self.audio, out));
                }
                Call::ReadAudio(capacity) => {
                    let mut samples = vec![0.0; usize::from(capacity % 4_096)];
                    let mut count = usize::MAX;
                    let status = essence_audio_reader_read(
                        self.audio,
                        samples.as_mut_ptr(),
                        samples.len(),
                        &raw mut count,
                        err,
                    );
                    if self.check(status) {
                        assert!(
                            (1..=samples.len()).contains(&count),
                            "as many as there is room for"
                        );
                    }
                }
                Call::CreateMp4 {
                    seldom,
                    width,
                    height,
                    rate_hz,
                    quality,
                } => {
                    if seldom.now() {
                        self.create_mp4(width, height, rate_hz, quality);
                    }
                }
                Call::WriteFrame(frame) => {
                    let status =
                        essence_mp4_writer_write_frame(self.mp4, pick(&self.frames, frame), err);
                    self.check(status);
                }
                Call::WriteAudio(samples) => {
                    let samples: Vec<f32> = samples
                        .iter()
                        .map(|&x| f32::from_bits(u32::from(x as u16) << 16))
                        .collect();
                    let status = essence_mp4_writer_write_audio(
                        self.mp4,
                        samples.as_ptr(),
                        samples.len(),
                        err,
                    );
                    self.check(status);
                }
                Call::FinishMp4(size) => {
                    let mut info = size.map(Room::<essence_mp4_info>::zeroed);
                    let info = info.as_mut().map_or(ptr::null_mut(), Room::pointer);
                    let status = essence_mp4_writer_finish(self.mp4, info, err);
                    self.check(status);
                }
            }
        }
    }

    fn create_mp4(&mut self, width: u16, height: u16, rate_hz: u32, quality: u32) {
        if self.filmed {
            return;
        }
        self.filmed = true;
        let err = self.err();
        let path = std::env::temp_dir().join(format!("essence-fuzz-{}.mp4", std::process::id()));
        let path = CString::new(path.to_string_lossy().into_owned()).expect("no NUL");
        let options = essence_mp4_options {
            struct_size: size_of::<essence_mp4_options>() as u32,
            width: u32::from(width % 80),
            height: u32::from(height % 80),
            rate_hz: if rate_hz % 4 == 0 { rate_hz } else { 16_000 },
            quality: quality % 4,
        };
        // SAFETY: `path` and `options` live during the call.
        let status = unsafe {
            essence_mp4_writer_create(path.as_ptr(), &raw const options, &raw mut self.mp4, err)
        };
        self.check(status);
    }
}
