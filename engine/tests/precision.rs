//! The identity network in 8 bits: used where it is good, and as good as in floats.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{buzz, engine, speak, testdata, toy, unpaced};
use essence::{Avatar, Frame, Provider};

fn open(name: &str) -> Avatar {
    engine()
        .open(testdata(&format!("avatars/{name}.imx")))
        .unwrap()
}

/// Frames of a second of sound.
fn frames(avatar: &Avatar) -> Vec<Frame> {
    speak(&unpaced(avatar), &buzz(16_000, 16_000), 16_000)
}

fn worst_difference(made: &[Frame], wanted: &[Frame]) -> u8 {
    assert_eq!(made.len(), wanted.len());
    let pairs = made.iter().zip(wanted);
    let bytes = pairs.flat_map(|(made, wanted)| made.pixels().iter().zip(wanted.pixels()));
    bytes.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn the_cpu_runs_8_bits_where_the_avatar_has_them() {
    let report = |name| open(name).provider().clone();
    assert!(report("toy_8bit").quantized);
    assert!(!report("toy").quantized);
    assert!(report("mika").quantized);
}

/// The toy's 8-bit network rounds what its float network gives: at most one level comes between.
#[test]
fn blocks_land_where_planes_do() {
    let (quantized, floats) = (frames(&open("toy_8bit")), frames(&toy()));
    let moved = worst_difference(&floats[..1], &floats[12..13]);
    assert!(moved > 30, "the mouth moves: {moved}");
    let difference = worst_difference(&quantized, &floats);
    assert!(difference <= 1, "{difference} levels");
}

/// An 8-bit network that fails the self-test is left alone, and the report says why.
#[test]
fn bad_8_bits_are_passed_over() {
    let avatar = open("toy_8bit_off");
    let report = avatar.provider();
    assert!(!report.quantized);
    let (provider, reason) = &report.refused[0];
    assert_eq!(*provider, Provider::Cpu);
    assert!(reason.contains("8 bits"), "{reason}");
    assert!(reason.contains("self-test"), "{reason}");
    assert_eq!(worst_difference(&frames(&avatar), &frames(&toy())), 0);
}
