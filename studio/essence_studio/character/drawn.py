"""Juno: a drawn face, the portrait behind the second avatar that ships.

    python -m essence_studio.character.drawn juno.png

Plain shapes with a little shade, four times as large as they are shown. Coordinates are pixels of the picture, 512 × 512.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, zoom

SIZE = 512
TIMES = 4
MIDDLE = 256.0

SKIN, SHADE, DEEP = (190, 124, 84), (160, 97, 65), (118, 66, 46)
GLOW = (214, 150, 108)
HAIR, CURL = (44, 28, 30), (74, 48, 46)
UPPER_LIP, LOWER_LIP, SEAM = (148, 62, 62), (176, 82, 78), (74, 26, 30)
JUMPER, FOLD = (232, 168, 56), (202, 136, 36)
WALL, SUN = (112, 170, 170), (150, 200, 194)
GOLD = (238, 196, 92)


def curve(points: list[tuple[float, float]], closed: bool = True, steps: int = 24) -> np.ndarray:
    """A smooth line through points, `[n, 2]`."""
    p = np.array(points + points[:1] if closed else points, float)
    length = np.concatenate([[0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(p, axis=0), axis=1)))])
    return CubicSpline(length, p, bc_type="periodic" if closed else "natural")(np.linspace(0, length[-1], steps * len(points)))


def mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points given as distances from the middle on the right, from top to bottom, and their mirror images back up."""
    right = [(MIDDLE + x, y) for x, y in points]
    left = [(MIDDLE - x, y) for x, y in reversed(points) if x > 0]
    return right + left


class Canvas:
    """Colours `[H, W, 3]` in [0, 255], painted from back to front.

    A picture of `size`, width and height; coordinates are those of a picture of 512 × 512, made larger by `scale` around its
    upper left corner and moved by `shift`, in pixels.
    """

    def __init__(self, size: tuple[int, int] = (SIZE, SIZE), wall: tuple[int, int, int] = WALL, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        self.width, self.height, self.scale, self.shift = *size, scale, np.array(shift)
        self.side = self.width * TIMES
        self.pixels = np.empty((self.height * TIMES, self.side, 3), np.float32)
        self.pixels[:] = wall

    def _places(self, points: np.ndarray) -> np.ndarray:
        return (points * self.scale + self.shift) * TIMES

    def blank(self) -> Image.Image:
        """A mask of nothing."""
        return Image.new("L", (self.side, self.height * TIMES))

    def mask(self, outline: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Coverage `[H, W]` of a filled outline; `soft` blurs it by so many pixels."""
        image = self.blank()
        ImageDraw.Draw(image).polygon([tuple(p) for p in self._places(outline)], fill=255)
        return self._soft(np.asarray(image, np.float32) / 255, soft)

    def stroke(self, line: np.ndarray, width: float | np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Coverage of a line whose width may change along it, ends round."""
        image = self.blank()
        draw = ImageDraw.Draw(image)
        widths = np.broadcast_to(width, len(line))
        for (x, y), w in zip(self._places(line), widths * self.scale * TIMES / 2):
            draw.ellipse((x - w, y - w, x + w, y + w), fill=255)
        return self._soft(np.asarray(image, np.float32) / 255, soft)

    def _soft(self, mask: np.ndarray, soft: float) -> np.ndarray:
        if soft <= 0:
            return mask
        # Wide blurs at the picture's own resolution: nobody sees the difference.
        small = gaussian_filter(mask.reshape(self.height, TIMES, self.width, TIMES).mean((1, 3)), soft * self.scale)
        return zoom(small, TIMES, order=1, grid_mode=True, mode="nearest")

    def paint(self, mask: np.ndarray, colour: tuple[int, int, int], strength: float = 1.0, inside: np.ndarray | None = None) -> None:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        alpha = strength * (mask[part] if inside is None else mask[part] * inside[part])
        pixels = self.pixels[part]
        pixels += (np.array(colour, np.float32) - pixels) * alpha[..., None]

    def picture(self) -> Image.Image:
        whole = Image.fromarray(np.round(np.clip(self.pixels, 0, 255)).astype(np.uint8))
        return whole.resize((self.width, self.height), Image.BOX)


def ring(x: float, y: float, width: float, height: float | None = None) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    return np.stack([x + width * np.cos(angle), y + (height or width) * np.sin(angle)], 1)


FACE = curve(mirrored([(0, 112), (52, 122), (84, 158), (97, 205), (98, 245), (91, 288), (74, 330), (46, 362), (18, 376)]))
"""The face's outline."""


def drawn() -> Image.Image:
    """The whole picture."""
    canvas = Canvas()
    canvas.paint(canvas.mask(ring(MIDDLE, 250, 218)), SUN)
    _hair_behind(canvas)
    _body(canvas)
    face = canvas.mask(FACE)
    _ears(canvas)
    canvas.paint(face, SKIN)
    _shade(canvas, face)
    _nose(canvas, face)
    for side in (-1, 1):
        _eye(canvas, face, side)
    _mouth(canvas, face)
    _hair_before(canvas)
    return canvas.picture()


def _curls(canvas: Canvas, places: np.ndarray, seed: int) -> None:
    """A cloud of curls: full circles, then light arcs in them."""
    random = np.random.default_rng(seed)
    image = canvas.blank()
    arcs = canvas.blank()
    full, light = ImageDraw.Draw(image), ImageDraw.Draw(arcs)
    for x, y in places:
        r = random.uniform(13, 20)
        full.ellipse([(v) * TIMES for v in (x - r, y - r, x + r, y + r)], fill=255)
        start = random.uniform(160, 260)
        s = r * random.uniform(0.45, 0.75)
        light.arc([(v) * TIMES for v in (x - s, y - s, x + s, y + s)], start, start + random.uniform(90, 160), fill=255, width=round(1.8 * TIMES))
    cloud = np.asarray(image, np.float32) / 255
    canvas.paint(cloud, HAIR)
    canvas.paint(np.asarray(arcs, np.float32) / 255, CURL, 0.9, cloud)


def _hair_behind(canvas: Canvas) -> None:
    canvas.paint(canvas.mask(curve([(256, 46), (352, 62), (412, 128), (424, 216), (398, 290), (340, 322), (256, 330), (172, 322), (114, 290), (88, 216), (100, 128), (160, 62)])), HAIR)
    rim = curve([(256, 50), (350, 66), (406, 130), (416, 214), (392, 284), (344, 312), (168, 312), (120, 284), (96, 214), (106, 130), (162, 66)], steps=9)
    inner = curve([(256, 72), (336, 88), (382, 146), (390, 214), (372, 270), (140, 270), (122, 214), (130, 146), (176, 88)], steps=9)
    _curls(canvas, np.concatenate([rim[::2], inner[::2]]), 3)


def _hair_before(canvas: Canvas) -> None:
    top = curve([(158, 176), (164, 146), (188, 120), (222, 106), (256, 102), (290, 106), (324, 120), (348, 146), (354, 176)], closed=False, steps=4)
    above = top + (top - [MIDDLE, 240]) * 0.10
    _curls(canvas, np.concatenate([above - [0, 9], above]), 5)
    for side in (-1, 1):
        lock = np.array([(MIDDLE + side * x, y) for x, y in ((101, 178), (106, 196), (108, 214))])
        _curls(canvas, lock, 7 + side)


def _body(canvas: Canvas) -> None:
    neck = canvas.mask(curve([(210, 330), (302, 330), (304, 400), (330, 428), (256, 446), (182, 428), (208, 400)]))
    canvas.paint(neck, SKIN)
    canvas.paint(canvas.mask(curve([(196, 320), (316, 320), (308, 392), (270, 404), (230, 400), (204, 380)]), 5), DEEP, 0.55, neck)
    body = canvas.mask(np.concatenate([curve([(64, 530), (84, 470), (140, 436), (196, 420)], closed=False), curve([(316, 420), (372, 436), (428, 470), (448, 530)], closed=False)]))
    canvas.paint(body, JUMPER)
    for side in (-1, 1):
        canvas.paint(canvas.stroke(curve([(MIDDLE + side * 126, 470), (MIDDLE + side * 134, 492), (MIDDLE + side * 136, 524)], closed=False), 2.4, 0.6), FOLD, 1.0, body)
    collar = canvas.mask(curve([(188, 418), (214, 434), (256, 444), (298, 434), (324, 418), (334, 436), (304, 458), (256, 468), (208, 458), (178, 436)]))
    canvas.paint(canvas.mask(curve([(176, 440), (208, 464), (256, 476), (304, 464), (336, 440), (330, 462), (256, 490), (182, 462)]), 4), FOLD, 0.8, body)
    canvas.paint(collar, JUMPER)
    for x in np.linspace(-62, 62, 15):
        drop = 10 * (1 - (x / 70) ** 2)
        line = np.linspace([MIDDLE + 0.98 * x, 425 + 1.6 * drop], [MIDDLE + 1.06 * x, 446 + 1.7 * drop], 30)
        canvas.paint(canvas.stroke(line, 1.6), FOLD, 0.8, collar)


def _ears(canvas: Canvas) -> None:
    for side in (-1, 1):
        outline = curve([(MIDDLE + side * x, y) for x, y in ((90, 228), (104, 220), (113, 232), (111, 254), (102, 274), (90, 278))])
        ear = canvas.mask(outline)
        canvas.paint(ear, SKIN)
        canvas.paint(canvas.mask(curve([(MIDDLE + side * x, y) for x, y in ((96, 236), (105, 234), (106, 250), (99, 264), (95, 256))]), 1.5), SHADE, 0.9, ear)
        hoop = ring(MIDDLE + side * 103, 291, 10, 12)
        canvas.paint(canvas.stroke(hoop, 3.2), GOLD)


def _shade(canvas: Canvas, face: np.ndarray) -> None:
    side = curve([(310, 100), (372, 150), (372, 300), (320, 380), (262, 392), (300, 366), (326, 322), (338, 270), (340, 210), (328, 160)])
    canvas.paint(canvas.mask(side, 7), SHADE, 0.85, face)
    canvas.paint(canvas.mask(curve([(154, 100), (358, 100), (352, 160), (310, 140), (256, 132), (202, 140), (160, 160)]), 6), DEEP, 0.5, face)
    for s in (-1, 1):
        canvas.paint(canvas.mask(ring(MIDDLE + s * 58, 284, 24, 17), 9), (206, 98, 82), 0.45, face)
        canvas.paint(canvas.mask(ring(MIDDLE + s * 46, 230, 34, 20), 7), SHADE, 0.40, face)
    canvas.paint(canvas.mask(ring(236, 168, 40, 18), 12), GLOW, 0.55, face)
    canvas.paint(canvas.mask(ring(198, 268, 15, 9), 6), GLOW, 0.6, face)
    canvas.paint(canvas.mask(ring(252, 358, 13, 7), 5), GLOW, 0.55, face)


def _nose(canvas: Canvas, face: np.ndarray) -> None:
    canvas.paint(canvas.mask(curve([(264, 216), (272, 240), (280, 270), (280, 288), (266, 294), (262, 270), (259, 240)]), 4), SHADE, 0.75, face)
    canvas.paint(canvas.mask(curve([(251, 222), (257, 222), (260, 262), (254, 268), (249, 262)]), 4), GLOW, 0.8, face)
    canvas.paint(canvas.mask(ring(253, 277, 8, 6), 3), GLOW, 0.9, face)
    canvas.paint(canvas.mask(curve([(232, 288), (244, 294), (256, 297), (268, 294), (280, 288), (272, 300), (256, 303), (240, 300)]), 3), DEEP, 0.6, face)
    for side in (-1, 1):
        wing = curve([(MIDDLE + side * x, y) for x, y in ((22, 276), (26, 284), (23, 292), (17, 293))], closed=False)
        canvas.paint(canvas.stroke(wing, np.linspace(1.4, 2.6, len(wing)), 0.5), DEEP, 0.85, face)
        canvas.paint(canvas.mask(ring(MIDDLE + side * 11, 292, 6, 2.6), 0.8), (70, 34, 26), 0.9, face)


def _eye(canvas: Canvas, face: np.ndarray, side: int) -> None:
    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(MIDDLE + side * x, y) for x, y in points]

    upper = [(24, 237), (32, 226), (45, 221), (58, 224), (70, 233)]
    lower = [(60, 241), (47, 244.5), (34, 242)]
    outline = curve(at(upper + lower))
    eye = canvas.mask(outline)
    canvas.paint(eye, (246, 240, 232))
    x, y = MIDDLE + side * 46.5, 232.5
    iris = canvas.mask(ring(x, y, 11.2))
    canvas.paint(iris, (60, 32, 20), 1.0, eye)
    canvas.paint(canvas.mask(ring(x, y + 2, 8.6), 1.2), (120, 70, 36), 0.9, iris * eye)
    canvas.paint(canvas.mask(ring(x, y, 5.0), 0.4), (16, 8, 8), 1.0, eye)
    canvas.paint(canvas.mask(curve(at([(20, 236), (32, 225), (45, 220), (58, 223), (74, 233), (58, 229), (45, 226.5), (33, 231)])), 1.2), (90, 60, 60), 0.5, eye)
    canvas.paint(canvas.mask(ring(x - 4, y - 4.5, 2.7)), (255, 255, 255), 1.0, eye)
    canvas.paint(canvas.mask(ring(x + 3.5, y + 4, 1.3)), (255, 255, 255), 0.7, eye)
    lash = curve(at([(23.5, 237.5), (32, 226), (45, 220.6), (58, 223.2), (70, 232), (76, 230)]), closed=False)
    canvas.paint(canvas.stroke(lash, np.interp(np.linspace(0, 1, len(lash)), [0, 0.5, 0.85, 1], [1.6, 3.6, 4.2, 1.4])), (32, 16, 18))
    canvas.paint(canvas.stroke(curve(at([(30, 241), (47, 245.2), (62, 241.5), (70, 234)]), closed=False), 1.3, 0.4), DEEP, 0.8)
    canvas.paint(canvas.stroke(curve(at([(28, 224), (44, 214.5), (60, 217), (72, 225)]), closed=False), 1.6, 0.6), DEEP, 0.7, face)
    brow = curve(at([(20, 205), (34, 198), (50, 194), (66, 197), (79, 207)]), closed=False)
    canvas.paint(canvas.stroke(brow, np.interp(np.linspace(0, 1, len(brow)), [0, 0.25, 0.6, 1], [6.0, 8.0, 6.6, 1.6]), 0.5), HAIR, 0.95, face)


def _mouth(canvas: Canvas, face: np.ndarray) -> None:
    corner = (37, 318.5)
    upper = curve(mirrored([(0, 309.5), (8, 306.5), (20, 310.5), (30, 315), corner, (24, 319.8), (10, 319.2), (0, 320)]))
    lower = curve(mirrored([(0, 320.2), (10, 319.4), (24, 320), corner, (29, 327), (16, 335), (0, 337.5)]))
    canvas.paint(canvas.mask(curve(mirrored([(0, 340), (16, 338), (24, 344), (0, 350)])), 3.5), SHADE, 0.95, face)
    canvas.paint(canvas.stroke(curve([(249, 300), (250, 305)], closed=False), 3.0, 1.5), SHADE, 0.6, face)
    canvas.paint(canvas.stroke(curve([(263, 300), (262, 305)], closed=False), 3.0, 1.5), SHADE, 0.6, face)
    above, below = canvas.mask(upper), canvas.mask(lower)
    canvas.paint(below, LOWER_LIP)
    canvas.paint(canvas.mask(curve(mirrored([(0, 331), (20, 328), (30, 325), (26, 334), (0, 341)])), 2.5), UPPER_LIP, 0.75, below)
    canvas.paint(canvas.mask(ring(252, 327.5, 13, 3.2), 1.8), (226, 142, 132), 0.75, below)
    canvas.paint(above, UPPER_LIP)
    canvas.paint(canvas.mask(curve(mirrored([(0, 316), (20, 316.5), (34, 318), (20, 322), (0, 323)])), 1.5), SEAM, 0.45, above)
    seam = curve([(MIDDLE - 38.5, 317.2), (MIDDLE - 24, 320.2), (MIDDLE - 10, 319.3), (MIDDLE, 320.3), (MIDDLE + 10, 319.3), (MIDDLE + 24, 320.2), (MIDDLE + 38.5, 317.2)], closed=False)
    canvas.paint(canvas.stroke(seam, np.interp(np.linspace(0, 1, len(seam)), [0, 0.15, 0.5, 0.85, 1], [1.6, 2.0, 1.7, 2.0, 1.6])), SEAM)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.character.drawn", description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    drawn().save(parser.parse_args().output, optimize=True)


if __name__ == "__main__":
    main()
