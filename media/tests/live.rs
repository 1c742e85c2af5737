//! The encoder of the live path.

use essence_media::LiveVideoEncoder;

/// A gradient under grain of so many levels.
fn picture(index: u64, grain: u64) -> Vec<u8> {
    let mut state = index + 1;
    (0..128 * 128 * 3 / 2)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let gradient = (255 - grain) / 2 + i % 128 / 4;
            (gradient + (state >> 33) % grain).min(255) as u8
        })
        .collect()
}

#[test]
fn a_picture_that_cannot_be_encoded_costs_that_picture_alone() {
    let mut encoder = LiveVideoEncoder::new(128, 128, 400_000).expect("an encoder");
    let mut encode = |index: u64, grain: u64| {
        let mut out = Vec::new();
        encoder
            .encode(&picture(index, grain), index, false, &mut out)
            .expect("no picture ends the stream")
    };
    assert_eq!(encode(0, 16), Some(true), "the first one");
    // Noise, which is too much for OpenH264's buffers now and then.
    let lost = (1..200)
        .filter(|&index| encode(index, 255).is_none())
        .count();
    assert!(lost > 0, "there was something to survive");
    let after = (200..300).find_map(|index| encode(index, 16));
    assert!(after.is_some(), "pictures go on");
}

#[test]
fn the_bit_rate_goes_up_and_down_while_it_runs() {
    let mut encoder = LiveVideoEncoder::new(128, 128, 400_000).expect("an encoder");
    let mut index = 0;
    let mut bytes = |encoder: &mut LiveVideoEncoder| {
        let mut out = Vec::new();
        for _ in 0..50 {
            encoder
                .encode(&picture(index, 16), index, false, &mut out)
                .expect("a picture");
            index += 1;
        }
        out.len()
    };
    let mut sizes = Vec::new();
    for rate in [400_000, 1_600_000, 300_000, 310_000, 3_000_000, 400_000] {
        encoder
            .set_bitrate(rate)
            .expect("any rate within the limits");
        sizes.push(bytes(&mut encoder));
    }
    assert!(sizes[1] > 2 * sizes[0], "more: {sizes:?}");
    assert!(2 * sizes[2] < sizes[1], "fewer: {sizes:?}");
}
