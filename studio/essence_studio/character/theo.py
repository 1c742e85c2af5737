"""Theo: a drawn man in his room, the portrait behind the third avatar that ships.

    python -m essence_studio.character.theo theo.png

Drawn as Juno is, 1280 × 720: the room first, a little out of focus, then he. Coordinates of his are those of a picture of
512 × 512, which [`Canvas`] lays into the whole one.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from .drawn import MIDDLE, TIMES, Canvas, curve, mirrored, ring

WIDTH, HEIGHT = 1280, 720
SCALE, SHIFT = 1.2, (WIDTH / 2 - 1.2 * MIDDLE, 74.0)
OUT_OF_FOCUS = 2.6
"""Blur of the room, in pixels."""

SKIN, SHADE, DEEP = (228, 178, 146), (204, 144, 112), (164, 104, 82)
GLOW = (244, 204, 174)
HAIR, STRAND, GLEAM = (70, 46, 36), (50, 32, 27), (112, 76, 54)
STUBBLE = (150, 116, 98)
UPPER_LIP, LOWER_LIP, SEAM = (176, 108, 94), (202, 136, 116), (96, 48, 42)
JACKET, FOLD, LAPEL = (52, 72, 96), (38, 54, 76), (62, 84, 110)
SHIRT, CREASE = (236, 234, 226), (202, 202, 200)
WALL, WOOD, EDGE = (206, 196, 180), (150, 112, 80), (116, 84, 60)
SKY, LIGHT, FRAME = (188, 214, 224), (228, 238, 238), (240, 236, 228)
LEAF, VEIN, POT = (84, 124, 88), (110, 150, 106), (190, 110, 82)
BOOKS = ((168, 74, 62), (66, 96, 120), (212, 172, 96), (94, 120, 96), (226, 214, 194), (128, 86, 110), (58, 70, 84))

FACE = curve(mirrored([(0, 108), (54, 116), (84, 148), (93, 196), (94, 246), (90, 292), (76, 334), (50, 366), (20, 380)]))


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)


def drawn() -> Image.Image:
    """The whole picture."""
    canvas = Canvas((WIDTH, HEIGHT), WALL, SCALE, SHIFT)
    canvas.pixels = room()
    _ears(canvas)
    _body(canvas)
    face = canvas.mask(FACE)
    canvas.paint(face, SKIN)
    _shade(canvas, face)
    _stubble(canvas, face)
    _nose(canvas, face)
    for side in (-1, 1):
        _eye(canvas, face, side)
    _mouth(canvas, face)
    _hair(canvas, face)
    return canvas.picture()


def room() -> np.ndarray:
    """A window on the left and shelves on the right, out of focus."""
    canvas = Canvas((WIDTH, HEIGHT), WALL)
    fill = lambda outline, colour, soft=0.0, strength=1.0: canvas.paint(canvas.mask(outline, soft), colour, strength)  # noqa: E731
    fill(box(0, 0, 470, 720), (222, 212, 196), 90, 0.8)
    fill(box(56, -20, 372, 470), FRAME)
    for left, right in ((74, 206), (222, 354)):
        for top, bottom in ((-10, 222), (240, 452)):
            pane = canvas.mask(box(left, top, right, bottom))
            canvas.paint(pane, SKY)
            canvas.paint(canvas.mask(ring(120, 470, 260, 180), 18), (150, 184, 156), 0.9, pane)
            canvas.paint(canvas.mask(ring(330, 470, 190, 130), 18), (128, 168, 138), 0.9, pane)
            canvas.paint(canvas.mask(box(60, -20, 380, 130), 60), LIGHT, 0.9, pane)
    fill(box(34, 470, 394, 492), FRAME)
    fill(box(34, 492, 394, 498), (196, 184, 166))
    fill(box(874, -10, 1300, 740), (186, 174, 156), 30, 0.6)
    for shelf in (208, 424, 640):
        fill(box(884, shelf, 1300, shelf + 18), WOOD)
        fill(box(884, shelf + 18, 1300, shelf + 24), EDGE)
        fill(box(884, shelf + 24, 1300, shelf + 52), (150, 136, 118), 12, 0.5)
    random = np.random.default_rng(4)
    for shelf, start, end in ((208, 900, 1110), (424, 1030, 1270), (640, 900, 1180)):
        x = float(start)
        while x < end:
            wide, high = random.uniform(20, 38), random.uniform(104, 152)
            colour = BOOKS[random.integers(len(BOOKS))]
            fill(box(x, shelf - high, x + wide, shelf), colour)
            fill(box(x + wide - 4, shelf - high, x + wide, shelf), tuple(round(0.8 * c) for c in colour))
            fill(box(x + 4, shelf - high + 16, x + wide - 8, shelf - high + 22), tuple(min(255, round(1.25 * c)) for c in colour))
            x += wide + 1.5
    fill(box(1150, 104, 1210, 208), POT)
    for turn, long in ((-70, 66), (-40, 96), (-12, 112), (14, 108), (42, 92), (68, 62)):
        _leaf(canvas, (1180, 112), turn, long)
    fill(ring(952, 372, 46, 50), (236, 222, 190))
    fill(ring(940, 360, 22, 24), (246, 238, 216), 8)
    fill(box(930, 412, 974, 424), (196, 166, 120))
    small = canvas.pixels.reshape(HEIGHT, TIMES, WIDTH, TIMES, 3).mean((1, 3))
    blurred = np.stack([gaussian_filter(small[..., c], OUT_OF_FOCUS) for c in range(3)], -1)
    return np.repeat(np.repeat(blurred, TIMES, 0), TIMES, 1).astype(np.float32)


def _leaf(canvas: Canvas, root: tuple[float, float], turn: float, long: float) -> None:
    s, c = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    shape = np.array([(0, 0), (0.16, 0.3), (0.17, 0.6), (0.0, 1.0), (-0.17, 0.6), (-0.16, 0.3)]) * long
    outline = curve([(root[0] + s * v + c * u, root[1] - c * v + s * u) for u, v in shape], steps=8)
    leaf = canvas.mask(outline)
    canvas.paint(leaf, LEAF)
    tip = np.linspace((root[0], root[1]), (root[0] + 0.92 * long * s, root[1] - 0.92 * long * c), 40)
    canvas.paint(canvas.stroke(tip, 2.4), VEIN, 0.8, leaf)


def _at(side: int, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(MIDDLE + side * x, y) for x, y in points]


def _ears(canvas: Canvas) -> None:
    for side in (-1, 1):
        ear = canvas.mask(curve(_at(side, [(88, 222), (100, 212), (110, 222), (109, 246), (101, 272), (90, 280)])))
        canvas.paint(ear, SKIN if side < 0 else SHADE)
        canvas.paint(canvas.mask(curve(_at(side, [(95, 228), (104, 226), (104, 244), (98, 260), (94, 252)])), 1.6), DEEP, 0.7, ear)


def _body(canvas: Canvas) -> None:
    body = canvas.mask(np.concatenate([curve([(-2, 580), (14, 500), (70, 450), (186, 410)], closed=False), curve([(326, 410), (442, 450), (498, 500), (514, 580)], closed=False)]))
    shirt = canvas.mask(np.array([(190, 400), (256, 460), (322, 400), (350, 580), (162, 580)], float))
    canvas.paint(body, JACKET)
    canvas.paint(shirt, SHIRT)
    neck = canvas.mask(np.concatenate([curve([(196, 326), (199, 380), (192, 406)], closed=False), [(256, 484)], curve([(320, 406), (313, 380), (316, 326)], closed=False)]))
    canvas.paint(neck, SKIN)
    canvas.paint(canvas.mask(curve([(180, 322), (332, 322), (322, 396), (280, 424), (228, 418), (192, 386)]), 9), DEEP, 0.6, neck)
    canvas.paint(canvas.mask(curve([(290, 330), (340, 330), (330, 420), (262, 484), (286, 420)]), 9), SHADE, 0.7, neck)
    for side in (-1, 1):
        canvas.paint(canvas.mask(np.array(_at(side, [(56, 420), (46, 490), (0, 490)]), float), 6), CREASE, 0.7, shirt)
        fold = canvas.mask(np.array(_at(side, [(60, 394), (68, 414), (46, 484), (2, 480), (54, 404)]), float), 0.6)
        canvas.paint(fold, SHIRT)
        canvas.paint(canvas.stroke(curve(_at(side, [(68, 414), (58, 446), (46, 484), (22, 483), (3, 480)]), closed=False, steps=60), 1.3, 0.4), CREASE, 0.9)
        canvas.paint(canvas.stroke(curve(_at(side, [(58, 398), (32, 440), (3, 480)]), closed=False, steps=60), 1.2, 0.5), CREASE, 0.8)
        lapel = canvas.mask(np.array(_at(side, [(64, 402), (80, 408), (124, 474), (98, 484), (108, 500), (66, 580), (58, 580), (54, 470)]), float), 0.6)
        canvas.paint(lapel, LAPEL, 1.0)
        canvas.paint(canvas.stroke(curve(_at(side, [(80, 409), (104, 444), (124, 474)]), closed=False, steps=60), 1.5, 0.5), FOLD, 0.8)
        canvas.paint(canvas.stroke(np.linspace(*_at(side, [(108, 500), (66, 580)]), 120), 1.5), FOLD, 0.8)
        canvas.paint(canvas.stroke(curve(_at(side, [(176, 500), (186, 530), (188, 580)]), closed=False, steps=60), 2.6, 1.0), FOLD, 0.9, body)
    canvas.paint(canvas.stroke(np.linspace((256, 486), (256, 580), 90), 1.4, 0.4), CREASE, 0.9, shirt)
    for y in (508, 538):
        canvas.paint(canvas.mask(ring(256, y, 2.8)), CREASE, 1.0, shirt)
    canvas.paint(canvas.mask(curve([(360, 420), (470, 450), (540, 520), (540, 600), (380, 600), (400, 500)]), 22), FOLD, 0.6, body)


def _shade(canvas: Canvas, face: np.ndarray) -> None:
    side = curve([(312, 96), (376, 150), (376, 300), (326, 384), (270, 396), (306, 366), (330, 322), (338, 270), (338, 210), (328, 160)])
    canvas.paint(canvas.mask(side, 8), SHADE, 0.85, face)
    canvas.paint(canvas.mask(curve([(150, 96), (362, 96), (354, 160), (310, 146), (256, 140), (202, 146), (158, 160)]), 8), SHADE, 0.7, face)
    for s in (-1, 1):
        canvas.paint(canvas.mask(ring(MIDDLE + s * 58, 284, 24, 16), 10), (222, 142, 116), 0.45, face)
        canvas.paint(canvas.mask(ring(MIDDLE + s * 46, 224, 34, 16), 7), SHADE, 0.55, face)
    canvas.paint(canvas.mask(ring(234, 174, 44, 18), 13), GLOW, 0.6, face)
    canvas.paint(canvas.mask(ring(196, 270, 16, 10), 7), GLOW, 0.6, face)


def _stubble(canvas: Canvas, face: np.ndarray) -> None:
    jaw = curve([(160, 268), (172, 312), (200, 318), (222, 304), (256, 300), (290, 304), (312, 318), (340, 312), (352, 268), (350, 330), (318, 376), (256, 392), (194, 376), (162, 330)])
    canvas.paint(canvas.mask(jaw, 6), STUBBLE, 0.42, face)
    canvas.paint(canvas.mask(ring(252, 362, 15, 8), 6), GLOW, 0.35, face)


def _nose(canvas: Canvas, face: np.ndarray) -> None:
    canvas.paint(canvas.mask(curve([(266, 212), (275, 240), (284, 270), (285, 290), (270, 296), (264, 270), (261, 238)]), 4), SHADE, 0.95, face)
    canvas.paint(canvas.mask(curve([(250, 216), (257, 216), (260, 262), (254, 270), (248, 262)]), 4), GLOW, 0.8, face)
    canvas.paint(canvas.mask(ring(252, 279, 9, 7), 3), GLOW, 0.9, face)
    canvas.paint(canvas.mask(curve([(230, 290), (243, 297), (256, 300), (269, 297), (282, 290), (274, 303), (256, 306), (238, 303)]), 3), DEEP, 0.55, face)
    for side in (-1, 1):
        wing = curve(_at(side, [(23, 277), (28, 286), (25, 294), (18, 295)]), closed=False)
        canvas.paint(canvas.stroke(wing, np.linspace(1.4, 2.6, len(wing)), 0.5), DEEP, 0.8, face)
        canvas.paint(canvas.mask(ring(MIDDLE + side * 11, 294.5, 6, 2.6), 0.8), (112, 62, 50), 0.9, face)


def _eye(canvas: Canvas, face: np.ndarray, side: int) -> None:
    upper = [(24, 236), (33, 227), (46, 223), (58, 226), (69, 234)]
    lower = [(59, 240.5), (46, 243), (34, 241)]
    eye = canvas.mask(curve(_at(side, upper + lower)))
    canvas.paint(eye, (246, 244, 240))
    x, y = MIDDLE + side * 46.5, 232.5
    iris = canvas.mask(ring(x, y, 10.4))
    canvas.paint(iris, (58, 84, 86), 1.0, eye)
    canvas.paint(canvas.mask(ring(x, y + 2, 7.8), 1.2), (112, 150, 140), 0.9, iris * eye)
    canvas.paint(canvas.mask(ring(x, y, 4.6), 0.4), (14, 18, 20), 1.0, eye)
    canvas.paint(canvas.mask(curve(_at(side, [(20, 235), (33, 226), (46, 222), (58, 225), (73, 233), (58, 230), (46, 228), (34, 231)])), 1.2), (110, 88, 84), 0.5, eye)
    canvas.paint(canvas.mask(ring(x - 3.6, y - 4.2, 2.4)), (255, 255, 255), 1.0, eye)
    lash = curve(_at(side, [(23.5, 236.5), (33, 227), (46, 222.6), (58, 225.4), (70, 234)]), closed=False)
    canvas.paint(canvas.stroke(lash, np.interp(np.linspace(0, 1, len(lash)), [0, 0.5, 0.85, 1], [1.4, 2.8, 3.0, 1.4])), (52, 32, 28))
    canvas.paint(canvas.stroke(curve(_at(side, [(31, 240.4), (46, 243.8), (60, 240.8), (69, 234.6)]), closed=False), 1.1, 0.4), DEEP, 0.7)
    canvas.paint(canvas.stroke(curve(_at(side, [(28, 224), (45, 216), (60, 219), (71, 226)]), closed=False), 1.5, 0.6), DEEP, 0.6, face)
    brow = curve(_at(side, [(18, 206), (32, 200), (50, 196), (67, 199), (80, 209)]), closed=False)
    canvas.paint(canvas.stroke(brow, np.interp(np.linspace(0, 1, len(brow)), [0, 0.25, 0.6, 1], [7.0, 9.6, 8.4, 2.2]), 0.6), HAIR, 0.95, face)


def _mouth(canvas: Canvas, face: np.ndarray) -> None:
    corner = (36, 321.5)
    upper = curve(mirrored([(0, 314), (8, 311.5), (20, 315), (30, 318.4), corner, (24, 323), (10, 322.4), (0, 323)]))
    lower = curve(mirrored([(0, 323.2), (10, 322.6), (24, 323.2), corner, (28, 330), (16, 336), (0, 338)]))
    canvas.paint(canvas.mask(curve(mirrored([(0, 341), (16, 339), (24, 346), (0, 352)])), 3.5), DEEP, 0.5, face)
    above, below = canvas.mask(upper), canvas.mask(lower)
    canvas.paint(below, LOWER_LIP)
    canvas.paint(canvas.mask(ring(252, 330, 13, 3), 1.8), (230, 166, 150), 0.7, below)
    canvas.paint(above, UPPER_LIP)
    seam = curve([(MIDDLE - 38, 320), (MIDDLE - 24, 323.4), (MIDDLE - 10, 322.4), (MIDDLE, 323.3), (MIDDLE + 10, 322.4), (MIDDLE + 24, 323.4), (MIDDLE + 38, 320)], closed=False)
    canvas.paint(canvas.stroke(seam, np.interp(np.linspace(0, 1, len(seam)), [0, 0.15, 0.5, 0.85, 1], [1.5, 1.9, 1.6, 1.9, 1.5])), SEAM)


def _hair(canvas: Canvas, face: np.ndarray) -> None:
    for side in (-1, 1):
        burn = curve(_at(side, [(98, 150), (100, 186), (98, 214), (94, 232), (90, 226), (88, 200), (80, 168)]))
        canvas.paint(canvas.mask(burn, 0.8), HAIR)
    top = [(159, 190), (150, 168), (148, 136), (158, 100), (186, 68), (228, 50), (280, 46), (326, 62), (354, 96), (364, 136), (362, 168), (353, 190), (347, 168), (334, 150), (306, 152), (268, 142), (226, 132), (192, 142), (172, 160)]
    cap = canvas.mask(curve(top))
    canvas.paint(canvas.mask(curve([(160, 176), (200, 150), (256, 146), (310, 156), (350, 180), (340, 150), (256, 130), (180, 146)]), 5), DEEP, 0.5, face)
    canvas.paint(cap, HAIR)
    random = np.random.default_rng(9)

    def strand(root, bend, tip) -> None:
        line = curve([tuple(root), tuple(bend), tuple(tip)], closed=False)
        colour, strength = (GLEAM, 0.42) if random.random() < 0.4 else (STRAND, 0.7)
        canvas.paint(canvas.stroke(line, np.interp(np.linspace(0, 1, len(line)), [0, 0.5, 1], [0.8, 2.8, 0.8]), 0.5), colour, strength, cap)

    for k in range(40):
        u = (k + 0.5) / 40
        root = np.array([336 - 176 * u, 152 - 18 * np.sin(np.pi * u)])
        tip = root + np.array([-24 - 34 * (1 - u), -58 - 26 * np.sin(np.pi * u)]) + random.normal(0, 5, 2)
        strand(root, (root + tip) / 2 + np.array([16, -14]) + random.normal(0, 3, 2), tip)
    for k in range(18):
        u = (k + 0.5) / 18
        root = np.array([354 - 30 * u, 186 - 34 * u])
        tip = np.array([352 - 66 * u, 92 - 36 * u]) + random.normal(0, 5, 2)
        strand(root, (root + tip) / 2 + np.array([9, 2]) + random.normal(0, 3, 2), tip)
    canvas.paint(canvas.mask(ring(226, 82, 46, 14), 9), GLEAM, 0.6, cap)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.character.theo", description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    drawn().save(parser.parse_args().output, optimize=True)


if __name__ == "__main__":
    main()
