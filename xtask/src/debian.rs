//! Packages of Debian's, of any release and processor, taken apart into a folder instead of installed.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages for a folder.
pub(crate) struct Packages<'a> {
    /// The release; None: the one that apt is set up with here.
    pub(crate) suite: Option<&'a str>,
    /// As Debian calls the processor.
    pub(crate) architecture: &'a str,
    /// With all that they depend on.
    pub(crate) names: &'a [&'a str],
    /// Patterns of files that stay out.
    pub(crate) without: &'a [&'a str],
}

/// The first thing that this machine lacks for it, if anything.
pub(crate) fn missing(sh: &Shell) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("Debian's packages are of use on Linux".into());
    }
    for program in ["apt-get", "dpkg-deb", "tar", "bash"] {
        let there = cmd!(sh, "{program} --version").quiet();
        if there.ignore_stdout().ignore_stderr().run().is_err() {
            return Some(format!("{program} is missing"));
        }
    }
    let keys = Path::new(KEYS).is_file();
    (!keys).then(|| format!("{KEYS} is missing (debian-archive-keyring)"))
}

/// Takes packages of this machine's release apart into `to`, without those that they depend on.
///
/// # Errors
/// apt has no such package, or its archive can't be reached.
pub(crate) fn take_apart(sh: &Shell, names: &[&str], to: &Path) -> Result<()> {
    let download = sh.create_temp_dir()?;
    let _dir = sh.push_dir(download.path());
    let load = || cmd!(sh, "apt-get download --quiet {names...}");
    if load().ignore_stderr().run().is_err() {
        cmd!(sh, "apt-get update --quiet").run()?;
        load().run()?;
    }
    for package in sh.read_dir(".")? {
        cmd!(sh, "dpkg-deb --extract {package} {to}")
            .quiet()
            .run()?;
    }
    Ok(())
}

impl Packages<'_> {
    /// Into `root` below `folder`, which is new then.
    ///
    /// # Errors
    /// apt has no archive of Debian, or it can't be reached.
    pub(crate) fn unpack(&self, sh: &Shell, folder: &Path) -> Result<PathBuf> {
        sh.remove_path(folder)?;
        let (apt, to) = (folder.join("apt"), folder.join("root"));
        self.download(sh, &apt)?;
        for name in ["bin", "lib", "lib64", "sbin"] {
            sh.create_dir(to.join("usr").join(name))?;
            cmd!(sh, "ln -s usr/{name} {to}/{name}").quiet().run()?;
        }
        let without = self.without.iter();
        let without: Vec<_> = without
            .map(|pattern| format!("'--exclude={pattern}'"))
            .collect();
        let mut count = 0;
        for package in sh.read_dir(apt.join("archives"))? {
            if package.extension().is_none_or(|ending| ending != "deb") {
                continue;
            }
            // In a pipe: uncompressed, a compiler's archive is 2 GB.
            let line = format!(
                "set -o pipefail; dpkg-deb --fsys-tarfile '{}' | tar --extract --keep-directory-symlink --directory '{}' {}",
                package.display(),
                to.display(),
                without.join(" ")
            );
            cmd!(sh, "bash -c {line}").quiet().run()?;
            count += 1;
        }
        ensure!(count > 0, "apt brought no packages");
        sh.remove_path(apt)?;
        Ok(to)
    }

    fn download(&self, sh: &Shell, apt: &Path) -> Result<()> {
        for folder in ["lists/partial", "archives/partial"] {
            sh.create_dir(apt.join(folder))?;
        }
        let [mirror, codename] = archive(sh)?;
        let suite = self.suite.unwrap_or(&codename);
        sh.write_file(
            apt.join("sources.list"),
            format!("deb [signed-by={KEYS}] {mirror} {suite} main\n"),
        )?;
        sh.write_file(apt.join("status"), "")?;
        let (at, architecture) = (apt.display(), self.architecture);
        // Apart from what this machine has installed; its proxies and passwords stay.
        let options = [
            format!("APT::Architecture={architecture}"),
            format!("APT::Architectures={architecture}"),
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
        ]
        .map(|option| format!("--option={option}"));
        let (options, names) = (&options, self.names);
        cmd!(sh, "apt-get --quiet --quiet {options...} update").run()?;
        cmd!(
            sh,
            "apt-get --quiet --quiet {options...} install --yes --download-only --no-install-recommends {names...}"
        )
        .run()?;
        Ok(())
    }
}

/// Debian's archive that apt is set up with here, and its release.
fn archive(sh: &Shell) -> Result<[String; 2]> {
    // Known once the lists are there.
    let find = || -> Result<Option<[String; 2]>> {
        let format = "$(ORIGIN) $(REPO_URI) $(CODENAME)";
        let said = cmd!(
            sh,
            "apt-get indextargets --format {format} 'Created-By: Packages'"
        );
        let said = said.quiet().read()?;
        let lines = said.lines().filter_map(|line| line.strip_prefix("Debian "));
        let mut lines = lines.filter_map(|line| line.split_once(' '));
        let found = lines.find(|(address, _)| !address.contains("security"));
        Ok(found.map(|(address, codename)| [address.to_owned(), codename.to_owned()]))
    };
    if let Some(found) = find()? {
        return Ok(found);
    }
    cmd!(sh, "apt-get --quiet --quiet update").run()?;
    find()?.ok_or_else(|| anyhow::anyhow!("apt has no archive of Debian"))
}
