//! Our own runtime against ONNX Runtime: the same avatars, the same sound, the same pictures.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::thread;

use common::{buzz, engine, speak, testdata, unpaced};
use essence::{Avatar, Engine, Frame, Provider};

/// An engine that has no ONNX Runtime.
fn builtin() -> Engine {
    Engine::builder()
        .provider(Provider::Builtin)
        .build()
        .unwrap()
}

fn open(engine: &Engine, name: &str) -> Avatar {
    engine
        .open(testdata(&format!("avatars/{name}.imx")))
        .unwrap()
}

fn frames(avatar: &Avatar) -> Vec<Frame> {
    speak(&unpaced(avatar), &buzz(32_000, 16_000), 16_000)
}

/// How many bytes differ, of how many, and by how much at most.
fn difference(made: &[Frame], wanted: &[Frame]) -> (usize, usize, u8) {
    assert_eq!(made.len(), wanted.len());
    let pairs = made.iter().zip(wanted);
    let bytes = pairs.flat_map(|(made, wanted)| made.pixels().iter().zip(wanted.pixels()));
    bytes.fold((0, 0, 0), |(differing, all, worst), (a, b)| {
        let apart = a.abs_diff(*b);
        (
            differing + usize::from(apart > 0),
            all + 1,
            worst.max(apart),
        )
    })
}

#[test]
fn it_needs_no_onnx_runtime() {
    let engine = builtin();
    assert!(engine.runtime().is_none());
    assert_eq!(engine.available_providers(), [Provider::Builtin]);
    let avatar = open(&engine, "mika");
    let report = avatar.provider();
    assert_eq!(report.provider, Provider::Builtin);
    assert!(report.quantized && report.refused.is_empty(), "{report:?}");
}

#[test]
fn pictures_are_those_of_onnx_runtime() {
    let ours = builtin();
    for (name, most) in [
        ("toy", 0.0),
        ("toy_8bit", 0.0),
        ("toy_keyed", 0.0),
        ("mika", 1e-4),
        ("juno", 1e-4),
    ] {
        let wanted = frames(&open(engine(), name));
        let (differing, all, worst) = difference(&frames(&open(&ours, name)), &wanted);
        eprintln!("{name}: {differing} of {all} bytes differ, by {worst} at most");
        let share = differing as f64 / all as f64;
        assert!(
            share <= most && worst <= 1,
            "{name}: {differing} of {all}, by {worst}"
        );
    }
}

/// A network in 8 bits that fails the self-test is left alone here, too.
#[test]
fn bad_8_bits_are_passed_over() {
    let avatar = open(&builtin(), "toy_8bit_off");
    let report = avatar.provider();
    assert!(!report.quantized, "{report:?}");
    assert_eq!(report.refused[0].0, Provider::Builtin);
}

/// Sessions on several threads share the weights, and batches are made of their frames.
#[test]
fn threads_give_the_frames_of_one() {
    let engine = Engine::builder()
        .provider(Provider::Builtin)
        .threads(4)
        .build()
        .unwrap();
    let avatar = open(&engine, "mika");
    let wanted = frames(&avatar);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2 {
                    assert_eq!(difference(&frames(&avatar), &wanted).0, 0);
                }
            });
        }
    });
}

/// The reader refuses networks before any runtime sees them.
#[test]
fn hostile_networks_are_refused() {
    let engine = builtin();
    let files = std::fs::read_dir(testdata("hostile")).unwrap();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        assert!(engine.open(&path).is_err(), "{}", path.display());
        count += 1;
    }
    assert!(count > 50, "{count} files");
}
