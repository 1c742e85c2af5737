"""Writes the data that the engine's `portrait` module carries, and the part of the head that films are fitted with.

    python -m essence_studio.face face_landmarker.task selfie_segmentation.tflite ../engine/src/portrait/data

Both are MediaPipe's (Apache-2.0), the second from `modules/selfie_segmentation` of its wheel; the ICT head (MIT) is found as the other commands find it.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..character.model import data_file
from ..create import fit
from . import head, networks, teeth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="face_landmarker.task")
    parser.add_argument("person", type=Path, help="selfie_segmentation.tflite")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    for name in networks.NETWORKS:
        (options.folder / f"{name}.net").write_bytes(networks.converted(options.bundle, name))
    (options.folder / "person.net").write_bytes(networks.converted_person(options.person))
    (options.folder / "head.bin").write_bytes(head.written(options.bundle))
    teeth.drawn(options.folder)
    rest, moves = fit.model_of(data_file())
    np.savez_compressed(fit.LANDMARKS_FILE, rest=rest.astype(np.float32), moves=moves.astype(np.float32))


if __name__ == "__main__":
    main()
