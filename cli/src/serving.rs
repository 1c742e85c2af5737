//! Common to `run` and `serve`: the address, who may come, and the brain.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use essence::ErrorKind;
use essence_brain::{Echo, OpenAi, OpenAiSettings, Realtime, Responder, Script, SpeechProgram};
use essence_server::{Options, PUBLIC_BIND_REFUSED, TlsFiles};

use crate::console::Console;
use crate::engine::EngineArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::local;

/// Settings of a server of conversations.
#[derive(Debug, clap::Args)]
pub(crate) struct ServingArgs {
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// The port, TCP for the page and UDP for WebRTC; 0 for any
    #[arg(long, default_value_t = 8088)]
    port: u16,
    /// Most conversations at a time [default: what the machine carries]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    max_sessions: Option<u64>,
    /// The brain: auto, local, script, script:FILE, echo, openai or realtime
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
    /// Speak https with this certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// An address that browsers reach this machine by, as in front of a NAT; may be repeated
    #[arg(long, value_name = "IP")]
    public_address: Vec<IpAddr>,
    /// A folder with avatars for `/launch`, by name; may be repeated
    #[arg(long, value_name = "FOLDER", visible_alias = "models-root")]
    avatars_root: Vec<PathBuf>,
    /// Leave `WebRTC` out
    #[arg(long)]
    no_webrtc: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// `--brain`.
#[derive(Clone, Debug)]
enum Brain {
    Auto,
    Echo,
    Local,
    OpenAi,
    Realtime,
    Script(Option<PathBuf>),
}

impl std::str::FromStr for Brain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None => match text {
                "auto" => Ok(Self::Auto),
                "echo" => Ok(Self::Echo),
                "local" => Ok(Self::Local),
                "openai" => Ok(Self::OpenAi),
                "realtime" => Ok(Self::Realtime),
                "script" => Ok(Self::Script(None)),
                _ => Err(
                    "give auto, local, script, script:FILE, echo, openai or realtime".to_owned(),
                ),
            },
            Some(("script", path)) if !path.is_empty() => Ok(Self::Script(Some(path.into()))),
            Some(_) => {
                Err("give auto, local, script, script:FILE, echo, openai or realtime".to_owned())
            }
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

impl ServingArgs {
    pub(crate) fn options(&self) -> Result<Options, Failure> {
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
        options.tls = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            _ => None,
        };
        options.public_addresses.clone_from(&self.public_address);
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
    pub(crate) fn responder(
        &self,
        console: &Console,
        interrupt: &Interrupt,
    ) -> Result<(Arc<dyn Responder>, &'static str), Failure> {
        let program = SpeechProgram::find();
        let variable = |name: &str| std::env::var(name).ok();
        let openai = || -> Result<Arc<dyn Responder>, Failure> {
            let settings = OpenAiSettings::from_variables(variable);
            Ok(Arc::new(OpenAi::new(settings)?.responder()))
        };
        let realtime = || -> Result<Arc<dyn Responder>, Failure> {
            Ok(Arc::new(Realtime::new(OpenAiSettings::from_variables(
                variable,
            ))?))
        };
        let local = || -> Result<Arc<dyn Responder>, Failure> {
            // The engine's search, so that both use one library.
            let engine = self.engine.engine().ok();
            let runtime = engine.and_then(|engine| engine.runtime().map(|r| r.path.clone()));
            Ok(Arc::new(local::open(console, interrupt, runtime)?))
        };
        Ok(match &self.brain {
            Brain::Local => (local()?, "local"),
            Brain::Auto if automatic() == "local" => (local()?, "local"),
            Brain::Echo => (Arc::new(Echo::new(program)), "echo"),
            Brain::OpenAi => (openai()?, "openai"),
            Brain::Realtime => (realtime()?, "realtime"),
            Brain::Script(None) => (Arc::new(Script::built_in(program)?), "script"),
            Brain::Script(Some(path)) => (Arc::new(Script::open(path, program)?), "script"),
            Brain::Auto if automatic() == "realtime" => (realtime()?, "realtime"),
            Brain::Auto if automatic() == "openai" => (openai()?, "openai"),
            Brain::Auto => {
                if !console.json() {
                    console.note(
                        "No brain is set up, so the avatar knows a few lines only: set BITHUMAN_LOCAL=1 for one on \
                         this machine, OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own.\n",
                    );
                }
                (Arc::new(Script::built_in(program)?), "script")
            }
        })
    }
}

/// The brain that is taken where none is named. A server of one's own rarely speaks the Realtime protocol.
pub(crate) fn automatic() -> &'static str {
    let set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    if local::is_asked_for() {
        "local"
    } else if set("OPENAI_BASE_URL") {
        "openai"
    } else if set("OPENAI_API_KEY") {
        "realtime"
    } else if local::is_ready() {
        "local"
    } else {
        "script"
    }
}

/// The refusal of an address that others reach has a code of its own.
pub(crate) fn refused(error: essence::Error) -> Failure {
    let message = error.message();
    match message.strip_prefix(PUBLIC_BIND_REFUSED) {
        Some(rest) if error.kind() == ErrorKind::InvalidArgument => {
            Failure::public_bind(rest.trim_start_matches(": "))
        }
        _ => error.into(),
    }
}
