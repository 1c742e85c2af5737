"""The speech network: log-mels to mouth coefficients.

Training runs it over long stretches: `[B, M, 80]` mel frames give `[B, outputs, …]`, one output for every second mel frame. The engine
runs the same layers on one window of `Layout.window` frames (`window.py`), which gives exactly one output; both are the same numbers, because
everything, the level included, is a convolution without padding.

Level: each mel frame is put in relation to the mean energy of the `LEVEL_FRAMES` frames that end with it, but at least to
`LEVEL_FLOOR`, so that the noise of a quiet room isn't blown up to speech. The level itself is one more input.
"""

from dataclasses import dataclass

import torch
from torch import nn

from essence_studio.mel import BANDS, LOOK_AHEAD_HOPS
from essence_studio.speech.mouth import COEFFICIENTS, VISEMES

LEVEL_FRAMES = 32
LEVEL_FLOOR = -7.0
"""ln of band energy; about -57 dBFS of speech."""
STRIDE = 2


@dataclass(frozen=True)
class Layout:
    """The convolutions as (kernel, stride, dilation), their width, and how far the target lies behind the end of what they see."""

    convolutions: tuple[tuple[int, int, int], ...]
    channels: int
    target_lag: int
    """The target of an output, at 10 ms a step, lies this many steps before the last mel frame of its window."""

    @property
    def field(self) -> int:
        """Mel frames that the convolutions see."""
        reach, step = 1, 1
        for kernel, stride, dilation in self.convolutions:
            reach += step * dilation * (kernel - 1)
            step *= stride
        return reach

    @property
    def window(self) -> int:
        """Mel frames that one output needs: the convolutions' and those before them that the first one's level looks back on."""
        return self.field + LEVEL_FRAMES - 1


STUDENT = Layout(((5, STRIDE, 1), (5, 1, 1), (3, 1, 2), (3, 1, 2), (3, 1, 4), (3, 1, 1)), 192, LOOK_AHEAD_HOPS - 1 - 2)
"""What ships. Its target is the middle of the video frame, behind which its window reaches by 107.5 ms of sound."""
TEACHER = Layout(((5, STRIDE, 1), (5, 1, 1), (3, 1, 2), (3, 1, 4), (3, 1, 8), (3, 1, 2)), 256, 38)
"""Hears as much after its target as before it, so it can't run live; it labels for the student."""
WINDOW = STUDENT.window
BAND_SCALE = (0.3, 0.6)
LEVEL_SCALE = (0.25, 1.0)
"""Factor and offset of what the first convolution sees of the bands, and of the level."""
LEVEL_LEAST = -11.0
SEAL = (0.3, 0.65)
"""Probabilities of p, b or m from which the lips begin to close and at which they are shut; chosen on the corpus' held-out recordings."""
_SEALED = [{"mouthPress": 0.40, "mouthRollLower": 0.30, "mouthRollUpper": 0.24, "mouthShrugLower": 0.10}.get(name, 0.0) for name in COEFFICIENTS]
_JAW_TO_CLOSE = [[float((name, other) == ("mouthClose", "jawOpen")) for other in COEFFICIENTS] for name in COEFFICIENTS]
_REPLACED = ("mouthClose", "mouthPress", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthLowerDown", "mouthUpperUp")
_SEALED_KEEPS = [0.0 if name in _REPLACED else 1.0 for name in COEFFICIENTS]
_OPEN_KEEPS = [0.0 if name in ("mouthClose", "mouthPress", "mouthRollUpper") else 1.0 for name in COEFFICIENTS]
"""Only closures have these three, so what is left of them outside is doubt."""


class SpeechNetwork(nn.Module):
    """Dense temporal convolutions with batch norm and ReLU, then a linear head for each of the outputs."""

    def __init__(self, layout: Layout = STUDENT, dropout: float = 0.1):
        super().__init__()
        self.layout = layout
        layers: list[nn.Module] = []
        width = BANDS + 1
        for kernel, stride, dilation in layout.convolutions:
            convolution = nn.Conv1d(width, layout.channels, kernel, stride, dilation=dilation, bias=False)
            layers += [convolution, nn.BatchNorm1d(layout.channels), nn.ReLU()]
            width = layout.channels
        self.body = nn.Sequential(*layers, nn.Dropout(dropout))
        self.coefficients = nn.Conv1d(width, len(COEFFICIENTS), 1)
        self.rest = nn.Conv1d(width, 1, 1)
        self.visemes = nn.Conv1d(width, len(VISEMES), 1)

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`[B, M, 80]` to coefficients `[B, (M - window) // 2 + 1, 16]`, not clamped, and logits of rest `[B, …, 1]` and of visemes
        `[B, …, 12]`."""
        hidden = self.body(adapt_level(mel))
        return tuple(head(hidden).transpose(1, 2) for head in (self.coefficients, self.rest, self.visemes))


def settle(coefficients: torch.Tensor, rest: torch.Tensor, visemes: torch.Tensor) -> torch.Tensor:
    """Clamps to [0, 1], seals the lips where the visemes say p, b or m, and closes the last crack of a mouth that is almost surely at rest.

    A regression hedges: unsure of a closure, it leaves the lips half open. The classes don't, so they decide, and the lips take the shape
    that `targets.py` gives a closure.
    """
    low, high = SEAL
    chosen = [[float(viseme == "p") / (high - low) for viseme in VISEMES]]
    keeps = [[sealed - free] for sealed, free in zip(_SEALED_KEEPS, _OPEN_KEEPS)]

    def linear(values: torch.Tensor, weight: list[list[float]], bias: list[float]) -> torch.Tensor:
        return nn.functional.linear(values, values.new_tensor(weight), values.new_tensor(bias))

    alive = torch.clamp(torch.sigmoid(-rest) * 5, 0, 1)
    seal = torch.clamp(linear(torch.softmax(visemes, -1), chosen, [-low / (high - low)]), 0, 1)
    bounded = torch.clamp(coefficients, 0, 1)
    shape = bounded * linear(seal, keeps, _OPEN_KEEPS) + seal * linear(bounded, _JAW_TO_CLOSE, _SEALED)
    # before the first sound of an utterance the lips may already be shut for it
    return torch.clamp(shape, 0, 1) * torch.maximum(alive, seal)


def adapt_level(mel: torch.Tensor) -> torch.Tensor:
    """`[B, M, 80]` to `[B, 81, M - LEVEL_FRAMES + 1]`."""
    energy = torch.exp(mel).mean(dim=2, keepdim=True).transpose(1, 2)
    level = torch.log(nn.functional.avg_pool1d(energy, LEVEL_FRAMES, 1) + 1e-9)
    bounded = torch.clamp(level, min=LEVEL_FLOOR)
    bands = (mel[:, LEVEL_FRAMES - 1 :].transpose(1, 2) - bounded) * BAND_SCALE[0] + BAND_SCALE[1]
    return torch.cat([bands, torch.clamp(level, min=LEVEL_LEAST) * LEVEL_SCALE[0] + LEVEL_SCALE[1]], dim=1)
