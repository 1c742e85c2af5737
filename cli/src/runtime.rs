//! ONNX Runtime where `pip install onnxruntime` puts it, so that no variable has to be set.
//!
//! No Python is started: the folders of packages follow from where interpreters lie. The working
//! folder is not searched: a library that lies there is somebody's data, not the user's choice.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use essence::{Engine, Error, ErrorKind};

/// Places of Python by the user's environment.
#[derive(Debug, Default)]
struct Places {
    /// `VIRTUAL_ENV`, `CONDA_PREFIX`: the active environment.
    active: Vec<PathBuf>,
    /// `PATH`.
    path: Option<OsString>,
    home: Option<PathBuf>,
    /// `PYENV_ROOT`.
    pyenv: Option<PathBuf>,
    /// `LOCALAPPDATA` and `APPDATA` of Windows.
    local_app_data: Option<PathBuf>,
    app_data: Option<PathBuf>,
}

/// Keeps ONNX Runtime from collecting data for its maker: builds of 1.31 write a device's id and a
/// database of events into the user's cache folder as soon as they are loaded. Called first of all.
#[expect(unsafe_code, reason = "the only switch is an environment variable")]
pub(crate) fn forbid_telemetry() {
    const SWITCH: &str = "ORT_DISABLE_TELEMETRY";
    if std::env::var_os(SWITCH).is_none_or(|value| value != "1") {
        // SAFETY: `main` calls this before anything else, so there is one thread, and no other code
        // reads or writes the environment meanwhile.
        unsafe { std::env::set_var(SWITCH, "1") };
    }
}

/// An engine on a library from Python's packages. `missing`: why none was found elsewhere; the
/// error, if there is none here either, names all places.
pub(crate) fn from_python(
    missing: &Error,
    build: impl Fn(PathBuf) -> essence::Result<Engine>,
) -> essence::Result<Engine> {
    let folders = Places::from_environment().packages();
    let mut tried = Vec::new();
    for library in folders.iter().filter_map(|folder| library(folder)) {
        match build(library) {
            Err(e) if e.kind() == ErrorKind::RuntimeMissing => {
                let reason = e.message().lines().last().unwrap_or_default();
                tried.push(reason.trim().to_owned());
            }
            result => return result,
        }
    }
    if tried.is_empty() {
        tried.push(match folders.as_slice() {
            [] => "Python's packages: no Python on PATH".to_owned(),
            folders => {
                let shown: Vec<_> = folders.iter().map(|f| f.display().to_string()).collect();
                format!("Python's packages: no onnxruntime in {}", shown.join(", "))
            }
        });
    }
    let message = format!("{}\n  {}", missing.message(), tried.join("\n  "));
    Err(Error::new(ErrorKind::RuntimeMissing, message))
}

/// `libbithuman_brain` as the package `bithuman-brain` has it.
pub(crate) fn brain_from_python() -> Option<PathBuf> {
    brain_in(&Places::from_environment().packages())
}

fn brain_in(folders: &[PathBuf]) -> Option<PathBuf> {
    let name = format!("{DLL_PREFIX}bithuman_brain{DLL_SUFFIX}");
    let mut paths = folders
        .iter()
        .map(|folder| folder.join("bithuman_brain").join(&name));
    paths.find(|path| path.is_file())
}

impl Places {
    fn from_environment() -> Self {
        let folder = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from).filter(|path| path.is_absolute())
        };
        let active = ["VIRTUAL_ENV", "CONDA_PREFIX"]
            .into_iter()
            .filter_map(folder);
        Self {
            active: active.collect(),
            path: std::env::var_os("PATH"),
            home: std::env::home_dir().filter(|path| path.is_absolute()),
            pyenv: folder("PYENV_ROOT"),
            local_app_data: folder("LOCALAPPDATA"),
            app_data: folder("APPDATA"),
        }
    }

    /// The folders of packages that exist, the active environment's first, then in the order of
    /// `PATH`, then the user's own.
    fn packages(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let prefixes = self.active.iter().cloned().chain(self.interpreters());
        for prefix in prefixes.chain(self.installations()) {
            for folder in packages_of(&prefix) {
                if !found.contains(&folder) {
                    found.push(folder);
                }
            }
        }
        found
    }

    /// The prefixes of interpreters on `PATH` (`PREFIX/bin/python3`), and of those that links there
    /// lead to.
    fn interpreters(&self) -> Vec<PathBuf> {
        let names = ["python3", "python", "python3.exe", "python.exe"];
        let mut prefixes = Vec::new();
        for folder in self.path.iter().flat_map(std::env::split_paths) {
            let interpreter = names.iter().map(|name| folder.join(name));
            let Some(interpreter) = interpreter.into_iter().find(|path| path.is_file()) else {
                continue;
            };
            if !folder.is_absolute() {
                continue;
            }
            // On Windows the interpreter lies in the prefix itself, elsewhere (and in environments
            // of Windows) one folder down.
            prefixes.extend([folder.clone()].into_iter().filter(|_| cfg!(windows)));
            prefixes.extend(folder.parent().map(Path::to_owned));
            let real = interpreter.canonicalize().ok();
            let real = real
                .as_deref()
                .and_then(Path::parent)
                .and_then(Path::parent);
            prefixes.extend(real.map(Path::to_owned));
        }
        prefixes
    }

    /// Prefixes apart from `PATH`: pyenv's versions, Homebrew, what `pip install --user` uses.
    fn installations(&self) -> Vec<PathBuf> {
        let home = |path: &str| self.home.as_ref().map(|home| home.join(path));
        let pyenv = self.pyenv.clone().or_else(|| home(".pyenv"));
        let mut prefixes = Vec::new();
        prefixes.extend(home(".local"));
        prefixes.extend(
            self.app_data
                .iter()
                .flat_map(|f| children(&f.join("Python"), "Python")),
        );
        prefixes.extend(home("Library/Python").iter().flat_map(|f| children(f, "")));
        prefixes.extend(pyenv.iter().flat_map(|f| children(&f.join("versions"), "")));
        let programs = self
            .local_app_data
            .iter()
            .map(|f| f.join("Programs/Python"));
        prefixes.extend(programs.flat_map(|f| children(&f, "Python")));
        if cfg!(unix) {
            prefixes.extend(["/usr/local", "/opt/homebrew", "/usr"].map(PathBuf::from));
        }
        prefixes
    }
}

/// The folders of packages below a prefix: `lib/python3.12/site-packages`, Debian's
/// `dist-packages`, macOS's `lib/python/site-packages`, Windows' `Lib\site-packages` and
/// `site-packages`.
fn packages_of(prefix: &Path) -> Vec<PathBuf> {
    let versions = ["lib", "lib64"].map(|lib| children(&prefix.join(lib), "python"));
    let versions = versions.into_iter().flatten();
    let folders = versions.flat_map(|v| [v.join("site-packages"), v.join("dist-packages")]);
    let windows = [
        prefix.join("Lib/site-packages"),
        prefix.join("site-packages"),
    ];
    let folders = folders.chain(windows);
    folders.filter(|folder| folder.is_dir()).collect()
}

/// The folders in `folder` whose names begin with `prefix`, newest version first.
fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default();
        path.is_dir() && name.to_string_lossy().starts_with(prefix)
    });
    let mut found: Vec<_> = names.collect();
    found.sort_by_key(|path| std::cmp::Reverse(version(path)));
    found
}

/// The library of the package `onnxruntime` (or one of its variants, which share the name) in a
/// folder of packages; the newest, if an update left two.
fn library(packages: &Path) -> Option<PathBuf> {
    let begin = match () {
        () if cfg!(windows) => "onnxruntime.dll",
        () if cfg!(target_vendor = "apple") => "libonnxruntime.",
        () => "libonnxruntime.so",
    };
    let entries = std::fs::read_dir(packages.join("onnxruntime/capi")).ok()?;
    let paths = entries.flatten().map(|entry| entry.path());
    let libraries = paths.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(begin) && path.is_file()
    });
    libraries.max_by_key(|path| version(path))
}

/// The numbers in a name: `libonnxruntime.so.1.23.2` -> [1, 23, 2].
fn version(path: &Path) -> Vec<u64> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbers = name.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files in it.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder for the test");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, "").expect("a file");
        }
        folder
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_newest_library_of_an_environment_is_found() {
        let capi = "lib/python3.11/site-packages/onnxruntime/capi";
        let files = ["1.9.0", "1.23.2", "1.20.1"].map(|v| format!("{capi}/libonnxruntime.so.{v}"));
        let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
        let providers = format!("{capi}/libonnxruntime_providers_shared.so");
        files.extend(["bin/python3", &providers]);
        let folder = tree(&files);
        let places = Places {
            path: Some(folder.path().join("bin").into()),
            ..Places::default()
        };
        let found: Vec<_> = places
            .packages()
            .iter()
            .filter_map(|f| library(f))
            .collect();
        assert_eq!(found[0], folder.path().join(files[1]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_brains_library_is_found_in_the_first_folder_that_has_it() {
        let file = "bithuman_brain/libbithuman_brain.so";
        let (none, first, second) = (tree(&["x"]), tree(&[file]), tree(&[file]));
        let folders = [&none, &first, &second].map(|folder| folder.path().to_owned());
        assert_eq!(brain_in(&folders), Some(first.path().join(file)));
        assert_eq!(brain_in(&folders[..1]), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_active_environment_comes_before_the_path_and_the_home_after_it() {
        let files = [
            "venv/lib/python3.13/site-packages/x",
            "opt/bin/python3",
            "opt/lib/python3.9/site-packages/x",
            "opt/lib/python3.10/site-packages/x",
            "debian/bin/python3",
            "debian/lib/python3/dist-packages/x",
            "home/.local/lib/python3.12/site-packages/x",
            "home/.pyenv/versions/3.12.1/lib/python3.12/site-packages/x",
            "home/Library/Python/3.9/lib/python/site-packages/x",
            "no_python/lib/python3.9/site-packages/x",
        ];
        let root = tree(&files);
        let at = |path: &str| root.path().join(path);
        let path = [at("no_python/bin"), at("opt/bin"), at("debian/bin")];
        let places = Places {
            active: vec![at("venv")],
            path: std::env::join_paths(path).ok(),
            home: Some(at("home")),
            ..Places::default()
        };
        let found = places.packages();
        let ours: Vec<_> = found
            .iter()
            .filter(|p| p.starts_with(root.path()))
            .collect();
        let expected = [
            "venv/lib/python3.13/site-packages",
            "opt/lib/python3.10/site-packages",
            "opt/lib/python3.9/site-packages",
            "debian/lib/python3/dist-packages",
            "home/.local/lib/python3.12/site-packages",
            "home/Library/Python/3.9/lib/python/site-packages",
            "home/.pyenv/versions/3.12.1/lib/python3.12/site-packages",
        ];
        assert_eq!(ours, expected.map(at).iter().collect::<Vec<_>>());
    }
}
