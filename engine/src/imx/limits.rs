//! Limits of a container. A file that asks for more is refused before anything of that
//! size is allocated; a sound avatar stays far below each of these.

/// Members in a container, `manifest.json` included.
pub const MAX_ENTRIES: usize = 16_384;

/// Bytes of a member's name.
pub const MAX_NAME_BYTES: usize = 255;

/// Bytes of `manifest.json`.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// Bytes of one member.
pub const MAX_MEMBER_BYTES: u64 = 256 << 20;

/// Bytes of a whole file.
pub const MAX_FILE_BYTES: u64 = 4 << 30;

/// Bytes of a whole file that is read into memory rather than mapped.
pub const MAX_READ_BYTES: u64 = 1 << 30;

/// Bytes that all deflated members of a ZIP wrapper may inflate to, together.
pub const MAX_INFLATED_BYTES: usize = 4 << 20;

/// Bytes of one network.
pub const MAX_NETWORK_BYTES: u64 = 64 << 20;

/// Width and height of a base frame in pixels, at least.
pub const MIN_FRAME_PX: u32 = 16;

/// Width and height of a base frame in pixels, at most.
pub const MAX_FRAME_PX: u32 = 4096;

/// Base frames of an avatar: over six minutes. With mattes, [`MAX_ENTRIES`] permits some 8,000.
pub const MAX_FRAMES: u32 = 10_000;

/// Width and height of the mouth patch in pixels; it is a multiple of [`PATCH_STEP_PX`].
pub const MAX_PATCH_PX: u32 = 512;

/// The mouth patch's width and height are multiples of this.
pub const PATCH_STEP_PX: u32 = 8;

/// Mouth coefficients.
pub const MAX_COEFFICIENTS: usize = 256;

/// Components of a base frame's pose.
pub const MAX_POSE: usize = 32;

/// Mel frames in the speech network's window.
pub const MAX_WINDOW: u32 = 128;

/// Entries of the `arkit` table.
pub const MAX_ARKIT: usize = 256;

/// Named motions.
pub const MAX_MOTIONS: usize = 256;

/// Width and height of one of a film's own open mouths, in pixels.
pub const MAX_MOUTH_PX: u64 = 512;
/// A film's own open mouths.
pub const MAX_MOUTHS: u64 = 64;
/// Widths, and distances of the chin, by which they are chosen for each gap.
pub const MAX_MOUTH_SHAPES: u64 = 8;
/// Pixels of all of them together.
pub const MAX_MOUTHS_PX: u64 = 1 << 24;

/// Bytes of the name of a motion, coefficient or pose component.
pub const MAX_LABEL_BYTES: usize = 64;

/// Inputs of the self-test.
pub const MAX_SELFTEST: u32 = 8;

/// Absolute value of a number in the geometry.
pub const MAX_GEOMETRY: f32 = 1e5;
