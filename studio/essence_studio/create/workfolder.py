"""The folder in which a run that was broken off goes on."""
from __future__ import annotations

import hashlib
from pathlib import Path

WAY = "4"
"""Counts up when tracking, coefficients or training change: what an earlier way left behind is not gone on from."""


def of(root: Path | None, output: Path, inputs: list[Path]) -> Path:
    """The folder of exactly this footage, tracked and learned in this way; beside the output, where `root` doesn't say otherwise."""
    digest = hashlib.sha256(WAY.encode())
    for path in inputs:
        with path.open("rb") as file:
            each = hashlib.sha256()
            while data := file.read(1 << 20):
                each.update(data)
        digest.update(each.digest())
    work = (root or output.with_name(output.name + ".work")) / digest.hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    return work
