//! Runs that take too long, on a network that multiplies matrices for a long time.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::infer::{Network, Provider, Runtime, TensorSpec};

/// ONNX: `y = x · x · …`, `steps` times, with `x [N, 256, 256]`.
fn powers(steps: usize) -> Vec<u8> {
    let mut graph = Vec::new();
    for step in 0..steps {
        let last = if step == 0 {
            "x".to_owned()
        } else {
            format!("t{step}")
        };
        let next = if step + 1 == steps {
            "y".to_owned()
        } else {
            format!("t{}", step + 1)
        };
        let inputs = [bytes(1, last.as_bytes()), bytes(1, b"x")].concat();
        let node = [inputs, bytes(2, next.as_bytes()), bytes(4, b"MatMul")].concat();
        graph.extend(bytes(1, &node));
    }
    graph.extend(bytes(2, b"powers"));
    graph.extend(bytes(11, &outlet(b"x")));
    graph.extend(bytes(12, &outlet(b"y")));
    let opset = bytes(8, &number(2, 17));
    [number(1, 8), bytes(7, &graph), opset].concat()
}

/// `ValueInfoProto`: floats `[N, 256, 256]`.
fn outlet(name: &[u8]) -> Vec<u8> {
    let size = || bytes(1, &number(1, 256));
    let shape = [bytes(1, &bytes(2, b"N")), size(), size()].concat();
    let tensor = [number(1, 1), bytes(2, &shape)].concat();
    [bytes(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

/// A field of protobuf's that holds bytes.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    [
        vec![field << 3 | 2],
        varint(content.len()),
        content.to_vec(),
    ]
    .concat()
}

/// A field of protobuf's that holds a number.
fn number(field: u8, value: usize) -> Vec<u8> {
    [vec![field << 3], varint(value)].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn network(steps: usize) -> Network<f32> {
    let runtime = Runtime::load(None).unwrap();
    let ([x], y) = outlets();
    let model = powers(steps);
    let (cpu, what) = (Provider::Cpu, "the test's network");
    Network::load_unchecked(runtime, cpu, what, &model, &[x], &y).unwrap()
}

/// The same on our own runtime.
fn own(steps: usize) -> Network<f32> {
    let ([x], y) = outlets();
    let (builtin, what) = (Provider::Builtin, "the test's network");
    Network::load(None, builtin, what, &powers(steps), &[x], &y).unwrap()
}

fn outlets() -> ([TensorSpec; 1], TensorSpec) {
    let outlet = |name| TensorSpec::new(name, &[256, 256]);
    ([outlet("x")], outlet("y"))
}

/// Much work in many nodes, between which a run can be terminated.
const LONG: usize = 2_000;
/// The most that the limits of a network permit.
const PERMITTED: usize = 32;

#[test]
fn a_run_beyond_its_limit_is_terminated_and_the_next_one_runs() {
    terminated(network(LONG), network(1));
    terminated(own(PERMITTED), own(1));
}

fn terminated(mut long: Network<f32>, mut short: Network<f32>) {
    long.set_limit(Some(Duration::ZERO));
    for _ in 0..2 {
        let error = long.run_batch(1, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Inference, "{error}");
        assert!(error.message().contains("was terminated"), "{error}");
    }
    short.set_limit(Some(Duration::from_secs(3600)));
    short.run_batch(1, None).unwrap();
}

#[test]
fn a_run_in_another_thread_is_cancelled() {
    cancelled(network(LONG), network(1));
    cancelled(own(PERMITTED), own(1));
}

fn cancelled(mut long: Network<f32>, mut short: Network<f32>) {
    let terminator = Terminator::default();
    long.set_limit(Some(Duration::from_secs(3600)));
    thread::scope(|scope| {
        let (begun, begins) = mpsc::channel();
        let (terminator, long) = (&terminator, &mut long);
        let running = scope.spawn(move || {
            begun.send(()).unwrap();
            long.run_batch(1, Some(terminator)).unwrap_err().kind()
        });
        begins.recv().unwrap();
        terminator.terminate();
        assert_eq!(running.join().unwrap(), ErrorKind::Cancelled);
    });
    // Cancelled before it begins, until that is undone.
    let refused = short.run_batch(1, Some(&terminator)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Cancelled);
    terminator.reset();
    short.run_batch(1, Some(&terminator)).unwrap();
}

/// A run that ends in the moment in which it is terminated leaves nothing behind for the next one.
#[test]
fn terminating_at_any_moment_ends_one_run_only() {
    let mut short = network(1);
    let terminator = Terminator::default();
    thread::scope(|scope| {
        let (terminate, terminations) = mpsc::channel();
        let other = &terminator;
        scope.spawn(move || {
            while terminations.recv().is_ok() {
                other.terminate();
            }
        });
        let mut cancelled = 0;
        for _ in 0..2_000 {
            terminate.send(()).unwrap();
            while short.run_batch(1, Some(&terminator)).is_ok() {}
            cancelled += 1;
            terminator.reset();
            short.run_batch(1, None).unwrap();
        }
        assert_eq!(cancelled, 2_000);
    });
}

#[test]
fn threads_share_a_network_of_the_cpu() {
    shared(network(8), network(8), 200);
    shared(own(2), own(2), 10);
}

fn shared(first: Network<f32>, mut other: Network<f32>, rounds: usize) {
    let expected = other.run(&[&ramp(3)]).unwrap().to_vec();
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut shared = first
                .share()
                .unwrap()
                .expect("the CPU's networks are shared");
            let expected = &expected;
            scope.spawn(move || {
                for round in 0..rounds {
                    let input = ramp(if round % 2 == 0 { 3 } else { 5 });
                    let output = shared.run(&[&input]).unwrap();
                    assert_eq!(output == expected, round % 2 == 0, "round {round}");
                }
            });
        }
    });
}

fn ramp(step: usize) -> Vec<f32> {
    (0..256 * 256)
        .map(|i| (i * step % 17) as f32 / 17.0)
        .collect()
}
