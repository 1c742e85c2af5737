"""Trains the speech network on the corpus; goes on from its checkpoint, and ends after a number of steps."""

import shutil
import time
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from essence_studio.mel import FLOOR
from essence_studio.speech import data
from essence_studio.speech.batches import Batch, Batches, Corpus
from essence_studio.speech.mouth import COEFFICIENTS, VISEMES
from essence_studio.speech.muon import Muon
from essence_studio.speech.network import STRIDE, STUDENT, Layout, SpeechNetwork, settle

PEAK_RATES = (0.02, 2e-3)
"""Of Muon and of AdamW, which takes what is no convolution."""
WEIGHT = {"jawOpen": 3.0, "mouthClose": 3.0, "mouthPress": 3.0, "mouthRollLower": 2.0, "mouthRollUpper": 2.0, "mouthPucker": 1.5}
VISEME_WEIGHT = {"rest": 0.8, "p": 1.5, "f": 1.6, "th": 1.6, "k": 1.25}


def train(corpus: Path, out: Path, steps: int, layout: Layout = STUDENT, taught: Path | None = None, seed: int = 1, threads: int = 1) -> None:
    """Writes `out` (a checkpoint with everything to go on) every 100 steps. `taught`: what `teach` wrote."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    network = SpeechNetwork(layout)
    optimisers = make_optimisers(network)
    smooth = {key: value.clone() for key, value in network.state_dict().items()}
    step = 0
    if out.exists():
        saved = torch.load(out)
        network.load_state_dict(saved["network"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        smooth, step = saved["smooth"], saved["step"]
        print(f"going on from step {step}", flush=True)
    known = Corpus(corpus, taught)
    batches = Batches(known, layout)
    began, mean = time.time(), None
    while step < steps:
        generator = np.random.Generator(np.random.PCG64((seed, step)))
        for optimiser, peak in zip(optimisers, PEAK_RATES):
            for group in optimiser.param_groups:
                group["lr"] = peak * schedule(step, steps)
        network.train()
        loss = batch_loss(network, batches.draw(generator))
        network.zero_grad()
        loss["all"].backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        if torch.isfinite(norm):
            for optimiser in optimisers:
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
        if step % 100 == 0 or step in (steps, halfway(steps)):
            save(out, {"network": network.state_dict(), "optimisers": [optimiser.state_dict() for optimiser in optimisers], "smooth": smooth, "step": step,
                       "layout": astuple(layout), "seed": seed, "steps": steps, "minutes": known.minutes})  # fmt: skip
        if step == halfway(steps):
            shutil.copy(out, out.with_name(f"{out.stem}_halfway.pt"))


def halfway(steps: int) -> int:
    """When the rate has fallen to a half and a bit: weights of then and of the end average well."""
    return round(0.45 * steps)


def average(checkpoints: list[Path], out: Path) -> None:
    """Writes the mean of networks from one training: better on recordings that none of them heard than each alone."""
    saved = [torch.load(path) for path in checkpoints]
    mean = {key: sum(s["smooth"][key] for s in saved) / len(saved) if value.is_floating_point() else value
            for key, value in saved[-1]["smooth"].items()}  # fmt: skip
    save(out, {**saved[-1], "smooth": mean})


def load(checkpoint: Path) -> tuple[SpeechNetwork, dict]:
    """The averaged weights, ready to use, and the facts of their training."""
    saved = torch.load(checkpoint)
    network = SpeechNetwork(Layout(*saved["layout"]))
    network.load_state_dict(saved["smooth"])
    return network.eval(), {key: saved[key] for key in ("step", "steps", "seed", "minutes")}


def make_optimisers(network: SpeechNetwork) -> tuple[torch.optim.Optimizer, ...]:
    convolutions = [weight for weight in network.body.parameters() if weight.dim() == 3]
    known = {id(weight) for weight in convolutions}
    others = [weight for weight in network.parameters() if id(weight) not in known]
    return Muon(convolutions), torch.optim.AdamW(others, weight_decay=0.02)


def schedule(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 100)
    return warm * (0.5 + 0.5 * np.cos(np.pi * min(step / steps, 1.0))) + 1e-3


def batch_loss(network: SpeechNetwork, batch: Batch) -> dict[str, torch.Tensor]:
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(batch.mel)
    coefficients, rest, visemes = (output.float() for output in outputs)
    known = torch.isfinite(batch.target)
    target = torch.where(known, batch.target, torch.zeros(()))
    whole = batch.weight * known.all(-1)
    per_coefficient = torch.tensor([WEIGHT.get(name, 1.0) for name in COEFFICIENTS])
    shut = target[..., COEFFICIENTS.index("mouthPress")] > 0.15
    total = batch.weight.sum().clamp(min=1)
    square = ((coefficients - target) ** 2 * known * per_coefficient).sum(-1)
    mse = (square * batch.weight * (1 + 1.0 * shut)).sum() / total
    asleep = (target.amax(-1) < 0.01).float()
    rest_loss = (functional.binary_cross_entropy_with_logits(rest[..., 0], asleep, reduction="none") * whole).sum() / total
    class_weight = torch.tensor([VISEME_WEIGHT.get(name, 1.0) for name in VISEMES])
    cross = -(batch.classes * class_weight * functional.log_softmax(visemes, -1)).sum(-1)
    cross = (cross * batch.weight).sum() / total
    return {"all": 6 * mse + 0.5 * cross + 0.5 * rest_loss, "mse": mse.detach(), "cross": cross.detach(), "rest": rest_loss.detach()}


def teach(checkpoint: Path, corpus: Path, out: Path) -> None:
    """Writes what the network of `checkpoint` says of the real recordings, at 100 Hz: `classes`, `target` and `first`, their index."""
    network, _ = load(checkpoint)
    arrays = np.load(corpus)
    real = np.flatnonzero(arrays["kind"] == data.REAL)
    bounds = arrays["start"][real[0] : real[-1] + 2]
    mel = arrays["mel"]
    said = [run(network, mel[begin:end].astype(np.float32)) for begin, end in zip(bounds, bounds[1:])]
    np.savez(out, target=np.concatenate([row[0] for row in said]), classes=np.concatenate([row[1] for row in said]), first=bounds[0])


def run(network: SpeechNetwork, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Settled coefficients and class probabilities at 100 Hz for the mel frames of a whole recording."""
    layout = network.layout
    silence = np.full((1, mel.shape[1]), np.log(FLOOR), np.float32)
    before, after = layout.window - 1 - layout.target_lag, layout.target_lag + STRIDE
    mel = np.concatenate([silence.repeat(before, 0), mel, silence.repeat(after, 0)])
    outputs = []
    with torch.no_grad():
        for phase in range(STRIDE):
            coefficients, rest, visemes = network(torch.from_numpy(mel[None, phase:]))
            outputs.append((settle(coefficients[0], rest[0], visemes[0]).numpy(), torch.softmax(visemes[0], -1).numpy()))
    count = len(mel) - before - after
    # output i of phase p belongs to the step STRIDE i + p
    return tuple(np.stack([output[kind][: -(-count // STRIDE)] for output in outputs], 1).reshape(-1, outputs[0][kind].shape[-1])[:count]
                 .astype(np.float16) for kind in (0, 1))  # fmt: skip


def save(path: Path, checkpoint: dict) -> None:
    part = path.with_suffix(".part")
    torch.save(checkpoint, part)
    part.replace(path)
