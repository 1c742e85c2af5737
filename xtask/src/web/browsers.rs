//! The package in Chromium and Firefox, by the tests of `bindings/web/test/page.js`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
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

/// Tests that each browser runs.
const COMMON: [&str; 6] = [
    "tests.golden('mika')",
    "tests.golden('juno', 60)",
    "tests.sources()",
    "tests.refusals()",
    "tests.interruption()",
    "tests.element()",
];

/// The package in Chromium.
pub(super) fn chromium(pictures: Option<&str>) -> Result<()> {
    let Some(program) = devtools::find() else {
        println!("web: no chromium on PATH: skipped");
        return Ok(());
    };
    let mut server = Server::start()?;
    let mut browser = Browser::start(&program, &[])?;
    let size = (900, 700);
    let on = |browser: &mut Browser, url: &str, test: &str| -> Result<Value> {
        let tab = browser.open(url, size, false)?;
        browser.wait(&tab, READY)?;
        let found = browser.run(&tab, test)?;
        println!("web, chromium: {test}: {found}");
        browser.close(&tab)?;
        Ok(found)
    };
    let page = format!("{}/{PAGE}?policy=own", server.own);
    for test in COMMON {
        on(&mut browser, &page, test)?;
    }
    let cached = on(&mut browser, &page, "tests.cached()")?;
    // Beside the table, nothing is asked for again.
    let asked = |name: &str| cached[name].as_u64().context("no number");
    ensure!(asked("after")? - asked("before")? <= 2, "{cached}");
    let found = on(&mut browser, &page, "tests.realtime(8)")?;
    ensure!(
        found["clock"] == "running" && found["skipped"] == 0,
        "{found}"
    );
    ensure!(
        found["late99"].as_f64().is_some_and(|late| late < 40.0),
        "{found}"
    );
    let stream = on(&mut browser, &page, "tests.stream()")?;
    let moves = stream["seen"].as_u64().is_some_and(|seen| seen > 20);
    ensure!(
        moves
            && stream["kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.len() == 2),
        "{stream}"
    );
    let found = on(&mut browser, &page, &format!("tests.throttled({RATE})"))?;
    ensure!(found["picture"].is_number(), "{found}");
    on(&mut browser, &page, "tests.frame()")?;
    let page = format!("{}/{PAGE}?policy=forbidden", server.own);
    on(&mut browser, &page, "tests.forbidden()")?;
    let page = format!(
        "{}/{PAGE}?policy=cdn&dist={}/bindings/web/dist",
        server.own, server.other
    );
    on(&mut browser, &page, "tests.speech()")?;
    offline(&mut browser, &mut server, pictures)
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
    let loudspeaker = Loudspeaker::start()?;
    let mut firefox = Firefox::start(&program, loudspeaker.as_ref().map(Loudspeaker::address))?;
    let mut on = |url: &str, test: &str| -> Result<Value> {
        firefox.go(url)?;
        firefox.wait(READY)?;
        let found = firefox.run(test)?;
        println!("web, firefox: {test}: {found}");
        Ok(found)
    };
    let page = format!("{}/{PAGE}?policy=own", server.own);
    for test in COMMON {
        on(&page, test)?;
    }
    let found = on(&page, "tests.realtime(4)")?;
    ensure!(
        found["speaking"].as_u64().is_some_and(|frames| frames > 60),
        "{found}"
    );
    let stream = on(&page, "tests.stream()")?;
    ensure!(
        stream["seen"].as_u64().is_some_and(|seen| seen > 20),
        "{stream}"
    );
    let page = format!("{}/{PAGE}?policy=forbidden", server.own);
    on(&page, "tests.forbidden()")?;
    if let Some(folder) = pictures {
        firefox.go(&format!("{}/target/web/demo/index.html", server.own))?;
        firefox.wait("window.demo?.ready === true")?;
        keep(folder, "web_firefox.png", &firefox.picture()?)?;
    }
    Ok(())
}

/// Milliseconds of a frame, by build; and half a minute in real time.
pub(super) fn figures() -> Result<()> {
    let program = devtools::find().context("no chromium on PATH")?;
    let server = Server::start()?;
    let mut browser = Browser::start(&program, &[])?;
    let page = format!("{}/{PAGE}", server.own);
    for test in [
        "tests.bench('essence')".to_owned(),
        "tests.bench('essence-relaxed')".to_owned(),
        "tests.realtime(30)".to_owned(),
        format!("tests.throttled({RATE})"),
    ] {
        let tab = browser.open(&page, (900, 700), false)?;
        browser.wait(&tab, READY)?;
        println!("{test}: {}", browser.run(&tab, &test)?);
        browser.close(&tab)?;
    }
    Ok(())
}

fn keep(folder: &str, name: &str, picture: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(Path::new(folder).join(name), base64(picture)?)?;
    Ok(())
}
