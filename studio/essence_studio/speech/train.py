"""Trains the speech network on the corpus; goes on from its checkpoint, and ends after a number of steps."""

import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from essence_studio.speech import data
from essence_studio.speech.augment import augment
from essence_studio.speech.mouth import COEFFICIENTS, VISEMES
from essence_studio.speech.network import STRIDE, TARGET_LAG, WINDOW, SpeechNetwork

BATCH = 16
OUTPUTS = 96
FRAMES = WINDOW + STRIDE * (OUTPUTS - 1)
SHARES = {data.SYNTHETIC: 0.31, data.REAL: 0.61, data.NONSPEECH: 0.08}
"""Parts of a batch by kind: real speech is seen about two to three times as often as its length says."""
HELD_OUT_EVERY = 12
"""Every so many real recordings are for validation."""
PEAK_RATE = 2e-3
WEIGHT = {"jawOpen": 3.0, "mouthClose": 3.0, "mouthPress": 3.0, "mouthRollLower": 2.0, "mouthRollUpper": 2.0, "mouthPucker": 1.5}
VISEME_WEIGHT = {"rest": 0.7, "p": 1.4, "f": 1.8, "th": 1.6, "k": 1.2}


def train(corpus: Path, out: Path, steps: int = 3000, channels: int = 160, seed: int = 1, threads: int = 1) -> None:
    """Writes `out` (a checkpoint with everything to go on) every 100 steps."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    network = SpeechNetwork(channels)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    smooth = {key: value.clone() for key, value in network.state_dict().items()}
    step = 0
    if out.exists():
        saved = torch.load(out)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        smooth, step = saved["smooth"], saved["step"]
        print(f"going on from step {step}", flush=True)
    batches = Batches(corpus)
    began, mean = time.time(), None
    while step < steps:
        generator = np.random.Generator(np.random.PCG64((seed, step)))
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps)
        network.train()
        loss = batch_loss(network, *batches.draw(generator))
        optimiser.zero_grad()
        loss["all"].backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        if torch.isfinite(norm):
            optimiser.step()
        step += 1
        keep = min(0.998, 1 - 1 / (1 + step / 4))
        for key, value in network.state_dict().items():
            smooth[key] = smooth[key] * keep + value * (1 - keep) if value.is_floating_point() else value.clone()
        now = {key: float(value) for key, value in loss.items()}
        mean = now if mean is None else {key: 0.98 * mean[key] + 0.02 * now[key] for key in mean}
        if step % 100 == 0 or step == steps:
            facts = " ".join(f"{key} {value:.4f}" for key, value in mean.items())
            print(f"{step} {time.time() - began:.0f}s {facts}", flush=True)
        if step % 100 == 0 or step == steps:
            save(out, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "smooth": smooth, "step": step,
                       "channels": channels, "seed": seed, "steps": steps, "minutes": batches.minutes})  # fmt: skip


def load(checkpoint: Path) -> tuple[SpeechNetwork, dict]:
    """The averaged weights, ready to use, and the facts of their training."""
    saved = torch.load(checkpoint)
    network = SpeechNetwork(saved["channels"])
    network.load_state_dict(saved["smooth"])
    return network.eval(), {key: saved[key] for key in ("step", "steps", "channels", "seed", "minutes")}


def rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 100)
    return PEAK_RATE * warm * (0.5 + 0.5 * np.cos(np.pi * min(step / steps, 1.0))) + 1e-6


def batch_loss(network: SpeechNetwork, mel, target, viseme, weight) -> dict[str, torch.Tensor]:
    coefficients, rest, visemes = network(mel)
    per_coefficient = torch.tensor([WEIGHT.get(name, 1.0) for name in COEFFICIENTS])
    shut = target[..., COEFFICIENTS.index("mouthPress")] > 0.15
    importance = weight * (1 + 1.0 * shut)
    square = ((coefficients - target) ** 2 * per_coefficient).sum(-1)
    total = importance.sum().clamp(min=1)
    mse = (square * importance).sum() / total
    asleep = (target.amax(-1) < 0.01).float()
    rest_loss = (functional.binary_cross_entropy_with_logits(rest[..., 0], asleep, reduction="none") * weight).sum() / total
    class_weight = torch.tensor([VISEME_WEIGHT.get(name, 1.0) for name in VISEMES])
    cross = functional.cross_entropy(visemes.transpose(1, 2), viseme, class_weight, reduction="none", label_smoothing=0.05)
    cross = (cross * weight).sum() / total
    return {"all": 6 * mse + 0.5 * cross + 0.5 * rest_loss, "mse": mse.detach(), "cross": cross.detach(), "rest": rest_loss.detach()}


class Batches:
    """Stretches of the corpus, cut at random with a random tempo and changed in the band domain."""

    def __init__(self, corpus: Path):
        arrays = np.load(corpus)
        self.mel, self.target = arrays["mel"], arrays["target"]
        self.viseme, self.weight = arrays["viseme"], arrays["weight"]
        start, kind = arrays["start"], arrays["kind"]
        utterances = {key: np.flatnonzero(kind == key) for key in SHARES}
        utterances[data.REAL] = np.array([u for i, u in enumerate(utterances[data.REAL]) if i % HELD_OUT_EVERY], int)
        # each stretch begins in an utterance; it may reach into the next one
        self._spans = {key: np.stack([start[u], start[u + 1]], 1) for key, u in utterances.items() if len(u)}
        self.minutes = {str(key): round(float((s[:, 1] - s[:, 0]).sum() / 6000), 1) for key, s in self._spans.items()}
        total = sum(SHARES[key] for key in self._spans)
        self._shares = {key: SHARES[key] / total for key in self._spans}

    def draw(self, generator: np.random.Generator) -> tuple[torch.Tensor, ...]:
        kinds = generator.choice(list(self._shares), BATCH, p=list(self._shares.values()))
        tempo = np.where(generator.random(BATCH) < 0.7, np.exp(generator.uniform(np.log(0.84), np.log(1.2), BATCH)), 1.0)
        rows = [self._cut(self._begin(kind, generator), factor) for kind, factor in zip(kinds, tempo)]
        mel, target, viseme, weight = (torch.from_numpy(np.stack(column)) for column in zip(*rows))
        others = torch.from_numpy(np.stack([self._plain(self._begin(data.SYNTHETIC, generator)) for _ in range(BATCH)]))
        noise = torch.from_numpy(np.stack([self._plain(self._begin(data.NONSPEECH, generator)) for _ in range(BATCH)]))
        return augment(mel, others, noise, generator), target, viseme, weight

    def _begin(self, kind: int, generator: np.random.Generator) -> int:
        spans = self._spans[kind]
        lengths = spans[:, 1] - spans[:, 0]
        point = generator.integers(0, lengths.sum())
        index = np.searchsorted(np.cumsum(lengths), point, side="right")
        offset = point - (np.cumsum(lengths)[index] - lengths[index])
        # rather from where the whole stretch lies inside
        latest = max(0, lengths[index] - FRAMES)
        return int(min(spans[index, 0] + min(offset, latest + 40), len(self.mel) - round(1.25 * FRAMES) - 2))

    def _plain(self, begin: int) -> np.ndarray:
        return self.mel[begin : begin + FRAMES].astype(np.float32)

    def _cut(self, begin: int, tempo: float):
        where = begin + np.arange(FRAMES) * tempo
        whole = where.astype(int)
        part = (where - whole).astype(np.float32)[:, None]
        mel = self.mel[whole].astype(np.float32) * (1 - part) + self.mel[whole + 1].astype(np.float32) * part
        # middle of mel frame i is 5 ms behind its hop's beginning, so a stretched frame's middle moves too
        last = WINDOW - 1 + STRIDE * np.arange(OUTPUTS)
        moment = begin + 0.5 + (last - TARGET_LAG - 0.5) * tempo
        index = np.clip(np.round(moment).astype(int), 0, len(self.target) - 1)
        return mel, self.target[index].astype(np.float32), self.viseme[index].astype(np.int64), self.weight[index]


def held_out(corpus: Path):
    """Mels, targets and classes at 100 Hz of the real recordings that aren't trained on."""
    arrays = np.load(corpus)
    mel, target, viseme, start = arrays["mel"], arrays["target"], arrays["viseme"], arrays["start"]
    for utterance in np.flatnonzero(arrays["kind"] == data.REAL)[::HELD_OUT_EVERY]:
        span = slice(start[utterance], start[utterance + 1])
        yield mel[span].astype(np.float32), target[span].astype(np.float32), viseme[span]


def save(path: Path, checkpoint: dict) -> None:
    part = path.with_suffix(".part")
    torch.save(checkpoint, part)
    part.replace(path)
