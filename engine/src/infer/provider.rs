//! Execution providers: what they are called and how a network asks for one.

use std::fmt;
use std::str::FromStr;

use super::onnxruntime::{self, Runtime};
use crate::{Error, ErrorKind, Result};

/// An execution provider: the library or device that runs the networks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Provider {
    /// The best of the others that works here, passes the avatar's self-test and, unless it is the
    /// CPU, draws a mouth within 20 ms, half a frame's time.
    #[default]
    Auto,
    /// Our own kernels for the CPU, which need no ONNX Runtime. Always there.
    Builtin,
    /// Apple's CoreML.
    CoreMl,
    /// ONNX Runtime's own CPU kernels. Always there where ONNX Runtime is.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// Intel's OpenVINO, on the CPU.
    OpenVino,
    /// GPUs through WebGPU.
    WebGpu,
}

/// Which execution provider runs an avatar, and which others were refused and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderReport {
    /// The one that runs.
    pub provider: Provider,
    /// Whether the identity network runs in 8 bits: on the CPU, where the avatar has it so and the
    /// self-test finds it good.
    pub quantized: bool,
    /// Providers that came first in the preference, with the reason against each.
    pub refused: Vec<(Provider, String)>,
}

impl Provider {
    /// Every provider, `Auto` first.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Builtin,
        Self::CoreMl,
        Self::Cpu,
        Self::Cuda,
        Self::OpenVino,
        Self::WebGpu,
    ];

    /// The name in options and reports: `auto`, `builtin`, `coreml`, `cpu`, `cuda`, `openvino` or `webgpu`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Builtin => "builtin",
            Self::CoreMl => "coreml",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::OpenVino => "openvino",
            Self::WebGpu => "webgpu",
        }
    }

    /// The concrete providers to try for this preference, in order. A provider that was asked for
    /// by name is the only one.
    pub(crate) fn preference(self, runtime: Option<&Runtime>) -> &'static [Self] {
        match self {
            Self::Auto if runtime.is_none() => &[Self::Builtin],
            // Our own comes before ONNX Runtime's CPU where it is as fast (`Networks::is_fast`).
            // OpenVINO runs on request only: its kernels take longer for these small networks
            // than ONNX Runtime's own (docs/performance.md).
            Self::Auto => &[
                Self::Cuda,
                Self::CoreMl,
                Self::WebGpu,
                Self::Builtin,
                Self::Cpu,
            ],
            Self::Builtin => &[Self::Builtin],
            Self::CoreMl => &[Self::CoreMl],
            Self::Cpu => &[Self::Cpu],
            Self::Cuda => &[Self::Cuda],
            Self::OpenVino => &[Self::OpenVino],
            Self::WebGpu => &[Self::WebGpu],
        }
    }

    /// Whether it computes on the CPU, with what is always there.
    pub(crate) const fn is_cpu(self) -> bool {
        matches!(self, Self::Builtin | Self::Cpu)
    }

    /// Whether it can be had: our own, or one that the loaded ONNX Runtime was built with.
    pub(crate) fn is_there(self, runtime: Option<&Runtime>) -> bool {
        match runtime {
            None => self == Self::Builtin,
            Some(_) => onnxruntime::has(self),
        }
    }

    /// Whether results equal the CPU's up to rounding; otherwise they are compared by PSNR.
    pub(crate) const fn is_exact(self) -> bool {
        self.is_cpu()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("`{name}` is not an execution provider; choose one of {names}"),
                )
            })
    }
}
