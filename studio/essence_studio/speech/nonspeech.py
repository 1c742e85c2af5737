"""Sounds during which the mouth must rest: noises, hum, tones, music, clicks, keys, breath, applause, crowds. All made from a seed."""

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

RATE_HZ = 16000


def sounds(seconds: float, generator: np.random.Generator) -> list[np.ndarray]:
    """One piece of every kind, each with its own level between -60 and -14 dBFS and random gaps."""
    count = round(seconds * RATE_HZ)
    pieces = []
    for make in (_coloured, _band, _hum, _tones, _music, _clicks, _breath, _traffic, _applause, np.zeros_like):
        piece = make(np.zeros(count)) if make is np.zeros_like else make(count, generator)
        level = 10 ** (generator.uniform(-60, -14) / 20)
        piece = piece / max(np.sqrt(np.mean(piece**2)), 1e-9) * level if piece.any() else piece
        if make not in (_clicks, _breath) and generator.random() < 0.5:
            piece = piece * _gate(count, generator)
        pieces.append(np.clip(piece, -1, 1).astype(np.float32))
    return pieces


def crowd(voices: list[np.ndarray], seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Many voices at once, of which none can be followed, in a large room; between -45 and -18 dBFS."""
    count = round(seconds * RATE_HZ)
    out = np.zeros(count)
    for index in generator.integers(0, len(voices), generator.integers(10, 24)):
        voice = np.resize(voices[index], count + RATE_HZ)
        shift = generator.integers(0, RATE_HZ)
        out += voice[shift : shift + count] * generator.uniform(0.3, 1) / max(np.sqrt(np.mean(voice**2)), 1e-9)
    tail = generator.standard_normal(RATE_HZ // 2) * 10 ** (-3 * np.arange(RATE_HZ // 2) / (RATE_HZ * generator.uniform(0.4, 1.2)))
    out = fftconvolve(out, tail)[:count] * np.interp(np.arange(count), np.linspace(0, count, 6), generator.uniform(0.3, 1, 6))
    out = out + generator.uniform(0, 1) * _applause(count, generator) * out.std()
    return (out * 10 ** (generator.uniform(-45, -18) / 20) / max(np.sqrt(np.mean(out**2)), 1e-9)).clip(-1, 1).astype(np.float32)


def breathe(gap: np.ndarray, generator: np.random.Generator) -> None:
    """Adds a breath to a pause, in place: between -50 and -32 dBFS."""
    breath = _breath(len(gap), generator)
    gap += (breath * (10 ** (generator.uniform(-50, -32) / 20) / max(np.sqrt(np.mean(breath**2)), 1e-9))).astype(np.float32)


def _coloured(count, generator):
    spectrum = np.fft.rfft(generator.standard_normal(count))
    slope = generator.uniform(0, 1.2)
    return np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** slope, count)


def _band(count, generator):
    low = generator.uniform(60, 3000)
    high = min(low * generator.uniform(1.3, 6), 7800)
    return sosfilt(butter(2, (low, high), "bandpass", fs=RATE_HZ, output="sos"), generator.standard_normal(count))


def _hum(count, generator):
    t = np.arange(count) / RATE_HZ
    base = generator.choice([50.0, 60.0, generator.uniform(70, 400)])
    harmonics = sum(generator.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * t + generator.uniform(0, 6)) for k in range(1, 20))
    return harmonics + 0.05 * generator.standard_normal(count)


def _tones(count, generator):
    out, now = np.zeros(count), 0
    while now < count:
        length = round(generator.uniform(0.05, 0.6) * RATE_HZ)
        stop = min(now + length, count)
        t = np.arange(stop - now) / RATE_HZ
        start, end = generator.uniform(150, 4000, 2)
        end = start if generator.random() < 0.6 else end
        frequency = start + (end - start) * t / max(length / RATE_HZ, 1e-3)
        out[now:stop] = np.sin(2 * np.pi * np.cumsum(frequency) / RATE_HZ) * np.minimum(1, 20 * t)
        now = stop + round(generator.uniform(0, 0.5) * RATE_HZ)
    return out


def _music(count, generator):
    """Plucked chords of harmonics with decay."""
    out = np.zeros(count)
    beat = generator.uniform(0.15, 0.6)
    for start in np.arange(0, count / RATE_HZ, beat):
        begin = round(start * RATE_HZ)
        t = np.arange(count - begin) / RATE_HZ
        for _ in range(generator.integers(1, 4)):
            base = 110 * 2 ** (generator.integers(0, 36) / 12)
            decay = np.exp(-t * generator.uniform(1.5, 8))
            out[begin:] += decay * sum(np.sin(2 * np.pi * base * k * t) / k**1.5 for k in range(1, 6) if base * k < 7800)
    return out


def _clicks(count, generator):
    out = np.zeros(count)
    for start in generator.integers(0, count - 800, max(3, count // RATE_HZ * 4)):
        length = generator.integers(20, 700)
        out[start : start + length] += generator.standard_normal(length) * np.exp(-np.arange(length) / (length / 5)) * generator.uniform(0.1, 1)
    return out


def _applause(count, generator):
    """Claps, from a few to so many that they are a noise, of unit power."""
    strikes = np.zeros(count)
    places = generator.integers(0, count, generator.integers(3, 400) * count // RATE_HZ)
    np.add.at(strikes, places, generator.exponential(1, len(places)))
    centre = generator.uniform(700, 1800)
    t = np.arange(800) / RATE_HZ
    clap = generator.standard_normal(800) * np.exp(-t * generator.uniform(120, 400))
    out = sosfilt(butter(1, (0.6 * centre, 1.8 * centre), "bandpass", fs=RATE_HZ, output="sos"), fftconvolve(strikes, clap)[:count])
    return out / max(out.std(), 1e-9)


def _breath(count, generator):
    low = generator.uniform(300, 900)
    noise = sosfilt(butter(1, (low, low * generator.uniform(3, 7)), "bandpass", fs=RATE_HZ, output="sos"), generator.standard_normal(count))
    t = np.arange(count) / RATE_HZ
    return noise * np.maximum(0, np.sin(2 * np.pi * t / generator.uniform(1.2, 3)) - 0.3) ** 1.5


def _traffic(count, generator):
    swell = np.interp(np.arange(count), np.linspace(0, count, 8), generator.uniform(0.05, 1, 8))
    return sosfilt(butter(1, generator.uniform(150, 900), fs=RATE_HZ, output="sos"), generator.standard_normal(count)) * swell


def _gate(count, generator):
    points = np.repeat(generator.random(max(2, count // 4000)) < 0.6, 2).astype(float)
    return np.interp(np.arange(count), np.linspace(0, count, len(points)), points)
