//! Render, inspect and run talking avatars.
#![deny(unsafe_code)]

mod completion;
mod console;
#[cfg(feature = "portrait")]
mod create;
mod curves;
mod doctor;
mod engine;
mod failure;
mod fetch;
mod http;
mod info;
mod inside;
mod interrupt;
mod list;
mod local;
mod mcp;
mod output;
mod picture;
mod progress;
mod pull;
mod render;
mod run;
mod runtime;
mod serve;
mod server;
mod serving;
mod showcase;
mod sink;
mod speech;
mod studio;

use std::process::ExitCode;

use clap::error::ErrorKind as UsageKind;
use clap::{CommandFactory, Parser, Subcommand};
use serde_json::json;

use self::console::Console;
use self::failure::Failure;

/// The version of every JSON object that is printed.
const SCHEMA_VERSION: u32 = 1;

/// Talking avatars on your own machine: speech in, lip-synced video out.
#[derive(Debug, Parser)]
#[command(
    name = "bithuman",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 66 an input is missing or not what it should be,\n\
                  69 ONNX Runtime or a provider is missing, 70 a bug, 77 not permitted, 130 interrupted."
)]
struct Cli {
    /// Print one JSON object instead of text; errors as JSON on stderr
    #[arg(long, global = true, display_order = 100)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Serve(serve::Args),
    Server(server::Args),
    List(list::Args),
    Pull(pull::Args),
    Render(render::Args),
    #[cfg(feature = "portrait")]
    Create(create::Args),
    Curves(curves::Args),
    Info(info::Args),
    Doctor(doctor::Args),
    Mcp(mcp::Args),
    Completion(completion::Args),
}

fn main() -> ExitCode {
    runtime::forbid_telemetry();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let console = Console::new(cli.json);
    let result = match cli.command {
        Command::Run(args) => run::run(&console, &args),
        Command::Serve(args) => serve::run(&console, &args),
        Command::Server(args) => server::run(&console, &args),
        Command::List(args) => list::run(&console, &args),
        Command::Pull(args) => pull::run(&console, &args),
        Command::Render(args) => render::run(&console, &args),
        #[cfg(feature = "portrait")]
        Command::Create(args) => create::run(&console, &args),
        Command::Curves(args) => curves::run(&console, &args),
        Command::Info(args) => info::run(&console, &args),
        Command::Doctor(args) => doctor::run(&console, &args),
        Command::Mcp(args) => mcp::run(&console, &args),
        Command::Completion(args) => completion::run(&console, &args, &mut Cli::command()),
    };
    match result {
        Ok(code) => code,
        Err(failure) => console.fail(&failure),
    }
}

/// Prints what clap returns in place of a command: help, the version, or that arguments do not fit.
fn usage(error: &clap::Error) -> ExitCode {
    // The arguments did not parse, so `--json` is looked for in them directly.
    let console = Console::new(std::env::args_os().skip(1).any(|arg| arg == "--json"));
    match error.kind() {
        UsageKind::DisplayVersion if console.json() => {
            let version = json!({ "name": "bithuman", "version": env!("CARGO_PKG_VERSION") });
            printed(&console, console.object(version))
        }
        UsageKind::DisplayHelp | UsageKind::DisplayVersion => {
            printed(&console, console.text(&error.render().to_string()))
        }
        _ if console.json() => console.fail(&Failure::usage(&error.render().to_string())),
        _ => {
            // clap knows when colours are wanted: on a terminal, unless NO_COLOR is set.
            let _ = error.print();
            ExitCode::from(failure::USAGE_EXIT_CODE)
        }
    }
}

fn printed(console: &Console, result: Result<(), Failure>) -> ExitCode {
    result.map_or_else(|failure| console.fail(&failure), |()| ExitCode::SUCCESS)
}
