//! The package in Chromium and Firefox, by the tests of `bindings/web/test/page.js`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::server::Server;
use crate::bidi::{self, Firefox};
use crate::devtools::{self, Browser};
use crate::live_test::base64;
use crate::loudspeaker::Loudspeaker;

const PAGE: &str = "bindings/web/test/page.html";
const READY: &str = "window.tests !== undefined";
/// The line that the partial loading is measured on: 20 Mbit/s in bytes.
const RATE: u32 = 2_500_000;

/// How long a test of the page may take, on a busy machine; tests with a length of their own take that besides.
const DEADLINE: Duration = Duration::from_secs(240);

/// Of the tests' pages.
const SIZE: (u32, u32) = (900, 700);

/// The pause before the page is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Tests that each browser runs.
const COMMON: [&str; 7] = [
    "tests.golden('mika')",
    "tests.golden('juno', 60)",
    "tests.portrait()",
    "tests.sources()",
    "tests.refusals()",
    "tests.element()",
    "tests.interruption()",
];

/// The package in Chromium.
pub(super) fn chromium(pictures: Option<&str>) -> Result<()> {
    let Some(program) = devtools::find() else {
        println!("web: no chromium on PATH: skipped");
        return Ok(());
    };
    let mut server = Server::start()?;
    let mut browser = Browser::start(&program, &[])?;
    let page = format!("{}/{PAGE}?policy=own", server.own);
    for test in COMMON {
        in_chromium(&mut browser, &page, test)?;
    }
    in_chromium(&mut browser, &page, "tests.unheard()")?;
    let cached = in_chromium(&mut browser, &page, "tests.cached()")?;
    // Beside the table, nothing is asked for again.
    let asked = |name: &str| cached[name].as_u64().context("no number");
    ensure!(asked("after")? - asked("before")? <= 2, "{cached}");
    let found = in_chromium(&mut browser, &page, "tests.realtime(4)")?;
    ensure!(found["clock"] == "running", "no sound: {found}");
    spoke(&found)?;
    streamed(&in_chromium(&mut browser, &page, "tests.stream()")?)?;
    let found = in_chromium(&mut browser, &page, &format!("tests.throttled({RATE})"))?;
    ensure!(found["picture"].is_number(), "{found}");
    in_chromium(&mut browser, &page, "tests.frame()")?;
    unseen(&mut browser, &page)?;
    let page = format!("{}/{PAGE}?policy=forbidden", server.own);
    in_chromium(&mut browser, &page, "tests.forbidden()")?;
    let page = format!(
        "{}/{PAGE}?policy=cdn&dist={}/bindings/web/dist",
        server.own, server.other
    );
    in_chromium(&mut browser, &page, "tests.speech()")?;
    offline(&mut browser, &mut server, pictures)
}

/// The findings of a test of the page, in a tab of its own.
fn in_chromium(browser: &mut Browser, url: &str, test: &str) -> Result<Value> {
    let tab = browser.open(url, SIZE, false)?;
    browser.wait(&tab, READY)?;
    let found = outcome(test, |script| browser.run(&tab, script))?;
    println!("web, chromium: {test}: {found}");
    browser.close(&tab)?;
    Ok(found)
}

/// A tab that another one hides speaks on, and on when it is seen again.
fn unseen(browser: &mut Browser, page: &str) -> Result<()> {
    let tab = browser.open(page, SIZE, false)?;
    browser.wait(&tab, READY)?;
    begin("tests.unseen()", |script| browser.run(&tab, script))?;
    browser.wait(&tab, "window.speaks?.begun")?;
    let other = browser.open(page, SIZE, false)?;
    browser.wait(&tab, "document.hidden && speaks.unseen > 10")?;
    browser.close(&other)?;
    browser.wait(&tab, "!document.hidden")?;
    let found = end("tests.unseen()", |script| browser.run(&tab, script))?;
    println!("web, chromium: tests.unseen(): {found}");
    ensure!(found["seen"].as_u64() > Some(0), "{found}");
    browser.close(&tab)
}

/// The mouth moved and sound was there for it.
fn spoke(found: &Value) -> Result<()> {
    let speaking = found["speaking"].as_u64().context("no number")?;
    ensure!(speaking > 20, "{found}");
    Ok(())
}

/// A stream had moving pictures and sound.
fn streamed(found: &Value) -> Result<()> {
    let kinds = found["kinds"].as_array().map_or(0, Vec::len);
    ensure!(
        kinds == 2 && found["seen"].as_u64() > Some(20),
        "a stream: {found}"
    );
    Ok(())
}

/// Starts a test of the page and asks for what it found.
fn outcome(test: &str, mut run: impl FnMut(&str) -> Result<Value>) -> Result<Value> {
    begin(test, &mut run)?;
    end(test, run)
}

fn begin(test: &str, mut run: impl FnMut(&str) -> Result<Value>) -> Result<()> {
    run(&format!(
        "void {test}.then(value => {{ window.outcome = {{ value }}; }}, \
         error => {{ window.outcome = {{ error: `${{error}} ${{error.stack}}` }}; }})"
    ))
    .map(drop)
}

/// The page is asked from outside: a promise that it keeps for minutes can be lost with the process that shows it.
fn end(test: &str, mut run: impl FnMut(&str) -> Result<Value>) -> Result<Value> {
    let begin = Instant::now();
    while begin.elapsed() < DEADLINE + length(test) {
        let mut found = run("window.outcome ?? null")?;
        if let Some(error) = found["error"].as_str() {
            bail!("{test}: {error}");
        }
        if found.is_object() {
            return Ok(found["value"].take());
        }
        std::thread::sleep(PAUSE);
    }
    bail!("{test}: nothing in time")
}

/// How long a test is meant to take: the seconds of `tests.realtime`.
fn length(test: &str) -> Duration {
    let seconds = test.strip_prefix("tests.realtime(");
    let seconds = seconds.and_then(|rest| rest.trim_end_matches(')').parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// The demo page works without a network after the first visit.
fn offline(browser: &mut Browser, server: &mut Server, pictures: Option<&str>) -> Result<()> {
    let page = format!("{}/target/web/demo/index.html", server.own);
    let ready = "window.demo?.ready === true && document.getElementById('progress').hidden";
    // The first visit installs the service worker, the second one fills its cache.
    for _ in 0..2 {
        let tab = browser.open(&page, (1000, 640), false)?;
        browser.wait(&tab, ready)?;
        browser.run(&tab, "navigator.serviceWorker.ready.then(() => true)")?;
        browser.close(&tab)?;
    }
    server.stop()?;
    let tab = browser.open(&page, (1000, 640), false)?;
    browser.wait(&tab, ready)?;
    let spoken = "(async () => { const s = demo.session; const end = new Promise(d => \
        s.addEventListener('end-of-speech', d)); await s.pushVisemes({ set: 'oculus', visemes: \
        [{ symbol: 'aa', start: 0, end: 0.6 }], withoutSound: true }); await s.flush(); await end; \
        return true; })()";
    browser.run(&tab, spoken)?;
    println!("web, chromium: the demo page speaks without a network");
    if let Some(folder) = pictures {
        keep(folder, "web.png", &browser.picture(&tab)?)?;
    }
    Ok(())
}

/// The package in Firefox.
pub(super) fn firefox(pictures: Option<&str>) -> Result<()> {
    let Some(program) = bidi::find() else {
        println!("web: no firefox on PATH: skipped");
        return Ok(());
    };
    let server = Server::start()?;
    let mut loudspeaker = Loudspeaker::start()?;
    let address = loudspeaker.as_ref().map(Loudspeaker::address);
    let start = || Firefox::start(&program, address.clone());
    // Each in a browser of its own: one that goes from page to page stops answering now and then.
    let on = |url: &str, test: &str, check: fn(&Value) -> Result<()>| {
        bidi::tried_again(|| {
            let mut firefox = start()?;
            firefox.go(url)?;
            firefox.wait(READY)?;
            let found = outcome(test, |script| firefox.run(script))?;
            println!("web, firefox: {test}: {found}");
            check(&found)
        })
    };
    let page = format!("{}/{PAGE}?policy=own", server.own);
    for test in COMMON {
        on(&page, test, |_| Ok(()))?;
    }
    on(&page, "tests.realtime(4)", spoke)?;
    on(&page, "tests.stream()", streamed)?;
    on(&page, "tests.frame()", |_| Ok(()))?;
    if let Some(loudspeaker) = &mut loudspeaker {
        let mut firefox = start()?;
        firefox.go(&page)?;
        firefox.wait(READY)?;
        device(&mut firefox, loudspeaker)?;
    }
    let page = format!("{}/{PAGE}?policy=forbidden", server.own);
    on(&page, "tests.forbidden()", |_| Ok(()))?;
    let page = format!(
        "{}/{PAGE}?policy=cdn&dist={}/bindings/web/dist",
        server.own, server.other
    );
    on(&page, "tests.speech()", |_| Ok(()))?;
    if let Some(folder) = pictures {
        let mut firefox = start()?;
        firefox.go(&format!("{}/target/web/demo/index.html", server.own))?;
        firefox.wait("window.demo?.ready === true")?;
        keep(folder, "web_firefox.png", &firefox.picture()?)?;
    }
    Ok(())
}

/// Two cases in which Firefox has stood still, again and again: an interruption and a lost sound card, each in a browser of its
/// own that is not replaced.
pub(super) fn repeat(times: u32) -> Result<()> {
    let program = bidi::find().context("no firefox on PATH")?;
    let server = Server::start()?;
    let mut loudspeaker = Loudspeaker::start()?.context("no pulseaudio on PATH")?;
    let page = format!("{}/{PAGE}?policy=own", server.own);
    for time in 1..=times {
        let mut firefox = Firefox::start(&program, Some(loudspeaker.address()))?;
        firefox.go(&page)?;
        firefox.wait(READY)?;
        outcome("tests.interruption()", |script| firefox.run(script))?;
        let mut firefox = Firefox::start(&program, Some(loudspeaker.address()))?;
        firefox.go(&page)?;
        firefox.wait(READY)?;
        device(&mut firefox, &mut loudspeaker)?;
        println!("web, firefox: {time} of {times}");
    }
    Ok(())
}

/// The sound card is pulled out in the midst of speech and plugged in again, when the page asks for it.
fn device(firefox: &mut Firefox, loudspeaker: &mut Loudspeaker) -> Result<()> {
    const TEST: &str = "tests.device()";
    begin(TEST, |script| firefox.run(script))?;
    for (step, act) in [
        (
            "kill",
            Loudspeaker::pull as fn(&mut Loudspeaker) -> Result<()>,
        ),
        ("back", Loudspeaker::plug_in),
    ] {
        firefox.wait(&format!("window.step === '{step}' || window.outcome"))?;
        act(loudspeaker)?;
        firefox.run("window.step = ''")?;
    }
    let found = end(TEST, |script| firefox.run(script))?;
    println!("web, firefox: {TEST}: {found}");
    Ok(())
}

/// Milliseconds of a frame, by build; half a minute in real time; loading.
pub(super) fn figures() -> Result<()> {
    measure(&[
        (Some("tests.prepare('essence')"), "tests.bench()"),
        (Some("tests.prepare('essence-relaxed')"), "tests.bench()"),
        (None, "tests.realtime(30)"),
        (None, &format!("tests.throttled({RATE})")),
    ])
}

/// Memory over minutes of speech.
pub(super) fn soak(minutes: u32) -> Result<()> {
    measure(&[(None, &format!("tests.realtime({})", 60 * minutes))])
}

/// Each in a page of its own, after what it needs; with the processor's time of a frame where it needs something.
fn measure(tests: &[(Option<&str>, &str)]) -> Result<()> {
    let program = devtools::find().context("no chromium on PATH")?;
    let server = Server::start()?;
    let mut browser = Browser::start(&program, &["--enable-precise-memory-info"])?;
    let page = format!("{}/{PAGE}", server.own);
    for (needs, test) in tests {
        let tab = browser.open(&page, SIZE, false)?;
        browser.wait(&tab, READY)?;
        if let Some(needs) = needs {
            browser.run(&tab, needs)?;
        }
        let before = browser.thread_s(&tab)?;
        let found = outcome(test, |script| browser.run(&tab, script))?;
        println!("web, chromium: {test}: {found}");
        // Time that other programs take is not in this.
        if needs.is_some() {
            let frames = found["frames"].as_f64().context("no frames")?;
            let ms = 1000.0 * (browser.thread_s(&tab)? - before) / frames;
            println!("{ms:.2} ms of a processor for a frame");
        }
        browser.close(&tab)?;
    }
    Ok(())
}

fn keep(folder: &str, name: &str, picture: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(Path::new(folder).join(name), base64(picture)?)?;
    Ok(())
}
