//! `bithuman run`: a conversation in the browser.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use essence::{Avatar, Engine, ErrorKind};
use essence_brain::{Echo, OpenAi, OpenAiSettings, Responder, Script, SpeechProgram};
use essence_server::{Options, PUBLIC_BIND_REFUSED, Server};
use serde_json::json;

use crate::console::Console;
use crate::engine::EngineArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// The picture that the avatar inside the program is made from.
#[cfg(feature = "portrait")]
const JUNO: &[u8] = include_bytes!("../data/juno.png");

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(50);

/// Talk to an avatar in the browser
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Brains:
  auto         openai where OPENAI_API_KEY or OPENAI_BASE_URL is set, else script [default]
  script       a few lines with their sound; says what is typed, by an installed flite or espeak-ng
  script:FILE  the replies of a JSON file
  echo         repeats what it hears
  openai       a server with OpenAI's interface, at OPENAI_BASE_URL

Examples:
  bithuman run
  bithuman run face.imx --brain echo
  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 bithuman run face.jpg")]
pub(crate) struct Args {
    /// The avatar: an .imx file, or a picture of a face [default: Juno, inside the program]
    avatar: Option<PathBuf>,
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// The port, TCP for the page and UDP for WebRTC; 0 for any
    #[arg(long, default_value_t = 8088)]
    port: u16,
    /// Most conversations at a time [default: what the machine carries]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    max_sessions: Option<u64>,
    /// What answers: auto, script, script:FILE, echo or openai
    #[arg(long, value_name = "NAME", default_value = "auto")]
    brain: Brain,
    /// Play GESTURE when the avatar says WORD; may be repeated
    #[arg(long, value_name = "WORD=GESTURE", value_parser = gesture)]
    gesture: Vec<(String, String)>,
    /// Longest conversation, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_080))]
    session_limit: u64,
    /// Listen where other machines reach it (or `BITHUMAN_ALLOW_PUBLIC_BIND=1`)
    #[arg(long)]
    allow_public_bind: bool,
    /// A name that browsers may call this server by; may be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// A site that may embed the page, such as `https://example.org`; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    allow_embed: Vec<String>,
    /// A folder with avatars for `/launch`, by name; may be repeated
    #[arg(long, value_name = "FOLDER", visible_alias = "models-root")]
    avatars_root: Vec<PathBuf>,
    /// Leave `WebRTC` out
    #[arg(long)]
    no_webrtc: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// `--brain`.
#[derive(Clone, Debug)]
enum Brain {
    Auto,
    Echo,
    OpenAi,
    Script(Option<PathBuf>),
}

impl std::str::FromStr for Brain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None => match text {
                "auto" => Ok(Self::Auto),
                "echo" => Ok(Self::Echo),
                "openai" => Ok(Self::OpenAi),
                "script" => Ok(Self::Script(None)),
                _ => Err("give auto, script, script:FILE, echo or openai".to_owned()),
            },
            Some(("script", path)) if !path.is_empty() => Ok(Self::Script(Some(path.into()))),
            Some(_) => Err("give auto, script, script:FILE, echo or openai".to_owned()),
        }
    }
}

fn gesture(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((word, name)) if !word.is_empty() && !name.is_empty() => {
            Ok((word.to_lowercase(), name.to_owned()))
        }
        _ => Err("give a word and a gesture, like hello=wave".to_owned()),
    }
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let mut options = args.options()?;
    options.check().map_err(refused)?;
    let (responder, brain) = args.responder(console)?;
    let (engine, avatar) = args.open(console)?;
    options.launch.engine = Some(engine);
    for (word, gesture) in &options.gestures {
        if !avatar.info().motions.contains(gesture) {
            let known = avatar.info().motions.join(", ");
            return Err(Failure::argument(format!(
                "the avatar has no gesture {gesture:?} for {word:?}; it has: {known}"
            )));
        }
    }
    let server = Server::start(options, avatar, responder)?;
    started(console, &server, brain)?;
    while !interrupt.requested() {
        thread::sleep(POLL);
    }
    if !console.json() {
        console.note("\nstopping\n");
    }
    drop(server);
    Ok(ExitCode::SUCCESS)
}

fn started(console: &Console, server: &Server, brain: &str) -> Result<(), Failure> {
    let address = server.address();
    if console.json() {
        // One line, since programs read the events of a server line by line.
        let event = json!({
            "event": "session_started",
            "url": server.url(),
            "code": server.code(),
            "host": address.ip().to_string(),
            "port": address.port(),
            "brain": brain,
            "max_sessions": server.max_sessions(),
            "schema_version": crate::SCHEMA_VERSION,
        });
        return console.text(&format!("{event}\n"));
    }
    console.text(&format!("{}\n", server.url()))?;
    let seats = match server.max_sessions() {
        1 => "one conversation".to_owned(),
        n => format!("up to {n} conversations"),
    };
    console.note(&format!(
        "Open it in a browser to talk: brain {brain}, {seats} at a time. Ctrl-C stops.\n"
    ));
    Ok(())
}

impl Args {
    fn options(&self) -> Result<Options, Failure> {
        let host = match self.host.as_str() {
            "localhost" => "127.0.0.1",
            host => host.trim_start_matches('[').trim_end_matches(']'),
        };
        let ip: IpAddr = host.parse().map_err(|_| {
            let message = format!(
                "--host {:?} is no address; give one like 127.0.0.1",
                self.host
            );
            Failure::argument(message)
        })?;
        let allowed = std::env::var("BITHUMAN_ALLOW_PUBLIC_BIND").is_ok_and(|value| value == "1");
        let mut options = Options::default();
        options.address = SocketAddr::new(ip, self.port);
        options.allow_public_bind = self.allow_public_bind || allowed;
        options.hosts.clone_from(&self.allow_host);
        options.embedders.clone_from(&self.allow_embed);
        options.max_sessions = self.max_sessions.and_then(|n| usize::try_from(n).ok());
        options.webrtc = !self.no_webrtc;
        options.session_limit = Duration::from_secs(60 * self.session_limit);
        options.launch.roots.clone_from(&self.avatars_root);
        options.launch.secret = std::env::var("BITHUMAN_API_SECRET")
            .ok()
            .filter(|secret| !secret.is_empty());
        options.gestures = self.gesture.iter().cloned().collect::<BTreeMap<_, _>>();
        Ok(options)
    }

    /// The responder and its name.
    fn responder(&self, console: &Console) -> Result<(Arc<dyn Responder>, &'static str), Failure> {
        let program = SpeechProgram::find();
        let variable = |name: &str| std::env::var(name).ok();
        let set = |name: &str| variable(name).is_some_and(|value| !value.trim().is_empty());
        let openai = || -> Result<Arc<dyn Responder>, Failure> {
            let settings = OpenAiSettings::from_variables(variable);
            Ok(Arc::new(OpenAi::new(settings)?.responder()))
        };
        Ok(match &self.brain {
            Brain::Echo => (Arc::new(Echo::new(program)), "echo"),
            Brain::OpenAi => (openai()?, "openai"),
            Brain::Script(None) => (Arc::new(Script::built_in(program)?), "script"),
            Brain::Script(Some(path)) => (Arc::new(Script::open(path, program)?), "script"),
            Brain::Auto if set("OPENAI_API_KEY") || set("OPENAI_BASE_URL") => (openai()?, "openai"),
            Brain::Auto => {
                if !console.json() {
                    console.note(
                        "No brain is set up, so the avatar knows a few lines only: set OPENAI_API_KEY, or OPENAI_BASE_URL \
                         for a server of your own.\n",
                    );
                }
                (Arc::new(Script::built_in(program)?), "script")
            }
        })
    }

    fn open(&self, console: &Console) -> Result<(Engine, Avatar), Failure> {
        match &self.avatar {
            Some(path) => self.engine.open_with_engine(path),
            None => {
                if !console.json() {
                    console.note("No avatar is given: Juno speaks.\n");
                }
                let engine = self.engine.engine()?;
                let avatar = juno(&engine)?;
                Ok((engine, avatar))
            }
        }
    }
}

/// The avatar that travels inside the program.
#[cfg(feature = "portrait")]
fn juno(engine: &Engine) -> Result<Avatar, Failure> {
    use essence::portrait::{PortraitOptions, create};
    let mut options = PortraitOptions::default();
    options.name = "Juno".to_owned();
    options.license = "CC0-1.0".to_owned();
    let (avatar, _) = create(JUNO, &options)?;
    Ok(engine.open_bytes(avatar)?)
}

/// It is a picture, which this build does not open.
#[cfg(not(feature = "portrait"))]
fn juno(_: &Engine) -> Result<Avatar, Failure> {
    Err(Failure::argument(
        "name an avatar: this build was made without the one inside the program",
    ))
}

/// The refusal of an address that others reach has a code of its own.
fn refused(error: essence::Error) -> Failure {
    let message = error.message();
    match message.strip_prefix(PUBLIC_BIND_REFUSED) {
        Some(rest) if error.kind() == ErrorKind::InvalidArgument => {
            Failure::public_bind(rest.trim_start_matches(": "))
        }
        _ => error.into(),
    }
}
