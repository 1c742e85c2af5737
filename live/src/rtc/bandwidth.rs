//! From what a connection is estimated to carry to the bit rate of its pictures.

/// Bits a second of the sound with its headers: 48 kbit/s of Opus in 25 packets.
const SOUND_BPS: u64 = 60_000;

/// Bits a second that a connection is taken to carry before it was measured.
pub(crate) const INITIAL_BPS: u64 = 800_000;

/// Bits a second for pictures where `estimate_bps` are carried in all. A fifth stays free: an encoder
/// that fills the estimate makes the pacer queue (144 ms were measured), and no probe finds more.
pub(crate) fn picture_bps(estimate_bps: u64) -> u32 {
    let bps = (estimate_bps / 5 * 4).saturating_sub(SOUND_BPS);
    u32::try_from(bps).unwrap_or(u32::MAX)
}
