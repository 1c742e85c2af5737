//! Names of what isn't read, so that a message can say what a file is.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_AC4, CODEC_ID_DCA, CODEC_ID_EAC3, CODEC_ID_MUSEPACK, CODEC_ID_SPEEX,
    CODEC_ID_TRUEHD, CODEC_ID_TTA, CODEC_ID_WAVPACK, CODEC_ID_WMA,
};

/// How many bytes of a file `container` looks at.
pub(super) const HEAD_BYTES: usize = 4096;

/// The format of a file that begins with `head`, if it is one that is known and not read here.
pub(super) fn container(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..offset + magic.len())
            .is_some_and(|bytes| bytes == magic)
    };
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Some("an AVI film");
    }
    if at(0, b"OggS") {
        // The first packet begins behind the page's header and its table of one segment.
        return [
            (&b"Speex   "[..], "Speex in Ogg"),
            (b"\x80theora", "Theora in Ogg"),
            (b"fishead", "an Ogg file with a skeleton"),
        ]
        .into_iter()
        .find_map(|(magic, name)| at(28, magic).then_some(name));
    }
    [
        (&b"RIFX"[..], "a WAV file with big-endian samples (RIFX)"),
        (b"riff\x2E\x91\xCF\x11", "a Wave64 file"),
        (b".snd", "an AU file"),
        (b"#!AMR-WB", "AMR-WB"),
        (b"#!AMR", "AMR"),
        (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "Windows Media (WMA)"),
        (b"MThd", "a MIDI file, which holds no sound"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
        (b"TTA1", "True Audio"),
        (b"MP+", "Musepack"),
        (b"MPCK", "Musepack"),
        (b"DSD ", "DSD"),
        (b"FRM8", "DSD"),
        (b"\x0B\x77", "AC-3"),
        (b"\x7F\xFE\x80\x01", "DTS"),
        (b"FLV", "a Flash video"),
        (b"\x00\x00\x01\xBA", "an MPEG program stream"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"<!DOCTYPE", "a web page"),
        (b"<html", "a web page"),
        (b"\x89PNG", "a picture"),
        (b"\xFF\xD8\xFF", "a picture"),
        (b"GIF8", "a picture"),
    ]
    .into_iter()
    .find_map(|(magic, name)| at(0, magic).then_some(name))
    .or_else(|| (at(0, b"G") && at(188, b"G")).then_some("an MPEG transport stream"))
}

/// A format tag of WAV (mmreg.h of the Windows SDK).
pub(super) fn wav_codec(tag: u16) -> String {
    match tag {
        0x0031 => "GSM 6.10",
        0x0045 | 0x0064 | 0x0065 => "G.726",
        0x0042 | 0x0111 => "G.723",
        0x0083 | 0x0084 => "G.729",
        0x0092 | 0x2000 => "AC-3",
        0x00FF | 0x1600 | 0x1602 | 0x1610 | 0xA106 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x0270 => "Sony ATRAC3",
        0x2001 => "DTS",
        0x674F..=0x6771 => "Vorbis",
        0x704F => "Opus",
        0xF1AC => "FLAC",
        _ => return format!("an unknown codec (format tag 0x{tag:04X})"),
    }
    .to_owned()
}

/// A codec that a demuxer knows and no decoder.
pub(super) fn codec(id: AudioCodecId) -> Option<&'static str> {
    Some(match id {
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_AC4 => "AC-4",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_TRUEHD => "Dolby TrueHD",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_WAVPACK => "WavPack",
        CODEC_ID_WMA => "Windows Media Audio",
        CODEC_ID_MUSEPACK => "Musepack",
        CODEC_ID_TTA => "True Audio",
        _ => return None,
    })
}

/// The code of a sample entry in MP4 or QuickTime (mp4ra.org).
pub(super) fn mp4_codec(code: [u8; 4]) -> String {
    match &code {
        b"mp4a" => "AAC of a kind that isn't read, or an unknown MPEG-4 codec",
        b"ac-3" => "AC-3",
        b"ac-4" => "AC-4",
        b"ec-3" => "E-AC-3",
        b"samr" => "AMR",
        b"sawb" => "AMR-WB",
        b"dtsc" | b"dtse" | b"dtsh" | b"dtsl" => "DTS",
        b"wma " => "Windows Media Audio",
        b"enca" => "an encrypted codec",
        b"QDM2" | b"QDMC" => "QDesign Music",
        _ => return format!("the codec `{}`", code.escape_ascii()),
    }
    .to_owned()
}
