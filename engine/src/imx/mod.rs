//! The `.imx` container: one file per avatar.
//!
//! # The format
//!
//! Version 2, little-endian, uncompressed:
//!
//! ```text
//! 0  4  magic "IMX\0"
//! 4  2  u16 version = 2
//! 6  2  u16 entry count
//! then per entry: u16 name length | name, UTF-8 | u64 absolute offset | u64 size
//! then the payloads
//! ```
//!
//! Payloads are written at multiples of 64 and `manifest.json` last; a reader relies on neither.
//! Names are plain relative paths with `/`. The manifest names every other member with its sha256.
//! A ZIP archive of the same members, stored rather than deflated, is read through the same
//! [`Container`].
//!
//! # Trust
//!
//! Files are untrusted. [`Container::open`] checks the table, the manifest and everything that the
//! manifest says about the members; [`Container::verify`] checks the hashes. What has passed both
//! can be indexed by the manifest's numbers. All limits are in [`limits`].
//!
//! Telling the faults apart that programs report under names of their own:
//!
//! | fault | kind | message contains |
//! |---|---|---|
//! | no container at all | `InvalidAvatar` | [`NOT_IMX`] |
//! | no manifest | `InvalidAvatar` | [`MISSING_MANIFEST`] |
//! | a member differs from its hash | `InvalidAvatar` | [`HASH_DIFFERS`] |
//! | an avatar of another model family | `UnsupportedFormat` | [`OTHER_FAMILY`] |
//! | another version | `UnsupportedVersion` | |

mod container;
mod expression;
mod fault;
mod hash;
mod jpeg;
pub mod limits;
mod loader;
mod manifest;
mod members;
mod mouths;
mod rules;
mod signature;
mod source;
mod toc;
mod validate;
mod validate_members;
mod writer;
mod zip;

pub use container::Container;
#[cfg(feature = "portrait")]
pub(crate) use expression::PERSON_PX;
pub use expression::{EXPRESSION, Expression, ExpressionNetworks, PictureInfo};
pub use fault::{HASH_DIFFERS, MISSING_MANIFEST, NOT_IMX, OTHER_FAMILY};
pub use loader::Loader;
pub use manifest::{
    Crop, Dim, ENGINE, ENGINE_ABI, FORMAT_MAJOR, FRAME_RATE, FrameInfo, GEOMETRY_MEMBER, Inside,
    Loop, MANIFEST, MEL_BANDS, Manifest, Matte, Motion, NetworkInfo, Networks, Quantized, SelfTest,
    Verdict, Warp, frame_member, matte_member,
};
pub use members::Member;
pub use mouths::{Mouths, Shapes};
pub use signature::{MAGIC, Wrapper};
pub use toc::VERSION;
pub use writer::Writer;
