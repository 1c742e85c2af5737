//! `essence_mp4_writer`: frames into an MP4 file.

use std::ffi::c_char;

use engine::clock::FRAME_RATE;
use engine::{Error, ErrorKind, PixelFormat};
use media::{Mp4Options, Mp4Writer, Quality};

use crate::boundary::{export, invalid};
use crate::constants::constants;
use crate::frame::{FrameBox, essence_frame};
use crate::handle::{self, opaque};
use crate::picture::{self, Checked, essence_picture};
use crate::sized::{self, Sized32, sized};
use crate::status::ESSENCE_OK;
use crate::text;

opaque! {
    /// An MP4 file being written: H.264 pictures at 25 a second with AAC sound, in step to the
    /// sample. It appears at its path when it is finished; destroyed unfinished, none remains.
    essence_mp4_writer(WriterBox)
}

/// A writer and how far picture and sound have come.
#[derive(Debug)]
pub struct WriterBox {
    /// None once it is finished.
    writer: Option<Mp4Writer>,
    size: (usize, usize),
    rate_hz: u32,
    pictures: u64,
    samples: u64,
    /// A picture without the caller's padding.
    packed: Vec<u8>,
    silence: Vec<f32>,
}

constants! {
    /// How many bits a video spends.
    essence_quality: u32 {
        /// Clean pictures at a moderate size.
        ESSENCE_QUALITY_MEDIUM = 0,
        /// Small files.
        ESSENCE_QUALITY_LOW = 1,
        /// Hardly distinguishable from the frames that went in.
        ESSENCE_QUALITY_HIGH = 2,
    }
}

/// Settings of an MP4 file. Begin with #ESSENCE_MP4_OPTIONS_INIT or essence_mp4_options_init().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_mp4_options {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Width of the pictures in pixels, **16 to 3840**. An odd one is filled up by repeating the
    /// last column. To be set.
    pub width: u32,
    /// Height of the pictures in pixels, **16 to 2160** (width and height may change places). To be
    /// set.
    pub height: u32,
    /// Samples per second of the sound that will be written, **8000 to 192000**. To be set.
    pub rate_hz: u32,
    /// How many bits to spend. Default: #ESSENCE_QUALITY_MEDIUM.
    pub quality: essence_quality,
}

sized!(essence_mp4_options {
    width: 0,
    height: 0,
    rate_hz: 0,
    quality: ESSENCE_QUALITY_MEDIUM,
});

/// Description of a finished MP4 file.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_mp4_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Rate of the sound in the file: the one that was written if AAC has it, else 48000.
    pub rate_hz: u32,
    /// Size of the file.
    pub bytes: u64,
    /// Pictures in the file.
    pub frames: u64,
    /// Width of the pictures in the file: even.
    pub width: u32,
    /// Height of the pictures in the file: even.
    pub height: u32,
}

sized!(essence_mp4_info {
    rate_hz: 0,
    bytes: 0,
    frames: 0,
    width: 0,
    height: 0,
});

export! {
    /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
    /// #ESSENCE_MP4_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
    ///
    /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
    /// Threads: any, concurrently.
    fn essence_mp4_options_init(options: *mut essence_mp4_options, struct_size: usize) -> essence_status {
        sized::init(options, struct_size)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Begins a file.
    ///
    /// `path`: UTF-8, borrowed for the call.
    /// `options`: borrowed for the call.
    /// `out`: written on success; transferred to the caller, who destroys it with
    /// essence_mp4_writer_destroy().
    ///
    /// Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, IO.
    /// Threads: any, concurrently.
    fn essence_mp4_writer_create(
        path: *const c_char,
        options: *const essence_mp4_options,
        out: *mut *mut essence_mp4_writer,
    ) -> essence_status {
        let path = text::path(path, "path")?;
        let options = sized::read(options)?;
        if out.is_null() {
            return Err(invalid("the place for the writer is NULL"));
        }
        let quality = match options.quality {
            ESSENCE_QUALITY_MEDIUM => Quality::Medium,
            ESSENCE_QUALITY_LOW => Quality::Low,
            ESSENCE_QUALITY_HIGH => Quality::High,
            other => return Err(invalid(format!("{other} is not an essence_quality"))),
        };
        let writer = Mp4Writer::create(path, &Mp4Options {
            width: options.width,
            height: options.height,
            sample_rate_hz: options.rate_hz,
            quality,
        })?;
        out.write(handle::new(WriterBox {
            writer: Some(writer),
            size: (options.width as usize, options.height as usize),
            rate_hz: options.rate_hz,
            pictures: 0,
            samples: 0,
            packed: Vec::new(),
            silence: Vec::new(),
        }));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Destroys a writer; NULL is fine. A file that was not finished is removed.
    ///
    /// Threads: any; no other call on this writer may be under way.
    fn essence_mp4_writer_destroy(writer: *mut essence_mp4_writer), on panic (),
    {
        handle::free(writer);
    }
}

export! {
    /// Adds a frame with its sound: the picture, once more for each that was skipped before it, and
    /// silence where the frame has no audio. Picture and sound stay in step.
    ///
    /// `frame`: borrowed for the call; it holds its picture itself, as #ESSENCE_PIXEL_FORMAT_I420.
    ///
    /// Fails with: INVALID_ARGUMENT (another size, pixel format or sample rate than the file's),
    /// INVALID_STATE (the frame is empty, or the file is finished), IO, INTERNAL.
    /// Threads: any, one at a time.
    fn essence_mp4_writer_write_frame(writer: *mut essence_mp4_writer, frame: *const essence_frame) -> essence_status {
        handle::exclusive(writer)?.write_frame(&*handle::shared(frame)?)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Adds a picture alone.
    ///
    /// `picture`: borrowed for the call; #ESSENCE_PIXEL_FORMAT_I420 of the file's size.
    ///
    /// Fails with: INVALID_ARGUMENT, INVALID_STATE (the file is finished), IO, INTERNAL.
    /// Threads: any, one at a time.
    fn essence_mp4_writer_write_picture(writer: *mut essence_mp4_writer, picture: *const essence_picture) -> essence_status {
        let mut writer = handle::exclusive(writer)?;
        let picture = picture::check(picture)?;
        writer.write_picture(&picture)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Adds mono sound alone, at the rate in the options. Samples beyond [-1, 1] are clipped.
    ///
    /// `samples`: borrowed for the call; NULL only if `count` is 0.
    ///
    /// Fails with: INVALID_ARGUMENT (a sample is not a number), INVALID_STATE (the file is
    /// finished), INTERNAL.
    /// Threads: any, one at a time.
    fn essence_mp4_writer_write_audio(writer: *mut essence_mp4_writer, samples: *const f32, count: usize) -> essence_status {
        handle::exclusive(writer)?.write_audio(text::slice(samples, count, "samples")?)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Completes the file and gives it its name. Only essence_mp4_writer_destroy() is left then.
    ///
    /// `info`: what the file has become, as far as its `struct_size` reaches; may be NULL.
    ///
    /// Fails with: INVALID_STATE (no picture was written, or the file is finished already),
    /// INVALID_ARGUMENT, IO, INTERNAL. No file remains then.
    /// Threads: any, one at a time.
    fn essence_mp4_writer_finish(writer: *mut essence_mp4_writer, info: *mut essence_mp4_info) -> essence_status {
        let mut writer = handle::exclusive(writer)?;
        if !info.is_null() {
            sized::check_out(info)?;
        }
        let summary = writer.writer.take().ok_or_else(finished)?.finish()?;
        if !info.is_null() {
            let described = essence_mp4_info {
                rate_hz: summary.sample_rate_hz,
                bytes: summary.bytes,
                frames: summary.frames,
                width: summary.width,
                height: summary.height,
                ..essence_mp4_info::defaults()
            };
            sized::write(info, &described)?;
        }
        Ok(ESSENCE_OK)
    }
}

impl WriterBox {
    fn write_frame(&mut self, frame: &FrameBox) -> Result<(), Error> {
        frame.check_drawn()?;
        let inner = &frame.frame;
        if !frame.holds_picture() || inner.format() != PixelFormat::I420 {
            return Err(invalid(
                "the frame does not hold an i420 picture; set pixel_format in the session's options and draw without a \
                 picture of your own, or use essence_mp4_writer_write_picture()",
            ));
        }
        self.check_size((inner.width(), inner.height()))?;
        let rate_hz = inner.audio_rate_hz();
        if rate_hz != 0 && rate_hz != self.rate_hz {
            return Err(invalid(format!(
                "the frame's audio has {rate_hz} Hz, the file {} Hz",
                self.rate_hz
            )));
        }
        let writer = self.writer.as_mut().ok_or_else(finished)?;
        for _ in 0..=inner.flags().skipped {
            writer.write_frame(inner.pixels())?;
            self.pictures += 1;
        }
        writer.write_audio(inner.audio())?;
        self.samples += inner.audio().len() as u64;
        let end = self.pictures * u64::from(self.rate_hz) / u64::from(FRAME_RATE);
        let missing = usize::try_from(end.saturating_sub(self.samples)).unwrap_or(0);
        if missing > 0 {
            self.silence.resize(missing, 0.0);
            writer.write_audio(&self.silence)?;
            self.samples = end;
        }
        Ok(())
    }

    /// # Safety
    /// The picture's memory is there and nobody writes to it.
    unsafe fn write_picture(&mut self, picture: &Checked) -> Result<(), Error> {
        if picture.format != PixelFormat::I420 {
            return Err(invalid(format!(
                "the picture is {}; an MP4 file takes i420",
                picture.format
            )));
        }
        self.check_size(picture.size)?;
        let writer = self.writer.as_mut().ok_or_else(finished)?;
        self.packed.clear();
        for plane in 0..3 {
            // SAFETY: as this function demands.
            for row in unsafe { picture.rows(plane) } {
                self.packed.extend_from_slice(row);
            }
        }
        writer.write_frame(&self.packed)?;
        self.pictures += 1;
        Ok(())
    }

    fn write_audio(&mut self, samples: &[f32]) -> Result<(), Error> {
        let writer = self.writer.as_mut().ok_or_else(finished)?;
        writer.write_audio(samples)?;
        self.samples += samples.len() as u64;
        Ok(())
    }

    fn check_size(&self, size: (usize, usize)) -> Result<(), Error> {
        if size == self.size {
            return Ok(());
        }
        Err(invalid(format!(
            "the picture is {}×{}, the file {}×{}",
            size.0, size.1, self.size.0, self.size.1
        )))
    }
}

#[cold]
fn finished() -> Error {
    Error::new(ErrorKind::InvalidState, "the MP4 file is finished")
}
