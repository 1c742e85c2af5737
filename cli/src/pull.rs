//! `bithuman pull`: an avatar by its short name, or the models of a local brain, into the cache.

use std::process::ExitCode;

use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::{local, showcase};

/// Fetch an avatar of `list`; prints the path of its file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A download that broke off goes on where it was. The file is checked by its SHA-256 and lies in
~/.cache/bithuman/showcase (or XDG_CACHE_HOME).

Examples:
  bithuman render $(bithuman pull juno) --audio speech.wav --output video.mp4
  bithuman pull --local

`--local` fetches the models of a brain on this machine, 970 MB, into ~/.cache/bithuman/models (or
BITHUMAN_MODELS); BITHUMAN_MODELS_URL or HF_ENDPOINT names a mirror.")]
pub(crate) struct Args {
    /// The slug or code that `bithuman list` shows
    #[arg(required_unless_present = "local")]
    slug: Option<String>,
    /// Fetch the models of a brain on this machine instead
    #[arg(long, conflicts_with = "slug")]
    local: bool,
    /// Fetch it even if it is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let slug = match &args.slug {
        Some(slug) if !args.local => slug,
        _ => return models(console, &interrupt),
    };
    let pulled = showcase::pull(console, &interrupt, slug, args.force)?;
    let path = pulled.path.display().to_string();
    if console.json() {
        console.object(json!({
            "slug": pulled.slug,
            "path": path,
            "cached": pulled.cached,
            "sha256": pulled.sha256,
        }))?;
    } else {
        console.text(&format!("{path}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The models of a local brain, each file checked by its hash.
fn models(console: &Console, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let paths = local::pull(console, interrupt, &local::settings()?, true)?;
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if console.json() {
        console.object(json!({ "local": true, "paths": paths }))?;
    } else {
        console.text(&format!("{}\n", paths.join("\n")))?;
    }
    Ok(ExitCode::SUCCESS)
}
