//! A Debian that has Swift, unpacked into a folder: the release of this machine may have none, and its C
//! library may be older than Swift's. Nothing is installed: packages are taken apart, and programs run
//! with the folder as their root, in a mount namespace of their own.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{cache, root};

/// The Debian release that has Swift.
const SUITE: &str = "trixie";
const PACKAGES: [&str; 3] = ["swiftlang", "libc6-dev", "libstdc++-14-dev"];
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Patterns of files that are not unpacked, half of it all: debuggers, editors' servers, other processors' libraries.
const UNNEEDED: [&str; 12] = [
    "./usr/share/doc",
    "./usr/share/locale",
    "./usr/share/man",
    "*/bin/clangd",
    "*/bin/docc",
    "*/bin/lldb*",
    "*/bin/swift-format",
    "*/swift/FrameworkABIBaseline",
    "*/swift/embedded",
    "*/swift_static",
    "*liblldb*",
    "*sourcekit*",
];

/// Mounts what programs need into `$1`, and the repository `$2`; runs the rest in its folder `$3`.
const ENTER: &str = "set -e
system=$1 repository=$2 folder=$3
shift 3
for name in proc dev tmp; do mount --rbind /$name \"$system/$name\"; done
mkdir -p \"$system/$repository\"
mount --bind \"$repository\" \"$system/$repository\"
exec unshare --root=\"$system\" --wd=\"$folder\" \"$@\"";

/// The folder, ready to be used.
pub(super) struct System {
    folder: PathBuf,
}

impl System {
    /// The system, in the user's cache; brought there unless it is. Where that can't be, says what is
    /// missing and gives None.
    pub(super) fn ensure(sh: &Shell) -> Result<Option<Self>> {
        if let Some(missing) = missing(sh) {
            println!("swift: skipped: {missing}");
            return Ok(None);
        }
        let system = Self {
            folder: cache::folder().join(format!("swift-{SUITE}")),
        };
        if !system.folder.join("ready").is_file() {
            let Some(mirror) = mirror(sh)? else {
                println!("swift: skipped: apt has no archive of Debian to bring Swift from");
                return Ok(None);
            };
            println!(
                "swift: brings the compiler into {}",
                system.folder.display()
            );
            sh.remove_path(&system.folder)?;
            if let Err(error) = system.download(sh, &mirror) {
                println!("swift: skipped: {SUITE}'s packages could not be loaded: {error}");
                return Ok(None);
            }
            system.unpack(sh)?;
            sh.write_file(system.folder.join("ready"), "")?;
        }
        Ok(Some(system))
    }

    /// A program of the system's, in a folder of the repository, with nothing of this environment.
    pub(super) fn command<'a>(
        &self,
        sh: &'a Shell,
        program: &Path,
        folder: &Path,
    ) -> Result<Cmd<'a>> {
        let (system, repository) = (self.root(), root());
        let home = root().join("target/swift/home");
        sh.create_dir(&home)?;
        let user = as_root(sh);
        Ok(cmd!(
            sh,
            "unshare --mount {user...} sh -c {ENTER} sh {system} {repository} {folder} {program}"
        )
        .env_clear()
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env(
            "PATH",
            "/usr/libexec/swift/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .quiet())
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn apt(&self) -> PathBuf {
        self.folder.join("apt")
    }

    fn download(&self, sh: &Shell, mirror: &str) -> Result<()> {
        let apt = self.apt();
        for folder in ["lists/partial", "archives/partial"] {
            sh.create_dir(apt.join(folder))?;
        }
        sh.write_file(
            apt.join("sources.list"),
            format!("deb [signed-by={KEYS}] {mirror} {SUITE} main\n"),
        )?;
        sh.write_file(apt.join("status"), "")?;
        let at = apt.display();
        // Apart from what this machine has installed; its proxies and passwords stay.
        let options = &[
            format!("Dir::State={at}"),
            format!("Dir::State::status={at}/status"),
            format!("Dir::Cache={at}"),
            format!("Dir::Etc::sourcelist={at}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".into(),
            "Dir::Etc::preferences=/dev/null".into(),
            "Dir::Etc::preferencesparts=/dev/null".into(),
            "APT::Keep-Downloaded-Packages=true".into(),
            "APT::Sandbox::User=root".into(),
            "Acquire::Retries=3".into(),
        ];
        let options = || options.iter().map(|option| format!("--option={option}"));
        let set = options();
        cmd!(sh, "apt-get --quiet --quiet {set...} update").run()?;
        let set = options();
        cmd!(
            sh,
            "apt-get --quiet --quiet {set...} install --yes --download-only --no-install-recommends {PACKAGES...}"
        )
        .run()?;
        Ok(())
    }

    fn unpack(&self, sh: &Shell) -> Result<()> {
        let to = self.root();
        for name in ["bin", "lib", "lib64", "sbin"] {
            sh.create_dir(to.join("usr").join(name))?;
            cmd!(sh, "ln -s usr/{name} {to}/{name}").quiet().run()?;
        }
        for name in ["dev", "proc", "tmp"] {
            sh.create_dir(to.join(name))?;
        }
        let without = UNNEEDED.map(|pattern| format!("--exclude={pattern}"));
        let mut count = 0;
        for package in sh.read_dir(self.apt().join("archives"))? {
            if package.extension().is_none_or(|ending| ending != "deb") {
                continue;
            }
            // In a pipe: uncompressed, the compiler's archive is 2 GB.
            let words = without.iter().map(|word| format!("'{word}'"));
            let line = format!(
                "set -o pipefail; dpkg-deb --fsys-tarfile '{}' | tar --extract --keep-directory-symlink --directory '{}' {}",
                package.display(),
                to.display(),
                words.collect::<Vec<_>>().join(" ")
            );
            cmd!(sh, "bash -c {line}").quiet().run()?;
            count += 1;
        }
        ensure!(count > 0, "apt brought no packages");
        sh.remove_path(self.apt())?;
        Ok(())
    }
}

/// The first thing that this machine lacks, if anything.
fn missing(sh: &Shell) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("Swift's tests run on Linux".into());
    }
    for program in ["apt-get", "dpkg-deb", "tar", "bash", "unshare"] {
        let there = cmd!(sh, "{program} --version").quiet();
        if there.ignore_stdout().ignore_stderr().run().is_err() {
            return Some(format!("{program} is missing"));
        }
    }
    if !Path::new(KEYS).is_file() {
        return Some(format!("{KEYS} is missing (debian-archive-keyring)"));
    }
    let user = as_root(sh);
    // The same kinds of mounts as later.
    let allowed = cmd!(
        sh,
        "unshare --mount {user...} sh -c 'mount --rbind /proc /mnt && mount --bind /tmp /mnt'"
    );
    let allowed = allowed.quiet().ignore_stdout().ignore_stderr().run();
    allowed.is_err().then(|| {
        "mounts are not permitted here, and the compiler needs /proc below its root".into()
    })
}

/// Flags that make another user the root of a namespace.
fn as_root(sh: &Shell) -> &'static [&'static str] {
    let user = cmd!(sh, "id -u").quiet().read();
    if user.is_ok_and(|user| user == "0") {
        &[]
    } else {
        &["--user", "--map-root-user"]
    }
}

/// The archive of Debian that apt is set up with here.
fn mirror(sh: &Shell) -> Result<Option<String>> {
    // Known once the lists are there.
    let find = || -> Result<Option<String>> {
        let format = "$(ORIGIN) $(REPO_URI)";
        let said = cmd!(
            sh,
            "apt-get indextargets --format {format} 'Created-By: Packages'"
        );
        let said = said.quiet().read()?;
        let addresses = said.lines().filter_map(|line| line.strip_prefix("Debian "));
        Ok(addresses
            .filter(|address| !address.contains("security"))
            .map(str::to_owned)
            .next())
    };
    match find()? {
        Some(mirror) => Ok(Some(mirror)),
        None => {
            cmd!(sh, "apt-get --quiet --quiet update").run()?;
            find()
        }
    }
}
