"""Damaged pictures, given to the engine one by one: refused or drawn, within a bound of memory."""
from __future__ import annotations

import resource
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np

from .rig import PROGRAM, State

HEADER = 600
"""Bytes at a file's begin that are worth more than others."""
SECONDS = 120
"""A picture that takes longer hangs."""


def damaged(picture: bytes, seed: int) -> bytes:
    """The picture with some bytes changed, a part cut off, doubled or filled, by `seed`."""
    random = np.random.default_rng(seed)
    data = bytearray(picture)
    for _ in range(int(random.integers(1, 9))):
        within = min(len(data), HEADER if random.random() < 0.6 else len(data))
        at = int(random.integers(within))
        kind = random.random()
        if kind < 0.7:
            data[at] = int(random.integers(256))
        elif kind < 0.8:
            data[at : at + 4] = bytes([int(random.choice([0, 127, 128, 255]))]) * len(data[at : at + 4])
        elif kind < 0.9:
            data[at:at] = data[at : at + int(random.integers(1, 64))]
        elif len(data) > 100:
            del data[int(random.integers(100, len(data))) :]
    return bytes(data)


def run(pictures: list[Path], count: int, folder: Path, program: Path = PROGRAM) -> tuple[Counter, int]:
    """How many damaged pictures were refused, drawn, crashed or hung; and the most memory that one took, in bytes."""
    ends: Counter = Counter()
    state = State(mouth={"jawOpen": 0.6}, talk=1.0, blink=(1.0, 0.3), turn=(8.0, 4.0, 3.0)).values().tobytes()
    for seed in range(count):
        path = folder / "damaged"
        path.write_bytes(damaged(pictures[seed % len(pictures)].read_bytes(), seed))
        try:
            done = subprocess.run([str(program), str(path)], input=state, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            ends["hung"] += 1
            continue
        ends["drawn" if done.returncode == 0 else "refused" if done.returncode == 1 and b"panicked" not in done.stderr else "crashed"] += 1
    return ends, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
