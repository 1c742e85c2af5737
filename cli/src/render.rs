//! `bithuman render`: speech to a video.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use essence::{PixelFormat, SessionOptions};
use essence_media::{FRAME_RATE, Quality};
use serde_json::json;

use crate::console::Console;
use crate::engine::EngineArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{self, megabytes};
use crate::picture::{self, PictureArgs};
use crate::sink::{Delivered, Sink, Target};
use crate::speech;

/// Render speech to a video
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bithuman render face.imx -a speech.wav -o talk.mp4
  bithuman render face.imx -a speech.wav -o frames/%05d.png --alpha
  bithuman render face.imx -a speech.wav -o talk.mp4 --size 1080x1920 --fit cover --background room.jpg
  some-speech-engine | bithuman render face.imx -a - -o talk.mp4
  bithuman render face.imx -a speech.wav -o - --format rgb | ffplay -f rawvideo ...")]
pub(crate) struct Args {
    /// The avatar, an .imx file
    avatar: PathBuf,
    /// Speech: wav, mp3, m4a, ogg, opus, flac, aac, webm and others, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    audio: PathBuf,
    /// A video (.mp4), numbered pictures (frames/%05d.png), or - for raw frames on stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// How many bits to spend on the video
    #[arg(long, value_enum, default_value = "medium")]
    quality: QualityArg,
    #[command(flatten)]
    picture: PictureArgs,
    /// Pictures with alpha, transparent around an avatar that was keyed: for .png, and as --format rgba
    /// for raw frames
    #[arg(long, conflicts_with = "background")]
    alpha: bool,
    /// Stop after this many frames
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Pixels of raw frames: bgr, rgb, rgba, i420 or nv12 [default: bgr]
    #[arg(long, value_name = "FORMAT")]
    format: Option<PixelFormat>,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum QualityArg {
    Low,
    Medium,
    High,
}

impl From<QualityArg> for Quality {
    fn from(quality: QualityArg) -> Self {
        match quality {
            QualityArg::Low => Self::Low,
            QualityArg::Medium => Self::Medium,
            QualityArg::High => Self::High,
        }
    }
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    // Before any work: from here on Ctrl-C leaves nothing half done.
    let interrupt = Interrupt::listen(console)?;
    let begin = Instant::now();
    let target = Target::new(&args.output, args.format, args.alpha)?;
    if matches!(target, Target::Raw(_)) && console.json() {
        return Err(Failure::argument(
            "--json and -o - both write to stdout; choose one",
        ));
    }
    let inputs = [Some(&*args.avatar), Some(&*args.audio), args.picture.file()];
    target.check(&inputs.into_iter().flatten().collect::<Vec<_>>())?;
    let mut audio =
        speech::open(&args.audio, &interrupt).map_err(|f| f.unless_missing(&args.avatar))?;
    let avatar = args.engine.open(&args.avatar)?;
    let info = avatar.info();
    if args.alpha {
        picture::check_alpha(info)?;
    }
    let options = SessionOptions::default().pixel_format(target.pixel_format());
    let (options, (width, height)) = args.picture.apply(options, info)?;
    let sink = Sink::begin(
        &target,
        (width as u32, height as u32),
        audio.sample_rate(),
        args.quality.into(),
        &interrupt,
    )?;
    let (sink, mut passed) = sink.beside(&interrupt, |take| {
        speech::frames(
            console, &avatar, options, &mut audio, args.limit, &interrupt, take,
        )
    })?;
    if passed.interrupted && passed.frames == 0 {
        return Err(Failure::interrupted(
            "stopped before the first frame; nothing was written",
        ));
    }
    let Delivered {
        bytes,
        width,
        height,
        replaced_another,
    } = sink.finish(&interrupt)?;
    if replaced_another {
        let warning = output::replaced(&args.output);
        console.warn(&warning);
        passed.warnings.push(warning);
    }
    if passed.interrupted {
        return Err(Failure::interrupted(stopped(&target, passed.frames)));
    }

    let shown = args.output.display().to_string();
    let seconds = passed.frames as f64 / f64::from(FRAME_RATE);
    let wall_seconds = begin.elapsed().as_secs_f64();
    let render_seconds = passed.engine_time.as_secs_f64();
    let render_fps = passed.frames as f64 / render_seconds.max(1e-9);
    if console.json() {
        console.object(json!({
            "output": shown,
            "bytes": bytes,
            "seconds": seconds,
            "wall_seconds": wall_seconds,
            "width": width,
            "height": height,
            "frames": passed.frames,
            "fps": FRAME_RATE,
            "warnings": passed.warnings,
            "render_seconds": render_seconds,
            "render_fps": render_fps,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let summary = format!(
        "{shown}: {seconds:.2} s, {} frames of {width}x{height}, {}\n\
         rendered at {render_fps:.0} frames/s, {wall_seconds:.1} s in all\n",
        passed.frames,
        megabytes(bytes),
    );
    match target {
        Target::Raw(_) => {}
        _ => console.text(&summary)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn stopped(target: &Target, frames: u64) -> String {
    let what = match target {
        Target::Mp4(path) => format!("{} is complete up to there", path.display()),
        Target::Pictures { .. } => "their pictures are complete".to_owned(),
        Target::Raw(_) => "they were written".to_owned(),
    };
    format!("stopped after {frames} frames; {what}")
}
