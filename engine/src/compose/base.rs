//! Base frames: JPEG in the file, RGB in a cache that all sessions of the avatar share.
//!
//! A loop of frames is read in a circle, where throwing out the longest unused frame would throw
//! out every frame just before it comes round again. So frames that have been decoded stay, up to
//! the byte budget; frames beyond it are decoded each time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::{Error, ErrorKind, Result};

/// Decoded frames of one avatar.
#[derive(Debug)]
pub(crate) struct BaseFrames {
    width: usize,
    height: usize,
    /// Frames that may still be kept.
    budget: AtomicUsize,
    kept: Vec<OnceLock<Arc<[u8]>>>,
}

impl BaseFrames {
    pub(crate) fn new(count: usize, (width, height): (usize, usize), budget_bytes: usize) -> Self {
        Self {
            width,
            height,
            budget: AtomicUsize::new(budget_bytes / (width * height * 3)),
            kept: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Frame `index` as RGB, decoded from `jpeg` where it is not at hand.
    pub(crate) fn rgb(&self, index: usize, jpeg: &[u8]) -> Result<Arc<[u8]>> {
        let slot = &self.kept[index];
        if let Some(frame) = slot.get() {
            return Ok(Arc::clone(frame));
        }
        let frame: Arc<[u8]> = self.decode(index, jpeg)?.into();
        let claimed = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if claimed && slot.set(Arc::clone(&frame)).is_err() {
            // Another session was faster with the same frame: it has paid for it.
            self.budget.fetch_add(1, Ordering::Relaxed);
        }
        Ok(frame)
    }

    /// Frame `index` as RGB, decoded from `jpeg`.
    pub(crate) fn decode(&self, index: usize, jpeg: &[u8]) -> Result<Vec<u8>> {
        let damaged = |problem: String| {
            Error::new(
                ErrorKind::InvalidAvatar,
                format!("base frame {index}: {problem}"),
            )
        };
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(ColorSpace::RGB)
            .set_max_width(self.width)
            .set_max_height(self.height)
            .set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        decoder
            .decode_headers()
            .map_err(|e| damaged(format!("{e:?}")))?;
        let size = decoder.dimensions().unwrap_or_default();
        if size != (self.width, self.height) {
            return Err(damaged(format!(
                "{}×{} pixels, the manifest says {}×{}",
                size.0, size.1, self.width, self.height
            )));
        }
        let rgb = decoder.decode().map_err(|e| damaged(format!("{e:?}")))?;
        if rgb.len() != self.width * self.height * 3 {
            return Err(damaged("not a colour picture".to_owned()));
        }
        Ok(rgb)
    }
}
