//! The models of a local brain: fetched where they are missing, and told of.
//!
//! Nothing is fetched unless local mode is asked for, and nothing at all with `BITHUMAN_OFFLINE=1`.

use std::fs;
use std::path::{Path, PathBuf};

use essence_brain::{DEFAULT_MODELS, DefaultModel, Found, Local, LocalSettings, ModelFile, Part};
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Failure;
use crate::fetch::{Wanted, fetch, hash_of};
use crate::interrupt::Interrupt;
use crate::output::megabytes;
use crate::runtime::brain_from_python;
use crate::showcase::{Client, cache_folder, is_offline};

/// The hub of models, and the variables that name a mirror of it.
const HUB: &str = "https://huggingface.co";
const MIRRORS: [&str; 2] = ["BITHUMAN_MODELS_URL", "HF_ENDPOINT"];

/// The parts, and their names in `doctor`.
const PARTS: [(Part, &str); 5] = [
    (Part::Hear, "hear"),
    (Part::Think, "think"),
    (Part::Speak, "speak"),
    (Part::Listen, "listen"),
    (Part::Turn, "turn"),
];

/// The settings by the environment, with models in the cache unless `BITHUMAN_MODELS` says otherwise.
pub(crate) fn settings() -> Result<LocalSettings, Failure> {
    let cache = match cache_folder() {
        Ok(folder) => folder.join("models"),
        // `BITHUMAN_MODELS` may do without.
        Err(_) => PathBuf::from("models"),
    };
    let variable = |name: &str| std::env::var(name).ok();
    let mut settings = LocalSettings::from_variables(cache, variable)?;
    if settings.library.is_none() && settings.find_library().is_err() {
        // Its errors name the other places, too, where there is none.
        settings.library = brain_from_python();
    }
    Ok(settings)
}

/// Whether `BITHUMAN_LOCAL` asks for a local brain.
pub(crate) fn is_asked_for() -> bool {
    std::env::var("BITHUMAN_LOCAL").is_ok_and(|value| value == "1")
}

/// Whether a local brain would begin as things are.
pub(crate) fn is_ready() -> bool {
    settings().is_ok_and(|settings| {
        let there = |(part, _)| is_well(&settings.find(part));
        PARTS.into_iter().all(there) && settings.find_library().is_ok()
    })
}

/// A local brain, with what is missing of its default models fetched first.
pub(crate) fn open(
    console: &Console,
    interrupt: &Interrupt,
    runtime: Option<PathBuf>,
) -> Result<Local, Failure> {
    let mut settings = settings()?;
    // Looked for before anything is fetched, which would be for nothing.
    settings.find_library()?;
    pull(console, interrupt, &settings, false)?;
    settings.runtime = runtime;
    let local = interrupt.waiting(|| Local::open(settings))?;
    if !console.json() {
        console.note(&format!(
            "The brain is on this machine; voice: {}.\n",
            local.voice()
        ));
    }
    Ok(local)
}

/// Fetches the default models that are missing, damaged or there in part; `all` those that something
/// else stands in for, too. Gives the files.
///
/// # Errors
/// `OFFLINE`, and those of [`fetch`].
pub(crate) fn pull(
    console: &Console,
    interrupt: &Interrupt,
    settings: &LocalSettings,
    all: bool,
) -> Result<Vec<PathBuf>, Failure> {
    let mut models = Vec::new();
    for model in &DEFAULT_MODELS {
        let wanted = match settings.find(model.part) {
            Found::Present(_) | Found::Program(_) => all,
            Found::Damaged(path, _) | Found::Partial(path) | Found::Missing(path) => {
                all || is_default(settings, model, &path)
            }
            _ => false,
        };
        if wanted {
            models.push(model);
        }
    }
    let files = models.iter().flat_map(|model| model.files);
    let missing: Vec<&ModelFile> = files
        .clone()
        .filter(|file| !is_there(settings, file, all))
        .collect();
    let paths = files.map(|file| settings.models.join(file.path)).collect();
    if missing.is_empty() {
        return Ok(paths);
    }
    if is_offline() || std::env::var("HF_HUB_OFFLINE").is_ok_and(|value| value == "1") {
        let lines: Vec<_> = missing
            .iter()
            .map(|file| {
                format!(
                    "  {HUB}/{} belongs at {}",
                    file.address,
                    settings.models.join(file.path).display()
                )
            })
            .collect();
        return Err(Failure::offline(format!(
            "models of the local brain are missing, and BITHUMAN_OFFLINE=1 forbids to fetch them:\n{}",
            lines.join("\n")
        )));
    }
    if !console.json() {
        for model in &models {
            let size: u64 = model.files.iter().map(|file| file.size).sum();
            console.note(&format!(
                "{}, {}, licence {}\n",
                model.name,
                megabytes(size),
                model.licence
            ));
        }
        let size: u64 = missing.iter().map(|file| file.size).sum();
        console.note(&format!(
            "Fetching {} into {}.\n",
            megabytes(size),
            settings.models.display()
        ));
    }
    let set = |name: &&str| std::env::var(name).is_ok_and(|url| !url.trim().is_empty());
    let variable = MIRRORS.iter().find(|name| set(name)).copied();
    let url = variable.and_then(|name| std::env::var(name).ok());
    let hub = url.map_or(HUB.to_owned(), |url| {
        url.trim().trim_end_matches('/').to_owned()
    });
    let client = Client::at(hub.clone(), variable.unwrap_or(MIRRORS[0]))?;
    for file in missing {
        let target = settings.models.join(file.path);
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .map_err(|e| Failure::output(format!("cannot make {}", folder.display()), Some(&e)))?;
        let wanted = Wanted {
            name: file.path.to_owned(),
            url: format!("{hub}/{}", file.address),
            sha256: file.sha256.to_owned(),
            size: Some(file.size),
            limit: file.size,
            partial: essence_brain::partial(&target, file),
            target,
            check: |_| Ok(()),
        };
        fetch(console, interrupt, &client, &wanted)?;
    }
    Ok(paths)
}

/// Whether a part that isn't there is looked for where its default model would be.
fn is_default(settings: &LocalSettings, model: &DefaultModel, path: &Path) -> bool {
    let mut files = model
        .files
        .iter()
        .map(|file| settings.models.join(file.path));
    files.any(|file| file.starts_with(path) || path.starts_with(&file))
}

/// Whether a file is whole: by its size, or thoroughly by its hash.
fn is_there(settings: &LocalSettings, file: &ModelFile, thoroughly: bool) -> bool {
    let path = settings.models.join(file.path);
    let size = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == file.size);
    size && (!thoroughly || hash_of(&path).as_deref() == Some(file.sha256))
}

/// Whether a part needs nothing.
fn is_well(found: &Found) -> bool {
    matches!(
        found,
        Found::BuiltIn | Found::Present(_) | Found::Program(_)
    )
}

/// The parts of a local brain, for `doctor`: an object of each, and lines to read.
pub(crate) fn report() -> (Value, Vec<(String, String)>) {
    let settings = match settings() {
        Ok(settings) => settings,
        Err(failure) => {
            let line = vec![("local brain".to_owned(), failure.message.clone())];
            return (json!({ "error": failure.to_json() }), line);
        }
    };
    let mut lines = Vec::new();
    let mut parts = Vec::new();
    let (library, state) = match settings.find_library() {
        Ok((path, versions)) => (
            json!({ "state": "present", "path": path.display().to_string(), "version": versions }),
            format!("{versions} at {}", path.display()),
        ),
        Err(error) => (
            json!({ "state": "missing", "reason": error.message(), "mend": "pip install bithuman-brain" }),
            "libbithuman_brain is missing: `pip install bithuman-brain` brings it, `cargo xtask brain` builds it"
                .to_owned(),
        ),
    };
    lines.push(("local brain".to_owned(), state));
    for (part, name) in PARTS {
        let found = settings.find(part);
        let (state, path, reason) = match &found {
            Found::Present(path) => ("present", Some(path), None),
            Found::Program(path) => ("program", Some(path), None),
            Found::Damaged(path, reason) => ("damaged", Some(path), Some(reason.clone())),
            Found::Partial(path) => ("partial", Some(path), None),
            Found::Missing(path) => ("missing", Some(path), None),
            Found::BuiltIn => ("built in", None, None),
            _ => continue,
        };
        let mend = match (is_well(&found), part) {
            (true, _) => None,
            (false, Part::Listen) => Some("unset BITHUMAN_LOCAL_VAD"),
            (false, Part::Turn) => Some("unset BITHUMAN_LOCAL_TURN"),
            (false, _) => Some("bithuman pull --local"),
        };
        let bytes = path.and_then(|path| size(path));
        let mut line = match (path, bytes) {
            (Some(path), Some(bytes)) if mend.is_none() => {
                format!("{} ({})", path.display(), megabytes(bytes))
            }
            (Some(path), _) => format!("{state}: {}", path.display()),
            (None, _) if part == Part::Turn => "by the words".to_owned(),
            (None, _) => "earshot, inside the program".to_owned(),
        };
        if let Some(mend) = mend {
            line.push_str(&format!("; `{mend}` mends it"));
        }
        lines.push((format!("  {name}"), line));
        parts.push(json!({
            "part": name,
            "state": state,
            "path": path.map(|path| path.display().to_string()),
            "bytes": bytes,
            "reason": reason,
            "mend": mend,
        }));
    }
    (json!({ "library": library, "parts": parts }), lines)
}

/// Bytes of a file, or of the files in a folder and the folders in it.
fn size(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_file() {
        return Some(metadata.len());
    }
    let sizes = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut total = 0;
    for entry in sizes(path) {
        match fs::metadata(&entry) {
            Ok(metadata) if metadata.is_file() => total += metadata.len(),
            // Voices have one level of folders.
            Ok(_) => {
                let files = sizes(&entry);
                let lengths = files.iter().filter_map(|file| fs::metadata(file).ok());
                total += lengths
                    .filter(fs::Metadata::is_file)
                    .map(|m| m.len())
                    .sum::<u64>();
            }
            Err(_) => {}
        }
    }
    Some(total)
}
