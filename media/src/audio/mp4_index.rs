//! The parts of an MP4 file that Symphonia's demuxer leaves out: edit lists, iTunes' tag for gapless
//! playback, and the codes of codecs that it doesn't know.
//!
//! An edit list (`edts`/`elst`, ISO/IEC 14496-12 8.6.6) says which part of a track is played and
//! when. Its durations are in the movie's time scale, its begins in the track's (ibid. 8.6.6.3),
//! neither of which need be the sample rate.

use std::io::{Read, Result, Seek, SeekFrom};

use super::timeline::Span;

/// More than the index of any audio file (a day of AAC has 16 MB).
const MAX_MOOV_BYTES: u64 = 64 << 20;
/// More edits than this are no delay of an encoder but an edited film: the whole track is played.
const MAX_EDITS: usize = 64;
/// Longer silence in front is a damaged list.
const MAX_SILENCE_S: u64 = 3600;

/// An audio track's timing.
#[derive(Debug)]
pub(super) struct Mp4Track {
    pub(super) id: u32,
    /// The four characters that name its codec.
    pub(super) codec: [u8; 4],
    movie_scale: u64,
    media_scale: u64,
    /// Duration in the movie's scale, begin in the track's (-1: silence).
    edits: Vec<(u64, i64)>,
    /// For a file without edits that cut: the encoder's delay and the length of the sound, in the track's
    /// scale.
    gapless: Option<(u64, u64)>,
}

impl Mp4Track {
    /// The edits in samples at `rate_hz`.
    pub(super) fn spans(&self, rate_hz: u32) -> Vec<Span> {
        let samples = |ticks: u64, scale: u64| -> u64 {
            let n = (u128::from(ticks) * u128::from(rate_hz) + u128::from(scale / 2))
                / u128::from(scale);
            u64::try_from(n).unwrap_or(u64::MAX)
        };
        if let Some((delay, length)) = self.gapless {
            let from = samples(delay, self.media_scale);
            let to = from.saturating_add(samples(length, self.media_scale));
            return vec![Span::Media { from, to }];
        }
        self.edits
            .iter()
            .map(|&(duration, begin)| match u64::try_from(begin) {
                Err(_) => {
                    let n = samples(duration, self.movie_scale);
                    let fits = n <= MAX_SILENCE_S * u64::from(rate_hz);
                    Span::Silence(if fits { n } else { 0 })
                }
                Ok(begin) => {
                    let from = samples(begin, self.media_scale);
                    // Fragmented files have edits of no duration: up to the end.
                    let to = match samples(duration, self.movie_scale) {
                        0 => u64::MAX,
                        n => from.saturating_add(n),
                    };
                    Span::Media { from, to }
                }
            })
            .collect()
    }
}

/// The tracks of the file, sound or not. Empty where the index can't be read, which the demuxer
/// will say.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Vec<Mp4Track>> {
    let moov = read_moov(file)?.unwrap_or_default();
    let movie_scale = child(&moov, b"mvhd").and_then(time_scale).unwrap_or(0);
    let gapless = gapless(&moov);
    let tracks = boxes(&moov)
        .filter(|(name, _)| name == b"trak")
        .filter_map(|(_, trak)| track(trak, movie_scale, gapless))
        .collect();
    Ok(tracks)
}

fn track(trak: &[u8], movie_scale: u64, gapless: Option<(u64, u64)>) -> Option<Mp4Track> {
    let header = child(trak, b"tkhd")?;
    let id = match header.first()? {
        1 => be32(header, 20)?,
        _ => be32(header, 12)?,
    };
    let media = child(trak, b"mdia")?;
    let media_scale = time_scale(child(media, b"mdhd")?)?;
    let description = child(child(child(media, b"minf")?, b"stbl")?, b"stsd")?;
    let edits = child(trak, b"edts")
        .and_then(|edits| child(edits, b"elst"))
        .and_then(edit_list)
        .filter(|_| movie_scale > 0)
        .unwrap_or_default();
    // An edit list that cuts is what players follow.
    let gapless = gapless.filter(|_| edits.iter().all(|&(_, begin)| begin == 0));
    Some(Mp4Track {
        id,
        codec: description.get(12..16)?.try_into().ok()?,
        movie_scale,
        media_scale,
        edits,
        gapless,
    })
}

/// The encoder's delay and the length of the sound in samples, as iTunes writes them into its tag
/// `iTunSMPB`: hexadecimal numbers, of which the second to fourth are delay, padding and length.
fn gapless(moov: &[u8]) -> Option<(u64, u64)> {
    // `meta` has a version in front of its boxes.
    let meta = child(child(moov, b"udta")?, b"meta")?.get(4..)?;
    let items = boxes(child(meta, b"ilst")?).filter(|(name, _)| name == b"----");
    let named = |item: &[u8]| child(item, b"name").is_some_and(|name| name.ends_with(b"iTunSMPB"));
    let (_, item) = items.into_iter().find(|(_, item)| named(item))?;
    // Type and locale stand in front of the text.
    let text = std::str::from_utf8(child(item, b"data")?.get(8..)?).ok()?;
    let mut numbers = text.split_whitespace().skip(1);
    let mut number = || u64::from_str_radix(numbers.next()?, 16).ok();
    let (delay, _padding, length) = (number()?, number()?, number()?);
    (length > 0).then_some((delay, length))
}

/// The `timescale` of a box `mvhd` or `mdhd`.
fn time_scale(header: &[u8]) -> Option<u64> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    Some(u64::from(be32(header, at)?)).filter(|&scale| scale > 0)
}

fn edit_list(list: &[u8]) -> Option<Vec<(u64, i64)>> {
    let wide = *list.first()? == 1;
    let count = be32(list, 4)? as usize;
    if count > MAX_EDITS {
        return None;
    }
    let size = if wide { 20 } else { 12 };
    (0..count)
        .map(|i| {
            let at = 8 + i * size;
            Some(if wide {
                (be64(list, at)?, be64(list, at + 8)?.cast_signed())
            } else {
                let begin = be32(list, at + 4)?.cast_signed();
                (u64::from(be32(list, at)?), i64::from(begin))
            })
        })
        .collect()
}

/// The content of the first box `name` inside of `content`.
fn child<'a>(content: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(content).find(|(n, _)| n == name).map(|(_, c)| c)
}

/// The boxes that lie in `content`, each its name and content, up to the first that is not whole.
fn boxes(mut content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, name) = (be32(content, 0)?, content.get(4..8)?.try_into().ok()?);
        let (head, size) = match size {
            0 => (8, content.len()),
            1 => (16, usize::try_from(be64(content, 8)?).ok()?),
            n => (8, n as usize),
        };
        let inner = content.get(head..size)?;
        content = &content[size..];
        Some((name, inner))
    })
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// The content of the file's `moov` box.
fn read_moov(file: &mut (impl Read + Seek)) -> Result<Option<Vec<u8>>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut position = 0;
    while position + 8 <= end {
        file.seek(SeekFrom::Start(position))?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8])?;
        let (mut head, mut size) = (8, u64::from(be32(&header, 0).unwrap_or(0)));
        if size == 1 && position + 16 <= end {
            file.read_exact(&mut header[8..])?;
            (head, size) = (16, be64(&header, 8).unwrap_or(0));
        } else if size == 0 {
            size = end - position;
        }
        if size < head || size > end - position {
            return Ok(None);
        }
        if &header[4..8] == b"moov" {
            if size > MAX_MOOV_BYTES {
                return Ok(None);
            }
            let mut bytes = vec![0; (size - head) as usize];
            file.read_exact(&mut bytes)?;
            return Ok(Some(bytes));
        }
        position += size;
    }
    Ok(None)
}
