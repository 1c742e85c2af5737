"""Renders base frames and training mouths to a folder; what exists is skipped, so a run can be stopped and resumed.

    python -m essence_studio.character.render base|mouths FOLDER [--samples N] [--threads N] [--part I/N]

Runs in a Python that has `bpy` (`pip install bpy==5.0.1`).
"""
from __future__ import annotations

import argparse
from pathlib import Path

from . import motion, scene, view
from .model import Head


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["base", "mouths"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=0, help="rays per pixel; 0: 12 for base frames, 8 for mouths")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--part", default="0/1", help="I/N: this process renders every N-th picture from I on")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    options.folder.mkdir(parents=True, exist_ok=True)
    samples = options.samples or {"base": 12, "mouths": 8}[options.what]
    stage = None
    count = {"base": motion.BASE_FRAMES, "mouths": motion.MOUTHS}[options.what]
    for index in range(part, count, parts):
        path = options.folder / f"{index:05d}.png"
        if path.exists():
            continue
        stage = stage or scene.Scene(Head(), samples, options.threads)
        if options.what == "base":
            life, pose = motion.base(index)
            stage.pose({}, life, pose)
            stage.shoot(path, view.WHOLE, view.FRAME)
        else:
            coefficients, life, pose = motion.mouth(index)
            stage.pose(coefficients, life, pose)
            stage.shoot(path, view.patch_similarity(pose), view.PATCH)


if __name__ == "__main__":
    main()
