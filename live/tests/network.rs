//! Networks that lose and networks that are slow: sound stays whole, pictures follow.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::browser::{Bottleneck, Browser};
use common::{PictureDecoder, avatar, recording};
use essence_live::rtc::{Connection, Hub, HubOptions, Peer, PeerOptions};
use essence_live::{Publisher, PublisherOptions};

/// Each test has the machine for itself: what is measured here is the network.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mika at 1.5 Mbit/s, speaking, and the hub.
fn speaking() -> (Hub, Publisher) {
    let hub = Hub::bind(HubOptions::new("127.0.0.1:0".parse().unwrap())).unwrap();
    let mut options = PublisherOptions::default();
    options.picture_bitrate_bps = Some(1_500_000);
    let publisher = Publisher::start(&avatar("mika.imx"), options, |_| {}).unwrap();
    for _ in 0..4 {
        publisher.push_audio(&recording(16_000), 16_000, 1).unwrap();
    }
    publisher.flush();
    (hub, publisher)
}

fn connect(hub: &Hub, publisher: &Publisher, estimate_bandwidth: bool) -> (Browser, Peer) {
    let (mut browser, offer) = Browser::new();
    let mut options = PeerOptions::default();
    options.estimate_bandwidth = estimate_bandwidth;
    let Connection {
        answer, sink, peer, ..
    } = hub.answer(&offer, options, |_| {}).unwrap();
    publisher.attach(sink);
    browser.accept(&answer);
    browser.run_until("connected", |browser| browser.connected);
    (browser, peer)
}

/// How many of `pictures`, in order, decode, and the most frames from one that does to the next.
fn decode(pictures: &BTreeMap<u64, Vec<u8>>) -> (usize, u64) {
    let mut decoder = PictureDecoder::new();
    let mut shown = Vec::new();
    for (index, picture) in pictures {
        if decoder.decode(picture).is_some() {
            shown.push(*index);
        }
    }
    let gaps = shown.windows(2).map(|pair| pair[1] - pair[0]);
    (shown.len(), gaps.max().unwrap_or(u64::MAX))
}

#[test]
fn five_percent_of_loss_freeze_no_second() {
    let _alone = alone();
    let (hub, publisher) = speaking();
    let (mut browser, _peer) = connect(&hub, &publisher, false);
    browser.loses = |number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xffff < 3_277;
    browser.run_until("six seconds", |browser| browser.sounds.len() >= 140);
    let (first, _) = browser.sounds.first_key_value().unwrap();
    let (last, _) = browser.sounds.last_key_value().unwrap();
    let frames = last - first + 1;
    // Sound that is lost is concealed by the browser; sending it again would come too late.
    assert!(
        browser.sounds.len() as u64 * 100 >= frames * 88,
        "{} of {frames}",
        browser.sounds.len()
    );
    let (decoded, gap) = decode(&browser.pictures);
    // A busy machine skips pictures by itself.
    let encoded = publisher.statistics().pictures;
    assert!(
        decoded as u64 * 100 >= encoded * 75,
        "{decoded} pictures of {encoded}"
    );
    let skipped = publisher.session().statistics().skipped;
    assert!(gap < 25 + skipped, "frozen for {gap} frames");
}

#[test]
fn a_bottleneck_of_600_kbit_a_second_takes_bits_of_the_pictures_and_no_sound() {
    let _alone = alone();
    let (hub, publisher) = speaking();
    let (mut browser, _peer) = connect(&hub, &publisher, true);
    browser.bottleneck = Some(Bottleneck::new(600_000.0));
    let last = |browser: &Browser| browser.sounds.keys().next_back().copied().unwrap_or(0);
    let begin = last(&browser);
    // Four seconds to find out, then six that count.
    browser.run_until("it settles", |browser| last(browser) >= begin + 100);
    let begin = last(&browser);
    browser.sounds.clear();
    browser.run_until("six seconds", |browser| last(browser) >= begin + 150);
    let sounds = browser.sounds.len();
    assert!(sounds >= 140, "{sounds} of 150 packets of sound");
    let (_, gap) = decode(&browser.pictures);
    let shown = browser.pictures.range(begin..).count();
    let skipped = publisher.session().statistics().skipped;
    assert!(
        shown as u64 + skipped >= 60,
        "{shown} pictures in six seconds"
    );
    assert!(gap < 25 + skipped, "frozen for {gap} frames");
}

#[test]
fn watchers_of_one_conversation_share_its_encoding() {
    let _alone = alone();
    let (hub, publisher) = speaking();
    let (mut one, _one) = connect(&hub, &publisher, false);
    one.run_until("pictures", |browser| browser.pictures.len() >= 10);
    let (mut two, _two) = connect(&hub, &publisher, false);
    // Side by side: a browser that doesn't listen loses pictures.
    one.run_with(&mut two, "pictures that both have", |one, two| {
        let numbers = two.pictures.keys();
        numbers.filter(|k| one.pictures.contains_key(*k)).count() >= 25
    });
    assert_eq!(
        decode(&two.pictures).0,
        two.pictures.len(),
        "it begins with a key frame"
    );
    for (index, picture) in &two.pictures {
        assert!(
            one.pictures.get(index).is_none_or(|same| same == picture),
            "frame {index}"
        );
    }
}
