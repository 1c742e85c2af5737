//! How pictures are laid out: their size, how the avatar fits into it, and what lies behind it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use essence::{AvatarInfo, Background, BackgroundImage, Fit, SessionOptions};
use image::{ImageReader, Limits};

use crate::engine::TargetSize;
use crate::failure::Failure;

/// Most bytes of a background's file, and most memory that its decoder may take.
const FILE_BYTES: u64 = 64 << 20;
const DECODER_BYTES: u64 = 512 << 20;
/// Largest side of a background in pixels.
const LARGEST_SIDE: u32 = 8192;

#[derive(Debug, clap::Args)]
pub(crate) struct PictureArgs {
    /// Size of the pictures: the longer side, or both
    #[arg(long, visible_alias = "size", value_name = "N|WxH")]
    target_size: Option<TargetSize>,
    /// How the avatar fits into another size: contain (with bars), cover (cut off evenly), crop (a
    /// part at its own scale, out of the middle) or crop:LEFT,TOP
    #[arg(long, value_name = "FIT", default_value = "contain")]
    fit: FitArg,
    /// Background of a keyed avatar, and of bars: a colour like #20a040, or a
    /// picture (png, jpeg, webp)
    #[arg(long, value_name = "COLOUR|FILE")]
    background: Option<BackgroundArg>,
}

impl PictureArgs {
    /// The picture file among the arguments.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.background {
            Some(BackgroundArg::File(path)) => Some(path),
            _ => None,
        }
    }

    /// The session's options for pictures of an avatar, and their width and height.
    pub(crate) fn apply(
        &self,
        options: SessionOptions,
        info: &AvatarInfo,
    ) -> Result<(SessionOptions, (usize, usize)), Failure> {
        let own = (info.frame_width, info.frame_height);
        let size = self.target_size.map(|size| size.resolve(own.0, own.1));
        let (width, height) = size.map_or(own, |s| (s.width, s.height));
        let background = self.background.as_ref().map(BackgroundArg::load);
        let options = options
            .output_size(size)
            .fit(self.fit.resolve(own, (width, height)))
            .background(background.transpose()?);
        Ok((options, (width, height)))
    }
}

/// `--fit`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FitArg {
    Fit(Fit),
    /// A crop out of the middle.
    Middle,
}

impl FromStr for FitArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = |text: &str| {
            let (left, top) = text.split_once(',')?;
            let (left, top) = (left.trim().parse().ok()?, top.trim().parse().ok()?);
            Some(Self::Fit(Fit::Crop { left, top }))
        };
        match text {
            "contain" => Ok(Self::Fit(Fit::Contain)),
            "cover" => Ok(Self::Fit(Fit::Cover)),
            "crop" => Ok(Self::Middle),
            _ => text
                .strip_prefix("crop:")
                .and_then(part)
                .ok_or_else(|| "give contain, cover, crop or crop:LEFT,TOP in pixels".to_owned()),
        }
    }
}

impl FitArg {
    fn resolve(self, own: (usize, usize), size: (usize, usize)) -> Fit {
        match self {
            Self::Fit(fit) => fit,
            // A part that is larger than the picture is refused by the engine.
            Self::Middle => Fit::Crop {
                left: own.0.saturating_sub(size.0) / 2,
                top: own.1.saturating_sub(size.1) / 2,
            },
        }
    }
}

/// `--background`.
#[derive(Clone, Debug, PartialEq)]
enum BackgroundArg {
    Color([u8; 3]),
    File(PathBuf),
}

impl FromStr for BackgroundArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(digits) = text.strip_prefix('#') else {
            return match text {
                "" => Err("give a colour like #20a040, or a picture's file".to_owned()),
                _ => Ok(Self::File(text.into())),
            };
        };
        let number = u32::from_str_radix(digits, 16).ok();
        match number.filter(|_| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            Some(number) => {
                let [_, red, green, blue] = number.to_be_bytes();
                Ok(Self::Color([red, green, blue]))
            }
            None => Err(
                "a colour has six hexadecimal digits, two each for red, green and blue: #20a040"
                    .to_owned(),
            ),
        }
    }
}

impl BackgroundArg {
    fn load(&self) -> Result<Background, Failure> {
        match self {
            Self::Color(rgb) => Ok(Background::Color(*rgb)),
            Self::File(path) => Ok(Background::Image(read(path)?)),
        }
    }
}

/// Decodes a picture file; its transparent pixels show their colour over black.
fn read(path: &Path) -> Result<BackgroundImage, Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|e| {
        let message = format!("the background {shown} cannot be read: {e}");
        match e.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::argument(format!("{message}; a colour is written like #20a040"))
            }
            _ => Failure::argument(message),
        }
    })?;
    let mut bytes = Vec::new();
    let unreadable =
        |e: &dyn std::fmt::Display| Failure::argument(format!("the background {shown}: {e}"));
    let mut limited = BufReader::new(file).take(FILE_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(unreadable(
            &"the file has more than 64 MiB; save it smaller",
        ));
    }
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| unreadable(&e))?;
    if reader.format().is_none() {
        return Err(unreadable(
            &"not a picture that can be read; save it as PNG, JPEG or WebP",
        ));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|e| unreadable(&e))?.into_rgba8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let rgb: Vec<u8> = image
        .pixels()
        .flat_map(|pixel| {
            let [red, green, blue, alpha] = pixel.0.map(u32::from);
            [red, green, blue].map(|level| ((level * alpha + 127) / 255) as u8)
        })
        .collect();
    Ok(BackgroundImage::from_rgb(rgb, width, height)?)
}

/// Refuses transparency where there is none to write.
pub(crate) fn check_alpha(info: &AvatarInfo) -> Result<(), Failure> {
    if info.has_matte {
        return Ok(());
    }
    Err(Failure::argument(format!(
        "\"{}\" was not keyed: its pictures are opaque; leave --alpha out, or make the avatar from a \
         film before a green screen",
        info.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_parse() {
        let crop = |left, top| Ok(FitArg::Fit(Fit::Crop { left, top }));
        assert_eq!("contain".parse(), Ok(FitArg::Fit(Fit::Contain)));
        assert_eq!("cover".parse(), Ok(FitArg::Fit(Fit::Cover)));
        assert_eq!("crop".parse(), Ok(FitArg::Middle));
        assert_eq!("crop:3,40".parse(), crop(3, 40));
        for wrong in ["", "fill", "crop:", "crop:1", "crop:-1,2", "crop:1,2,3"] {
            assert!(wrong.parse::<FitArg>().is_err(), "{wrong}");
        }
        let middle = FitArg::Middle.resolve((512, 512), (256, 128));
        assert_eq!(
            middle,
            Fit::Crop {
                left: 128,
                top: 192
            }
        );
    }

    #[test]
    fn backgrounds_parse() {
        assert_eq!("#20A040".parse(), Ok(BackgroundArg::Color([32, 160, 64])));
        assert_eq!("sky.png".parse(), Ok(BackgroundArg::File("sky.png".into())));
        for wrong in ["", "#", "#fff", "#20a04g", "#+0a040", "#äöü"] {
            assert!(wrong.parse::<BackgroundArg>().is_err(), "{wrong}");
        }
    }
}
