"""The seeds of the fuzz target `portrait`: a face of 160 pixels in every format that is read.

    python fuzz/pictures.py FRAME.png

FRAME.png shows the shipped avatar Mika (`bithuman render testdata/avatars/mika.imx`). Needs Pillow.
"""

import io
import sys
from pathlib import Path

from PIL import Image

SIDE = 160
FOLDER = Path(__file__).parent / "corpus" / "portrait"
ORIENTATION = 0x0112


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file, and the byte of options that the target takes off its end."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue() + b"\0"


def main() -> None:
    frame = Image.open(sys.argv[1]).convert("RGB")
    face = frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    alpha = face.convert("RGBA")
    alpha.putalpha(Image.radial_gradient("L").resize((SIDE, SIDE)).point(lambda level: 255 - level))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    on_side = face.transpose(Image.Transpose.ROTATE_90)
    files = {
        "baseline.jpg": saved(face, "JPEG", quality=60),
        "progressive.jpg": saved(face, "JPEG", quality=60, progressive=True),
        "grey.jpg": saved(face.convert("L"), "JPEG", quality=60),
        "cmyk.jpg": saved(face.convert("CMYK"), "JPEG", quality=50),
        "turned.jpg": saved(on_side, "JPEG", quality=60, exif=exif),
        "grey.png": saved(face.convert("L"), "PNG"),
        "palette.png": saved(face.quantize(32), "PNG"),
        "alpha.png": saved(alpha.quantize(32), "PNG"),
        "deep.png": saved(face.convert("L").convert("I;16").resize((96, 96)), "PNG"),
        "lossy.webp": saved(face, "WEBP", quality=60),
        "lossless.webp": saved(face.quantize(32).convert("RGB"), "WEBP", lossless=True),
        "alpha.webp": saved(alpha, "WEBP", quality=50),
        "two.webp": saved(face, "WEBP", save_all=True, append_images=[alpha], quality=40),
        "turned.webp": saved(on_side, "WEBP", quality=60, exif=exif),
        "nobody.png": saved(Image.linear_gradient("L").resize((SIDE, SIDE)), "PNG"),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
