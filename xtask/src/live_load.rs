//! `cargo xtask live-load` and `live-soak`: what speaking conversations of `bithuman run` cost, and whether
//! they last. The avatar speaks all the time.

mod client;
mod used;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use self::client::{Client, Seen};
use self::used::Used;
use crate::live_figures::rank;
use crate::live_server::Server;
use crate::{command_line, root, runtime};

/// Interruptions of a soak.
const INTERRUPTIONS: u32 = 200;

/// Interruptions that may come to nothing, as those between two replies.
const INTERRUPTIONS_LOST: u64 = 5;

/// Growth and drift of a soak beyond which it has failed. Each interruption that kept 60 kB would show.
const GROWTH_MB: f64 = 8.0;
const DRIFT_MS: f64 = 40.0;

/// The load of one run.
#[derive(Clone, Copy, Debug)]
struct Load {
    sessions: usize,
    time: Duration,
    /// From one interruption of a session to its next; None: nobody interrupts.
    interrupted_every: Option<Duration>,
}

/// `sessions` conversations for `seconds`.
pub(crate) fn load(sh: &Shell, sessions: &str, seconds: &str) -> Result<()> {
    let load = Load {
        sessions: sessions.parse()?,
        time: Duration::from_secs(seconds.parse()?),
        interrupted_every: None,
    };
    cmd!(sh, "cargo build --release --locked --package bithuman-cli").run()?;
    run(sh, &root().join("target/release/bithuman"), load)
}

/// One conversation for `minutes`, with an open microphone and 200 interruptions, by voice and by button
/// in turn. A test rather than a figure: with the development build, whose assertions are on.
pub(crate) fn soak(sh: &Shell, minutes: &str) -> Result<()> {
    let time = Duration::from_secs(60 * minutes.parse::<u64>()?);
    let load = Load {
        sessions: 1,
        time,
        interrupted_every: Some(time / (INTERRUPTIONS + 1)),
    };
    run(sh, &command_line(sh)?, load)
}

fn run(sh: &Shell, program: &Path, load: Load) -> Result<()> {
    runtime::ensure(sh)?;
    let folder = tempfile::tempdir()?;
    let script = script(folder.path())?;
    let server = Server::start(
        program,
        &[
            "testdata/avatars/mika.imx",
            "--no-webrtc",
            "--session-limit",
            "600",
            "--brain",
            &format!("script:{script}"),
            "--max-sessions",
            &load.sessions.to_string(),
        ],
    )?;
    let over = AtomicBool::new(false);
    let (seen, used) = std::thread::scope(|scope| -> Result<_> {
        let talking: Vec<_> = (0..load.sessions)
            .map(|_| {
                Client::open(&server.url)
                    .map(|c| scope.spawn(|| c.talk(load.interrupted_every, &over)))
            })
            .collect::<Result<_>>()?;
        let used = used::watch(&server, load.time);
        over.store(true, Ordering::Release);
        let seen: Vec<Seen> = talking
            .into_iter()
            .map(|thread| thread.join().expect("a client does not panic"))
            .collect::<Result<_>>()?;
        Ok((seen, used?))
    })?;
    println!("{}", report(load, &seen, &used));
    for seen in &seen {
        ensure!(
            seen.missing == 0,
            "{} packets of sound are missing",
            seen.missing
        );
        ensure!(seen.pictures > 0 && seen.sounds > 0, "a client got nothing");
        if load.interrupted_every.is_some() {
            lasts(seen, &used)?;
        }
    }
    Ok(())
}

/// Whether a soak went as well at its end as at its begin.
fn lasts(seen: &Seen, used: &Used) -> Result<()> {
    let interrupted = seen.interruptions;
    ensure!(
        interrupted + INTERRUPTIONS_LOST >= u64::from(INTERRUPTIONS),
        "{interrupted} of {INTERRUPTIONS} interruptions came about"
    );
    let drift = seen.drift_ms();
    ensure!(
        drift.abs() <= DRIFT_MS,
        "the sound drifted by {drift:.0} ms"
    );
    let grown = Used::growth(&used.memory_mb);
    ensure!(grown <= GROWTH_MB, "the server grew by {grown:.1} MB");
    for (name, counts) in [("threads", &used.threads), ("open files", &used.files)] {
        let grown = Used::growth(counts);
        ensure!(
            grown <= 2.0,
            "the server has {grown} more {name} than at first"
        );
    }
    Ok(())
}

/// A script whose only reply is a minute of speech.
fn script(folder: &Path) -> Result<String> {
    let speech = fs::read(root().join("testdata/audio/speech_48000.wav"))?;
    let (header, samples) = speech.split_at(44);
    let data = samples.repeat(6);
    let length = u32::try_from(data.len())?;
    let mut file = header.to_vec();
    file[4..8].copy_from_slice(&(length + 36).to_le_bytes());
    file[40..44].copy_from_slice(&length.to_le_bytes());
    file.extend(data);
    fs::write(folder.join("speech.wav"), file)?;
    let path = folder.join("script.json");
    fs::write(
        &path,
        r#"{"replies": [{"text": "A long story.", "sound": "speech.wav"}]}"#,
    )?;
    Ok(path.display().to_string())
}

fn report(load: Load, seen: &[Seen], used: &Used) -> String {
    let mut text = String::new();
    let share = 100.0 * used.processor_s / used.wall_s;
    let gaps = || {
        seen.iter()
            .flat_map(|seen| seen.gaps_ms.iter().copied())
            .collect::<Vec<_>>()
    };
    let rate = |seen: &Seen| seen.pictures as f64 / seen.time.as_secs_f64();
    let slowest = seen.iter().map(rate).fold(f64::INFINITY, f64::min);
    let each = share / load.sessions as f64;
    let _ = writeln!(text, "sessions,{}", load.sessions);
    let _ = writeln!(text, "seconds,{:.0}", used.wall_s);
    let _ = writeln!(text, "processor_percent,{share:.1}");
    let _ = writeln!(text, "processor_percent_each,{each:.1}");
    let _ = writeln!(text, "pictures_per_s_slowest,{slowest:.2}");
    let _ = writeln!(text, "picture_gap_ms_99,{:.0}", rank(gaps(), 0.99));
    let _ = writeln!(text, "picture_gap_ms_longest,{:.0}", rank(gaps(), 1.0));
    let missing: u64 = seen.iter().map(|seen| seen.missing).sum();
    let _ = writeln!(text, "sound_packets_missing,{missing}");
    let interruptions: u64 = seen.iter().map(|seen| seen.interruptions).sum();
    let _ = writeln!(text, "interruptions,{interruptions}");
    let stalls: usize = seen.iter().map(Seen::stalls).sum();
    let _ = writeln!(text, "stalls_of_the_machine,{stalls}");
    let drift = seen.iter().map(Seen::drift_ms);
    let _ = writeln!(
        text,
        "drift_ms_largest,{:.1}",
        drift.fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a })
    );
    for (name, values) in [
        ("memory_mb", &used.memory_mb),
        ("threads", &used.threads),
        ("open_files", &used.files),
    ] {
        let values: Vec<_> = values.iter().map(|x| format!("{x:.0}")).collect();
        let _ = writeln!(text, "{name},{}", values.join(" "));
    }
    text.trim_end().to_owned()
}
