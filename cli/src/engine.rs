//! Options of the engine and opening an avatar, for the commands that render.

use std::path::{Path, PathBuf};

use essence::{Avatar, Engine, Error, ErrorKind, OutputSize, Provider};

use crate::failure::Failure;
use crate::runtime;

#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Executes the networks: auto, builtin, cpu, cuda, coreml, webgpu or openvino
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(crate) provider: Provider,
    /// The file of ONNX Runtime's library, instead of searching for it
    #[arg(long, value_name = "PATH")]
    pub(crate) runtime: Option<PathBuf>,
}

impl EngineArgs {
    /// An engine, with ONNX Runtime if the provider needs it, or may use it and it is found: the library
    /// that was named, or the first that is found, Python's packages included.
    pub(crate) fn engine(&self) -> essence::Result<Engine> {
        let build = |library| {
            let builder = Engine::builder().provider(self.provider);
            builder.runtime_library(library).build()
        };
        match build(self.runtime.clone()) {
            Err(e) if e.kind() == ErrorKind::RuntimeMissing && self.runtime.is_none() => {
                runtime::from_python(&e, |library| build(Some(library)))
            }
            // The automatic choice does without.
            Ok(engine) if self.provider == Provider::Auto && engine.runtime().is_none() => {
                let missing = Error::new(ErrorKind::RuntimeMissing, "not found");
                let found = runtime::from_python(&missing, |library| build(Some(library)));
                Ok(found.unwrap_or(engine))
            }
            result => result,
        }
    }

    /// Makes an engine and opens an avatar.
    pub(crate) fn open(&self, avatar: &Path) -> Result<Avatar, Failure> {
        self.open_with_engine(avatar).map(|(_, avatar)| avatar)
    }

    /// The same, with the engine for further avatars.
    pub(crate) fn open_with_engine(&self, avatar: &Path) -> Result<(Engine, Avatar), Failure> {
        // Before the runtime: a mistyped path is likelier, and found faster.
        if !essence::is_picture(avatar) {
            essence::imx::Container::open(avatar)?;
        }
        let engine = self.engine()?;
        let avatar = engine.open(avatar)?;
        Ok((engine, avatar))
    }
}

/// `--target-size`: `720` is the longer side, `1280x720` both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TargetSize {
    Longer(usize),
    Both(OutputSize),
}

const SIZES: std::ops::RangeInclusive<usize> = 16..=8192;

impl std::str::FromStr for TargetSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |text: &str| {
            text.parse()
                .ok()
                .filter(|n| SIZES.contains(n))
                .ok_or_else(|| {
                    format!(
                        "give a size like 720 or 1280x720, each side {} to {} pixels",
                        SIZES.start(),
                        SIZES.end()
                    )
                })
        };
        match text.split_once(['x', 'X', '×']) {
            Some((width, height)) => Ok(Self::Both(OutputSize {
                width: side(width)?,
                height: side(height)?,
            })),
            None => Ok(Self::Longer(side(text)?)),
        }
    }
}

impl TargetSize {
    /// The size for pictures that are `width` x `height`. One side alone keeps the proportions, to an
    /// even number of pixels.
    pub(crate) fn resolve(self, width: usize, height: usize) -> OutputSize {
        match self {
            Self::Both(size) => size,
            Self::Longer(longer) => {
                let most = width.max(height).max(1);
                let side = |n: usize| {
                    if n == most {
                        return longer;
                    }
                    let scaled = (n * longer + most) / (2 * most) * 2;
                    scaled.clamp(*SIZES.start(), *SIZES.end())
                };
                OutputSize {
                    width: side(width),
                    height: side(height),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_sizes_parse() {
        let both = |width, height| Ok(TargetSize::Both(OutputSize { width, height }));
        assert_eq!("720".parse(), Ok(TargetSize::Longer(720)));
        assert_eq!("1280x720".parse(), both(1280, 720));
        assert_eq!("1280X720".parse(), both(1280, 720));
        for wrong in [
            "", "x", "8", "0x0", "-5", "12.5", "1280x", "9000", "axb", "1x2x3",
        ] {
            assert!(wrong.parse::<TargetSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_side_keeps_the_proportions() {
        let size = |longer, w, h| {
            let size = TargetSize::Longer(longer).resolve(w, h);
            (size.width, size.height)
        };
        assert_eq!(size(256, 512, 512), (256, 256));
        assert_eq!(size(720, 512, 512), (720, 720));
        assert_eq!(size(640, 1280, 720), (640, 360));
        assert_eq!(size(640, 720, 1280), (360, 640));
        assert_eq!(size(100, 300, 200), (100, 66));
    }
}
