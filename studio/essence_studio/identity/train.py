"""Training, measuring and exporting an identity network from patches with known inputs."""
from __future__ import annotations

import inspect
import warnings
import math
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F

from ..speech.muon import Muon
from .network import Identity, folded
from .samples import Samples

BATCH = 8
STEPS = 8000
"""At a patch of 96 pixels."""
MUON_RATE = 0.02
LEARNING_RATE = 2e-3
GENTLY = 0.3
"""Part of the rates that an already trained network is trained with."""
DETAIL = 1.8
"""Weight of the amount of detail in the loss. With 0.6, patches of 224 pixels stay at 0.82 of the film's sharpness, however long they train."""
BFLOAT16 = True
"""Convolutions in 16 bits: twice as fast where the processor has them."""
SEED = 1


def _texture(x: torch.Tensor) -> torch.Tensor:
    """How much fine detail there is around each place, whatever it is: the Laplacian's strength over squares of six pixels."""
    grey = x.mean(1, keepdim=True)
    fine = 4 * grey[..., 1:-1, 1:-1] - grey[..., :-2, 1:-1] - grey[..., 2:, 1:-1] - grey[..., 1:-1, :-2] - grey[..., 1:-1, 2:]
    return torch.sqrt(F.avg_pool2d(fine**2, 6, 3) + 1e-5)


class _Differences(torch.autograd.Function):
    """Weighted L1 of colours and, twice, of their gradients. Its own gradient is known at once: signs of differences."""

    @staticmethod
    def forward(ctx, made: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        off = made - wanted
        slope = off.sign().mul_(weight / off.numel())
        loss = (off * slope).sum()
        for axis in (-1, -2):
            near, far = (off.narrow(axis, at, off.shape[axis] - 1) for at in (0, 1))
            step = far - near
            signs = step.sign().mul_(weight.narrow(axis, 1, weight.shape[axis] - 1) * (2.0 / step.numel()))
            loss = loss + (step * signs).sum()
            slope.narrow(axis, 1, off.shape[axis] - 1).add_(signs)
            slope.narrow(axis, 0, off.shape[axis] - 1).sub_(signs)
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    def backward(ctx, above: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.saved_tensors[0] * above, None, None


def loss_of(made: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted L1 of the colours, of their gradients and of the amount of detail.

    The second keeps edges of lips and teeth; the third keeps skin from going soft where detail can't be foretold exactly.
    """
    loss = _Differences.apply(made, wanted, weight)
    around = F.avg_pool2d(weight[..., 1:-1, 1:-1], 6, 3)
    with torch.no_grad():
        detail = _texture(wanted)
    return loss + DETAIL * ((_texture(made) - detail).abs() * around).mean()


def shown(alpha: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that are ever seen: where alpha isn't 0, and a few around. Nothing is learned from the others."""
    rows, columns = (np.flatnonzero(alpha.max(axis) > 0) for axis in (1, 0))
    if not len(rows):
        return slice(None), slice(None)
    return slice(max(0, int(rows[0]) - 4), int(rows[-1]) + 5), slice(max(0, int(columns[0]) - 4), int(columns[-1]) + 5)


def device_of(wanted: str = "auto") -> torch.device:
    """Where training runs: `auto` takes a CUDA device where PyTorch finds one."""
    if wanted == "auto":
        with warnings.catch_warnings():
            # Of CUDA's libraries, in whose place empty ones stand (`studio/install.py`).
            warnings.simplefilter("ignore")
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def train(
    samples: Samples, checkpoint: Path, steps: int, threads: int = 1, seed: int = SEED, tell: Callable[[int, float], None] | None = None, device: str = "auto",
    start: Path | None = None,
) -> Identity:
    """Trains for `steps` in all, resuming from `checkpoint`; `tell` hears the step and the mean loss of late.

    `start` is the checkpoint of an earlier network, whose inputs were these or the first of them: training goes on from it, gently.

    What step n sees follows from the seed and n alone: interrupted or not, the same input gives the same network on the same machine.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    place = device_of(device)
    chosen, _ = samples.split()
    mean = torch.from_numpy(samples.patches[chosen].mean(0, dtype=np.float64).astype(np.float32) / 255)
    net = Identity(samples.coefficients.shape[1], samples.pose.shape[1], samples.patches.shape[-1], mean, torch.from_numpy(samples.alpha)[None])
    if start:
        begin_with(net, start)
    net = net.to(place, memory_format=torch.channels_last)
    optimizers = _optimizers(net)
    smooth = {key: value.clone() for key, value in net.state_dict().items()}
    step, late = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=place)
        net.load_state_dict(state["net"])
        for optimizer, kept in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        smooth, step = state["smooth"], state["step"]
    rows, columns = shown(samples.alpha)
    weight = torch.from_numpy(((0.05 + samples.alpha) * (1 + 3 * samples.focus))[rows, columns])[None, None].float().to(place)
    net.train()
    while step < steps:
        index = np.sort(np.random.Generator(np.random.PCG64((seed, step))).choice(chosen, BATCH, replace=len(chosen) < BATCH))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * (GENTLY if start else 1.0) * _schedule(step, steps)
        wanted = torch.from_numpy(samples.patches[index][..., rows, columns]).to(place).float() / 255
        inputs = [torch.from_numpy(each[index]).to(place) for each in (samples.coefficients, samples.pose)]
        with torch.autocast(place.type, torch.bfloat16, enabled=BFLOAT16):
            made = net.colours(*inputs)
        loss = loss_of(made[..., rows, columns].float().contiguous(), wanted, weight)
        net.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)):
            for optimizer in optimizers:
                optimizer.step()
        step += 1
        keep = min(0.99, 1 - 1 / (1 + step / 4))
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                smooth[key].mul_(keep).add_(value, alpha=1 - keep)
            else:
                smooth[key].copy_(value)
        late = loss.item() if late == 0 else 0.95 * late + 0.05 * loss.item()
        if tell and (step % 10 == 0 or step == steps):
            tell(step, late)
        if step % 250 == 0 or step == steps:
            state = dict(net=net.state_dict(), optimizers=[o.state_dict() for o in optimizers], smooth=smooth, step=step, steps=steps, seed=seed)
            part = checkpoint.with_suffix(".part")
            torch.save(state, part)
            part.replace(checkpoint)
    return restore(samples, checkpoint)


def begin_with(net: Identity, earlier: Path) -> None:
    """Takes over an earlier network's weights; inputs that it didn't have count for nothing yet."""
    kept = torch.load(earlier, map_location="cpu", weights_only=False)
    state = {key: value for key, value in kept.get("smooth", kept["net"]).items() if key != "alpha"}
    first = state["inputs.0.weight"]
    state["inputs.0.weight"] = F.pad(first, (0, net.coefficients + net.pose - first.shape[1]))
    net.load_state_dict(state, strict=False)


def _optimizers(net: Identity) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the convolutions and the layers that feed them, Adam for the rest."""
    hidden = [p for name, p in net.named_parameters() if p.dim() >= 2 and not name.startswith(("texture", "weights", "inputs.0"))]
    known = {id(p) for p in hidden}
    textures = [p for name, p in net.named_parameters() if name.startswith("texture")]
    others = [p for name, p in net.named_parameters() if id(p) not in known and not name.startswith("texture")]
    muon = Muon([dict(params=hidden, peak=MUON_RATE)], lr=MUON_RATE)
    adam = torch.optim.AdamW([dict(params=others, weight_decay=1e-4, peak=LEARNING_RATE), dict(params=textures, weight_decay=0.0, peak=0.5 * LEARNING_RATE)])
    return muon, adam


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-3


def steps_for(samples: Samples) -> int:
    """Steps that bring a network to where more of them hardly help: fewer for large patches, whose steps teach more and take longer."""
    size = samples.patches.shape[-1]
    return int(np.clip(STEPS * (96 / size) ** 1.5, 2500, STEPS))


def steps_done(checkpoint: Path) -> int:
    """Of an earlier run."""
    return int(torch.load(checkpoint, map_location="cpu")["step"]) if checkpoint.exists() else 0


def restore(samples: Samples, checkpoint: Path) -> Identity:
    """The network of a checkpoint, with the samples' mask."""
    net = Identity(samples.coefficients.shape[1], samples.pose.shape[1], samples.patches.shape[-1])
    net.load_state_dict(torch.load(checkpoint, map_location="cpu")["smooth"])
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
        ssim=round(float(ssim(a, b)), 4),
        sharpness=round(float(sharpness.mean()), 3),
    )


def ssim(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean SSIM over 11 x 11 Gaussian windows (Wang et al. 2004)."""
    x = torch.arange(11.0) - 5
    g = torch.exp(-x * x / (2 * 1.5 * 1.5))
    window = (g[:, None] * g / g.sum() ** 2).view(1, 1, 11, 11)
    ma, mb = F.conv2d(a, window), F.conv2d(b, window)
    va, vb = F.conv2d(a * a, window) - ma * ma, F.conv2d(b * b, window) - mb * mb
    cov = F.conv2d(a * b, window) - ma * mb
    return (((2 * ma * mb + 1e-4) * (2 * cov + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))).mean()


def export(net: Identity, path: Path, wrap: Callable[[torch.nn.Module], torch.nn.Module] = lambda plain: plain, coefficients: int | None = None) -> None:
    """Writes the folded network as ONNX, inside whatever `wrap` puts around it, which may take another number of coefficients."""
    plain = wrap(folded(net).eval()).to(memory_format=torch.contiguous_format)
    example = (torch.zeros(1, coefficients or net.coefficients), torch.zeros(1, net.pose))
    # Later PyTorch traces in another way, which names and orders things anew.
    traced = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with torch.no_grad(), warnings.catch_warnings():
        # Of the tracer, about what it leaves as it is.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            plain, example, str(path), opset_version=17, input_names=["coefficients", "pose"], output_names=["patch"],
            dynamic_axes={"coefficients": {0: "N"}, "pose": {0: "N"}, "patch": {0: "N"}}, **traced,
        )  # fmt: skip


def facts(checkpoint: Path) -> dict:
    """What a checkpoint says of its training."""
    state = torch.load(checkpoint, map_location="cpu")
    return dict(steps=state["step"], batch=BATCH, seed=state["seed"])
