"""Augmentation of log-mels in the band domain, where it costs little: a batch of stretches `[B, M, 80]`, each changed in its own way.

Vocal tract length and pitch are a warp of the band axis; noise and other voices add as energies; a room smears energy along time.
Tempo is changed earlier, when stretches are cut (`cut`), because it changes the targets too.
"""

import numpy as np
import torch
from scipy.signal import lfilter

from essence_studio.mel import BANDS, FLOOR

_TOP = 2595 * np.log10(1 + 7000 / 700)
_BOTTOM = 2595 * np.log10(1 + 50 / 700)


def augment(mel: torch.Tensor, others: torch.Tensor, noise: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """`others`: stretches of other utterances, for babble, half as many. `noise`: stretches of non-speech, likewise."""
    batch = mel.shape[0]
    mel = warp(mel, _some(generator, batch, 0.7, lambda n: np.exp(generator.uniform(np.log(0.84), np.log(1.2), n)), 1.0))
    energy = torch.exp(mel) - FLOOR
    energy = _room(energy, generator)
    # tilt and a few wide bumps: microphones, distance
    energy = energy * torch.exp(_colour(generator, batch, 0.8, 1.2))
    speech = energy.mean(dim=(1, 2), keepdim=True).clamp(min=1e-5)
    energy = energy + speech * _ratio(generator, batch, 0.7, 5, 50) * _shaped_noise(generator, batch, mel.shape[1])
    energy = _mix(energy, speech, others, generator, 0.15, 12, 30)
    energy = _mix(energy, speech, noise, generator, 0.3, 5, 35)
    energy = _clip(energy, generator)
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


def _mix(energy, speech, added, generator, chance, low_db, high_db) -> torch.Tensor:
    """Adds to some of the batch one of `added` each, at a random signal-to-noise ratio."""
    rows = np.flatnonzero(generator.random(len(energy)) < chance)[: len(added)]
    if len(rows) == 0:
        return energy
    sound = torch.exp(added[: len(rows)]) - FLOOR
    sound = (sound / sound.mean(dim=(1, 2), keepdim=True).clamp(min=1e-5)).clamp(max=1e4)
    ratio = _column(10 ** (-generator.uniform(low_db, high_db, len(rows)) / 10))
    energy = energy.clone()
    energy[rows] += speech[rows] * ratio * sound
    return energy


def _clip(energy, generator) -> torch.Tensor:
    """Clipping and coarse quantisation: what is lost from the loudest frames comes back as noise over all bands."""
    rows = np.flatnonzero(generator.random(len(energy)) < 0.15)
    if len(rows) == 0:
        return energy
    total = energy[rows].mean(dim=2, keepdim=True)
    limit = total.amax(dim=1, keepdim=True) * _column(generator.uniform(0.1, 0.7, len(rows)))
    energy = energy.clone()
    energy[rows] = energy[rows] * (limit / total.clamp(min=1e-9)).clamp(max=1) + 0.1 * (total - limit).clamp(min=0)
    return energy


def _room(energy: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """An exponential tail along time for half of the batch, 0.1 to 0.8 s for 60 dB."""
    batch = energy.shape[0]
    chosen = np.flatnonzero(generator.random(batch) < 0.5)
    if len(chosen) == 0:
        return energy
    decays = 10 ** (-6 / (100 * generator.uniform(0.1, 0.8, len(chosen))))
    shares = 10 ** (generator.uniform(-12, 3, len(chosen)) / 10)
    energy = energy.clone()
    for row, decay, share in zip(chosen, decays, shares):
        tail = lfilter([(1 - decay) * share], [1, -decay], energy[row].numpy(), axis=0)
        energy[row] += torch.from_numpy(tail.astype(np.float32))
    return energy


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
