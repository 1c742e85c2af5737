"""Training batches: stretches of the corpus, cut at random with a random tempo and changed in the band domain."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from essence_studio.mel import FLOOR
from essence_studio.speech import data
from essence_studio.speech.augment import augment
from essence_studio.speech.mouth import VISEMES
from essence_studio.speech.network import STRIDE, Layout

BATCH = 16
OUTPUTS = 96
SHARES = {data.SYNTHETIC: 0.30, data.REAL: 0.58, data.NONSPEECH: 0.08, data.CAPTURED: 0.04}
"""Parts of a batch by kind: real speech is seen about two and a half times as often as its length says."""
HELD_OUT_EVERY = 12
"""Every so many real recordings are for validation."""
SMOOTHING = 0.05
BEGINS = 0.15
"""Part of the stretches that get digital silence before a moment of rest: a microphone is switched on, a file begins."""
TRUST = 0.5
"""How much the teacher's classes count against a sure label's."""
TAUGHT = 0.6
"""Weight of what only the teacher knows."""


class Batch(NamedTuple):
    mel: torch.Tensor
    """`[B, frames, 80]`"""
    target: torch.Tensor
    """`[B, outputs, 16]`, NaN where a coefficient isn't known"""
    classes: torch.Tensor
    """`[B, outputs, 12]`, probabilities; all 0 where nothing is known"""
    weight: torch.Tensor
    """`[B, outputs]`"""


class Corpus:
    """The arrays of `data.py`, and where its utterances are by kind, without those held out."""

    def __init__(self, path: Path, taught: Path | None = None):
        arrays = np.load(path)
        self.mel, self.target, self.weight = arrays["mel"], arrays["target"], arrays["weight"]
        viseme = arrays["viseme"]
        self.classes = np.zeros((len(viseme), len(VISEMES)), np.float16)
        known = np.flatnonzero(viseme >= 0)
        self.classes[known] = SMOOTHING / len(VISEMES)
        self.classes[known, viseme[known]] += 1 - SMOOTHING
        start, kind = arrays["start"], arrays["kind"]
        real = np.flatnonzero(kind == data.REAL)
        self.held_out = [slice(start[u], start[u + 1]) for u in real[::HELD_OUT_EVERY]]
        self.spans = {}
        for key in SHARES:
            utterances = np.flatnonzero(kind == key)
            if key == data.REAL:
                utterances = np.array([u for i, u in enumerate(utterances) if i % HELD_OUT_EVERY], int)
            if len(utterances):
                self.spans[key] = np.stack([start[utterances], start[utterances + 1]], 1)
        self.minutes = {data.KINDS[key]: round(float((s[:, 1] - s[:, 0]).sum() / 6000), 1) for key, s in self.spans.items()}
        if taught:
            self._learn(np.load(taught))

    def _learn(self, taught) -> None:
        """Where the labels are sure, the teacher's classes soften them; where they aren't, they give way to the teacher."""
        span = slice(int(taught["first"]), int(taught["first"]) + len(taught["classes"]))
        unsure = (self.weight[span] < 1)[:, None]
        classes = taught["classes"].astype(np.float32)
        self.classes[span] = np.where(unsure, classes, (1 - TRUST) * self.classes[span] + TRUST * classes)
        self.target[span] = np.where(unsure, taught["target"], self.target[span])
        self.weight[span] = np.where(unsure[:, 0], TAUGHT, self.weight[span])


class Batches:
    def __init__(self, corpus: Corpus, layout: Layout):
        self._corpus, self._layout = corpus, layout
        self._frames = layout.window + STRIDE * (OUTPUTS - 1)
        total = sum(SHARES[key] for key in corpus.spans)
        self._shares = {key: SHARES[key] / total for key in corpus.spans}
        self._ends = {key: np.cumsum(spans[:, 1] - spans[:, 0]) for key, spans in corpus.spans.items()}

    def draw(self, generator: np.random.Generator) -> Batch:
        kinds = generator.choice(list(self._shares), BATCH, p=list(self._shares.values()))
        tempo = np.where(generator.random(BATCH) < 0.7, np.exp(generator.uniform(np.log(0.84), np.log(1.2), BATCH)), 1.0)
        rows = [self._cut(self._begin(kind, generator), factor) for kind, factor in zip(kinds, tempo)]
        for row in rows:
            if generator.random() < BEGINS:
                _begin_inside(row, self._layout, generator)
        mel, *labels = (torch.from_numpy(np.stack(column)) for column in zip(*rows))
        others, noise = (torch.from_numpy(np.stack([self._plain(self._begin(kind, generator)) for _ in range(BATCH // 2)]))
                         for kind in (data.SYNTHETIC, data.NONSPEECH))  # fmt: skip
        return Batch(augment(mel, others, noise, generator), *labels)

    def _begin(self, kind: int, generator: np.random.Generator) -> int:
        spans, ends = self._corpus.spans[kind], self._ends[kind]
        point = generator.integers(0, ends[-1])
        index = np.searchsorted(ends, point, side="right")
        length = spans[index, 1] - spans[index, 0]
        offset = point - (ends[index] - length)
        # rather from where the whole stretch lies inside; it may reach into the next utterance
        latest = max(0, length - self._frames)
        return int(min(spans[index, 0] + min(offset, latest + 40), len(self._corpus.mel) - round(1.25 * self._frames) - 2))

    def _plain(self, begin: int) -> np.ndarray:
        return self._corpus.mel[begin : begin + self._frames].astype(np.float32)

    def _cut(self, begin: int, tempo: float) -> tuple[np.ndarray, ...]:
        where = begin + np.arange(self._frames) * tempo
        whole = where.astype(int)
        part = (where - whole).astype(np.float32)[:, None]
        corpus = self._corpus
        mel = corpus.mel[whole].astype(np.float32) * (1 - part) + corpus.mel[whole + 1].astype(np.float32) * part
        # middle of mel frame i is 5 ms behind its hop's beginning, so a stretched frame's middle moves too
        last = self._layout.window - 1 + STRIDE * np.arange(OUTPUTS)
        moment = begin + 0.5 + (last - self._layout.target_lag - 0.5) * tempo
        index = np.clip(np.round(moment).astype(int), 0, len(corpus.target) - 1)
        return mel, corpus.target[index].astype(np.float32), corpus.classes[index].astype(np.float32), corpus.weight[index]


def _begin_inside(row: tuple[np.ndarray, ...], layout: Layout, generator: np.random.Generator) -> None:
    """Silences a stretch up to some moment before its first movement."""
    mel, target = row[0], row[1]
    moves = np.flatnonzero(~(np.nan_to_num(target, nan=1.0).max(axis=1) < 0.01))
    resting = STRIDE * (int(moves[0]) if len(moves) else len(target))
    if resting > 20:
        mel[: layout.window - 1 - layout.target_lag + generator.integers(0, resting - 15)] = np.log(FLOOR)
