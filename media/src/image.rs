//! Pictures, one file per frame.

use std::io::Write;
use std::path::PathBuf;

use essence::{Error, ErrorKind, Result};

use crate::output::{OutputFile, cannot_write};

/// Writes RGB or RGBA pictures as `name00000.png`, `name00001.png`, …
///
/// The pattern holds one `%d` or `%0Nd`, which the number of the picture replaces; `%%` is a
/// percent sign.
#[derive(Debug)]
pub struct PngSequence {
    before: String,
    digits: usize,
    after: String,
    alpha: bool,
    next: u64,
    bytes: u64,
}

/// Whether `path` names a series of pictures: its file name holds a `%d`.
pub fn is_sequence_pattern(path: &str) -> bool {
    split_pattern(path).is_some()
}

impl PngSequence {
    /// A series after `pattern`, such as `frames/%05d.png`.
    ///
    /// # Errors
    /// `InvalidArgument`: the pattern has not exactly one `%d`.
    pub fn new(pattern: &str) -> Result<Self> {
        let (before, digits, after) = split_pattern(pattern).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("`{pattern}` needs exactly one number like %05d in its file name"),
            )
        })?;
        Ok(Self {
            before,
            digits,
            after,
            alpha: false,
            next: 0,
            bytes: 0,
        })
    }

    /// The same with alpha, straight, as the fourth byte of each pixel, or without.
    #[must_use]
    pub fn alpha(mut self, alpha: bool) -> Self {
        self.alpha = alpha;
        self
    }

    /// The path of picture `index`.
    pub fn path(&self, index: u64) -> PathBuf {
        PathBuf::from(format!(
            "{}{index:0width$}{}",
            self.before,
            self.after,
            width = self.digits
        ))
    }

    /// Pictures written so far.
    pub fn frames(&self) -> u64 {
        self.next
    }

    /// Bytes of all pictures written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the next picture: tightly packed R, G, B bytes, or R, G, B, A [with alpha](Self::alpha).
    ///
    /// # Errors
    /// `InvalidArgument`: the number of bytes is not `width * height` times 3, or 4 with alpha. `Io`: the file could not
    /// be written; nothing of it remains. `Internal`: the encoder failed.
    pub fn write(&mut self, pixels: &[u8], width: u32, height: u32) -> Result<()> {
        let (color, channels) = match self.alpha {
            true => (png::ColorType::Rgba, 4),
            false => (png::ColorType::Rgb, 3),
        };
        let expected = u64::from(width) * u64::from(height) * channels;
        if pixels.len() as u64 != expected {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a picture of {width}x{height} has {expected} bytes, not {}",
                    pixels.len()
                ),
            ));
        }
        let png = encode(pixels, color, width, height).map_err(|e| {
            Error::new(ErrorKind::Internal, "the picture could not be encoded").with_source(e)
        })?;
        let mut output = OutputFile::create(self.path(self.next))?;
        let written = output.write_all(&png);
        written.map_err(|e| cannot_write(output.path(), e))?;
        output.commit_unsynced()?;
        self.next += 1;
        self.bytes += png.len() as u64;
        Ok(())
    }
}

fn encode(
    pixels: &[u8],
    color: png::ColorType,
    width: u32,
    height: u32,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.add_text_chunk("Comment".to_owned(), crate::SYNTHETIC_COMMENT.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// `frames/%05d.png` -> (`frames/`, 5, `.png`).
fn split_pattern(pattern: &str) -> Option<(String, usize, String)> {
    let name = pattern
        .rfind(['/', std::path::MAIN_SEPARATOR])
        .map_or(0, |i| i + 1);
    let mut before = pattern[..name].to_owned();
    let mut after = String::new();
    let mut digits = None;
    let mut rest = &pattern[name..];
    while let Some(at) = rest.find('%') {
        let part = if digits.is_some() {
            &mut after
        } else {
            &mut before
        };
        part.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            part.push('%');
            rest = tail;
            continue;
        }
        let end = rest.find('d')?;
        let width = if end == 0 {
            0
        } else {
            rest[..end].parse().ok().filter(|&n| n <= 20)?
        };
        if digits.replace(width).is_some() {
            return None;
        }
        rest = &rest[end + 1..];
    }
    after.push_str(rest);
    digits.map(|d| (before, d, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_their_files() {
        let path = |pattern: &str, n| PngSequence::new(pattern).map(|s| s.path(n)).ok();
        assert_eq!(path("frames/%05d.png", 7), Some("frames/00007.png".into()));
        assert_eq!(path("f-%d.png", 123), Some("f-123.png".into()));
        assert_eq!(path("50%%/a%03d.png", 1), Some("50%%/a001.png".into()));
        assert_eq!(path("a%%%03d.png", 1), Some("a%001.png".into()));
        assert_eq!(path("a.png", 1), None);
        assert_eq!(path("%d%d.png", 1), None);
        assert_eq!(path("%x.png", 1), None);
        assert_eq!(path("%99d.png", 1), None);
    }
}
