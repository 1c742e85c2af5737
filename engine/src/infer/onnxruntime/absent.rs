//! Stand-ins for ONNX Runtime where no library can be loaded: in the browser.

use std::marker::PhantomData;
use std::path::Path;

use super::Provider;
use super::runtime_info::RuntimeInfo;
use super::tensor::{Element, TensorSpec};
use crate::{Error, ErrorKind, Result};

/// Every type.
pub(crate) trait TensorElement {}
impl<T> TensorElement for T {}

#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) info: RuntimeInfo,
    pub(crate) has_telemetry: bool,
    never: Never,
}

#[derive(Debug)]
enum Never {}

impl Runtime {
    /// # Errors
    /// `RuntimeMissing`.
    pub(crate) fn load(_: Option<&Path>) -> Result<&'static Self> {
        let message = "ONNX Runtime can't be loaded here; networks run by `builtin`";
        Err(Error::new(ErrorKind::RuntimeMissing, message))
    }
}

pub(super) fn has(_: Provider) -> bool {
    false
}

pub(super) struct RunOptions(Never);

impl RunOptions {
    pub(super) fn new() -> Result<Self> {
        Runtime::load(None).map(|runtime| match runtime.never {})
    }

    pub(super) fn terminate(&self) {
        match self.0 {}
    }

    pub(super) fn unterminate(&self) {
        match self.0 {}
    }
}

pub(super) struct OrtNetwork<T: Element>(Never, PhantomData<T>);

impl<T: Element> OrtNetwork<T> {
    pub(super) fn load(
        runtime: &Runtime,
        _: Provider,
        _: &str,
        _: &[u8],
        _: &[TensorSpec],
        _: &TensorSpec,
    ) -> Result<Self> {
        match runtime.never {}
    }

    pub(super) fn share(&self) -> Option<Self> {
        match self.0 {}
    }

    pub(super) fn hold(&mut self, _: usize) -> Result<()> {
        match self.0 {}
    }

    pub(super) fn input(&mut self, _: usize, _: usize, _: usize) -> &mut [f32] {
        match self.0 {}
    }

    pub(super) fn output(&self, _: usize, _: usize) -> &[T] {
        match self.0 {}
    }

    pub(super) fn run(&mut self, _: usize, _: &RunOptions) -> Result<()> {
        match self.0 {}
    }
}
