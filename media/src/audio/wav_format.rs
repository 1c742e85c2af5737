//! The chunk `fmt ` of a WAV file (`WAVEFORMATEX`, mmreg.h of the Windows SDK).

use super::names;

const PCM: u16 = 1;
const ADPCM_MS: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const ADPCM_IMA: u16 = 0x11;
const MPEG: u16 = 0x50;
const MP3: u16 = 0x55;
const EXTENSIBLE: u16 = 0xFFFE;

/// The last 14 bytes of a subformat that stands for the tag in its first two.
const SUBFORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// The kind of samples in a WAV file.
#[derive(Clone, Debug)]
pub(super) struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    block_align: u16,
    /// Bits of a sample as it is stored: a multiple of 8, or 4 for ADPCM.
    bits: u16,
    /// Samples per channel as the chunk `fact` says, which programs that stream leave wrong.
    pub(super) stated_samples: Option<u64>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        let key = |f: &Self| (f.tag, f.channels, f.rate_hz, f.block_align, f.bits);
        key(self) == key(other)
    }
}

/// A format that isn't read, in words.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl Format {
    /// Reads the chunk's content. Its length matters little: programs append what they like.
    pub(super) fn read(chunk: &[u8]) -> Result<Self, Refused> {
        let le16 = |at: usize| {
            let bytes = chunk.get(at..at + 2);
            bytes.map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
        };
        if chunk.len() < 14 {
            return Err(Refused("a chunk `fmt ` that is too short".to_owned()));
        }
        let mut tag = le16(0);
        if tag == EXTENSIBLE {
            tag = match chunk.get(26..40) {
                Some(rest) if rest == SUBFORMAT => le16(24),
                _ => return Err(Refused("samples of an unknown subformat".to_owned())),
            };
        }
        let mut format = Self {
            tag,
            channels: le16(2),
            rate_hz: u32::from(le16(4)) | u32::from(le16(6)) << 16,
            block_align: le16(12),
            bits: le16(14),
            stated_samples: None,
        };
        format.check()?;
        Ok(format)
    }

    fn check(&mut self) -> Result<(), Refused> {
        let refused = |what: String| Err(Refused(what));
        if self.is_mpeg() {
            return Ok(());
        }
        if self.channels == 0 || self.rate_hz == 0 {
            let (channels, rate) = (self.channels, self.rate_hz);
            return refused(format!("{channels} channels at {rate} Hz"));
        }
        match self.tag {
            PCM | FLOAT => {
                // 12 bits are stored in 16, 20 in 24, at the top; what a block takes decides.
                let stored = (self.block_align / self.channels).saturating_mul(8);
                let fits = self.block_align.is_multiple_of(self.channels) && stored >= self.bits;
                if !fits || stored == 0 {
                    self.bits = self.bits.div_ceil(8).saturating_mul(8);
                } else {
                    self.bits = stored;
                }
                let known = match self.tag {
                    PCM => matches!(self.bits, 8 | 16 | 24 | 32),
                    _ => matches!(self.bits, 32 | 64),
                };
                if !known {
                    let kind = if self.tag == PCM {
                        "integers"
                    } else {
                        "floats"
                    };
                    return refused(format!("{kind} of {} bits", self.bits));
                }
            }
            A_LAW | MU_LAW => self.bits = 8,
            ADPCM_MS | ADPCM_IMA => {
                let head = if self.tag == ADPCM_MS { 7 } else { 4 };
                if self.bits != 4 || self.channels > 2 || self.block_align <= head * self.channels {
                    return refused(format!(
                        "ADPCM of {} bits in blocks of {} bytes, {} channels",
                        self.bits, self.block_align, self.channels
                    ));
                }
                return Ok(());
            }
            tag => return refused(names::wav_codec(tag)),
        }
        self.block_align = self
            .channels
            .checked_mul(self.bits / 8)
            .ok_or_else(|| Refused(format!("{} channels", self.channels)))?;
        Ok(())
    }

    /// Whether the data is an MPEG stream, which describes itself.
    pub(super) fn is_mpeg(&self) -> bool {
        matches!(self.tag, MPEG | MP3)
    }

    /// Whether samples are coded in blocks.
    pub(super) fn has_blocks(&self) -> bool {
        matches!(self.tag, ADPCM_MS | ADPCM_IMA)
    }

    /// Bytes that belong together.
    pub(super) fn block_bytes(&self) -> u64 {
        match self.is_mpeg() {
            true => 1,
            false => u64::from(self.block_align),
        }
    }

    /// Samples per channel in so many bytes.
    pub(super) fn samples(&self, bytes: u64) -> u64 {
        let coded = bytes / self.block_bytes() * u64::from(self.samples_per_block());
        // The last block may be filled up, which `fact` tells.
        match self.stated_samples {
            Some(n)
                if self.has_blocks()
                    && n <= coded
                    && coded - n < self.samples_per_block().into() =>
            {
                n
            }
            _ => coded,
        }
    }

    /// Samples per channel that a block holds: ADPCM stores the first one or two in its head.
    fn samples_per_block(&self) -> u32 {
        let coded = |head| {
            u32::from(self.block_align - head * self.channels) * 2 / u32::from(self.channels)
        };
        match self.tag {
            ADPCM_MS => coded(7) + 2,
            ADPCM_IMA => coded(4) + 1,
            _ => 1,
        }
    }

    /// A header for these samples; `data_bytes` of none is a stream. Nothing for MPEG.
    pub(super) fn header(&self, data_bytes: Option<u32>) -> Vec<u8> {
        if self.is_mpeg() {
            return Vec::new();
        }
        let mut extra = Vec::new();
        match self.tag {
            ADPCM_MS | ADPCM_IMA => {
                let samples = self.samples_per_block().min(u16::MAX.into()) as u16;
                extra.extend_from_slice(&samples.to_le_bytes());
                if self.tag == ADPCM_MS {
                    // The seven predictors of the standard, which decoders know by heart.
                    extra.extend_from_slice(&7u16.to_le_bytes());
                    extra.resize(32, 0);
                }
            }
            _ => {}
        }
        let mut format = Vec::new();
        format.extend_from_slice(&self.tag.to_le_bytes());
        format.extend_from_slice(&self.channels.to_le_bytes());
        format.extend_from_slice(&self.rate_hz.to_le_bytes());
        let second = u64::from(self.rate_hz) * u64::from(self.block_align);
        format.extend_from_slice(&u32::try_from(second).unwrap_or(0).to_le_bytes());
        format.extend_from_slice(&self.block_align.to_le_bytes());
        format.extend_from_slice(&self.bits.to_le_bytes());
        if !matches!(self.tag, PCM | FLOAT) {
            format.extend_from_slice(&(extra.len() as u16).to_le_bytes());
            format.extend_from_slice(&extra);
        }
        let mut header = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt ".to_vec();
        header.extend_from_slice(&(format.len() as u32).to_le_bytes());
        header.extend_from_slice(&format);
        header.extend_from_slice(b"data");
        header.extend_from_slice(&data_bytes.unwrap_or(u32::MAX).to_le_bytes());
        header
    }
}
