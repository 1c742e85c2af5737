"""Do rendered lips follow the speech? The engine renders a voice; MediaPipe looks at the pictures.

    python -m essence_studio.create.follow avatar.imx --audio speech.wav [--sheet sheet.png]

Prints how well the lips' opening in the pictures agrees with what the coefficients ask for, and how often lips shut where they should.
"""
from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from .. import pack
from ..speech.mouth import COEFFICIENTS
from . import calibrate, checks, landmarks, preview

CLOSED = 0.15
"""`mouthPress` that means shut lips."""
SHEET = 24


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.follow", description=__doc__.splitlines()[0])
    parser.add_argument("avatar", type=Path)
    parser.add_argument("--audio", type=Path, action="append", required=True)
    parser.add_argument("--face-landmarker")
    parser.add_argument("--sheet", type=Path, help="writes 24 pictures around the middle of the first audio")
    options = parser.parse_args()
    bundle = landmarks.landmarker_path(options.face_landmarker)
    frame = pack.read_imx(options.avatar)[0]["frame"]
    side = max(frame["width"], frame["height"])
    asked, shown, shut, scale = [], [], [], []
    for audio in options.audio:
        with tempfile.TemporaryDirectory() as temporary:
            pictures, curves = rendered(options.avatar, audio, Path(temporary))
            if options.sheet and audio == options.audio[0]:
                sheet(pictures, options.sheet)
            landmarker = landmarks.Landmarker(bundle, video=True)
            faces = [landmarker(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])) for path in pictures]
            landmarker.close()
        count = min(len(faces), len(curves["jawOpen"]))
        points = np.stack([face[0][0] if face else np.full((478, 3), np.nan) for face in faces[:count]])
        gap = np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=1)
        shown.append(gap / checks.eye_distance(points))
        scale.append(gap * 512 / side)
        spoken = np.stack([curves.get(name, curves.get(f"{name}Left", np.zeros(len(curves["jawOpen"])))) for name in COEFFICIENTS], 1)
        asked.append(calibrate.asked(spoken)[:count])
        shut.append(curves["mouthPressLeft"][:count] > CLOSED)
    asked, shown, shut, scale = (np.concatenate(each) for each in (asked, shown, shut, scale))
    seen = np.isfinite(shown)
    facts = {
        "frames": int(len(asked)), "faces_lost": int((~seen).sum()), "opening_r": round(float(np.corrcoef(asked[seen], shown[seen])[0, 1]), 3),
        "closures": int(shut.sum()), "shut": round(float((scale[shut & seen] <= 1.0).mean()), 3) if (shut & seen).any() else None,
        "gap_in_closures_px512": round(float(np.median(scale[shut & seen])), 2) if (shut & seen).any() else None,
        "widest_px512": round(float(np.quantile(scale[seen], 0.99)), 1),
    }  # fmt: skip
    print(json.dumps(facts))


def rendered(avatar: Path, audio: Path, folder: Path) -> tuple[list[Path], dict[str, np.ndarray]]:
    """The engine's pictures and curves."""
    program, environment = preview.program(), preview.environment()
    for verb, name in (("render", "%05d.png"), ("curves", "curves.csv")):
        command = [program, verb, str(avatar), "--audio", str(audio), "--output", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    with (folder / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    return sorted(folder.glob("*.png")), {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name}


def sheet(pictures: list[Path], path: Path) -> None:
    """24 pictures one after the other from the middle of the talk."""
    start = max(0, len(pictures) // 2 - SHEET // 2)
    shown = [Image.open(each).convert("RGB") for each in pictures[start : start + SHEET]]
    width = 200
    shown = [each.resize((width, width * each.height // each.width), Image.LANCZOS) for each in shown]
    out = Image.new("RGB", (width * 8, shown[0].height * 3))
    for number, each in enumerate(shown):
        out.paste(each, (number % 8 * width, number // 8 * shown[0].height))
    out.save(path, quality=85)


if __name__ == "__main__":
    main()
