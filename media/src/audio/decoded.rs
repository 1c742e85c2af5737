//! The results of decoders.

/// The result of decoding a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decoded {
    /// Samples of all channels, interleaved, at a rate.
    Samples { rate_hz: u32, channels: usize },
    /// The packet is damaged.
    Damaged,
}

/// The error of a decoder.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;
