//! A place where C's test programs are compiled against the library and run.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::root;

/// The test programs.
pub(crate) const PROGRAMS: [&str; 5] = ["smoke", "errors", "threads", "sessions", "control"];

/// A folder with the library under the names that linkers and loaders look for, and the programs.
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
}

impl Stage {
    pub(crate) fn new(sh: &Shell, folder: &str, libraries: &Path) -> Result<Self> {
        let folder = root().join(folder);
        sh.create_dir(folder.join("lib"))?;
        for name in ["libessence.so", "libessence.a"] {
            sh.copy_file(libraries.join(name), folder.join("lib").join(name))?;
        }
        Ok(Self { folder })
    }

    pub(crate) fn text(&self) -> String {
        self.folder.to_string_lossy().into_owned()
    }

    /// Makes programs load this library. Cargo has its own folders searched before a program's run
    /// path, and another libessence lies there.
    pub(crate) fn loaded<'a>(&self, sh: &'a Shell) -> xshell::PushEnv<'a> {
        sh.push_env("LD_LIBRARY_PATH", self.folder.join("lib"))
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join("lib/libessence.so")
    }

    /// Compiles a program against the shared library.
    pub(crate) fn compile(
        &self,
        sh: &Shell,
        compiler: &str,
        source: &str,
        name: &str,
        flags: &[&str],
    ) -> Result<()> {
        let (libraries, program) = (self.folder.join("lib"), self.folder.join(name));
        let run_path = format!("-Wl,-rpath,{}", libraries.display());
        let flags = flags.iter().copied();
        cmd!(
            sh,
            "{compiler} -g -Wall -Wextra -Wpedantic -Werror {flags...} -Iinclude {source} -o {program} -L{libraries} -lessence
             -lpthread -lm {run_path}"
        )
        .quiet()
        .run()?;
        Ok(())
    }

    pub(crate) fn run(&self, sh: &Shell, name: &str, arguments: &[&str]) -> Result<()> {
        let program = self.folder.join(name);
        cmd!(sh, "{program} {arguments...}").quiet().run()?;
        Ok(())
    }
}

/// Whether a program can be run here.
pub(crate) fn has(sh: &Shell, program: &str) -> bool {
    cmd!(sh, "{program} --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}

/// A compiler for `target`, as cargo calls compilers: zig says targets and processors its own way.
pub(crate) fn zig(sh: &Shell, python: &Path, target: &str, name: &str, path: &Path) -> Result<()> {
    let python = python.display();
    sh.write_file(
        path,
        format!(
            "#!{python}\nimport os, sys\n\
             other = ('--target=', '-march=')\n\
             kept = [a for a in sys.argv[1:] if not a.startswith(other) and a != '-m32']\n\
             zig = ['{python}', '-m', 'ziglang', '{name}', '-target', '{target}']\n\
             os.execv(zig[0], zig + kept)\n"
        ),
    )?;
    cmd!(sh, "chmod +x {path}").quiet().run()?;
    Ok(())
}
