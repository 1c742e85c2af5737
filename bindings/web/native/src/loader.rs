//! Files that are read in pieces.

use essence::imx::Loader;
use essence::{Error, ErrorKind, Result};

use crate::error::give;
use crate::world::{Thing, with};

/// A loader of a file of `size` bytes: its handle.
#[unsafe(no_mangle)]
pub extern "C" fn web_loader(size: f64) -> i32 {
    give(with(|world| {
        let loader = Loader::new(whole("the file's size", size)?)?;
        world.add(Thing::Loader(Box::new(loader)))
    }))
}

/// The bytes that are needed next: 1, and begin and end as two doubles in the buffer at `out`; 0 if all
/// are asked for.
#[unsafe(no_mangle)]
pub extern "C" fn web_loader_next(loader: i32, out: usize) -> i32 {
    give(with(|world| {
        let Some(range) = world.loader(loader)?.next_range() else {
            return Ok(0);
        };
        world
            .buffers
            .set_doubles(out, &[range.start as f64, range.end as f64])?;
        Ok(1)
    }))
}

/// Takes the bytes of such a range, which begins at `start`, out of a buffer. Members go to `avatar`, if
/// it is open already, else 0: 1 if everything has arrived that opening needs, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn web_loader_take(
    loader: i32,
    avatar: i32,
    start: f64,
    address: usize,
    length: usize,
) -> i32 {
    give(with(|world| {
        let bytes = world.buffers.take(address, length)?;
        let start = whole("the piece's place", start)?;
        let members = world.loader(loader)?.take(start, bytes.as_ref())?;
        if avatar != 0 {
            let container = world.avatar(avatar)?.container();
            for (name, bytes) in members {
                container.arrive(&name, bytes)?;
            }
        }
        Ok(i32::from(world.loader(loader)?.is_ready()))
    }))
}

/// The avatar's first picture, as it is in the file: its length, and its address as a double in the
/// buffer at `out`; 0 as long as it isn't there.
#[unsafe(no_mangle)]
pub extern "C" fn web_loader_picture(loader: i32, out: usize) -> i32 {
    give(with(|world| {
        let Some(picture) = world.loader(loader)?.picture() else {
            return Ok(0);
        };
        let (address, length) = (picture.as_ptr().addr(), picture.len());
        world.buffers.set_doubles(out, &[address as f64])?;
        Ok(i32::try_from(length).unwrap_or(i32::MAX))
    }))
}

/// Whether the avatar is one picture that is moved, for which the module with portraits is needed: 0 or 1;
/// 2 as long as the manifest hasn't been read.
#[unsafe(no_mangle)]
pub extern "C" fn web_loader_is_portrait(loader: i32) -> i32 {
    give(with(|world| {
        let portrait = world.loader(loader)?.is_portrait();
        Ok(portrait.map_or(2, i32::from))
    }))
}

/// A whole number that JavaScript can hold.
fn whole(what: &str, number: f64) -> Result<u64> {
    const END: f64 = (1u64 << 53) as f64;
    if number.fract() != 0.0 || !(0.0..END).contains(&number) {
        let message = format!("{what} is {number}, which is no number of bytes");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(number as u64)
}
