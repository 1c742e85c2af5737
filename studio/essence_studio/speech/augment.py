"""Augmentation of log-mels in the band domain, where it costs little: a batch of stretches `[B, M, 80]`, each changed in its own way.

Vocal tract length and pitch are a warp of the band axis; noise and other voices add as energies; a room smears energy along time.
Tempo is changed earlier, when stretches are cut (`cut`), because it changes the targets too.
"""

import numpy as np
import torch

from essence_studio.mel import BANDS, FLOOR

_TOP = 2595 * np.log10(1 + 7000 / 700)
_BOTTOM = 2595 * np.log10(1 + 50 / 700)


def augment(mel: torch.Tensor, others: torch.Tensor, noise: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """`others`: other utterances' mels of the same shape, for babble. `noise`: mels of non-speech, likewise."""
    batch = mel.shape[0]
    mel = warp(mel, _some(generator, batch, 0.7, lambda n: np.exp(generator.uniform(np.log(0.84), np.log(1.2), n)), 1.0))
    energy = torch.exp(mel) - FLOOR
    energy = _room(energy, generator)
    # tilt and a few wide bumps: microphones, distance
    energy = energy * torch.exp(_colour(generator, batch, 0.8, 1.2))
    speech = energy.mean(dim=(1, 2), keepdim=True).clamp(min=1e-5)
    energy = energy + speech * _ratio(generator, batch, 0.7, 5, 50) * _shaped_noise(generator, batch, mel.shape[1])
    for added, chance, low, high in ((others, 0.15, 12, 30), (noise, 0.25, 5, 35)):
        sound = torch.exp(added) - FLOOR
        sound = sound / sound.mean(dim=(1, 2), keepdim=True).clamp(min=1e-5)
        energy = energy + speech * _ratio(generator, batch, chance, low, high) * sound.clamp(max=1e4)
    energy = energy * torch.exp(_bands(generator, batch))
    gain = _column(_some(generator, batch, 0.8, lambda n: 10 ** (generator.uniform(-22, 14, n) / 10), 1.0))
    out = torch.log(energy.clamp(min=0) * gain + FLOOR)
    return _mask(out, generator)


def warp(mel: torch.Tensor, factors: np.ndarray) -> torch.Tensor:
    """Moves every frequency `f` to `f * factor`, straight to the top above 85 % of it."""
    hz = 700 * (10 ** (np.linspace(_BOTTOM, _TOP, BANDS + 2)[1:-1] / 2595) - 1)
    knee = 4800.0
    factor = factors[:, None]
    low = hz[None] / factor
    turn = np.minimum(knee, knee / factor)
    high = 7000 - (7000 - turn) * (7000 - hz[None]) / np.maximum(7000 - turn * factor, 1)
    source = np.where(low <= turn, low, high)
    index = (2595 * np.log10(1 + source / 700) - _BOTTOM) / (_TOP - _BOTTOM) * (BANDS + 1) - 1
    index = torch.from_numpy(np.clip(index, 0, BANDS - 1).astype(np.float32))
    floor = index.floor().long().clamp(max=BANDS - 2)
    part = (index - floor)[:, None]
    expand = floor[:, None].expand(-1, mel.shape[1], -1)
    return torch.gather(mel, 2, expand) * (1 - part) + torch.gather(mel, 2, expand + 1) * part


def _room(energy: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """An exponential tail along time for two in five of the batch, 0.1 to 0.5 s for 60 dB."""
    batch = energy.shape[0]
    chosen = np.flatnonzero(generator.random(batch) < 0.4)
    if len(chosen) == 0:
        return energy
    decay = 10 ** (-6 / (100 * generator.uniform(0.1, 0.5, len(chosen))))
    share = 10 ** (generator.uniform(-12, 3, len(chosen)) / 10)
    length = 40
    tail = decay[:, None] ** np.arange(length)
    kernel = share[:, None] * tail / tail.sum(axis=1, keepdims=True)
    kernel[:, 0] += 1
    picked = energy[chosen].permute(0, 2, 1).reshape(1, -1, energy.shape[1])
    weight = torch.from_numpy(np.repeat(kernel[:, ::-1].copy(), BANDS, axis=0)[:, None].astype(np.float32))
    smeared = _long_filter(picked, weight)
    energy = energy.clone()
    energy[chosen] = smeared.reshape(len(chosen), BANDS, -1).permute(0, 2, 1)
    return energy


def _long_filter(rows: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Causal convolution of each row with its own kernel, by FFT."""
    count, length = rows.shape[2], kernels.shape[2]
    size = count + length
    spectrum = torch.fft.rfft(rows[0], size) * torch.fft.rfft(kernels[:, 0].flip(1), size)
    return torch.fft.irfft(spectrum, size)[:, :count].clamp(min=0)


def _colour(generator, batch, chance, strength) -> torch.Tensor:
    x = np.linspace(-1, 1, BANDS)
    curve = generator.normal(0, strength, (batch, 1)) * x
    for _ in range(3):
        centre, width = generator.uniform(-1, 1, (batch, 1)), generator.uniform(0.1, 0.5, (batch, 1))
        curve += generator.normal(0, 0.5 * strength, (batch, 1)) * np.exp(-(((x - centre) / width) ** 2))
    curve *= generator.random((batch, 1)) < chance
    return torch.from_numpy(curve[:, None].astype(np.float32))


def _shaped_noise(generator, batch, count) -> torch.Tensor:
    """Steady noise of mean energy 1, its power in each frame and band scattered as a short spectrum's is."""
    shape = torch.exp(_colour(generator, batch, 1.0, 2.0))
    scatter = torch.exp(0.5 * torch.from_numpy(generator.standard_normal((batch, count, BANDS), np.float32)) - 0.125)
    return shape / shape.mean(dim=2, keepdim=True) * scatter


def _bands(generator, batch) -> torch.Tensor:
    """Telephone and worse: cuts the bottom, the top, or both."""
    band = np.arange(BANDS)
    low = _some(generator, batch, 0.2, lambda n: generator.uniform(0, 12, n), -99.0)[:, None]
    high = _some(generator, batch, 0.2, lambda n: generator.uniform(52, 79, n), 199.0)[:, None]
    cut = -1.5 * (np.maximum(low - band, 0) * (low > -1) + np.maximum(band - high, 0))
    return torch.from_numpy(np.maximum(cut, -12)[:, None].astype(np.float32))


def _mask(mel: torch.Tensor, generator) -> torch.Tensor:
    """Hides a few bands for the whole stretch from some, short spans of all bands from others."""
    keep = np.ones((mel.shape[0], mel.shape[1], BANDS), np.float32)
    for row in range(len(keep)):
        if generator.random() < 0.25:
            start, width = generator.integers(0, BANDS - 8), generator.integers(2, 9)
            keep[row, :, start : start + width] = 0
    mask = torch.from_numpy(keep)
    return mel * mask + mel.mean(dim=2, keepdim=True) * (1 - mask)


def _ratio(generator, batch, chance, low_db, high_db) -> torch.Tensor:
    """Energy of an addition against speech, for that signal-to-noise range; 0 where there is none."""
    return _column(_some(generator, batch, chance, lambda n: 10 ** (-generator.uniform(low_db, high_db, n) / 10), 0.0))


def _some(generator, batch, chance, draw, otherwise) -> np.ndarray:
    return np.where(generator.random(batch) < chance, draw(batch), otherwise)


def _column(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None]
