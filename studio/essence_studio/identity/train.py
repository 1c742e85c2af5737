"""Training, measuring and exporting an identity network from patches with known inputs."""
from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .network import Identity, folded

HELD_OUT = 10
"""Every tenth sample is never trained on."""
BATCH = 8
LEARNING_RATE = 2e-3
SEED = 1


@dataclass
class Samples:
    """Patches with what they show."""

    coefficients: np.ndarray
    """`[n, C]` f32."""
    pose: np.ndarray
    """`[n, P]` f32."""
    patches: np.ndarray
    """`[n, 3, S, S]` u8."""
    alpha: np.ndarray
    """`[S, S]` f32: the mask."""
    focus: np.ndarray
    """`[S, S]` f32: the mouth box, 1 inside, where errors count more and quality is measured."""

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices to train on and indices held out."""
        index = np.arange(len(self.patches))
        held = index % HELD_OUT == HELD_OUT - 1
        return index[~held], index[held]


def _gradient(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def loss_of(made: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted L1 of the colours and of their gradients: the second keeps edges of lips and teeth sharp."""
    loss = ((made - wanted).abs() * weight).mean()
    for got, want, w in zip(_gradient(made), _gradient(wanted), (weight[..., :, 1:], weight[..., 1:, :])):
        loss = loss + 2.0 * ((got - want).abs() * w).mean()
    return loss


def train(samples: Samples, checkpoint: Path, minutes: float, threads: int = 1) -> Identity:
    """Trains for `minutes` in all, resuming from `checkpoint`; the learning rate falls along a cosine over that time."""
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    chosen, _ = samples.split()
    mean = torch.from_numpy(samples.patches[chosen].mean(0, dtype=np.float64).astype(np.float32) / 255)
    size = samples.patches.shape[-1]
    net = Identity(samples.coefficients.shape[1], samples.pose.shape[1], size, mean, torch.from_numpy(samples.alpha)[None])
    net = net.to(memory_format=torch.channels_last)
    slow = [net.texture, net.textures]
    fast = [p for name, p in net.named_parameters() if name not in ("texture", "textures")]
    optimizer = torch.optim.AdamW([dict(params=fast, weight_decay=1e-4, scale=1.0), dict(params=slow, weight_decay=0.0, scale=0.5)], lr=LEARNING_RATE)
    spent, step, epochs = 0.0, 0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        spent, step, epochs = state["spent"], state["step"], state["epochs"]
    weight = torch.from_numpy((0.05 + samples.alpha) * (1 + 3 * samples.focus))[None, None]
    total, started, saved = minutes * 60, time.time() - spent, time.time()
    while (spent := time.time() - started) < total:
        order = random.permutation(chosen)
        for at in range(0, len(order) - BATCH + 1, BATCH):
            spent = time.time() - started
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * min(1.0, spent / total)))
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]
            index = order[at : at + BATCH]
            wanted = torch.from_numpy(samples.patches[index]).float() / 255
            made = net(torch.from_numpy(samples.coefficients[index]), torch.from_numpy(samples.pose[index]))[:, :3]
            loss = loss_of(made, wanted, weight)
            if not torch.isfinite(loss):
                continue
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
        epochs += 1
        if time.time() - saved > 30:
            saved = time.time()
            torch.save(dict(net=net.state_dict(), optimizer=optimizer.state_dict(), spent=spent, step=step, epochs=epochs), checkpoint)
            print(f"{spent / 60:5.1f} min  {epochs} passes  loss {loss.item():.5f}", flush=True)
    torch.save(dict(net=net.state_dict(), optimizer=optimizer.state_dict(), spent=spent, step=step, epochs=epochs), checkpoint)
    return net


def restore(samples: Samples, checkpoint: Path) -> Identity:
    """The network of a checkpoint, with the samples' mask."""
    net = Identity(samples.coefficients.shape[1], samples.pose.shape[1], samples.patches.shape[-1])
    net.load_state_dict(torch.load(checkpoint)["net"])
    net.alpha.copy_(torch.from_numpy(samples.alpha)[None])
    return net.eval()


def predict(net: Identity, samples: Samples, index: np.ndarray) -> np.ndarray:
    """Patches `[n, 4, S, S]` in [0, 1]."""
    net.eval()
    with torch.no_grad():
        made = [net(torch.from_numpy(samples.coefficients[[i]]), torch.from_numpy(samples.pose[[i]])).numpy() for i in index]
    return np.concatenate(made)


def evaluate(net: Identity, samples: Samples) -> dict[str, float]:
    """Held-out quality in the mouth box: PSNR in dB, SSIM, and the Laplacian's deviation as a share of the original's."""
    _, held = samples.split()
    made = predict(net, samples, held)[:, :3]
    wanted = samples.patches[held].astype(np.float32) / 255
    rows, columns = np.where(samples.focus > 0.5)
    box = (slice(None), slice(None), slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    made, wanted = torch.from_numpy(made[box]), torch.from_numpy(wanted[box])
    mse = ((made - wanted) ** 2).mean(dim=(1, 2, 3)).clamp_min(1e-10)
    grey = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    a, b = (made * grey).sum(1, keepdim=True), (wanted * grey).sum(1, keepdim=True)
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).view(1, 1, 3, 3)
    sharpness = F.conv2d(a, kernel).std(dim=(1, 2, 3)) / F.conv2d(b, kernel).std(dim=(1, 2, 3))
    return dict(
        samples=len(held),
        psnr_db=round(float((10 * torch.log10(1 / mse)).mean()), 2),
        psnr_worst_db=round(float((10 * torch.log10(1 / mse)).min()), 2),
        ssim=round(float(_ssim(a, b)), 4),
        sharpness=round(float(sharpness.mean()), 3),
    )


def _ssim(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean SSIM over 11 x 11 Gaussian windows (Wang et al. 2004)."""
    x = torch.arange(11.0) - 5
    g = torch.exp(-x * x / (2 * 1.5 * 1.5))
    window = (g[:, None] * g / g.sum() ** 2).view(1, 1, 11, 11)
    ma, mb = F.conv2d(a, window), F.conv2d(b, window)
    va, vb = F.conv2d(a * a, window) - ma * ma, F.conv2d(b * b, window) - mb * mb
    cov = F.conv2d(a * b, window) - ma * mb
    return (((2 * ma * mb + 1e-4) * (2 * cov + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))).mean()


def export(net: Identity, path: Path) -> None:
    """Writes the folded network as ONNX."""
    plain = folded(net).to(memory_format=torch.contiguous_format)
    example = (torch.zeros(1, net.coefficients), torch.zeros(1, net.pose))
    with torch.no_grad():
        torch.onnx.export(
            plain, example, str(path), opset_version=17, input_names=["coefficients", "pose"], output_names=["patch"],
            dynamic_axes={"coefficients": {0: "N"}, "pose": {0: "N"}, "patch": {0: "N"}},
        )  # fmt: skip


def facts(checkpoint: Path) -> dict:
    """What a checkpoint says of its training."""
    state = torch.load(checkpoint)
    return dict(minutes=round(state["spent"] / 60, 1), steps=state["step"], passes=state["epochs"], batch=BATCH, seed=SEED)
