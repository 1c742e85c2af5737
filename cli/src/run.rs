//! `bithuman run`: a conversation in the browser.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use essence::{Avatar, Engine};
use essence_server::{Server, WebPackage};
use serde_json::json;

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::serving::{ServingArgs, refused};
use crate::{inside, showcase};

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(50);

/// Talk to an avatar in the browser
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Brains:
  auto         local where BITHUMAN_LOCAL=1, realtime where OPENAI_API_KEY is set, openai where OPENAI_BASE_URL
               is, local where its models are there, else script [default]
  local        on this machine, with models of its own; fetches those that are missing
  script       a few lines with their sound; says what is typed, by an installed flite or espeak-ng
  script:FILE  the replies of a JSON file
  echo         repeats what it hears
  openai       a server with OpenAI's interface, at OPENAI_BASE_URL
  realtime     one with OpenAI's Realtime protocol: speech to speech

Examples:
  bithuman run
  bithuman run face.imx --brain echo
  BITHUMAN_LOCAL=1 bithuman run face.imx
  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 bithuman run face.jpg")]
pub(crate) struct Args {
    /// The avatar: an .imx file, a picture of a face, or a slug of `bithuman list` [default: juno]
    avatar: Option<PathBuf>,
    /// Let the page draw the avatar at `?render=local`, by the web package in this folder (bindings/web/dist);
    /// those who have the page's address can then fetch the avatar's file
    #[arg(long, value_name = "FOLDER")]
    web: Option<PathBuf>,
    #[command(flatten)]
    serving: ServingArgs,
}

pub(crate) fn run(console: &Console, args: &Args) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::listen(console)?;
    let mut options = args.serving.options()?;
    options.check().map_err(refused)?;
    let (responder, brain) = args.serving.responder(console, &interrupt)?;
    let (engine, avatar) = match &args.web {
        Some(folder) => {
            let file = args.file(console, &interrupt)?;
            let engine = args.serving.engine.engine()?;
            let avatar = engine.open_bytes(file.clone())?;
            options.web = Some(Arc::new(WebPackage::open(folder, file)?));
            (engine, avatar)
        }
        None => args.open(console, &interrupt)?,
    };
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
    fn open(&self, console: &Console, interrupt: &Interrupt) -> Result<(Engine, Avatar), Failure> {
        match &self.avatar {
            Some(path) => match slug(path) {
                Some(slug) => {
                    let engine = self.serving.engine.engine()?;
                    let pulled = showcase::pull(console, interrupt, slug, false)?;
                    let avatar = engine.open(pulled.path)?;
                    Ok((engine, avatar))
                }
                None => self.serving.engine.open_with_engine(path),
            },
            None => {
                no_avatar(console);
                let engine = self.serving.engine.engine()?;
                let avatar = inside::open(&engine)?;
                Ok((engine, avatar))
            }
        }
    }

    /// The avatar's file, for the server and for pages: of a picture the one that it makes.
    fn file(&self, console: &Console, interrupt: &Interrupt) -> Result<Arc<[u8]>, Failure> {
        let Some(path) = &self.avatar else {
            no_avatar(console);
            return Ok(inside::bytes(inside::DEFAULT)?.into());
        };
        let pulled = match slug(path) {
            Some(slug) => Some(showcase::pull(console, interrupt, slug, false)?.path),
            None => None,
        };
        avatar_file(pulled.as_deref().unwrap_or(path))
    }
}

fn avatar_file(path: &Path) -> Result<Arc<[u8]>, Failure> {
    #[cfg(feature = "portrait")]
    if essence::is_picture(path) {
        return Ok(crate::create::file(path)?.into());
    }
    // Says what is wrong with it.
    essence::imx::Container::open(path)?;
    let failed =
        |e| essence::Error::new(essence::ErrorKind::Io, format!("{}: {e}", path.display()));
    Ok(std::fs::read(path).map_err(failed)?.into())
}

fn no_avatar(console: &Console) {
    if !console.json() {
        console.note("No avatar is given: Juno speaks.\n");
    }
}

/// The slug that an argument is, where no file has that name.
fn slug(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    (showcase::is_slug(&text.to_ascii_lowercase()) && !path.exists()).then_some(text)
}
