//! `bithuman pull`: an avatar by its short name, into the cache.

use std::process::ExitCode;

use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::showcase;

/// Fetch an avatar of `list`; prints the path of its file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A download that broke off goes on where it was. The file is checked by its SHA-256 and lies in
~/.cache/bithuman/showcase (or XDG_CACHE_HOME).

Examples:
  bithuman render $(bithuman pull juno) --audio speech.wav --output video.mp4")]
pub(crate) struct Args {
    /// The slug or code that `bithuman list` shows
    slug: String,
    /// Fetch it even if it is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let pulled = showcase::pull(console, &interrupt, &args.slug, args.force)?;
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
