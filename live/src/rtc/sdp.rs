//! Offers and answers as text: limits, agreed codecs, one media stream.

use essence::{Error, ErrorKind, Result};

use super::MAX_OFFER_BYTES;

/// The media stream that pictures and sound belong to.
const STREAM_ID: &str = "avatar";

pub(super) fn check_offer(offer: &str) -> Result<()> {
    if offer.len() > MAX_OFFER_BYTES {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "an offer of {} bytes; at most {MAX_OFFER_BYTES} are taken",
                offer.len()
            ),
        ));
    }
    Ok(())
}

/// Checks that both media were agreed on.
pub(super) fn check_answer(answer: &str) -> Result<()> {
    for (media, codec) in [("video", "H264/90000"), ("audio", "opus/48000")] {
        let agreed = sections(answer).any(|section| {
            let first = section.first().copied().unwrap_or_default();
            let refused = first.split(' ').nth(1) == Some("0");
            first.starts_with(&format!("m={media} "))
                && !refused
                && section.iter().any(|line| is_rtpmap(line, codec))
        });
        if !agreed {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!(
                    "the offer has no {media} in {codec}; offer it, or use the WebSocket instead"
                ),
            ));
        }
    }
    Ok(())
}

/// The lines of each media section.
fn sections(sdp: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines: Vec<&str> = sdp.lines().collect();
    let begins: Vec<usize> = (0..lines.len())
        .filter(|&at| lines[at].starts_with("m="))
        .collect();
    let ends: Vec<usize> = begins
        .iter()
        .skip(1)
        .copied()
        .chain([lines.len()])
        .collect();
    begins
        .into_iter()
        .zip(ends)
        .map(move |(begin, end)| lines[begin..end].to_vec())
}

fn is_rtpmap(line: &str, codec: &str) -> bool {
    let Some(mapping) = line.strip_prefix("a=rtpmap:") else {
        return false;
    };
    let format = mapping.split(' ').nth(1).unwrap_or_default();
    format
        .get(..codec.len())
        .is_some_and(|format| format.eq_ignore_ascii_case(codec))
}

/// The answer with pictures and sound in one media stream, which browsers keep in step. str0m gives each
/// medium a stream of its own where the browser makes the offer.
pub(super) fn with_one_stream(answer: &str) -> String {
    let mut out = String::with_capacity(answer.len());
    for line in answer.lines() {
        match split_stream_id(line) {
            Some((before, after)) => {
                out.push_str(before);
                out.push_str(STREAM_ID);
                out.push_str(after);
            }
            None if line.starts_with("a=msid-semantic:") => {
                out.push_str("a=msid-semantic: WMS ");
                out.push_str(STREAM_ID);
            }
            None => out.push_str(line),
        }
        out.push_str("\r\n");
    }
    out
}

/// The text before and after the stream's name in `a=msid:STREAM TRACK` and `a=ssrc:N msid:STREAM TRACK`.
fn split_stream_id(line: &str) -> Option<(&str, &str)> {
    let begin = if line.starts_with("a=msid:") {
        "a=msid:".len()
    } else if line.starts_with("a=ssrc:") {
        line.find(" msid:")? + " msid:".len()
    } else {
        return None;
    };
    let (before, rest) = line.split_at(begin);
    let end = rest.find(' ').unwrap_or(rest.len());
    Some((before, &rest[end..]))
}
