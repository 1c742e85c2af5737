"""Log-mel frames of 16 kHz speech, as docs/imx.md defines them.

Mel frame `m` covers the samples `[160 m - 120, 160 m + 280)`, so that its hop `[160 m, 160 m + 160)` lies in the middle.
Samples before the utterance and after its end are 0. Frame numbers may be negative or past the end.
"""

import functools

import numpy as np

RATE_HZ = 16000
HOP_SAMPLES = 160
WINDOW_SAMPLES = 400
LEAD_SAMPLES = 120
FFT_SAMPLES = 512
BANDS = 80
LOW_HZ = 50.0
HIGH_HZ = 7000.0
FLOOR = 1e-6

VIDEO_FRAME_HOPS = 4
"""Hops in one video frame: frame `k` is the hops `4k .. 4k+3`."""
LOOK_AHEAD_HOPS = 14
"""The window of video frame `k` is the mel frames `4k + LOOK_AHEAD_HOPS - T` up to, not including, `4k + LOOK_AHEAD_HOPS`."""


def mel_frames(samples: np.ndarray, first: int = 0, count: int | None = None) -> np.ndarray:
    """Mel frames `first .. first + count` of 16 kHz mono samples in [-1, 1], as `[count, 80]` f32.

    Without `count`: up to the last hop that begins inside the samples.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if count is None:
        count = -(-len(samples) // HOP_SAMPLES) - first
    if count <= 0:
        return np.zeros((0, BANDS), dtype=np.float32)
    start = HOP_SAMPLES * first - LEAD_SAMPLES
    stop = HOP_SAMPLES * (first + count - 1) - LEAD_SAMPLES + WINDOW_SAMPLES
    span = np.zeros(stop - start, dtype=np.float32)
    low, high = max(start, 0), min(stop, len(samples))
    if low < high:
        span[low - start : high - start] = samples[low:high]
    blocks = np.lib.stride_tricks.sliding_window_view(span, WINDOW_SAMPLES)[::HOP_SAMPLES]
    out = np.empty((count, BANDS), dtype=np.float32)
    for begin in range(0, count, 4096):  # bounds the memory of long recordings
        spectrum = np.fft.rfft(blocks[begin : begin + 4096] * hann_window(), FFT_SAMPLES)
        power = spectrum.real**2 + spectrum.imag**2
        out[begin : begin + 4096] = np.log(power @ mel_filters() + FLOOR)
    return out


def frame_count(samples: int) -> int:
    """Video frames of that many samples at 16 kHz: `ceil(25 · duration)`."""
    return -(-samples // (HOP_SAMPLES * VIDEO_FRAME_HOPS))


def windows(samples: np.ndarray, length: int) -> np.ndarray:
    """The mel window of every video frame, `[frames, length, 80]` (a read-only view)."""
    frames = frame_count(len(samples))
    mels = mel_frames(samples, LOOK_AHEAD_HOPS - length, VIDEO_FRAME_HOPS * (frames - 1) + length)
    view = np.lib.stride_tricks.sliding_window_view(mels, length, axis=0)[::VIDEO_FRAME_HOPS]
    return view.transpose(0, 2, 1)


@functools.cache
def hann_window() -> np.ndarray:
    """Periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)


@functools.cache
def mel_filters() -> np.ndarray:
    """Triangles of peak 1 over the FFT's bins, `[257, 80]`."""
    top, bottom = (2595 * np.log10(1 + f / 700) for f in (HIGH_HZ, LOW_HZ))
    edges = 700 * (10 ** (np.linspace(bottom, top, BANDS + 2) / 2595) - 1)
    bins = np.arange(FFT_SAMPLES // 2 + 1)[:, None] * (RATE_HZ / FFT_SAMPLES)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
