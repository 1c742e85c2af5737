"""A sheet of portraits: each at rest, in three vowels, in m with a blink, turned, smiling and surprised."""
from __future__ import annotations

from pathlib import Path

from PIL import Image

from .rig import State, drawn

STATES = (
    State(),
    State(mouth={"jawOpen": 0.5, "mouthLowerDown": 0.3, "mouthUpperUp": 0.2}, talk=1.0),
    State(mouth={"jawOpen": 0.14, "mouthStretch": 0.5, "mouthSmile": 0.3, "mouthLowerDown": 0.35, "mouthUpperUp": 0.3}, talk=1.0, turn=(-3.0, 0.0, -2.0)),
    State(mouth={"jawOpen": 0.22, "mouthFunnel": 0.6, "mouthPucker": 0.5}, talk=1.0, turn=(3.0, 2.0, 1.0)),
    State(mouth={"jawOpen": 0.08, "mouthClose": 0.08, "mouthPress": 0.4}, talk=1.0, blink=(1.0, 1.0)),
    State(turn=(12.0, -3.0, 4.0), gaze=(-8.0, 0.0)),
    State(face={"mouthSmileSilent": 0.8, "cheekSquint": 0.55, "eyeSquint": 0.3}, turn=(-4.0, -1.0, -3.0)),
    State(mouth={"jawOpen": 0.3}, talk=1.0, face={"browInnerUp": 0.9, "browOuterUp": 0.85, "eyeWide": 0.45}, turn=(0.0, -2.0, 0.0)),
)


def drawn_sheet(pictures: list[Path], path: Path, side: int = 150) -> None:
    """Writes the sheet, a row for each picture, cut square around the head."""
    whole = Image.new("RGB", (side * len(STATES), side * len(pictures)))
    for row, picture in enumerate(pictures):
        shown = drawn(picture, list(STATES))
        height, width = shown.pictures.shape[1:3]
        left, top = shown.landmarks[0].min(0)
        right, bottom = shown.landmarks[0].max(0)
        half = min(0.85 * max(right - left, bottom - top), width / 2, height / 2)
        x = min(max((left + right) / 2, half), width - half)
        y = min(max((top + bottom) / 2 - 0.1 * half, half), height - half)
        box = tuple(round(value) for value in (x - half, y - half, x + half, y + half))
        for column, one in enumerate(shown.pictures):
            ground = Image.new("RGB", (width, height), (200, 202, 206))
            face = Image.fromarray(one)
            ground.paste(face, mask=face.getchannel("A"))
            whole.paste(ground.resize((side, side), Image.Resampling.LANCZOS, box), (column * side, row * side))
    whole.save(path, quality=84)
