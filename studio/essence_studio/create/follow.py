"""Do rendered lips follow the speech? The engine renders a voice; the landmarks are found in the pictures.

    python -m essence_studio.create.follow avatar.imx --audio speech.wav [--sheet sheet.png]

Prints how well the lips' opening in the pictures agrees with what the coefficients ask for, and how often lips shut where they should.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from ..speech.mouth import COEFFICIENTS
from . import calibrate, drive, verdict

SHEET = 24


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.create.follow", description=__doc__.splitlines()[0])
    parser.add_argument("avatar", type=Path)
    parser.add_argument("--audio", type=Path, action="append", required=True)
    parser.add_argument("--sheet", type=Path, help="writes 24 pictures around the middle of the first audio")
    options = parser.parse_args()
    side = max(drive.size(options.avatar))
    asked, shown, shut, scale = [], [], [], []
    for audio in options.audio:
        spoken = drive.curves(options.avatar, audio)
        if options.sheet and audio == options.audio[0]:
            sheet(list(drive.pictures(options.avatar, audio)), options.sheet)
        seen = verdict.look(drive.pictures(options.avatar, audio))
        count = min(len(seen.colour), len(spoken))
        shown.append(seen.gap()[:count])
        scale.append((seen.gap() * seen.eyes())[:count] * 512 / side)
        asked.append(calibrate.asked(spoken)[:count])
        shut.append(spoken[:count, COEFFICIENTS.index("mouthPress")] > verdict.CLOSED)
    asked, shown, shut, scale = (np.concatenate(each) for each in (asked, shown, shut, scale))
    seen = np.isfinite(shown)
    facts = {
        "frames": int(len(asked)), "faces_lost": int((~seen).sum()), "opening_r": round(float(np.corrcoef(asked[seen], shown[seen])[0, 1]), 3),
        "closures": int(shut.sum()), "shut": round(float((scale[shut & seen] <= verdict.SHUT_PX).mean()), 3) if (shut & seen).any() else None,
        "gap_in_closures_px512": round(float(np.median(scale[shut & seen])), 2) if (shut & seen).any() else None,
        "widest_px512": round(float(np.quantile(scale[seen], 0.99)), 1),
    }  # fmt: skip
    print(json.dumps(facts))


def sheet(pictures: list[np.ndarray], path: Path) -> None:
    """24 pictures one after the other from the middle of the talk."""
    start = max(0, len(pictures) // 2 - SHEET // 2)
    shown = [Image.fromarray(each) for each in pictures[start : start + SHEET]]
    width = 200
    shown = [each.resize((width, width * each.height // each.width), Image.LANCZOS) for each in shown]
    out = Image.new("RGB", (width * 8, shown[0].height * 3))
    for number, each in enumerate(shown):
        out.paste(each, (number % 8 * width, number // 8 * shown[0].height))
    out.save(path, quality=85)


if __name__ == "__main__":
    main()
