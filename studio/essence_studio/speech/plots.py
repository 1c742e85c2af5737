"""Predicted against reference curves over the waveform."""

from pathlib import Path

import numpy as np

from essence_studio import mel
from essence_studio.speech.mouth import COEFFICIENTS

_SHOWN = ("jawOpen", "mouthPress", "mouthRollLower", "mouthPucker", "mouthStretch")


def plot(samples: np.ndarray, predicted: np.ndarray, reference: np.ndarray, path: Path, seconds: float = 7.0) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = min(len(predicted), round(50 * seconds))
    t = np.arange(steps) / 50
    figure, axes = pyplot.subplots(len(_SHOWN) + 1, 1, figsize=(11, 7), sharex=True)
    shown = samples[: round(seconds * mel.RATE_HZ)]
    axes[0].plot(np.arange(len(shown)) / mel.RATE_HZ, shown, linewidth=0.3, color="0.3")
    axes[0].set_ylabel("sound")
    for axis, name in zip(axes[1:], _SHOWN):
        column = COEFFICIENTS.index(name)
        axis.fill_between(t, reference[:steps, column], color="0.82", label="aligned")
        axis.plot(t, predicted[:steps, column], color="C3", linewidth=1.2, label="network")
        axis.set_ylabel(name, fontsize=8)
        axis.set_ylim(0, None)
    axes[1].legend(loc="upper right", fontsize=7, ncol=2)
    axes[-1].set_xlabel("s")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    pyplot.close(figure)
