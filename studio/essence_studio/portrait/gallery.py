"""Faces of our own making that portraits are measured on: rendered from the ICT head, and drawn and printed after two of the renders.

    python -m essence_studio.portrait.gallery FOLDER [NAME...]

Runs in a Python that has `bpy`. `turned` is the face of testdata/portraits/, turned too far to speak.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from ..character import garments, paint, scene, view
from ..character.model import LANDMARKS, Head, smoothstep

SIZE = 512


@dataclass
class Sitter:
    """How one face looks."""

    skin: tuple[float, float, float]
    lips: tuple[float, float, float]
    identity: dict[int, float]
    hair: tuple[float, float, float]
    hat: tuple[float, float, float]
    jumper: tuple[float, float, float]
    beard: float = 0.0
    glasses: bool = False
    mouth: dict[str, float] = field(default_factory=dict)
    life: dict[str, float] = field(default_factory=dict)
    pose: dict[str, float] = field(default_factory=dict)


SITTERS = {
    "beard": Sitter((0.22, 0.105, 0.06), (0.20, 0.06, 0.055), {0: 1.2, 1: -0.8, 2: 0.5, 4: 0.6}, (0.012, 0.009, 0.008), (0.10, 0.16, 0.10), (0.30, 0.10, 0.06), beard=0.9),
    "glasses": Sitter((0.80, 0.56, 0.45), (0.56, 0.18, 0.17), {0: 0.4, 2: 0.9, 3: -0.6}, (0.16, 0.12, 0.09), (0.10, 0.12, 0.22), (0.36, 0.34, 0.30), glasses=True),
    "fringe": Sitter((0.90, 0.66, 0.55), (0.70, 0.24, 0.22), {1: 1.2, 3: 0.8, 5: -0.5}, (0.42, 0.13, 0.04), (0.05, 0.20, 0.20), (0.55, 0.42, 0.20)),
    "teeth": Sitter((0.50, 0.28, 0.17), (0.42, 0.13, 0.12), {0: -0.3, 1: -0.6, 4: 0.8}, (0.02, 0.014, 0.012), (0.45, 0.06, 0.10), (0.07, 0.07, 0.10), mouth={"jawOpen": 0.12, "mouthSmile": 0.75, "mouthUpperUp": 0.45, "mouthLowerDown": 0.25}, life={"smile": 0.4}),
    "aside": Sitter((0.64, 0.40, 0.28), (0.50, 0.16, 0.15), {0: 0.8, 1: 0.3, 5: 0.7}, (0.05, 0.03, 0.02), (0.50, 0.40, 0.12), (0.12, 0.20, 0.14), beard=0.35, pose={"yaw": 30.0}),
    "turned": Sitter((0.86, 0.60, 0.47), (0.66, 0.17, 0.17), {0: -0.6, 1: 0.9}, (0.085, 0.034, 0.018), (0.80, 0.30, 0.07), (0.045, 0.13, 0.20), pose={"yaw": 58.0}),
}  # fmt: skip


def bearded(head: Head, texture: np.ndarray, sitter: Sitter) -> np.ndarray:
    """A skin's texture with a beard painted on it: short hair on chin, jaw and upper lip."""
    size = texture.shape[0]
    place, _ = paint.position_map(head, size)
    x, y, z = np.moveaxis(place, -1, 0)
    lips = head.rest[LANDMARKS][48:60, :2]
    away = paint.signed_distance(place.reshape(-1, 3)[:, :2], paint.smooth_loop(lips)).reshape(size, size)
    upper = head.rest[LANDMARKS[33]][1]
    below = smoothstep(-y, -upper + 0.35, -upper + 0.9)
    cheek = smoothstep(-y - 0.55 * np.abs(x) + 0.35 * np.clip(np.abs(x) - 3.6, 0, 9) * 2.4, 1.9, 3.0)
    neck = 1 - smoothstep(-y, 9.0, 10.5)
    amount = below * np.maximum(cheek, (np.abs(x) < 2.6) * below) * smoothstep(away, 0.10, 0.34) * neck * smoothstep(z, 1.0, 3.0)
    random = np.random.default_rng(5)
    hairs = gaussian_filter(random.standard_normal((size, size)), (1.6, 0.6))
    hairs = 0.72 + 0.28 * np.tanh(2.5 * hairs / hairs.std())
    amount = (gaussian_filter(amount, 2.0) * sitter.beard * hairs)[..., None]
    return texture + (np.array(sitter.hair) * 1.3 - texture) * np.clip(amount, 0, 1)


def rims(head: Head) -> list[tuple[np.ndarray, np.ndarray]]:
    """Round rims before the eyes, a bridge and two temples, as tubes."""
    out = []

    def tube(line: np.ndarray, closed: bool, thick: float = 0.13) -> None:
        along = np.roll(line, -1, 0) - np.roll(line, 1, 0) if closed else np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        side = np.cross(along, [0.3, 1.0, 0.2])
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        up = np.cross(side, along)
        ring = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        points = line[:, None] + thick * (side[:, None] * np.cos(ring)[:, None] + up[:, None] * np.sin(ring)[:, None])
        if closed:
            points = np.concatenate([points, points[:1]])
        out.append(garments.grid(points, True))

    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    ends = {}
    for side, centre in head.eye_centre.items():
        x, y, z = centre
        ring = np.stack([x + 2.25 * np.cos(t), y - 0.25 + 1.95 * np.sin(t), z + 2.7 - 0.02 * (2.25 * np.cos(t) + x) ** 2 + 0.2], -1)
        tube(ring, True)
        ends[side] = (x, y, z)
    (lx, y, z), (rx, _, _) = ends["left"], ends["right"]
    gap = np.linspace(min(lx, rx) + 2.25, max(lx, rx) - 2.25, 12)
    tube(np.stack([gap, y + 0.15 + 0.25 * (1 - (gap / gap.max()) ** 2), np.full(12, z + 2.95)], -1), False)
    for x in (lx, rx):
        out_x = x + 2.25 * np.sign(x)
        tube(np.stack([np.linspace(out_x, np.sign(x) * 7.9, 12), np.full(12, y + 0.1), np.linspace(z + 2.3, z - 9.0, 12)], -1), False)
    return out


class Sitting(scene.Scene):
    """The scene with another person in it."""

    def __init__(self, sitter: Sitter, samples: int = 10):
        self.sitter = sitter
        paint.SKIN, paint.LIPS = np.array(sitter.skin), np.array(sitter.lips)
        paint.BLUSH = np.array(sitter.skin) * [1.04, 0.72, 0.70]
        plain = paint.skin_texture
        head = Head(identity=sitter.identity)
        if sitter.beard:
            paint.skin_texture = lambda head, size=1024: bearded(head, plain(head, size), sitter)
        try:
            super().__init__(head, samples)
        finally:
            paint.skin_texture = plain

    def _garments(self) -> None:
        skull, sitter = garments.Skull(self.head), self.sitter
        wool = scene.material("hat", sitter.hat, rough=0.9, spec=0.1, sheen=0.5)
        hair = scene.material("hair", sitter.hair, rough=0.42, spec=0.35)
        knit = scene.material("jumper", sitter.jumper, rough=0.9, spec=0.1, sheen=0.4)
        brow = scene.material("brow", tuple(0.8 * value for value in sitter.hair), rough=0.6, spec=0.2)
        self.riding = [scene.solid("hat", mesh, wool) for mesh in garments.beanie(skull)]
        if not sitter.beard:
            self.riding += [scene.solid("hair", mesh, hair, thickness=0.25) for mesh in garments.bob(skull)]
        if sitter.glasses:
            metal = scene.material("rims", (0.02, 0.02, 0.025), rough=0.3, spec=0.6)
            self.riding += [scene.solid("rims", mesh, metal) for mesh in rims(self.head)]
        self.torso = [scene.solid("jumper", mesh, knit) for mesh in garments.collar()]
        rest = self.head.rest
        self.brows = [scene.solid("brow", mesh, brow) for mesh in garments.brow_strips(rest, self.normals(rest))]


def sketched(picture: Image.Image) -> Image.Image:
    """A pencil drawing after a picture: lines where light changes, hatching where it is dark, on paper."""
    light = np.asarray(picture.convert("L"), np.float64) / 255
    lines = gaussian_filter(light, 0.8) / np.maximum(gaussian_filter(light, 3.2), 0.02)
    lines = np.clip((lines - 0.80) / 0.22, 0, 1)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    random = np.random.default_rng(3)
    grain = gaussian_filter(random.standard_normal(light.shape), 0.7)
    hatch = 0.5 + 0.5 * np.sin((x + y) * 1.15 + 1.5 * gaussian_filter(random.standard_normal(light.shape), 6) * 20)
    dark = np.clip(0.62 - gaussian_filter(light, 1.5), 0, 1)
    page = 0.95 - 0.55 * dark * (0.45 + 0.55 * hatch) - 0.62 * (1 - lines) + 0.02 * grain
    page = np.clip(page, 0.05, 1)[..., None] * np.array([250, 245, 232])
    return Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))


def printed(picture: Image.Image) -> Image.Image:
    """A picture as a print in few colours."""
    smooth = gaussian_filter(np.asarray(picture.convert("RGB"), np.float64), (1.2, 1.2, 0))
    few = Image.fromarray(smooth.astype(np.uint8)).quantize(14, Image.Quantize.MAXCOVERAGE, kmeans=2)
    return few.convert("RGB")


AFTER = {"pencil": ("beard", sketched), "print": ("teeth", printed)}
"""What is drawn after a render, and how."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.portrait.gallery", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="some of them: " + " ".join([*SITTERS, *AFTER]))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or [*SITTERS, *AFTER]:
        path = options.folder / f"{name}.png"
        if name in AFTER:
            model, drawn = AFTER[name]
            drawn(Image.open(options.folder / f"{model}.png")).save(path)
            continue
        sitter = SITTERS[name]
        stage = Sitting(sitter)
        stage.pose(sitter.mouth, sitter.life, sitter.pose)
        stage.shoot(path, view.WHOLE, SIZE)


if __name__ == "__main__":
    main()
