//! Juno, the avatar inside the program.

use essence::{Avatar, Engine};

use crate::failure::Failure;

/// The picture that she is made from.
#[cfg(feature = "portrait")]
const PICTURE: &[u8] = include_bytes!("../data/juno.png");

/// Opens her.
///
/// # Errors
/// The errors of opening an avatar; `USAGE` in a build without pictures.
pub(crate) fn open(engine: &Engine) -> Result<Avatar, Failure> {
    Ok(engine.open_bytes(bytes()?)?)
}

/// The file.
#[cfg(feature = "portrait")]
pub(crate) fn bytes() -> Result<Vec<u8>, Failure> {
    use essence::portrait::{PortraitOptions, create};
    let mut options = PortraitOptions::default();
    options.name = "Juno".to_owned();
    options.license = "CC0-1.0".to_owned();
    let (avatar, _) = create(PICTURE, &options)?;
    Ok(avatar)
}

/// It is a picture, which this build does not open.
#[cfg(not(feature = "portrait"))]
pub(crate) fn bytes() -> Result<Vec<u8>, Failure> {
    Err(Failure::argument(
        "name an avatar: this build was made without the one inside the program",
    ))
}
