//! Boxes of few fields, and boxes that are written byte by byte.

use std::num::NonZeroU32;

use essence::{Error, ErrorKind, Result};
use shiguredo_mp4::boxes::{HdlrBox, MdhdBox, SttsBox, SttsEntry, UnknownBox};
use shiguredo_mp4::{BoxSize, BoxType, Encode, LanguageCode, Mp4FileTime};

use super::options::SYNTHETIC_COMMENT;

pub(super) fn mdhd(timescale: u32, duration: u64) -> Result<MdhdBox> {
    Ok(MdhdBox {
        creation_time: Mp4FileTime::default(),
        modification_time: Mp4FileTime::default(),
        timescale: non_zero(timescale)?,
        duration,
        language: LanguageCode::UNDEFINED,
    })
}

pub(super) fn hdlr(handler_type: [u8; 4], name: &str) -> HdlrBox {
    let mut name = name.as_bytes().to_vec();
    name.push(0);
    HdlrBox { handler_type, name }
}

pub(super) fn stts(sample_count: u32, sample_delta: u32) -> SttsBox {
    SttsBox {
        entries: vec![SttsEntry {
            sample_count,
            sample_delta,
        }],
    }
}

/// `sgpd` and `sbgp`: every AAC frame needs the one before it, so a player that seeks decodes one
/// earlier.
pub(super) fn pre_roll(frames: u32) -> Vec<UnknownBox> {
    let mut description = vec![1, 0, 0, 0]; // version 1
    description.extend_from_slice(b"roll");
    description.extend_from_slice(&2u32.to_be_bytes()); // bytes per entry
    description.extend_from_slice(&1u32.to_be_bytes()); // entries
    description.extend_from_slice(&(-1i16).to_be_bytes());
    let mut group = vec![0, 0, 0, 0];
    group.extend_from_slice(b"roll");
    group.extend_from_slice(&1u32.to_be_bytes()); // entries
    group.extend_from_slice(&frames.to_be_bytes());
    group.extend_from_slice(&1u32.to_be_bytes()); // the first description
    vec![raw_box(b"sgpd", description), raw_box(b"sbgp", group)]
}

/// `udta`: iTunes' metadata, which every player reads: a comment and the program.
pub(super) fn user_data() -> UnknownBox {
    let item = |name: &[u8; 4], text: &str| {
        let mut data = 1u32.to_be_bytes().to_vec(); // UTF-8
        data.extend_from_slice(&[0; 4]); // any language
        data.extend_from_slice(text.as_bytes());
        boxed(name, &boxed(b"data", &data))
    };
    let program = concat!("libessence ", env!("CARGO_PKG_VERSION"));
    let items = [
        item(b"\xa9cmt", SYNTHETIC_COMMENT),
        item(b"\xa9too", program),
    ]
    .concat();
    let mut handler = vec![0; 8];
    handler.extend_from_slice(b"mdirappl");
    handler.extend_from_slice(&[0; 9]);
    let meta = [
        &[0; 4][..],
        &boxed(b"hdlr", &handler),
        &boxed(b"ilst", &items),
    ]
    .concat();
    raw_box(b"udta", boxed(b"meta", &meta))
}

fn boxed(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(payload);
    bytes
}

pub(super) fn raw_box(name: &[u8; 4], payload: Vec<u8>) -> UnknownBox {
    UnknownBox {
        box_type: BoxType::Normal(*name),
        box_size: BoxSize::U32(payload.len() as u32 + 8),
        payload,
    }
}

pub(super) fn non_zero(n: u32) -> Result<NonZeroU32> {
    NonZeroU32::new(n).ok_or_else(|| Error::new(ErrorKind::Internal, "a timescale of 0"))
}

pub(super) fn encode(boxed: &impl Encode) -> Result<Vec<u8>> {
    boxed.encode_to_vec().map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            "the index of the video could not be written",
        )
        .with_source(e)
    })
}
