"""The network: a small decoder that adds what moves to a texture it has learned at full resolution.

Three parts are summed, each doing what it is best at:

- a constant texture `[4, S, S]`: skin, hair and collar as they always are, and the alpha mask;
- a few textures whose weights follow the inputs: slow changes of light and shape that the pose brings, sharp and almost free;
- a convolutional decoder up to S/4 with a pixel shuffle of 4: lips, teeth and jaw.

Upsampling is by nearest neighbour, batch norms are folded on export: what ONNX Runtime's CPU kernels do fastest.
"""
from __future__ import annotations

import torch
from torch import nn

TEXTURES = 4
"""Textures with weights."""


class Block(nn.Module):
    """Twice the size, then a convolution."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.conv = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(self.up(x))))


class Identity(nn.Module):
    """`coefficients [N, C], pose [N, P] -> patch [N, 4, S, S]` in [0, 1]. S is a multiple of 32."""

    def __init__(self, coefficients: int, pose: int, size: int, mean: torch.Tensor | None = None, alpha: torch.Tensor | None = None):
        super().__init__()
        self.coefficients, self.pose = coefficients, pose
        self.size, self.cells = size, size // 32
        self.inputs = nn.Sequential(nn.Linear(coefficients + pose, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.spread = nn.Linear(96, 64 * self.cells * self.cells)
        self.blocks = nn.Sequential(Block(64, 64), Block(64, 40), Block(40, 24))
        self.out = nn.Conv2d(24, 48, 3, padding=1)
        self.shuffle = nn.PixelShuffle(4)
        nn.init.zeros_(self.out.bias)
        self.out.weight.data.mul_(0.1)
        self.weights = nn.Linear(96, TEXTURES)
        self.textures = nn.Parameter(0.01 * torch.randn(TEXTURES, 3 * size * size))
        self.texture = nn.Parameter(torch.zeros(3, size, size) if mean is None else mean.clone())
        self.register_buffer("alpha", torch.zeros(1, size, size) if alpha is None else alpha.clone())

    def decoded(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the convolutions add, `[N, 3, S, S]`."""
        x = torch.relu(self.spread(hidden)).view(-1, 64, self.cells, self.cells)
        return self.shuffle(self.out(self.blocks(x)))

    def moving(self, coefficients: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        """What is added to the constant texture, `[N, 3, S, S]`."""
        hidden = self.inputs(torch.cat([coefficients, pose], 1))
        return self.decoded(hidden) + (self.weights(hidden) @ self.textures).view(-1, 3, self.size, self.size)

    def colours(self, coefficients: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        """Before alpha and clamping, `[N, 3, S, S]`: what training compares."""
        return self.moving(coefficients, pose) + self.texture

    def forward(self, coefficients: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        moving = self.moving(coefficients, pose)
        # Zero alpha below the colours, then the constant texture with the mask over all four.
        moving = torch.nn.functional.pad(moving, (0, 0, 0, 0, 0, 1))
        return torch.clamp(moving + torch.cat([self.texture, self.alpha])[None], 0.0, 1.0)

    def multiply_adds(self) -> int:
        """Per frame."""
        total = sum(m.weight.numel() for m in self.modules() if isinstance(m, nn.Linear)) + self.textures.numel()
        side = self.cells
        for block in self.blocks:
            side *= 2
            total += block.conv.weight.numel() * side * side
        return total + self.out.weight.numel() * side * side


def folded(net: Identity) -> Identity:
    """The same network with batch norms folded into the convolutions before them."""
    import copy

    net = copy.deepcopy(net).eval()
    for block in net.blocks:
        scale = block.norm.weight / torch.sqrt(block.norm.running_var + block.norm.eps)
        conv = nn.Conv2d(block.conv.in_channels, block.conv.out_channels, 3, padding=1)
        conv.weight.data = block.conv.weight.data * scale[:, None, None, None]
        conv.bias.data = block.norm.bias.data - block.norm.running_mean * scale
        block.conv, block.norm = conv, nn.Identity()
    return net
