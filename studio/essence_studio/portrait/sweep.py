"""States all over the rig, and the faults of the mesh in them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..speech.mouth import COEFFICIENTS
from .rig import FACE, State, drawn

SHARE = 0.33
"""Of a random state's values that are not zero."""
GAZE, TURN, SHIFT = 15.0, (15.0, 12.0, 12.0), 0.05


def states(count: int, seed: int = 1) -> list[State]:
    """Each value of the rig alone at its ends, corners of pose with open and shut mouths, then random states."""
    ends = [State(mouth={name: 1.0}, talk=1.0) for name in COEFFICIENTS] + [State(face={name: 1.0}) for name in FACE]
    ends += [State(blink=blink) for blink in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5))]
    ends += [State(gaze=(GAZE * x, GAZE * y)) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    for yaw in (-1, 0, 1):
        for pitch in (-1, 0, 1):
            for roll in (-1, 1):
                turn = tuple(sign * most for sign, most in zip((yaw, pitch, roll), TURN))
                ends += [State(turn=turn), State(turn=turn, mouth={"jawOpen": 0.8}, talk=1.0, blink=(1.0, 1.0))]
    random = np.random.default_rng(seed)

    def some(names) -> dict[str, float]:
        return {name: float(random.random()) for name in names if random.random() < SHARE}

    def between(most: float) -> float:
        return float(random.uniform(-most, most)) if random.random() < SHARE else 0.0

    while len(ends) < count:
        blink = float(random.random()) if random.random() < SHARE else 0.0
        ends.append(State(some(COEFFICIENTS), float(random.integers(2)), some(FACE), (blink, blink), (between(GAZE), between(GAZE)), tuple(map(between, TURN)), (between(SHIFT), between(SHIFT))))
    return ends[:count]


def swept(picture: Path, count: int, sheet: Path | None, width: int = 120, columns: int = 25) -> tuple[int, int, int]:
    """The most pixels of holes and of folds, and corners astray, in any state; and a sheet of all."""
    shown = drawn(picture, states(count))
    if sheet:
        height = width * shown.pictures.shape[1] // shown.pictures.shape[2]
        whole = Image.new("RGB", (columns * width, -(-count // columns) * height))
        for number, one in enumerate(shown.pictures):
            small = Image.fromarray(one[..., :3]).resize((width, height), Image.Resampling.LANCZOS)
            whole.paste(small, (number % columns * width, number // columns * height))
        whole.save(sheet)
    holes, folds, strays = shown.faults.max(0)
    return int(holes), int(folds), int(strays)
