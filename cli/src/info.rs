//! `bithuman info`: the content of an avatar file.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use essence::imx::{Container, Loop, Manifest};
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Failure;
use crate::output::megabytes;

/// Show what an avatar file holds, and check it against its hashes
#[derive(Debug, clap::Args)]
#[command(visible_alias = "open")]
pub(crate) struct Args {
    /// The avatar, an .imx file
    avatar: PathBuf,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let container = open(&args.avatar)?;
    // Avatars of other families are described, not checked.
    let manifest = container.manifest().ok();
    if manifest.is_some() || container.expression().is_some() {
        container
            .verify()
            .map_err(|e| name_file(&e, &args.avatar))?;
    }
    if console.json() {
        let members: Vec<_> = container
            .members()
            .map(|m| json!({ "name": m.name, "size_bytes": m.size_bytes }))
            .collect();
        console.object(json!({
            "path": args.avatar.display().to_string(),
            "format_version": container.format_version(),
            "size_bytes": container.size_bytes(),
            "engine": container.engine(),
            "manifest": serde_json::from_str::<Value>(container.manifest_json()).ok(),
            "members": members,
        }))?;
    } else {
        console.text(&describe(&container, manifest, args)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The avatar, or the one that a picture makes.
fn open(path: &std::path::Path) -> Result<Container, Failure> {
    #[cfg(feature = "portrait")]
    if essence::is_picture(path) {
        return Ok(essence::portrait::open_file(path)?);
    }
    Ok(Container::open(path)?)
}

fn name_file(error: &essence::Error, path: &std::path::Path) -> essence::Error {
    essence::Error::new(
        error.kind(),
        format!("{}: {}", path.display(), error.message()),
    )
}

fn describe(
    container: &Container,
    manifest: Option<&Manifest>,
    args: &Args,
) -> Result<String, Failure> {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<11} {value}");
        }
    };
    let size = megabytes(container.size_bytes());
    line("file", format!("{} ({size})", args.avatar.display()));
    line(
        "format",
        format!(
            "{}, engine {}",
            container.format_version(),
            container.engine()
        ),
    );
    if let Some(manifest) = manifest {
        let frame = &manifest.frame;
        let seconds = f64::from(frame.count) / f64::from(frame.rate);
        let keyed = if manifest.matte.is_some() {
            ", keyed"
        } else {
            ""
        };
        let plural = if frame.count == 1 { "" } else { "s" };
        line("name", manifest.name.clone());
        line("created", manifest.created.clone());
        line("licence", manifest.license.clone());
        line(
            "picture",
            format!(
                "{}x{}, {} base frame{plural} ({seconds:.1} s), mouth patch {}x{}{keyed}",
                frame.width, frame.height, frame.count, manifest.crop.size, manifest.crop.size
            ),
        );
        line(
            "mouth",
            format!("{} coefficients", manifest.coefficients.len()),
        );
        line(
            "ARKit",
            manifest.arkit.keys().cloned().collect::<Vec<_>>().join(" "),
        );
        for (name, motion) in &manifest.motions {
            let how = match motion.looping {
                Loop::Bounce => "back and forth",
                Loop::Once => "once",
                _ => "in a loop",
            };
            line("motion", format!("{name}, {} frames {how}", motion.count));
        }
        line("hashes", format!("{} members agree", manifest.files.len()));
    } else if let Some(manifest) = container.expression() {
        let picture = &manifest.picture;
        line("name", manifest.name.clone());
        line("created", manifest.created.clone());
        line("licence", manifest.license.clone());
        line(
            "picture",
            format!("{}x{}, moved by a rig", picture.width, picture.height),
        );
        #[cfg(feature = "portrait")]
        line("face", fit(container)?);
        line(
            "mouth",
            format!("{} coefficients", manifest.coefficients.len()),
        );
        line("hashes", format!("{} members agree", manifest.files.len()));
    } else {
        line(
            "",
            "Another model family: this program cannot render it.".to_owned(),
        );
    }
    let members: Vec<_> = container.members().collect();
    let width = members
        .iter()
        .map(|m| m.name.len())
        .max()
        .unwrap_or(0)
        .min(40);
    let _ = writeln!(text, "\n{} members", members.len());
    // Base frames are many and alike: the first and the last stand for them.
    let is_frame = |name: &str| name.starts_with("frames/");
    let mut skipped = 0;
    for (i, member) in members.iter().enumerate() {
        let inside = is_frame(member.name)
            && i > 0
            && is_frame(members[i - 1].name)
            && members.get(i + 1).is_some_and(|m| is_frame(m.name));
        if inside {
            skipped += 1;
            continue;
        }
        if skipped > 0 {
            let _ = writeln!(text, "  ... {skipped} more");
            skipped = 0;
        }
        let _ = writeln!(text, "  {:<width$} {:>10}", member.name, member.size_bytes);
    }
    Ok(text)
}

/// How the head was fitted to the picture.
#[cfg(feature = "portrait")]
fn fit(container: &Container) -> Result<String, Failure> {
    let report = essence::portrait::describe(container)?;
    let [yaw, pitch, roll] = report.turn_degrees;
    let lips = match report.opening {
        0.0 => "shut".to_owned(),
        open => format!("open by {:.0} % of the eyes' distance", 100.0 * open),
    };
    Ok(format!(
        "{:.0} pixels between the eyes, turned {yaw:+.0}° aside, {pitch:+.0}° down, {roll:+.0}° \
         tilted; lips {lips}",
        report.eyes_px
    ))
}
