"""Teeth, gums and tongue of the ICT head, seen from the front: pictures that the engine lays between the lips.

Three PNGs with alpha, `WIDTH` pixels for `SPAN` distances between the eyes, the middle column on the head's middle and
row `SEAM` where the lips meet. Red is the light on teeth, green the light on gums or tongue: the engine gives each its colour.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..character.model import LANDMARKS, MOUTH, TEETH, data_file

WIDTH, HEIGHT, SEAM = 384, 256, 128
SPAN = 0.8
OVERSAMPLE = 3
LIGHTS = {"upper": ((0.0, 0.45, 0.9), 6.0, 0.10), "lower": ((0.0, 0.45, 0.9), 6.0, 0.10), "tongue": ((0.0, 0.8, 0.6), 4.5, 0.30)}
"""Where the light comes from, the depth at which it ends, and the least that is left there."""
SLIT, SLIT_LIGHT = 5, 0.8
"""Between teeth that touch the mesh has slits, which a mouth doesn't show: how wide they are at most, in pixels, and the light in them as a share of
the teeth's beside."""


def drawn(folder: Path) -> None:
    """Writes the three pictures."""
    data = np.load(data_file(), allow_pickle=False)
    vertices = data["vertices"].astype(float)
    jaw = data["expressions"][[str(n) for n in data["expression_names"]].index("jawOpen")].astype(float)
    unit = np.linalg.norm(vertices[LANDMARKS[36]] - vertices[LANDMARKS[45]])
    seam = vertices[LANDMARKS[[62, 66]]].mean(0)
    faces, material = data["faces"], data["face_material"]
    inside = np.isin(material, (MOUTH, TEETH))
    quads, kinds = faces[inside], material[inside]
    centres = np.stack([vertices[quad[quad >= 0]].mean(0) for quad in quads])
    follows = np.array([-jaw[quad[quad >= 0], 1].mean() for quad in quads]) > 0.5
    # Found by looking at the mesh: the gums lie outside an arch that begins 10.2 cm out, the tongue within it, the palate above both.
    arch = centres[:, 2] > 10.2 - 0.40 * centres[:, 0] ** 2
    tongue = (kinds == MOUTH) & follows & (np.abs(centres[:, 0]) < 1.9) & (centres[:, 1] > -4.95) & ~arch
    gums = (kinds == MOUTH) & arch & (centres[:, 2] > 6.0)
    upper = ~follows & ((kinds == TEETH) | gums & (centres[:, 1] > -3.2))
    lower = follows & ((kinds == TEETH) | gums)
    chosen = {"upper": np.flatnonzero(upper), "lower": np.flatnonzero(lower), "tongue": np.flatnonzero(tongue)}
    for name, rows in chosen.items():
        picture = _picture(vertices, quads[rows], kinds[rows], seam, unit, *LIGHTS[name])
        picture.save(folder / f"{name}.png", optimize=True)


def _picture(vertices, quads, kinds, seam, unit, light, far, least) -> Image.Image:
    triangles, owners = [], []
    for quad, kind in zip(quads, kinds):
        for corners in ((quad[0], quad[1], quad[2]), (quad[0], quad[2], quad[3])):
            if min(corners) >= 0:
                triangles.append(corners)
                owners.append(kind == TEETH)
    triangles, owners = np.array(triangles), np.array(owners)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, triangles[:, i], flat)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    height, width = HEIGHT * OVERSAMPLE, WIDTH * OVERSAMPLE
    scale = width / (SPAN * unit)
    screen = np.stack([vertices[:, 0] * scale + width / 2, SEAM * OVERSAMPLE - (vertices[:, 1] - seam[1]) * scale], 1)
    depth = np.full((height, width), -np.inf)
    image = np.zeros((height, width, 4))
    light = np.array(light) / np.linalg.norm(light)
    for triangle, tooth in zip(triangles, owners):
        p = screen[triangle]
        left, top = np.floor(p.min(0)).astype(int).clip(0)
        right, bottom = np.minimum(np.ceil(p.max(0)).astype(int) + 1, [width, height])
        if right <= left or bottom <= top:
            continue
        x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
        e1, e2 = p[1] - p[0], p[2] - p[0]
        area = e1[0] * e2[1] - e1[1] * e2[0]
        if abs(area) < 1e-9:
            continue
        u = ((x - p[0, 0]) * e2[1] - (y - p[0, 1]) * e2[0]) / area
        v = (e1[0] * (y - p[0, 1]) - e1[1] * (x - p[0, 0])) / area
        weights = np.stack([1 - u - v, u, v], -1)
        z = weights @ vertices[triangle, 2]
        cell = depth[top:bottom, left:right]
        cover = (weights.min(-1) >= -1e-9) & (z > cell)
        if not cover.any():
            continue
        normal = weights @ normals[triangle]
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
        shade = 0.42 + 0.58 * np.clip(normal @ light, 0, 1)
        shade *= np.clip((z - far) / (10.2 - far), least, 1) ** 0.8
        value = np.zeros((*z.shape, 4))
        value[..., 0 if tooth else 1] = shade
        value[..., 3] = 1
        image[top:bottom, left:right][cover] = value[cover]
        cell[cover] = z[cover]
    _fill_slits(image)
    image = image.reshape(HEIGHT, OVERSAMPLE, WIDTH, OVERSAMPLE, 4).mean((1, 3))
    return Image.fromarray(np.round(image * 255).clip(0, 255).astype(np.uint8), "RGBA")


def _fill_slits(image: np.ndarray) -> None:
    """Lays teeth into the gaps between teeth that are no wider than `SLIT`."""
    reach = SLIT * OVERSAMPLE // 2
    teeth = np.pad(image[..., 0], ((0, 0), (2 * reach, 2 * reach)))
    windows = np.lib.stride_tricks.sliding_window_view
    closed = windows(windows(teeth, 2 * reach + 1, axis=1).max(-1), 2 * reach + 1, axis=1).min(-1)
    filled = SLIT_LIGHT * closed
    slit = (filled > image[..., 0]) & (image[..., 1] < filled)
    image[slit] = 0
    image[slit, 0] = filled[slit]
    image[slit, 3] = 1
