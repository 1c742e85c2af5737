//! `bithuman create`: a picture of a face becomes an avatar; a film is handed to the studio.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use essence::ErrorKind;
use essence::portrait::{PortraitOptions, PortraitReport, create};
use essence_media::OutputFile;
use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::output::{self, megabytes};
use crate::studio;

/// Make an avatar from a picture or a film of a face
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bithuman create face.jpg -o face.imx
  bithuman create painting.png -o painting.imx --force --license CC0-1.0
  bithuman create film.mp4 -o me.imx      # by the studio, which `python3 studio/install.py` sets up")]
pub(crate) struct Args {
    /// The picture (PNG, JPEG or WebP, one face from the front), or a film (mp4, mov, mkv, webm, ...)
    picture: PathBuf,
    /// The avatar, an .imx file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Its name [default: the picture's]
    #[arg(long)]
    name: Option<String>,
    /// The licence it may be used under
    #[arg(long, default_value = "")]
    license: String,
    /// Take faces that are turned far, dark, or hardly like faces, as art may have them; keep avatars
    /// of films that turned out badly
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    output::check(&args.output, &[&args.picture])?;
    if studio::is_film(&args.picture) {
        return studio::create(&studio::Order {
            film: &args.picture,
            output: &args.output,
            name: args.name.as_deref(),
            license: &args.license,
            force: args.force,
        });
    }
    let mut options = PortraitOptions::default();
    options.name = args.name.clone().unwrap_or_else(|| name_of(&args.picture));
    options.license.clone_from(&args.license);
    options.force = args.force;
    let (bytes, report) = read(&args.picture, &options)?;
    let mut file = OutputFile::create(&args.output).map_err(Failure::writing)?;
    std::io::Write::write_all(file.file(), &bytes).map_err(|e| {
        Failure::output(
            format!("{} cannot be written", args.output.display()),
            Some(&e),
        )
    })?;
    file.commit().map_err(Failure::writing)?;
    let [yaw, pitch, roll] = report.turn_degrees;
    let output = args.output.display().to_string();
    if console.json() {
        console.object(json!({
            "output": output,
            "bytes": bytes.len(),
            "width": report.width,
            "height": report.height,
            "eyes_px": report.eyes_px,
            "turn_degrees": { "yaw": yaw, "pitch": pitch, "roll": roll },
            "lips_open": report.opening,
            "wall_seconds": begin.elapsed().as_secs_f64(),
        }))?;
    } else {
        console.text(&format!(
            "{output}: {}x{}, {}\nface: {:.0} pixels between the eyes, turned {yaw:+.0}° aside, \
             {pitch:+.0}° down, {roll:+.0}° tilted\n",
            report.width,
            report.height,
            megabytes(bytes.len() as u64),
            report.eyes_px,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The avatar's file that a picture makes, named as it.
///
/// # Errors
/// Errors of reading the picture and of [`create`].
pub(crate) fn file(picture: &Path) -> Result<Vec<u8>, Failure> {
    let mut options = PortraitOptions::default();
    options.name = name_of(picture);
    Ok(read(picture, &options)?.0)
}

fn name_of(picture: &Path) -> String {
    let stem = picture.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn read(path: &Path, options: &PortraitOptions) -> Result<(Vec<u8>, PortraitReport), Failure> {
    let picture = std::fs::read(path).map_err(|e| {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        essence::Error::new(kind, format!("{} cannot be read: {e}", path.display()))
    })?;
    let made = create(&picture, options).map_err(|e| {
        let message = format!("{}: {}", path.display(), e.message());
        essence::Error::new(e.kind(), message)
    })?;
    Ok(made)
}
