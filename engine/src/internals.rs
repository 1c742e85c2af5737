//! The stages one by one, for the benchmarks and the fuzzing of this repository. No promise of
//! stability.

use std::sync::Arc;

use crate::audio::mel::MelStream;
use crate::audio::resample::Resampler;
use crate::compose::arch::Isa;
use crate::compose::base::{BaseFrame, ChromaRows};
use crate::compose::blend::{Patch, RowBand};
use crate::compose::convert::Row;
use crate::compose::fit::Placement;
use crate::compose::output::Output;
use crate::compose::scale::{Scaler, WholePicture};
use crate::infer::{ElementType, Model, Network, Provider, Runtime, TensorSpec};
use crate::options::{Fit, OutputSize};
use crate::schedule::Deadline;
use crate::speech::SpeechWindow;
use crate::{Avatar, Error, ErrorKind, PictureMut, PixelFormat, Result, YuvColor};

#[cfg(feature = "portrait")]
pub use crate::portrait::states::{Faults, PortraitStates, STATE};

pub use crate::processor::{Width, limit};

/// The scheduler's queue, with tasks that have a frame due every 40 ms.
pub struct TaskQueue(crate::schedule::QueueBench);

impl std::fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskQueue")
    }
}

impl TaskQueue {
    /// For so many threads, with so many tasks of one avatar.
    pub fn new(threads: usize, tasks: usize) -> Self {
        Self(crate::schedule::QueueBench::new(threads, tasks))
    }

    /// Announces each task, takes all out in batches and puts them back, so many times; gives the number
    /// of frames.
    pub fn run(&mut self, rounds: usize) -> usize {
        self.0.run(rounds)
    }
}

/// The `audio` stage's resampler.
#[derive(Debug)]
pub struct Resample(Resampler);

impl Resample {
    /// From `rate_hz` to 16 kHz.
    ///
    /// # Errors
    /// None that a valid rate gives.
    pub fn new(rate_hz: u32) -> Result<Self> {
        Ok(Self(Resampler::new(rate_hz)?))
    }

    /// Takes samples; gives how many came out.
    ///
    /// # Errors
    /// None in practice.
    pub fn run(&mut self, samples: &[f32]) -> Result<usize> {
        let mut count = 0;
        self.0.push(samples, |out| count += out.len())?;
        Ok(count)
    }
}

/// The `audio` stage's spectrogram.
pub struct Mel(MelStream);

impl std::fmt::Debug for Mel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mel")
    }
}

impl Default for Mel {
    fn default() -> Self {
        Self(MelStream::new())
    }
}

impl Mel {
    /// Takes 16 kHz samples; gives the sum of the bands that came out.
    pub fn run(&mut self, samples: &[f32]) -> f32 {
        let mut sum = 0.0;
        self.0
            .push(samples, |frame| sum += frame.bands.iter().sum::<f32>());
        sum
    }
}

/// The stages from the speech network on, with one avatar's data.
#[derive(Debug)]
pub struct Picture {
    avatar: Avatar,
    mel: Vec<f32>,
    coefficients: Vec<f32>,
    patch: Patch,
    base: Arc<BaseFrame>,
    chroma: ChromaRows,
    canvas: Vec<u8>,
}

impl Picture {
    /// With a mouth half open.
    ///
    /// # Errors
    /// The errors of rendering.
    pub fn new(avatar: &Avatar) -> Result<Self> {
        let mut window = SpeechWindow::new(avatar.data.window);
        window.push(&[0.01; 4_000]);
        let info = avatar.info();
        let mut picture = Self {
            avatar: avatar.clone(),
            mel: window.view(1).0.to_vec(),
            coefficients: vec![0.3; avatar.info().coefficient_names.len()],
            patch: Patch::new(avatar.info().patch_size),
            base: avatar.data.base_frame(0)?,
            chroma: ChromaRows::default(),
            canvas: vec![0; 3 * info.frame_width * info.frame_height],
        };
        picture.identity()?;
        Ok(picture)
    }

    /// The speech network.
    ///
    /// # Errors
    /// `Inference`.
    pub fn speech(&self) -> Result<f32> {
        Ok(self
            .avatar
            .data
            .networks(Deadline::Whenever, None)?
            .speech
            .run(&[&self.mel])?[0])
    }

    /// The identity network, and its patch in 8 bits.
    ///
    /// # Errors
    /// `Inference`.
    pub fn identity(&mut self) -> Result<()> {
        let pose = self.avatar.data.pose(0);
        let mut networks = self.avatar.data.networks(Deadline::Whenever, None)?;
        let inputs = [&self.coefficients, pose];
        let patch = &mut self.patch;
        match &mut networks.identity {
            Some(identity) => identity.draw(Isa::best(), inputs, 1.0, patch),
            None => Ok(()),
        }
    }

    /// A base frame from its JPEG.
    ///
    /// # Errors
    /// `InvalidAvatar`.
    pub fn decode(&self, index: usize) -> Result<()> {
        self.avatar.data.decode_frame(index).map(drop)
    }

    /// A base frame as RGB.
    pub fn expand(&mut self) {
        let rows = 0..self.avatar.info().frame_height;
        self.base
            .write_rgb(Isa::best(), &mut self.chroma, rows, &mut self.canvas);
    }

    /// The patch onto the base frame.
    pub fn blend(&mut self) {
        let info = self.avatar.info();
        let affine = &self.avatar.data.affines[0];
        let (width, height) = (info.frame_width, info.frame_height);
        let rows = self.patch.rows(width, height, affine);
        let band = RowBand {
            rgb: &mut self.canvas[3 * width * rows.start..3 * width * rows.end],
            rows,
            width,
        };
        self.patch.blend_into(Isa::best(), band, height, affine);
    }

    /// The picture into a pixel format.
    pub fn convert(&self, format: PixelFormat, out: &mut Vec<u8>) {
        let info = self.avatar.info();
        let (width, height) = (info.frame_width, info.frame_height);
        out.resize(format.buffer_len(width, height), 0);
        let Ok(mut out) = PictureMut::packed(format, (width, height), out) else {
            return;
        };
        let row = |y: usize| Row {
            rgb: &self.canvas[3 * width * y..][..3 * width],
            alpha: None,
        };
        let mut output = Output::opaque(YuvColor::default());
        for y in (0..height).step_by(2) {
            let bottom = (y + 1 < height).then(|| row(y + 1));
            output.put(Isa::best(), y, (row(y), bottom), &mut out);
        }
    }
}

/// The `compose` stage's scaling, into BGR.
#[derive(Debug)]
pub struct Scale {
    scaler: Scaler,
    output: Output,
    width: usize,
    size: (usize, usize),
    out: Vec<u8>,
}

impl Scale {
    /// From one size into another.
    pub fn new(from: (usize, usize), to: OutputSize) -> Self {
        let placement = Placement::new(from, to, Fit::Contain);
        Self {
            scaler: Scaler::new(from, placement, [0; 3], false),
            output: Output::opaque(YuvColor::default()),
            width: from.0,
            size: (to.width, to.height),
            out: vec![0; PixelFormat::Bgr8.buffer_len(to.width, to.height)],
        }
    }

    /// Scales one RGB picture.
    pub fn run(&mut self, rgb: &[u8]) -> usize {
        let mut source = WholePicture(rgb, 3 * self.width);
        if let Ok(mut out) = PictureMut::packed(PixelFormat::Bgr8, self.size, &mut self.out) {
            let output = &mut self.output;
            self.scaler
                .apply(Isa::best(), &mut source, output, &mut out);
        }
        self.out.len()
    }
}

/// A network of a file, as it is read before ONNX Runtime sees it.
#[derive(Debug)]
pub struct NetworkFile<'a>(Model<'a>);

impl<'a> NetworkFile<'a> {
    /// Reads a network.
    ///
    /// # Errors
    /// `InvalidAvatar`.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Model::read("the network", bytes).map(Self)
    }

    /// Elements of all its tensors, for one item: what a run takes memory for.
    pub fn elements(&self) -> usize {
        let tensors = self.0.graph().tensors.iter();
        tensors.map(|tensor| tensor.shape.elements()).sum()
    }

    /// Runs the network on ONNX Runtime's CPU provider and on our own runtime, for one item and for a
    /// batch of two, if it is what an avatar's could be: floats in, floats or bytes out, a batch in front
    /// of each.
    ///
    /// # Errors
    /// `ProviderUnavailable` if it can't be loaded; `Inference` if it fails, or makes another shape than
    /// was inferred; `Internal` if the two runtimes differ.
    pub fn run(&self) -> Result<()> {
        let graph = self.0.graph();
        let specs = |ids: &[crate::infer::TensorId]| -> Vec<(TensorSpec, ElementType)> {
            let tensors = ids.iter().map(|&id| &graph[id]);
            let batched = tensors.filter(|x| x.shape.is_batched() && x.shape.axes()[0] == 1);
            batched
                .map(|x| (TensorSpec::new(x.name, &x.shape.axes()[1..]), x.element))
                .collect()
        };
        let (inputs, outputs) = (specs(&graph.inputs), specs(&graph.outputs));
        let floats = inputs.iter().all(|(_, kind)| *kind == ElementType::F32);
        if !floats || inputs.is_empty() || inputs.len() != graph.inputs.len() {
            return Ok(());
        }
        let inputs: Vec<_> = inputs.into_iter().map(|(spec, _)| spec).collect();
        for (output, kind) in outputs {
            match kind {
                ElementType::F32 => self.run_to::<f32>(&inputs, &output)?,
                ElementType::U8 => self.run_to::<u8>(&inputs, &output)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn run_to<T: crate::infer::Element + Into<f32>>(
        &self,
        inputs: &[TensorSpec],
        output: &TensorSpec,
    ) -> Result<()> {
        let runtime = Some(Runtime::load(None)?);
        let mut made = Vec::new();
        for provider in [Provider::Cpu, Provider::Builtin] {
            let (what, model) = ("the network", self.0.bytes());
            let network = Network::<T>::load(runtime, provider, what, model, inputs, output)?;
            made.push(Self::run_batches(network, inputs)?);
        }
        for (index, (&theirs, &ours)) in made[0].iter().zip(&made[1]).enumerate() {
            let (theirs, ours): (f32, f32) = (theirs.into(), ours.into());
            // Kernels add in other orders, and a rounding makes a level.
            let most = 1.001 + 2e-3 * (theirs.abs() - 1.0).max(0.0);
            let close = (theirs - ours).abs() <= most;
            if theirs.is_finite() && !close {
                let message = format!(
                    "element {index} of the output is {theirs} by ONNX Runtime, {ours} by builtin"
                );
                return Err(Error::new(ErrorKind::Internal, message));
            }
        }
        Ok(())
    }

    /// The outputs of one item and of a batch of two.
    fn run_batches<T: crate::infer::Element>(
        mut network: Network<T>,
        inputs: &[TensorSpec],
    ) -> Result<Vec<T>> {
        let items: Vec<Vec<f32>> = inputs
            .iter()
            .map(|spec| {
                (0..spec.len())
                    .map(|i| (i % 7) as f32 / 4.0 - 0.5)
                    .collect()
            })
            .collect();
        let items: Vec<&[f32]> = items.iter().map(|item| &item[..]).collect();
        let mut made = Vec::new();
        for size in 1..=2 {
            for index in 0..size {
                network.set(size, index, &items)?;
            }
            network.run_batch(size, None)?;
            for index in 0..size {
                made.extend_from_slice(network.output(size, index));
            }
        }
        Ok(made)
    }
}
