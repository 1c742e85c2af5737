//! Networks that are no avatar's: a program's own, on the ONNX Runtime that the process has loaded.

use std::path::Path;
use std::sync::Arc;

use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{RunOptions, Session, SessionInputValue};
use ort::value::TensorRef;

use super::Runtime;
use crate::{Error, ErrorKind, Result};

/// Most bytes of a network's file.
const MAX_BYTES: u64 = 2 << 30;

/// A network out of a file, run by one thread at a time.
#[derive(Debug)]
pub struct ForeignNetwork {
    session: Session,
    name: String,
}

/// An input, by its elements.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Floats, with the length of each axis.
    F32(&'a [usize], &'a [f32]),
    /// Integers, with the length of each axis.
    I64(&'a [usize], &'a [i64]),
}

/// Terminates runs of a network, from any thread.
#[derive(Clone)]
pub struct Stop(Arc<RunOptions>);

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

impl Stop {
    /// Stops nothing yet.
    ///
    /// # Errors
    /// `Inference` if ONNX Runtime fails.
    pub fn new(_network: &ForeignNetwork) -> Result<Self> {
        let options = RunOptions::new().map_err(|e| failed("ONNX Runtime", e))?;
        Ok(Self(Arc::new(options)))
    }

    /// Has the runs that were given this end soon, and later ones at once.
    pub fn stop(&self) {
        // A run that can't be stopped is waited for.
        let _ = self.0.terminate();
    }
}

impl ForeignNetwork {
    /// Loads a network on the CPU, to run on `threads` threads. `library` is ONNX Runtime's, if it is
    /// not to be searched and none is loaded yet.
    ///
    /// # Errors
    /// - `RuntimeMissing`: there is no ONNX Runtime.
    /// - `NotFound`, `Io`, `LimitExceeded`: the file.
    /// - `UnsupportedFormat`: it is no network that ONNX Runtime can run.
    pub fn open(library: Option<&Path>, path: &Path, threads: usize) -> Result<Self> {
        let name = path.display().to_string();
        let size = std::fs::metadata(path)
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => {
                    Error::new(ErrorKind::NotFound, format!("{name}: no such file"))
                }
                _ => Error::new(ErrorKind::Io, format!("{name} can't be read")).with_source(e),
            })?
            .len();
        if size > MAX_BYTES {
            let message = format!("{name} has {size} bytes; a network has {MAX_BYTES} at most");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let runtime = Runtime::load(library)?;
        let session = build(runtime, path, threads).map_err(|e| {
            let message = format!(
                "{name} is damaged, or no network that ONNX Runtime can run; fetch it again"
            );
            Error::new(ErrorKind::UnsupportedFormat, message).with_source(e)
        })?;
        Ok(Self { session, name })
    }

    /// Whether it has an input of this name.
    pub fn has_input(&self, name: &str) -> bool {
        self.session
            .inputs()
            .iter()
            .any(|input| input.name() == name)
    }

    /// Runs the network and gives one of its outputs, floats.
    ///
    /// # Errors
    /// `Inference` if it fails or has other inputs and outputs, `Cancelled` if it was stopped.
    pub fn run(
        &mut self,
        inputs: &[(&str, Input<'_>)],
        output: &str,
        stop: &Stop,
    ) -> Result<(Vec<usize>, Vec<f32>)> {
        let [output] = self.run_for(inputs, [output], stop)?;
        Ok(output)
    }

    /// The same for several of its outputs.
    ///
    /// # Errors
    /// The same as [`run`](Self::run).
    pub fn run_for<const N: usize>(
        &mut self,
        inputs: &[(&str, Input<'_>)],
        wanted: [&str; N],
        stop: &Stop,
    ) -> Result<[(Vec<usize>, Vec<f32>); N]> {
        let failed = |e| failed(&self.name, e);
        let mut values: Vec<(String, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for &(name, input) in inputs {
            let value = match input {
                Input::F32(shape, data) => SessionInputValue::from(
                    TensorRef::from_array_view((shape, data)).map_err(failed)?,
                ),
                Input::I64(shape, data) => SessionInputValue::from(
                    TensorRef::from_array_view((shape, data)).map_err(failed)?,
                ),
            };
            values.push((name.to_owned(), value));
        }
        let outputs = self.session.run_with_options(values, &*stop.0);
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(e) if e.to_string().to_lowercase().contains("terminate") => {
                return Err(Error::new(ErrorKind::Cancelled, "stopped"));
            }
            Err(e) => return Err(failed(e)),
        };
        let mut found = [const { (Vec::new(), Vec::new()) }; N];
        for (name, found) in wanted.into_iter().zip(&mut found) {
            let value = outputs.get(name).ok_or_else(|| {
                let message = format!("{} has no output {name:?}", self.name);
                Error::new(ErrorKind::Inference, message)
            })?;
            let (shape, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
            let shape = shape.iter().map(|&axis| usize::try_from(axis).unwrap_or(0));
            *found = (shape.collect(), data.to_vec());
        }
        Ok(found)
    }
}

#[cold]
fn failed(name: &str, error: ort::Error) -> Error {
    Error::new(ErrorKind::Inference, format!("{name} failed")).with_source(error)
}

fn build(runtime: &Runtime, path: &Path, threads: usize) -> ort::Result<Session> {
    Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        // A failure is told by the call that failed, not on the host's stderr.
        .with_log_level(LogLevel::Fatal)?
        .commit_from_file(path)
}
