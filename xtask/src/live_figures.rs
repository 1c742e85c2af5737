//! `cargo xtask live-figures`: what a person sees and hears of `bithuman run` in headless Chromium, and
//! when. A benchmark: it wants a quiet machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::devtools::{self, Browser, Tab};
use crate::live_server::Server;
use crate::{root, runtime};

const PROBE: &str = include_str!("live_probe.js");

/// Utterances and interruptions that are measured.
const ROUNDS: usize = 20;

/// Sound is heard above this level, and no more below it. The replies begin louder.
const LEVEL: f64 = 0.02;

const RATE_HZ: usize = 48_000;

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let chromium = devtools::find().context("no chromium on PATH")?;
    runtime::ensure(sh)?;
    cmd!(sh, "cargo build --release --locked --package bithuman-cli").run()?;
    let folder = tempfile::tempdir()?;
    let script = write_script(folder.path())?;
    let server = Server::start(
        &root().join("target/release/bithuman"),
        &[
            "testdata/avatars/mika.imx",
            "--brain",
            &format!("script:{script}"),
        ],
    )?;
    println!("transport,figure,median,90_percent,count");
    for transport in ["websocket", "webrtc"] {
        let mut browser = Browser::start(&chromium, &["--deny-permission-prompts"])?;
        let url = format!("{}?transport={transport}", server.url);
        let tab = join(&mut browser, &url, "start-quiet")?;
        let way = browser.run(&tab, "bithuman.figures.transport")?;
        ensure!(
            way == transport,
            "the page went by {way} instead of {transport}"
        );
        utterances(&mut browser, &tab, transport)?;
        pictures(&mut browser, &tab, transport)?;
        browser.run(&tab, "document.getElementById('end').click()")?;
        browser.close(&tab)?;
        voices(&chromium, &url, transport, folder.path())?;
    }
    Ok(())
}

/// Opens the page and waits until it plays.
fn join(browser: &mut Browser, url: &str, button: &str) -> Result<Tab> {
    let tab = browser.open_with(url, (1280, 800), false, PROBE)?;
    browser.run(
        &tab,
        &format!("document.getElementById('{button}').click()"),
    )?;
    browser.wait(&tab, "bithuman.phase === 'live' && probe.mouth.length >= 0")?;
    browser.wait(&tab, "bithuman.figures.shown > 25")?;
    Ok(tab)
}

/// From a text that is sent, and answered at once, to the mouth that moves and the sound; from a click on
/// "Stop speaking" to silence.
fn utterances(browser: &mut Browser, tab: &Tab, transport: &str) -> Result<()> {
    let (mut seen, mut heard, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        browser.wait(tab, "bithuman.state === 'listening'")?;
        pause(browser, tab, 600)?;
        browser.run(tab, "probe.mouth.length = 0; probe.sound.length = 0")?;
        pause(browser, tab, 500)?;
        let said = number(&browser.run(
            tab,
            "(() => { document.getElementById('text').value = 'Well'; const at = performance.now(); \
             document.getElementById('form').requestSubmit(); return at; })()",
        )?)?;
        pause(browser, tab, 900)?;
        let stopped = number(&browser.run(
            tab,
            "(() => { const at = performance.now(); document.getElementById('interrupt').click(); return at; })()",
        )?)?;
        pause(browser, tab, 900)?;
        let (mouth, sound) = (list(browser, tab, "mouth")?, list(browser, tab, "sound")?);
        let before: Vec<f64> = mouth
            .iter()
            .filter(|(at, _)| *at < said)
            .map(|(_, x)| *x)
            .collect();
        // A head at rest moves, too: the mouth speaks when it moves by twice as much.
        let moved = 2.0 * rank(before, 1.0).max(5.0);
        let between = |at: f64| at > said && at < stopped;
        seen.extend(
            mouth
                .iter()
                .find(|(at, x)| between(*at) && *x > moved)
                .map(|(at, _)| at - said),
        );
        heard.extend(
            sound
                .iter()
                .find(|(at, x)| between(*at) && *x > LEVEL)
                .map(|(at, _)| at - said),
        );
        let last = sound.iter().rfind(|(at, x)| *at > stopped && *x > LEVEL);
        silent.push(last.map_or(0.0, |(at, _)| at - stopped));
    }
    row(transport, "sent_to_mouth_seen_ms", seen);
    row(transport, "sent_to_heard_ms", heard);
    row(transport, "stop_to_silence_ms", silent);
    Ok(())
}

/// Pictures a second while the avatar speaks, how far they are ahead of their sound, and underruns of that.
fn pictures(browser: &mut Browser, tab: &Tab, transport: &str) -> Result<()> {
    let (mut rates, mut ahead) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        browser.run(
            tab,
            "document.getElementById('text').value = 'Long'; document.getElementById('form').requestSubmit()",
        )?;
        pause(browser, tab, 500)?;
        let before = number(&browser.run(tab, "bithuman.figures.shown")?)?;
        let time = number(&browser.run(
            tab,
            "new Promise(done => { const at = performance.now(); setTimeout(() => done(performance.now() - at), 4000); })",
        )?)?;
        rates.push((number(&browser.run(tab, "bithuman.figures.shown")?)? - before) / time * 1e3);
        // A browser may not know.
        ahead.extend(browser.run(tab, "bithuman.figures.ahead")?.as_f64());
    }
    row(transport, "picture_ahead_of_sound_ms", ahead);
    row(transport, "pictures_per_s", rates);
    let underruns = number(&browser.run(tab, "bithuman.figures.underruns")?)?;
    println!("{transport},underruns,{underruns},,");
    Ok(())
}

/// From a voice at the microphone to the avatar's silence.
fn voices(chromium: &Path, url: &str, transport: &str, folder: &Path) -> Result<()> {
    let file = format!(
        "--use-file-for-fake-audio-capture={}",
        folder.join("microphone.wav").display()
    );
    let microphone = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        &file,
    ];
    let mut browser = Browser::start(chromium, &microphone)?;
    let tab = join(&mut browser, url, "start")?;
    // The file is silent for six seconds, speaks for two, and begins again.
    let mut times = Vec::new();
    for _ in 0..ROUNDS / 2 {
        browser.run(
            &tab,
            "document.getElementById('text').value = 'Long'; document.getElementById('form').requestSubmit()",
        )?;
        pause(&mut browser, &tab, 8_000)?;
        let (voice, sound) = (
            list(&mut browser, &tab, "voice")?,
            list(&mut browser, &tab, "sound")?,
        );
        // A voice that comes while the avatar speaks, after a quiet second.
        for (place, (at, level)) in voice.iter().enumerate() {
            let quiet = voice[..place]
                .iter()
                .rev()
                .take_while(|(before, _)| at - before < 1e3);
            let begins = *level > LEVEL
                && place > 200
                && quiet.clone().count() > 100
                && quiet.clone().all(|(_, x)| *x < LEVEL);
            let speaking = sound
                .iter()
                .any(|(then, x)| (at - 150.0..*at).contains(then) && *x > LEVEL);
            let last = sound
                .iter()
                .rfind(|(then, x)| (*at..at + 1_200.0).contains(then) && *x > LEVEL);
            if let (true, true, Some((then, _))) = (begins, speaking, last) {
                times.push(then - at);
            }
        }
        browser.run(&tab, "probe.voice.length = 0; probe.sound.length = 0")?;
    }
    row(transport, "voice_to_silence_ms", times);
    browser.run(&tab, "document.getElementById('end').click()")?;
    browser.close(&tab)
}

fn pause(browser: &mut Browser, tab: &Tab, time_ms: u64) -> Result<()> {
    let time_ms = Duration::from_millis(time_ms).as_millis();
    browser.run(
        tab,
        &format!("new Promise(done => setTimeout(() => done(0), {time_ms}))"),
    )?;
    Ok(())
}

fn list(browser: &mut Browser, tab: &Tab, name: &str) -> Result<Vec<(f64, f64)>> {
    Ok(serde_json::from_value(
        browser.run(tab, &format!("probe.{name}"))?,
    )?)
}

fn number(value: &Value) -> Result<f64> {
    value
        .as_f64()
        .with_context(|| format!("{value} is no number"))
}

fn row(transport: &str, name: &str, values: Vec<f64>) {
    let count = values.len();
    let (median, most) = (rank(values.clone(), 0.5), rank(values, 0.9));
    println!("{transport},{name},{median:.1},{most:.1},{count}");
}

/// The value that a share of the others lies below.
pub(crate) fn rank(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values
        .get((share * last).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A script that answers "Well" with two seconds that begin at once, "Long" with eleven; and a microphone.
fn write_script(folder: &Path) -> Result<String> {
    let speech = fs::read(root().join("testdata/audio/speech_48000.wav"))?;
    let (header, bytes) = speech.split_at(44);
    let samples: Vec<i16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|x| i16::from_le_bytes(*x))
        .collect();
    let loud = samples
        .iter()
        .position(|x| x.unsigned_abs() > 3_000)
        .context("no speech")?;
    let well = samples.get(loud..loud + 2 * RATE_HZ).context("too short")?;
    let mut microphone = vec![0; 6 * RATE_HZ];
    microphone.extend_from_slice(well);
    for (name, samples) in [
        ("well", well),
        ("long", &samples[loud..]),
        ("microphone", &microphone),
    ] {
        let length = u32::try_from(2 * samples.len())?;
        let mut file = header.to_vec();
        file[4..8].copy_from_slice(&(length + 36).to_le_bytes());
        file[40..44].copy_from_slice(&length.to_le_bytes());
        file.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
        fs::write(folder.join(format!("{name}.wav")), file)?;
    }
    let path = folder.join("script.json");
    fs::write(
        &path,
        r#"{"replies": [{"when": ["well"], "text": "Well.", "sound": "well.wav"},
                        {"when": ["long"], "text": "A long one.", "sound": "long.wav"},
                        {"text": "Yes?", "sound": "well.wav"}]}"#,
    )?;
    Ok(path.display().to_string())
}
