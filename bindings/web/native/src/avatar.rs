//! Avatars.

use essence::{Emotion, Error, ErrorKind};
use serde_json::json;

use crate::error::give;
use crate::world::{Thing, with};

/// The answer of [`web_open_loaded`] if more of the file has to be read first.
const MORE: i32 = 0;

/// Opens the avatar in a buffer, which is the page's no more: its handle.
#[unsafe(no_mangle)]
pub extern "C" fn web_open(address: usize, length: usize) -> i32 {
    give(with(|world| {
        let bytes = world.buffers.take(address, length)?;
        let avatar = world.engine()?.open_bytes(bytes)?;
        world.add(Thing::Avatar(avatar))
    }))
}

/// Opens the avatar that a loader has read: its handle, or 0 if the loader asks for more first. The
/// loader stays, for what opening could do without.
#[unsafe(no_mangle)]
pub extern "C" fn web_open_loaded(loader: i32) -> i32 {
    give(with(|world| {
        let engine = world.engine()?;
        let loader = world.loader(loader)?;
        match engine.open_container(loader.container()?) {
            Ok(avatar) => world.add(Thing::Avatar(avatar)),
            Err(error) if error.kind() == ErrorKind::NotFound && loader.need_all() => Ok(MORE),
            Err(error) => Err(error),
        }
    }))
}

/// Describes an avatar, as JSON in the text: length of the text in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn web_describe(avatar: i32) -> i32 {
    give(with(|world| {
        let avatar = world.avatar(avatar)?;
        let info = avatar.info();
        let emotions: Vec<&str> = info.emotions.iter().map(|emotion| emotion.name()).collect();
        let description = json!({
            "name": info.name,
            "license": info.license,
            "family": avatar.container().engine(),
            "width": info.frame_width,
            "height": info.frame_height,
            "transparent": info.has_matte,
            "motions": info.motions,
            "emotions": emotions,
            "arkit": info.arkit_names,
            "eightBits": avatar.provider().quantized,
        });
        world.text = description.to_string();
        Ok(i32::try_from(world.text.len()).unwrap_or(i32::MAX))
    }))
}

/// An emotion by its name.
pub(crate) fn emotion(name: &str) -> essence::Result<Emotion> {
    let known = Emotion::ALL
        .into_iter()
        .find(|emotion| emotion.name() == name);
    known.ok_or_else(|| {
        let names = Emotion::ALL.map(Emotion::name).join(", ");
        let message = format!("{name:?} is no emotion; choose one of {names}");
        Error::new(ErrorKind::InvalidArgument, message)
    })
}
