//! The networks of the avatars in this repository, for each instruction set of the processor.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::imx::Container;
use crate::infer::{BATCH, Network, Provider, Runtime};
use crate::speech::SpeechWindow;

fn open(name: &str) -> Container {
    let avatars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars");
    Container::open(avatars.join(name)).unwrap()
}

/// A network of an avatar: its file and its tensors.
fn network<'a>(container: &'a Container, file: &str) -> (Model<'a>, Vec<TensorSpec>, TensorSpec) {
    let model = Model::read(file, container.member(file).unwrap()).unwrap();
    let graph = model.graph();
    let spec = |id| {
        let tensor: &crate::infer::model::Tensor<'_> = &graph[id];
        TensorSpec::new(tensor.name, &tensor.shape.axes()[1..])
    };
    let inputs: Vec<_> = graph.inputs.iter().map(|&id| spec(id)).collect();
    let output = spec(graph.outputs[0]);
    (model, inputs, output)
}

/// Numbers as mel bands, coefficients and poses are, other ones for each item.
fn numbers(count: usize, item: usize) -> Vec<f32> {
    let wave = |i: usize| ((i * 37 + item * 101) % 251) as f32 / 251.0;
    (0..count).map(wave).collect()
}

/// The outputs of four items, one by one and all at once, on a level.
fn outputs<T: Plain>(level: Level, container: &Container, file: &str) -> [Vec<T>; 2] {
    let (model, inputs, output) = network(container, file);
    let mut machine = Machine::compile(level, file, &model, &inputs, &output).unwrap();
    let stop = AtomicBool::new(false);
    let set = |machine: &mut Machine, place: usize, item: usize| {
        for (index, input) in inputs.iter().enumerate() {
            let numbers = numbers(input.len(), item);
            machine.input(place, index).copy_from_slice(&numbers);
        }
    };
    let mut alone = Vec::new();
    for item in 0..BATCH {
        set(&mut machine, 0, item);
        machine.run(1, &stop).unwrap();
        alone.extend_from_slice(machine.output(0));
    }
    machine.hold(BATCH);
    (0..BATCH).for_each(|item| set(&mut machine, item, item));
    machine.run(BATCH, &stop).unwrap();
    let together = (0..BATCH).flat_map(|item| machine.output::<T>(item).to_vec());
    [alone, together.collect()]
}

#[test]
fn pictures_are_the_same_on_every_level_and_in_every_batch() {
    for name in ["mika.imx", "juno.imx", "toy_8bit.imx"] {
        let container = open(name);
        let [plain, _] = outputs::<u8>(Level::Plain, &container, "identity.int8.onnx");
        let levels = plain.iter().filter(|&&level| level > 0 && level < 255);
        assert!(levels.count() > plain.len() / 4, "{name} draws something");
        for level in Level::all() {
            for made in outputs::<u8>(level, &container, "identity.int8.onnx") {
                assert!(made == plain, "{name} on {level:?}");
            }
        }
    }
}

#[test]
fn speech_has_the_same_bits_from_avx2_on_and_nearly_the_same_before() {
    let container = open("mika.imx");
    let [plain, together] = outputs::<f32>(Level::Plain, &container, "speech.onnx");
    assert_eq!(plain, together);
    let mut wide: Option<Vec<f32>> = None;
    for level in Level::all() {
        let [made, together] = outputs::<f32>(level, &container, "speech.onnx");
        assert_eq!(made, together, "{level:?}");
        let apart = made.iter().zip(&plain).map(|(a, b)| (a - b).abs());
        let worst = apart.fold(0.0, f32::max);
        assert!(worst < 1e-6, "{level:?}: {worst}");
        if level.is_fast() {
            assert_eq!(wide.get_or_insert_with(|| made.clone()), &made, "{level:?}");
        }
    }
}

/// Views of recorded speech, as the speech network has them.
fn speech_views(length: usize) -> Vec<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/speech_16000.wav");
    let bytes = std::fs::read(path).unwrap();
    let samples = bytes[44..].as_chunks().0.iter();
    let samples: Vec<_> = samples
        .map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0)
        .collect();
    let mut window = SpeechWindow::new(length);
    window.push(&samples);
    let frames = (5..200).step_by(5);
    frames.map(|frame| window.view(frame).0.to_vec()).collect()
}

/// Coefficients of speech within 1e-7. Patches in 32-bit floats
/// within 2e-5: ONNX Runtime's convolutions multiply and add in another order.
#[test]
fn floats_are_those_of_onnx_runtime() {
    let runtime = Runtime::load(None).unwrap();
    for (name, file, most) in [
        ("mika.imx", "speech.onnx", 1e-7),
        ("juno.imx", "speech.onnx", 1e-7),
        ("mika.imx", "identity.onnx", 2e-5),
        ("juno.imx", "identity.onnx", 2e-5),
    ] {
        let container = open(name);
        let (model, inputs, output) = network(&container, file);
        let load = |provider| {
            Network::<f32>::load(
                Some(runtime),
                provider,
                file,
                model.bytes(),
                &inputs,
                &output,
            )
        };
        let [mut ours, mut theirs] = [Provider::Builtin, Provider::Cpu].map(|p| load(p).unwrap());
        let items = if file == "speech.onnx" {
            speech_views(inputs[0].shape[0])
        } else {
            let bytes = container.member("selftest/inputs.f32").unwrap();
            let numbers = bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b));
            let numbers: Vec<_> = numbers.collect();
            let item = inputs.iter().map(TensorSpec::len).sum();
            numbers.chunks_exact(item).map(<[f32]>::to_vec).collect()
        };
        let (mut worst, mut brightest) = (0.0f32, 0.0f32);
        for item in &items {
            let mut rest = &item[..];
            let parts = inputs
                .iter()
                .map(|input| rest.split_off(..input.len()).unwrap());
            let parts: Vec<_> = parts.collect();
            let wanted = theirs.run(&parts).unwrap();
            let made = ours.run(&parts).unwrap();
            for (made, wanted) in made.iter().zip(wanted) {
                worst = worst.max((made - wanted).abs());
                brightest = brightest.max(*wanted);
            }
        }
        assert!(brightest > 0.3, "{name}: {file}: {brightest}");
        assert!(worst <= most, "{name}: {file}: {worst:e}");
    }
}

#[test]
fn the_studios_networks_are_in_fast_kernels() {
    for name in ["mika.imx", "juno.imx"] {
        let container = open(name);
        for (file, fast) in [
            ("speech.onnx", true),
            ("identity.int8.onnx", true),
            ("identity.onnx", false),
        ] {
            let (model, inputs, output) = network(&container, file);
            for level in Level::all() {
                let machine = Machine::compile(level, file, &model, &inputs, &output).unwrap();
                assert_eq!(
                    machine.is_fast(),
                    fast && level.is_fast(),
                    "{name}: {file} on {level:?}"
                );
            }
        }
    }
}

#[test]
fn a_run_that_is_stopped_ends_before_the_next_step() {
    let container = open("toy.imx");
    let (model, inputs, output) = network(&container, "speech.onnx");
    let mut machine = Machine::load("speech", &model, &inputs, &output).unwrap();
    let stop = AtomicBool::new(true);
    assert_eq!(
        machine.run(1, &stop).unwrap_err().kind(),
        ErrorKind::Inference
    );
    stop.store(false, Ordering::Relaxed);
    machine.run(1, &stop).unwrap();
}
