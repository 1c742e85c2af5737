//! `cargo xtask live-load`: what speaking conversations of `bithuman run` cost, and whether they last.
//! The clients are plain `WebSocket` connections of this process, so the server's processor time and memory are its
//! own. Everybody speaks all the time.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};
use xshell::{Shell, cmd};

use crate::live_figures::rank;
use crate::live_server::Server;
use crate::{root, runtime};

const TICK: Duration = Duration::from_millis(40);

/// Kinds of messages and their header, as in `essence_live::ws`.
const HEADER_BYTES: usize = 8;
const PICTURES: [u8; 2] = [0, 1];
const OPUS: u8 = 2;

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
    run(sh, load)
}

/// One conversation for `minutes`, with 200 interruptions.
pub(crate) fn soak(sh: &Shell, minutes: &str) -> Result<()> {
    let time = Duration::from_secs(60 * minutes.parse::<u64>()?);
    let load = Load {
        sessions: 1,
        time,
        interrupted_every: Some(time / 201),
    };
    run(sh, load)
}

fn run(sh: &Shell, load: Load) -> Result<()> {
    runtime::ensure(sh)?;
    cmd!(sh, "cargo build --release --locked --package bithuman-cli").run()?;
    let folder = tempfile::tempdir()?;
    let script = script(folder.path())?;
    let server = Server::start(
        "target/release/bithuman",
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
            .map(|_| Client::open(&server.url).map(|c| scope.spawn(|| c.talk(load, &over))))
            .collect::<Result<_>>()?;
        let used = watch(&server, load.time);
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

/// The server's use of the machine.
#[derive(Debug, Default)]
struct Used {
    /// Processor time in seconds, of `wall_s`.
    processor_s: f64,
    wall_s: f64,
    /// Resident memory in MB, at times spread over the run.
    memory_mb: Vec<f64>,
}

/// Waits for `time` and reads the server's figures meanwhile. The first tenth is left out.
fn watch(server: &Server, time: Duration) -> Result<Used> {
    std::thread::sleep(time / 10);
    let (begin, before) = (Instant::now(), processor_s(server)?);
    let mut used = Used::default();
    for _ in 0..9 {
        used.memory_mb.push(memory_mb(server)?);
        std::thread::sleep(time / 10);
    }
    used.memory_mb.push(memory_mb(server)?);
    used.processor_s = processor_s(server)? - before;
    used.wall_s = begin.elapsed().as_secs_f64();
    Ok(used)
}

/// User and system time so far (proc(5): fields 14 and 15 of `stat`, in hundredths).
fn processor_s(server: &Server) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.id()))?;
    let fields = stat
        .rsplit_once(')')
        .context("no name")?
        .1
        .split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).flat_map(str::parse).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn memory_mb(server: &Server) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no VmRSS")?.parse::<f64>()? / 1024.0)
}

/// One conversation.
struct Client(WebSocket<TcpStream>);

/// What a client got.
#[derive(Debug, Default)]
struct Seen {
    pictures: u64,
    sounds: u64,
    /// Numbers of sound that never came.
    missing: u64,
    interruptions: u64,
    /// Milliseconds between pictures.
    gaps_ms: Vec<f64>,
    /// How far the sound is ahead of (−) or behind the clock at the begin and at the end, in milliseconds.
    drift_ms: (f64, f64),
    time: Duration,
}

impl Client {
    fn open(url: &str) -> Result<Self> {
        let mut request = format!("{}/ws", url.replacen("http", "ws", 1)).into_client_request()?;
        let origin = url.rsplit_once('/').context("an address with a code")?.0;
        request.headers_mut().insert("origin", origin.parse()?);
        let stream = TcpStream::connect(origin.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (mut socket, _) = tungstenite::client(request, stream)?;
        socket.send(Message::text(r#"{"type":"media","sound":"opus"}"#))?;
        Ok(Self(socket))
    }

    /// Talks until it is `over`.
    fn talk(mut self, load: Load, over: &AtomicBool) -> Result<Seen> {
        let begin = Instant::now();
        let mut seen = Seen::default();
        let mut offsets = Vec::new();
        let mut speaking = false;
        let (mut picture_at, mut next) = (None::<Instant>, None::<u32>);
        let mut interrupt_at = load.interrupted_every.map(|time| begin + time);
        while !over.load(Ordering::Acquire) {
            let message = self.0.read()?;
            let now = Instant::now();
            match message {
                Message::Text(text) => {
                    let message: serde_json::Value = serde_json::from_str(&text)?;
                    let kind = message["type"].as_str().unwrap_or_default();
                    ensure!(
                        !["failure", "refused", "ended"].contains(&kind),
                        "{message}"
                    );
                    // A text that comes before the last reply is over interrupts it.
                    let is = |state: &str| message["state"] == state;
                    if is("listening") && (kind == "session" || speaking) {
                        self.say(r#"{"type":"text","text":"Go on"}"#)?;
                    }
                    if kind == "session" || kind == "state" {
                        speaking = is("speaking");
                    }
                }
                Message::Binary(bytes) if bytes.len() > HEADER_BYTES => {
                    let number = u32::from_le_bytes(bytes[4..8].try_into()?);
                    if PICTURES.contains(&bytes[0]) {
                        seen.pictures += 1;
                        if let Some(before) = picture_at.replace(now) {
                            seen.gaps_ms.push((now - before).as_secs_f64() * 1e3);
                        }
                    } else if bytes[0] == OPUS {
                        seen.sounds += 1;
                        if let Some(next) = next {
                            seen.missing += u64::from(number.wrapping_sub(next));
                        }
                        next = Some(number.wrapping_add(1));
                        let due = TICK * number;
                        let late = begin.elapsed().as_secs_f64() - due.as_secs_f64();
                        offsets.push(late * 1e3);
                    }
                }
                _ => {}
            }
            if interrupt_at.is_some_and(|at| now >= at) {
                self.say(r#"{"type":"interrupt"}"#)?;
                seen.interruptions += 1;
                interrupt_at = interrupt_at
                    .zip(load.interrupted_every)
                    .map(|(at, every)| at + every);
            }
        }
        seen.time = begin.elapsed();
        let hundred = offsets.len().min(250);
        let (first, last) = (&offsets[..hundred], &offsets[offsets.len() - hundred..]);
        seen.drift_ms = (median(first.to_vec()), median(last.to_vec()));
        Ok(seen)
    }

    fn say(&mut self, message: &str) -> Result<()> {
        Ok(self.0.send(Message::text(message))?)
    }
}

fn median(values: Vec<f64>) -> f64 {
    rank(values, 0.5)
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
    let drift = seen.iter().map(|seen| seen.drift_ms.1 - seen.drift_ms.0);
    let _ = writeln!(
        text,
        "drift_ms_largest,{:.1}",
        drift.fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a })
    );
    let memory: Vec<_> = used.memory_mb.iter().map(|mb| format!("{mb:.0}")).collect();
    let _ = write!(text, "memory_mb,{}", memory.join(" "));
    text
}
