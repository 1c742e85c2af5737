"""What a recording may go through before it reaches the network, for measuring: all on samples, none of it used in training."""

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

RATE_HZ = 16000
Condition = Callable[[np.ndarray], np.ndarray]


def conditions(seed: int = 7) -> dict[str, Condition]:
    generator = np.random.Generator(np.random.PCG64(seed))
    return {
        "noise, 15 dB": lambda samples: _noise(samples, 15.0, generator),
        "telephone": _telephone,
        "+12 dB": lambda samples: np.clip(samples * 10 ** (12 / 20), -1, 1),
        "-12 dB": lambda samples: samples * 10 ** (-12 / 20),
        "room, 0.4 s": lambda samples: _room(samples, 0.4, generator),
    }


def _noise(samples: np.ndarray, ratio_db: float, generator: np.random.Generator) -> np.ndarray:
    """Pink noise at that ratio to the speech's mean power."""
    spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), len(samples))
    gain = np.sqrt(np.mean(samples**2) / np.mean(pink**2)) * 10 ** (-ratio_db / 20)
    return (samples + gain * pink).astype(np.float32)


def _telephone(samples: np.ndarray) -> np.ndarray:
    """300 to 3400 Hz and mu-law of 8 bits."""
    band = sosfilt(butter(4, (300, 3400), "bandpass", fs=RATE_HZ, output="sos"), samples)
    peak = max(float(np.abs(band).max()), 1e-6)
    code = np.round(127 * np.sign(band) * np.log1p(255 * np.abs(band / peak)) / np.log(256)) / 127
    return (peak * np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255).astype(np.float32)


def _room(samples: np.ndarray, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """A tail that falls by 60 dB within `seconds`, 3 dB below the direct sound, after 4 ms."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tail = generator.standard_normal(len(t)) * 10 ** (-3 * t / seconds)
    tail *= 10 ** (-3 / 20) / np.sqrt(np.sum(tail**2))
    return (samples + np.pad(fftconvolve(samples, tail), (64, 0))[: len(samples)]).astype(np.float32)
