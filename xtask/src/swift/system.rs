//! A Debian that has Swift, unpacked into a folder: the release of this machine may have none, and its C
//! library may be older than Swift's. Nothing is installed; programs run with the folder as their root, in a mount namespace of their own.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::debian::{self, Packages};
use crate::{cache, root, stage};

/// The Debian release that has Swift.
const SUITE: &str = "trixie";
const PACKAGES: [&str; 3] = ["swiftlang", "libc6-dev", "libstdc++-14-dev"];
/// As Debian calls this machine's processor.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "amd64"
};

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
            println!(
                "swift: brings the compiler into {}",
                system.folder.display()
            );
            let packages = Packages {
                suite: Some(SUITE),
                architecture: ARCHITECTURE,
                names: &PACKAGES,
                without: &UNNEEDED,
            };
            let root = match packages.unpack(sh, &system.folder) {
                Ok(root) => root,
                Err(error) => {
                    println!("swift: skipped: {SUITE}'s packages could not be had: {error:#}");
                    return Ok(None);
                }
            };
            for name in ["dev", "proc", "tmp"] {
                sh.create_dir(root.join(name))?;
            }
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
}

/// The first thing that this machine lacks, if anything.
fn missing(sh: &Shell) -> Option<String> {
    if let Some(missing) = debian::missing(sh) {
        return Some(missing);
    }
    if !stage::has(sh, "unshare") {
        return Some("unshare is missing".into());
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
