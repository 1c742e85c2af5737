//! The avatar at rest, as a PNG.

use essence::{Avatar, Error, ErrorKind, Pacing, PixelFormat, Result, SessionOptions};

/// Samples of silence that an unpaced session needs for its first frame and what it looks ahead.
static SILENCE: [f32; 16_000] = [0.0; 16_000];

/// Draws the first frame of `avatar`.
pub(crate) fn poster(avatar: &Avatar) -> Result<Vec<u8>> {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8);
    let session = avatar.session(options)?;
    session.push_audio(&SILENCE[..], 16_000, 1)?;
    session.flush();
    let frame = session
        .next_frame()?
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the avatar gave no picture"))?;
    let failed = |e| Error::new(ErrorKind::Internal, "the poster can't be written").with_source(e);
    let (width, height) = (frame.width() as u32, frame.height() as u32);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(frame.pixels()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
