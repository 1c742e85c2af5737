"""The speech network as the engine runs it: one window, one output, in few matrix products.

A convolution over some twenty steps is the product of its taps, side by side, with one matrix. ONNX Runtime's CPU provider keeps such a
constant matrix packed and takes the steps of all windows of a batch as its rows, where its convolution takes each window by itself.
Each layer makes only the steps that a later one looks at.
"""

import torch
from torch import nn

from essence_studio.mel import BANDS
from essence_studio.speech.network import BAND_SCALE, LEVEL_FLOOR, LEVEL_FRAMES, LEVEL_LEAST, LEVEL_SCALE, SpeechNetwork, settle


class WindowNetwork(nn.Module):
    """Of a trained network: `[N, window, 80]` to `[N, 16]` in [0, 1], with rest pulled to 0."""

    def __init__(self, network: SpeechNetwork):
        super().__init__()
        layout = network.layout
        needed, self.taps = [0], []
        for kernel, stride, dilation in reversed(layout.convolutions):
            taps = [[step * stride + tap * dilation for tap in range(kernel)] for step in needed]
            needed = sorted({step for row in taps for step in row})
            self.taps.insert(0, torch.tensor([[needed.index(step) for step in row] for row in taps]))
        assert needed == list(range(layout.field)), "the first layer looks at every mel frame"
        self.products = nn.ModuleList(products(network))
        heads = (network.coefficients, network.rest, network.visemes)
        self.sizes = [head.out_channels for head in heads]
        self.heads = product(torch.cat([head.weight for head in heads]), torch.cat([head.bias for head in heads]))
        since = torch.arange(layout.window) - torch.arange(layout.field)[:, None]
        self.register_buffer("means", ((since >= 0) & (since < LEVEL_FRAMES)).float() / LEVEL_FRAMES)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        energy = nn.functional.linear(torch.exp(mel).mean(dim=2), self.means, mel.new_tensor([1e-9]))
        level = torch.log(energy)[..., None]
        bands = mel[:, LEVEL_FRAMES - 1 :] - torch.clamp(level, min=LEVEL_FLOOR)
        hidden = torch.cat([bands, torch.clamp(level, min=LEVEL_LEAST)], dim=2)
        for taps, layer in zip(self.taps, self.products):
            rows = hidden[:, taps.flatten()].reshape(-1, layer.in_features)
            hidden = torch.relu(layer(rows)).reshape(-1, len(taps), layer.out_features)
        return settle(*self.heads(hidden[:, 0]).split(self.sizes, dim=1))


def products(network: SpeechNetwork) -> list[nn.Linear]:
    """The convolutions with their norms, and the first one with the scales of its inputs, as products of their taps."""
    layers = [layer for layer in network.body if isinstance(layer, (nn.Conv1d, nn.BatchNorm1d))]
    made = []
    for convolution, norm in zip(layers[::2], layers[1::2]):
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight, bias = convolution.weight * gain[:, None, None], norm.bias - norm.running_mean * gain
        if not made:
            scale, offset = (torch.tensor([band] * BANDS + [level]) for band, level in zip(BAND_SCALE, LEVEL_SCALE))
            weight, bias = weight * scale[:, None], bias + (weight * offset[:, None]).sum(dim=(1, 2))
        made.append(product(weight, bias))
    return made


def product(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    """A convolution's `[out, in, taps]` for rows of taps, one after the other."""
    layer = nn.Linear(weight.shape[1] * weight.shape[2], weight.shape[0])
    layer.weight.data = weight.detach().transpose(1, 2).flatten(1).contiguous()
    layer.bias.data = bias.detach()
    return layer
