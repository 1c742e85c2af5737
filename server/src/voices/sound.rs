//! Spoken texts as bytes, and texts by sentences.

/// A text's sentences.
pub(crate) fn sentences(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .char_indices()
            .zip(rest.chars().skip(1).map(Some).chain([None]))
            .find(|((_, c), next)| {
                ".!?。！？\n".contains(*c) && next.is_none_or(char::is_whitespace)
            })
            .map_or(rest.len(), |((at, c), _)| at + c.len_utf8());
        out.push(rest[..end].trim().to_owned());
        rest = rest[end..].trim_start();
    }
    out
}

/// Mono samples of 16 bits, little-endian.
pub(crate) fn pcm_bytes(samples: &[f32]) -> Vec<u8> {
    let sample = |x: &f32| ((x.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes();
    samples.iter().flat_map(sample).collect()
}

/// A WAV file of mono samples of 16 bits.
pub(crate) fn wav(rate_hz: u32, pcm: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(pcm.len()).unwrap_or(u32::MAX - 36);
    let mut file = Vec::with_capacity(44 + pcm.len());
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // PCM, one channel.
    file.extend(1u16.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend((2 * rate_hz).to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(pcm);
    file
}
