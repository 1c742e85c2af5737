//! The Swift package: built and tested as those who use it on Linux do, against an installed libessence.

mod system;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{install, root};
use system::System;

const PACKAGE: &str = "bindings/swift";
/// Rounds of each program, and drawings of the speech in each.
const ALTERNATIONS: u32 = 7;
const ROUNDS: &str = "4";
const DOCUMENTS: [&str; 2] = ["docs/swift.md", "bindings/swift/README.md"];

/// A compiler, and an installed library for it.
struct Bench {
    system: System,
    prefix: PathBuf,
}

/// Brings the compiler, unless that can't be.
pub(crate) fn prepare(sh: &Shell) -> Result<()> {
    System::ensure(sh).map(drop)
}

/// `cargo xtask bindings swift`: the package's tests, its programs, those of the documents, its manifest.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    let Some(bench) = Bench::new(sh, false)? else {
        return Ok(());
    };
    bench.manifests(sh)?;
    bench
        .swift(sh, "build", "build", &["--build-tests"])?
        .run()?;
    bench.swift(sh, "test", "build", &["--skip-build"])?.run()?;
    bench.programs(sh)?;
    bench.documented(sh)
}

/// `cargo xtask bindings swift --sanitize`: the tests under `ThreadSanitizer` and `AddressSanitizer`. They
/// see the Swift code and what it gives to the library; `c-test` has the library itself.
pub(crate) fn sanitize(sh: &Shell) -> Result<()> {
    let Some(bench) = Bench::new(sh, false)? else {
        return Ok(());
    };
    bench.sanitized(sh, "thread")?;
    bench.sanitized(sh, "address")
}

/// `cargo xtask bindings swift --figures`: processor time that a program takes in Swift and in C.
pub(crate) fn figures(sh: &Shell) -> Result<()> {
    let Some(bench) = Bench::new(sh, true)? else {
        return Ok(());
    };
    bench
        .swift(
            sh,
            "build",
            "release",
            &["-c", "release", "--product", "cost"],
        )?
        .run()?;
    let (c, swift) = (
        bench.folder().join("cost"),
        bench.folder().join("release/release/cost"),
    );
    let (prefix, source) = (&bench.prefix, "bindings/swift/Examples/cost.c");
    cmd!(
        sh,
        "gcc -O2 -Wall -Werror -I{prefix}/include {source} -o {c} -L{prefix}/lib -lessence"
    )
    .run()?;
    let mut least = [f64::INFINITY; 3];
    // In turn, so that what else the machine does falls on all.
    for _ in 0..ALTERNATIONS {
        for (way, least) in [None, Some("room"), Some("kept")].iter().zip(&mut least) {
            let program = match way {
                None => cmd!(sh, "{c}").quiet(),
                Some(way) => bench.system.command(sh, &swift, &root())?.arg(way),
            };
            let program = program.args([
                "testdata/avatars/mika.imx",
                "testdata/audio/speech_16000.wav",
            ]);
            *least = least.min(seconds(&bench.linked(program.arg(ROUNDS)).read()?)?);
        }
    }
    println!("program,seconds,of_c");
    for (name, seconds) in ["c", "swift room", "swift kept"].iter().zip(least) {
        println!("{name},{seconds:.3},{:.4}", seconds / least[0]);
    }
    Ok(())
}

/// The seconds that a program said it took.
fn seconds(said: &str) -> Result<f64> {
    let number = said
        .split(", ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let number = number.with_context(|| format!("no seconds in {said:?}"))?;
    Ok(number.parse()?)
}

impl Bench {
    fn new(sh: &Shell, release: bool) -> Result<Option<Self>> {
        let Some(system) = System::ensure(sh)? else {
            return Ok(None);
        };
        let name = if release { "prefix-release" } else { "prefix" };
        let prefix = root().join("target/swift").join(name);
        let at = prefix.to_string_lossy();
        let words = ["--prefix", &at, "--debug"];
        install::install(sh, if release { &words[..2] } else { &words })?;
        Ok(Some(Self { system, prefix }))
    }

    fn folder(&self) -> PathBuf {
        root().join("target/swift")
    }

    /// Swift's package manager, which finds the library by pkg-config.
    fn swift<'a>(&self, sh: &'a Shell, verb: &str, build: &str, flags: &[&str]) -> Result<Cmd<'a>> {
        let command = self
            .system
            .command(sh, "swift".as_ref(), &root())?
            .args([verb, "--disable-sandbox", "--package-path"])
            .arg(root().join(PACKAGE))
            .arg("--scratch-path")
            .arg(self.folder().join(build))
            .args(flags);
        Ok(self.linked(command))
    }

    /// The tests with a sanitizer.
    fn sanitized(&self, sh: &Shell, name: &'static str) -> Result<()> {
        let build = format!("build-{name}");
        let flags = ["--sanitize", name, "-Xswiftc", "-DSANITIZED"];
        let flags = |more: &[&'static str]| [&flags[..], more].concat();
        self.swift(sh, "build", &build, &flags(&["--build-tests"]))?
            .run()?;
        // Hashes take minutes there.
        let run = flags(&["--skip-build", "--skip", "ConformanceTests"]);
        let suppressions = root().join("ffi/tests/tsan.supp");
        // The runner of the tests keeps them.
        let leaks = self.folder().join("leaks.supp");
        sh.write_file(&leaks, "leak:libXCTest\n")?;
        self.swift(sh, "test", &build, &run)?
            .env(
                "TSAN_OPTIONS",
                format!("halt_on_error=1:suppressions={}", suppressions.display()),
            )
            .env("ASAN_OPTIONS", "detect_stack_use_after_return=1")
            .env("LSAN_OPTIONS", format!("suppressions={}", leaks.display()))
            .run()?;
        println!("swift: no reports of the {name} sanitizer");
        Ok(())
    }

    fn linked<'a>(&self, command: Cmd<'a>) -> Cmd<'a> {
        let library = self.prefix.join("lib");
        command
            .env("PKG_CONFIG_PATH", library.join("pkgconfig"))
            .env("LD_LIBRARY_PATH", library)
    }

    /// The manifest for each way in which the library can come.
    fn manifests(&self, sh: &Shell) -> Result<()> {
        for (framework, kind) in [
            (None, "system"),
            (Some("Essence.xcframework"), "binary"),
            (
                Some("https://example.org/Essence.xcframework.zip"),
                "binary",
            ),
        ] {
            let mut command = self.swift(sh, "package", "manifest", &["dump-package"])?;
            if let Some(framework) = framework {
                command = command
                    .env("ESSENCE_XCFRAMEWORK", framework)
                    .env("ESSENCE_XCFRAMEWORK_CHECKSUM", "0".repeat(64));
            }
            let said: serde_json::Value = serde_json::from_str(&command.read()?)?;
            let targets = said["targets"]
                .as_array()
                .context("a manifest has targets")?;
            let library = targets.iter().find(|target| target["name"] == "CEssence");
            let library = library.context("a manifest has the target CEssence")?;
            ensure!(
                library["type"] == kind,
                "with {framework:?} the library is a target of another kind: {library}"
            );
        }
        println!("swift: the manifest has a system library and binary targets");
        Ok(())
    }

    /// The programs that come with the package.
    fn programs(&self, sh: &Shell) -> Result<()> {
        let [avatar, speech] = ["avatars/toy.imx", "audio/speech_16000.wav"]
            .map(|name| root().join("testdata").join(name));
        let video = self.folder().join("speech.mp4");
        for (name, output, expected) in [
            ("render", Some(&video), "276 frames of 64 x 48"),
            ("talk", None, "176640 samples"),
        ] {
            let program = self.folder().join("build/debug").join(name);
            let command = self.system.command(sh, &program, &root())?;
            let command = command.args([&avatar, &speech]).args(output);
            let said = self.linked(command).read()?;
            ensure!(said.contains(expected), "{name} said {said:?}");
            println!("swift: {name}: {said}");
        }
        Ok(())
    }

    /// The programs in the documents, which are files there, compile and run.
    fn documented(&self, sh: &Shell) -> Result<()> {
        let folder = self.folder().join("documents");
        sh.create_dir(&folder)?;
        for (from, to) in [
            ("avatars/toy.imx", "avatar.imx"),
            ("audio/speech_16000.wav", "speech.wav"),
        ] {
            sh.copy_file(root().join("testdata").join(from), folder.join(to))?;
        }
        let (build, prefix) = (self.folder().join("build/debug"), self.prefix.display());
        let objects: Vec<PathBuf> = sh.read_dir(build.join("bitHumanKit.build"))?;
        let objects = objects
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "o"));
        let objects: Vec<PathBuf> = objects.collect();
        let mut count = 0;
        for document in DOCUMENTS {
            let text = sh.read_file(root().join(document))?;
            for block in text.split("\n```swift\n").skip(1) {
                let code = block.split("\n```").next().unwrap_or_default();
                if !code.contains("import bitHumanKit") {
                    continue;
                }
                let at = folder.join(format!("program_{count}"));
                sh.create_dir(&at)?;
                sh.write_file(at.join("main.swift"), code)?;
                let compiler = self
                    .system
                    .command(sh, "swiftc".as_ref(), &root())?
                    .arg(at.join("main.swift"));
                let compiler = compiler
                    .arg("-o")
                    .arg(at.join("program"))
                    .args(["-swift-version", "6", "-I"])
                    .arg(build.join("Modules"))
                    .arg("-I")
                    .arg(root().join(PACKAGE).join("Sources/CEssence"))
                    .args(["-Xcc", &format!("-I{prefix}/include")])
                    .args(&objects)
                    .arg(format!("-L{prefix}/lib"))
                    .arg("-lessence");
                compiler
                    .run()
                    .with_context(|| format!("program {count} of the documents, in {document}"))?;
                let program = self.system.command(sh, &at.join("program"), &folder)?;
                let said = self.linked(program).read()?;
                println!("swift: {document}: {said}");
                ensure!(
                    said.contains("frames"),
                    "a program of {document} said {said:?}"
                );
                count += 1;
            }
        }
        ensure!(
            count >= 2,
            "the documents have {count} programs, not one each"
        );
        Ok(())
    }
}
