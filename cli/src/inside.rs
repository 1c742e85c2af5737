//! The avatars inside the program, each made from its picture.

use essence::{Avatar, Engine};

use crate::failure::Failure;

/// The slug of the one that speaks where none is named.
pub(crate) const DEFAULT: &str = "juno";

/// Slugs, names and pictures.
#[cfg(feature = "portrait")]
const ALL: [(&str, &str, &[u8]); 2] = [
    (DEFAULT, "Juno", include_bytes!("../data/juno.png")),
    ("theo", "Theo", include_bytes!("../data/theo.png")),
];

/// Opens the one that speaks where none is named.
///
/// # Errors
/// The errors of opening an avatar; `USAGE` in a build without pictures.
pub(crate) fn open(engine: &Engine) -> Result<Avatar, Failure> {
    Ok(engine.open_bytes(bytes(DEFAULT)?)?)
}

/// The file of the one with this slug.
///
/// # Errors
/// `SLUG_NOT_FOUND` if there is none; `USAGE` in a build without pictures.
#[cfg(feature = "portrait")]
pub(crate) fn bytes(slug: &str) -> Result<Vec<u8>, Failure> {
    use essence::portrait::{PortraitOptions, create};
    let Some((_, name, picture)) = ALL.iter().find(|one| one.0 == slug) else {
        return Err(Failure::slug(format!("no {slug:?} is inside the program")));
    };
    let mut options = PortraitOptions::default();
    options.name = (*name).to_owned();
    options.license = "CC0-1.0".to_owned();
    let (avatar, _) = create(picture, &options)?;
    Ok(avatar)
}

/// They are pictures, which this build does not open.
#[cfg(not(feature = "portrait"))]
pub(crate) fn bytes(_slug: &str) -> Result<Vec<u8>, Failure> {
    Err(Failure::argument(
        "name an avatar: this build was made without those inside the program",
    ))
}
