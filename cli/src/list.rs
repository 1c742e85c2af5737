//! `bithuman list`: the avatars that can be had by a short name.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::megabytes;
use crate::showcase::{self, Client, Index, URL_VARIABLE};

/// Show the avatars that `pull` and `run` know by name
#[derive(Debug, clap::Args)]
#[command(after_help = "\
They are those inside the program, or those of the index at BITHUMAN_SHOWCASE_URL, an address of
http or https. BITHUMAN_OFFLINE=1 connects to nothing.")]
pub(crate) struct Args {}

pub(crate) fn run(console: &Console, _: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let client = Client::from_environment()?;
    if client.is_some() && showcase::is_offline() {
        let message = format!("the index at {URL_VARIABLE} can't be read while BITHUMAN_OFFLINE=1");
        return Err(Failure::offline(message));
    }
    let index = interrupt.waiting(|| Index::load(client.as_ref()))?;
    let cached = |model| showcase::cached_file(model).is_ok_and(|path| path.is_file());
    if console.json() {
        let models = index.models.iter().map(|model| {
            json!({
                "slug": model.slug,
                "agent_code": model.agent_code,
                "name": model.name,
                "description": model.description,
                "model": model.model,
                "license": model.license,
                "size": model.size,
                "cached": cached(model),
            })
        });
        let models: Vec<_> = models.collect();
        console.object(json!({
            "version": index.version,
            "updated": index.updated,
            "source": index.source,
            "models": models,
        }))?;
    } else {
        let mut text = String::new();
        for model in &index.models {
            let size = match model.size {
                _ if cached(model) => "here".to_owned(),
                Some(size) => megabytes(size),
                None => String::new(),
            };
            // Writing to a string doesn't fail.
            let _ = writeln!(
                text,
                "{:<24} {size:>9}  {}: {}",
                model.slug, model.name, model.description
            );
        }
        console.text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
