//! `bithuman serve`: the platform on one's own machine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use essence_brain::{Found, OpenAi, OpenAiSettings, Paint, Part, Speak};
use essence_server::{Plan, PlatformOptions, Server};
use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::serving::{ServingArgs, refused};
use crate::{inside, local, server, studio};

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(50);

/// Serve agents, videos and voices to programs: the platform's REST interface on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Programs written for the platform run against it with another base URL: http://127.0.0.1:8088.
/console is a page to make agents and talk to them, /docs describes the interface.

Without a key every api-secret is taken, which only this machine can send; `bithuman server key create` makes one.

Environment:
  BITHUMAN_DATA   the data folder
  DATABASE_URL    postgres://… for several servers that share their work; else SQLite in the data folder

Examples:
  bithuman serve
  bithuman serve --data /srv/avatars --host 0.0.0.0 --allow-public-bind --allow-host avatars.example.org")]
pub(crate) struct Args {
    /// The folder with everything: agents, files, work under way [default: `BITHUMAN_DATA`, or
    /// ~/.local/share/bithuman/server]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// A bucket for the files, which servers share [default: `BITHUMAN_FILES`, or the data folder]; `AWS_REGION`,
    /// `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` are read, too
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    files: Option<String>,
    /// Let webhooks and addresses of media reach this machine and private networks
    #[arg(long)]
    allow_private_urls: bool,
    /// Count credits: an account begins with so many [default: unlimited]
    #[arg(long, value_name = "CREDITS", value_parser = clap::value_parser!(u32))]
    metered: Option<u32>,
    /// How often an account may ask: unlimited, free, creator, pro, business or enterprise
    #[arg(long, value_name = "PLAN", default_value = "unlimited", value_parser = plan)]
    plan: Plan,
    /// Jobs that are worked on at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    workers: u8,
    /// Distill pictures that are asked for as essence-… in the studio, in the background: a millisecond a frame, and no
    /// gestures
    #[arg(long)]
    distill: bool,
    /// Keep nothing of what is said in conversations
    #[arg(long)]
    no_transcripts: bool,
    /// The address that others know this server by, such as `https://avatars.example.org`
    #[arg(long, value_name = "URL", value_parser = address)]
    public_url: Option<String>,
    #[command(flatten)]
    serving: ServingArgs,
}

fn plan(text: &str) -> Result<Plan, String> {
    Plan::find(text)
        .ok_or_else(|| "give unlimited, free, creator, pro, business or enterprise".to_owned())
}

fn address(text: &str) -> Result<String, String> {
    match text.starts_with("https://") || text.starts_with("http://") {
        true => Ok(text.to_owned()),
        false => Err("give an address like https://avatars.example.org".to_owned()),
    }
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let mut options = args.serving.options()?;
    options.check().map_err(refused)?;
    let (responder, brain) = args.serving.responder(console, &interrupt)?;
    let engine = args.serving.engine.engine()?;
    let avatar = inside::open(&engine)?;
    options.launch.engine = Some(engine.clone());
    let data = server::data_folder(args.data.as_deref())?;
    let runtime = engine.runtime().map(|runtime| runtime.path.clone());
    let mut platform = PlatformOptions::new(data, engine, inside::bytes(inside::DEFAULT)?);
    platform.database = server::database();
    platform.bucket = args.files.clone().or_else(server::bucket);
    platform.speak = voice(runtime)?;
    platform.paint = painter()?;
    platform.studio = studio::python();
    platform.command = std::env::current_exe().ok();
    platform.allow_private_urls = args.allow_private_urls;
    platform.plan = args.plan;
    platform.credits = args.metered.map(f64::from);
    platform.workers = usize::from(args.workers);
    platform.distill = args.distill;
    platform.transcripts = !args.no_transcripts;
    platform.public_url.clone_from(&args.public_url);
    let log = console.clone();
    platform.log = Arc::new(move |line| log.note(&format!("{line}\n")));
    let speaks = platform.speak.is_some();
    options.platform = Some(platform);
    let server = Server::start(options, avatar, responder)?;
    started(console, &server, brain, speaks)?;
    while !interrupt.requested() {
        thread::sleep(POLL);
    }
    if !console.json() {
        console.note("\nstopping\n");
    }
    drop(server);
    Ok(ExitCode::SUCCESS)
}

/// The voice of texts: that of a server at `OPENAI_BASE_URL`, a network on this machine, or a program.
fn voice(runtime: Option<PathBuf>) -> Result<Option<Arc<dyn Speak>>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable("OPENAI_BASE_URL").is_some() {
        return Ok(Some(Arc::new(OpenAi::new(
            OpenAiSettings::from_variables(variable),
        )?)));
    }
    let mut settings = local::settings()?;
    settings.runtime = runtime;
    match settings.find(Part::Speak) {
        Found::Present(_) | Found::Program(_) => Ok(Some(settings.open_voice()?)),
        _ => Ok(None),
    }
}

/// The service that makes faces of agents of words: that at `BITHUMAN_IMAGES_URL`, or of the model
/// `BITHUMAN_OPENAI_IMAGE_MODEL` at `OPENAI_BASE_URL`.
fn painter() -> Result<Option<Arc<dyn Paint>>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut settings = OpenAiSettings::from_variables(variable);
    match variable("BITHUMAN_IMAGES_URL") {
        Some(url) => settings.base_url = url,
        None if settings.image_model.is_empty() => return Ok(None),
        None => {}
    }
    Ok(Some(Arc::new(OpenAi::new(settings)?)))
}

fn started(console: &Console, server: &Server, brain: &str, speaks: bool) -> Result<(), Failure> {
    let address = server.address();
    let url = server.root();
    if console.json() {
        // One line, since programs read the events of a server line by line.
        let event = json!({
            "event": "server_started",
            "url": url,
            "host": address.ip().to_string(),
            "port": address.port(),
            "brain": brain,
            "max_sessions": server.max_sessions(),
            "schema_version": crate::SCHEMA_VERSION,
        });
        return console.text(&format!("{event}\n"));
    }
    console.text(&format!("{url}\n"))?;
    console.note(&format!(
        "Console: {url}/console, interface: {url}/docs, brain: {brain}. Ctrl-C stops.\n"
    ));
    if !speaks {
        console.note("No program speaks texts here: install flite or espeak-ng.\n");
    }
    Ok(())
}
