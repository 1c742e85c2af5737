//! The edit list of an m4a file: which decoded samples are the sound, and which the encoder's delay.
//!
//! Symphonia's demuxer does not read edit lists, so the one form that encoders write for their
//! priming (a single edit into the media) is read here and applied to the decoded samples.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use shiguredo_mp4::Decode;
use shiguredo_mp4::boxes::MoovBox;

/// More than the index of any audio file (a day of AAC has 16 MB).
const MAX_MOOV_BYTES: u64 = 64 << 20;

/// Which decoded samples are kept.
#[derive(Debug, Default)]
pub(super) struct Edits {
    skip: u64,
    pub(super) keep: Option<u64>,
}

impl Edits {
    /// Cuts `samples`, of which the first was the `first`-th decoded.
    pub(super) fn apply(&self, first: u64, samples: &mut Vec<f32>) {
        if let Some(keep) = self.keep {
            let left = (self.skip + keep).saturating_sub(first);
            samples.truncate(left.min(samples.len() as u64) as usize);
        }
        let dropped = self.skip.saturating_sub(first).min(samples.len() as u64);
        samples.drain(..dropped as usize);
    }
}

/// The edits of the track, or none when there is no list or it is not of the simple form.
pub(super) fn read(path: &Path, track: u32) -> Edits {
    try_read(path, track).unwrap_or_default()
}

fn try_read(path: &Path, track: u32) -> Option<Edits> {
    let bytes = read_moov(&mut File::open(path).ok()?)?;
    let (moov, _) = MoovBox::decode(&bytes).ok()?;
    let trak = moov
        .trak_boxes
        .iter()
        .find(|t| t.tkhd_box.track_id == track)?;
    let entries = &trak.edts_box.as_ref()?.elst_box.as_ref()?.entries;
    let [edit] = entries.as_slice() else {
        return None;
    };
    let media_scale = u64::from(trak.mdia_box.mdhd_box.timescale.get());
    let movie_scale = u64::from(moov.mvhd_box.timescale.get());
    let keep = u128::from(edit.edit_duration) * u128::from(media_scale);
    let keep = (keep + u128::from(movie_scale / 2)) / u128::from(movie_scale);
    Some(Edits {
        skip: u64::try_from(edit.media_time).ok()?,
        keep: u64::try_from(keep).ok().filter(|&n| n > 0),
    })
}

/// The bytes of the `moov` box, header included.
fn read_moov(file: &mut File) -> Option<Vec<u8>> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let mut position = 0;
    while position + 8 <= end {
        file.seek(SeekFrom::Start(position)).ok()?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8]).ok()?;
        let mut size = u64::from(u32::from_be_bytes(header[..4].try_into().ok()?));
        if size == 1 {
            file.read_exact(&mut header[8..]).ok()?;
            size = u64::from_be_bytes(header[8..].try_into().ok()?);
        } else if size == 0 {
            size = end - position;
        }
        if size < 8 || size > end - position {
            return None;
        }
        if &header[4..8] == b"moov" {
            if size > MAX_MOOV_BYTES {
                return None;
            }
            file.seek(SeekFrom::Start(position)).ok()?;
            let mut bytes = vec![0; size as usize];
            file.read_exact(&mut bytes).ok()?;
            return Some(bytes);
        }
        position += size;
    }
    None
}
