//! The encoder of the live path.

use essence_media::LiveVideoEncoder;

/// A gradient under grain, so that a picture takes what it is given.
fn picture(index: u64) -> Vec<u8> {
    let mut state = index + 1;
    (0..128 * 128 * 3 / 2)
        .map(|i| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (100 + i % 128 / 4 + (state >> 60) as usize) as u8
        })
        .collect()
}

#[test]
fn the_bit_rate_goes_up_and_down_while_it_runs() {
    let mut encoder = LiveVideoEncoder::new(128, 128, 400_000).expect("an encoder");
    let mut index = 0;
    let mut bytes = |encoder: &mut LiveVideoEncoder| {
        let mut out = Vec::new();
        for _ in 0..50 {
            encoder
                .encode(&picture(index), index, false, &mut out)
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
