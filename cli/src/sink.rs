//! Outputs of `render`: a video, pictures, or a pipe.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use essence::{Frame, PixelFormat};
use essence_media::{Mp4Options, Mp4Writer, PngSequence, Quality, is_sequence_pattern};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::speech::Flow;

/// Length of the queue of frames to be written: enough to even out key frames.
const QUEUED_FRAMES: usize = 8;

/// The meaning of `--output`.
#[derive(Debug)]
pub(crate) enum Target {
    Mp4(PathBuf),
    /// Files named after a pattern such as `frames/%05d.png`, with `alpha` or without.
    Pictures {
        pattern: String,
        alpha: bool,
    },
    /// Raw frames to stdout.
    Raw(PixelFormat),
}

impl Target {
    pub(crate) fn new(
        output: &Path,
        format: Option<PixelFormat>,
        alpha: bool,
    ) -> Result<Self, Failure> {
        if output == Path::new("-") {
            if std::io::stdout().is_terminal() {
                return Err(Failure::argument(
                    "raw frames would fill the terminal; pipe them into a program or a file",
                ));
            }
            let format = match format {
                Some(format) if alpha && !format.has_alpha() => {
                    return Err(Failure::argument(format!(
                        "{format} has no alpha; choose rgba or bgra"
                    )));
                }
                Some(format) => format,
                None if alpha => PixelFormat::Rgba8,
                None => PixelFormat::Bgr8,
            };
            return Ok(Self::Raw(format));
        }
        if format.is_some() {
            return Err(Failure::argument("--format is for raw frames, -o -"));
        }
        let extension = output
            .extension()
            .map(|e| e.to_string_lossy().to_lowercase());
        let pattern = output.to_str().filter(|p| is_sequence_pattern(p));
        match (extension.as_deref(), pattern) {
            (Some("mp4"), _) if alpha => Err(Failure::argument(
                "a video has no alpha; write pictures such as frames/%05d.png, or raw frames with -o -",
            )),
            (Some("mp4"), _) => Ok(Self::Mp4(output.to_owned())),
            (Some("png"), Some(pattern)) => Ok(Self::Pictures {
                pattern: pattern.to_owned(),
                alpha,
            }),
            (Some("png"), None) => Err(Failure::argument(
                "pictures need a number in their name, such as frames/%05d.png",
            )),
            _ => Err(Failure::argument(format!(
                "{} has no extension that can be written; use .mp4, %05d.png, or - for raw frames",
                output.display()
            ))),
        }
    }

    /// The pixel format that the session has to render.
    pub(crate) fn pixel_format(&self) -> PixelFormat {
        match self {
            Self::Mp4(_) => PixelFormat::I420,
            Self::Pictures { alpha: true, .. } => PixelFormat::Rgba8,
            Self::Pictures { alpha: false, .. } => PixelFormat::Rgb8,
            Self::Raw(format) => *format,
        }
    }

    /// Refuses what cannot be written.
    pub(crate) fn check(&self, inputs: &[&Path]) -> Result<(), Failure> {
        match self {
            Self::Mp4(path) => output::check(path, inputs),
            Self::Pictures { pattern, .. } => {
                output::check(&PngSequence::new(pattern)?.path(0), inputs)
            }
            Self::Raw(_) => Ok(()),
        }
    }
}

/// A [`Target`] being written.
#[derive(Debug)]
pub(crate) struct Sink {
    writer: Writer,
    size: (u32, u32),
}

#[derive(Debug)]
enum Writer {
    Mp4(Box<Mp4Writer>),
    Pictures(PngSequence),
    Raw { bytes: u64 },
}

/// The output as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) bytes: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Another program wrote the same name meanwhile.
    pub(crate) replaced_another: bool,
}

impl Sink {
    /// Begins an output of pictures of `size` with sound at `sample_rate_hz`.
    pub(crate) fn begin(
        target: &Target,
        size: (u32, u32),
        sample_rate_hz: u32,
        quality: Quality,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let writer = match target {
            Target::Mp4(path) => {
                let (width, height) = size;
                let options = Mp4Options {
                    width,
                    height,
                    sample_rate_hz,
                    quality,
                };
                let mp4 = Mp4Writer::create(path, &options).map_err(Failure::writing)?;
                interrupt.unfinished(mp4.temporary_path().map(Path::to_owned));
                Writer::Mp4(Box::new(mp4))
            }
            Target::Pictures { pattern, alpha } => {
                Writer::Pictures(PngSequence::new(pattern)?.alpha(*alpha))
            }
            Target::Raw(_) => Writer::Raw { bytes: 0 },
        };
        Ok(Self { writer, size })
    }

    /// Runs `work` with a function that takes frames and writes them on a thread of their own. Returns
    /// the sink and the result of `work`.
    pub(crate) fn beside<T>(
        mut self,
        interrupt: &Interrupt,
        work: impl FnOnce(&mut dyn FnMut(&mut Frame) -> Result<Flow, Failure>) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        std::thread::scope(|scope| {
            let (full, incoming) = mpsc::sync_channel::<Frame>(QUEUED_FRAMES);
            let (outgoing, empty) = mpsc::channel();
            let writer = scope.spawn(move || -> Result<Self, Failure> {
                for frame in incoming {
                    if self.write(&frame, interrupt)? == Flow::Stop {
                        break;
                    }
                    // The other side is gone once the last frame is rendered.
                    let _ = outgoing.send(frame);
                }
                Ok(self)
            });
            let result = work(&mut |frame| {
                let frame = std::mem::replace(frame, empty.try_recv().unwrap_or_default());
                // The writer ended; its result below says why.
                Ok(full.send(frame).map_or(Flow::Stop, |()| Flow::More))
            });
            drop(full);
            let sink = writer
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((sink, result?))
        })
    }

    fn write(&mut self, frame: &Frame, interrupt: &Interrupt) -> Result<Flow, Failure> {
        match &mut self.writer {
            Writer::Mp4(mp4) => {
                mp4.write_frame(frame.pixels()).map_err(Failure::writing)?;
                mp4.write_audio(frame.audio()).map_err(Failure::writing)?;
            }
            Writer::Pictures(pictures) => {
                // A pattern may name FIFOs, which are opened and wait for their readers.
                let (width, height) = self.size;
                interrupt
                    .waiting(|| pictures.write(frame.pixels(), width, height))
                    .map_err(Failure::writing)?;
            }
            Writer::Raw { bytes } => {
                match interrupt.waiting(|| std::io::stdout().lock().write_all(frame.pixels())) {
                    Ok(()) => *bytes += frame.pixels().len() as u64,
                    Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Flow::Stop),
                    Err(e) => return Err(Failure::output("cannot write to stdout", Some(&e))),
                }
            }
        }
        Ok(Flow::More)
    }

    /// Completes the output.
    pub(crate) fn finish(self, interrupt: &Interrupt) -> Result<Delivered, Failure> {
        let (width, height) = self.size;
        Ok(match self.writer {
            Writer::Mp4(mp4) => {
                // An output without a temporary file is a FIFO or a device, which may wait for its reader.
                let summary = match mp4.temporary_path() {
                    Some(_) => mp4.finish(),
                    None => interrupt.waiting(|| mp4.finish()),
                };
                let summary = summary.map_err(Failure::writing)?;
                interrupt.unfinished(None);
                Delivered {
                    bytes: summary.bytes,
                    width: summary.width,
                    height: summary.height,
                    replaced_another: summary.replaced_another,
                }
            }
            Writer::Pictures(pictures) => Delivered {
                bytes: pictures.bytes(),
                width,
                height,
                replaced_another: false,
            },
            Writer::Raw { bytes } => Delivered {
                bytes,
                width,
                height,
                replaced_another: false,
            },
        })
    }
}
