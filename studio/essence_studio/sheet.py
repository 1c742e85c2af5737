"""A contact sheet of rendered frames with the phones that are spoken in them.

    bithuman render AVATAR --audio ../testdata/audio/speech_48000.wav --output frames/%05d.png --target-size 256
    python -m essence_studio.sheet frames --phones ../testdata/audio/speech.phones.csv --first 20 --output ../docs/demo.png
"""
from __future__ import annotations

import argparse
import csv
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FRAME_S = 0.04


def spoken(phones: list[dict[str, str]], frame: int) -> str:
    """The phone in the middle of a frame."""
    middle = (frame + 0.5) * FRAME_S
    return next((row["phone"] for row in phones if float(row["start_s"]) <= middle < float(row["end_s"])), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path, help="folder of numbered PNGs")
    parser.add_argument("--phones", type=Path)
    parser.add_argument("--first", type=int, default=0, help="frame to begin with")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--crop", type=float, nargs=4, default=(0.0, 0.0, 1.0, 1.0), metavar=("LEFT", "TOP", "RIGHT", "BOTTOM"), help="part of each frame")
    parser.add_argument("--width", type=int, default=160, help="of a picture in the sheet, in pixels")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    phones = list(csv.DictReader(options.phones.open())) if options.phones else []
    paths = sorted(options.frames.glob("*.png"))[options.first : options.first + options.count]
    pictures = []
    for offset, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        left, top, right, bottom = options.crop
        w, h = picture.size
        picture = picture.crop((int(left * w), int(top * h), int(right * w), int(bottom * h)))
        picture = picture.resize((options.width, options.width * picture.height // picture.width), Image.LANCZOS)
        label = f"{options.first + offset} {spoken(phones, options.first + offset)}"
        ImageDraw.Draw(picture).text((5, 3), label, fill="white", stroke_fill="black", stroke_width=1, font=ImageFont.load_default())
        pictures.append(picture)
    width, height = pictures[0].size
    rows = -(-len(pictures) // options.columns)
    sheet = Image.new("RGB", (width * options.columns, height * rows))
    for index, picture in enumerate(pictures):
        sheet.paste(picture, (index % options.columns * width, index // options.columns * height))
    sheet.save(options.output, optimize=True)


if __name__ == "__main__":
    main()
