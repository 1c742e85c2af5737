//! `bithuman completion`: scripts with which shells complete the commands.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::console::Console;
use crate::failure::Failure;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: bithuman completion bash > ~/.local/share/bash-completion/completions/bithuman"
)]
pub(crate) struct Args {
    /// The shell to print it for
    shell: Shell,
}

pub(crate) fn run(
    console: &Console,
    args: &Args,
    command: &mut clap::Command,
) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "bithuman", &mut script);
    let script = String::from_utf8_lossy(&script);
    if console.json() {
        console.object(serde_json::json!({ "shell": args.shell.to_string(), "script": script }))?;
    } else {
        console.text(&script)?;
    }
    Ok(ExitCode::SUCCESS)
}
