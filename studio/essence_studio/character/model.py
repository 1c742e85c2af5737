"""The head: ICT vertices from the sixteen mouth coefficients, the face's quiet life and a pose.

Everything here is numpy, so that the renderer (Blender's Python) and the trainer (PyTorch's Python) share it.
Lengths are centimetres, y up, +z out of the face. The head is the ICT Face Model Light (MIT licence,
Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020).
"""
from __future__ import annotations

import os
from pathlib import Path

import numpy as np

COEFFICIENTS = (
    "jawOpen jawForward mouthClose mouthFunnel mouthPucker mouthRollLower mouthRollUpper mouthShrugLower "
    "mouthShrugUpper mouthSmile mouthStretch mouthPress mouthLowerDown mouthUpperUp mouthDimple tongueTip"
).split()
"""The mouth's coefficients, in the order of docs/imx.md."""

LIFE = "blink gazeX gazeY browUp browDown squint smile".split()
"""What moves besides speech: blink, brows, squint and smile in [0, 1], gaze in degrees."""

POSE = "yaw pitch roll x y breath smile".split()
"""Head angles in degrees, head shift in centimetres, breath and smile in [0, 1]: the pose that the identity network sees."""

IDENTITY = {0: -0.6, 1: 0.9, 2: -0.5, 3: 0.4, 5: 0.4}
"""Weights of the ICT identity modes that make this character."""

CHARACTER = {"mouthSmile": 0.22, "mouthDimple": 0.1, "cheekSquint": 0.12, "browInnerUp": 0.28, "browOuterUp": 0.12, "eyeWide": 0.3}
"""Shapes that are part of the character's face at rest: awake and kind."""

LANDMARKS = np.array(
    "1225 1888 1052 367 1719 1722 2199 1447 966 3661 4390 3927 3924 2608 3272 4088 3443 268 493 1914 2044 1401 "
    "3615 4240 4114 2734 2509 978 4527 4942 4857 1140 2075 1147 4269 3360 1507 1542 1537 1528 1518 1511 3742 "
    "3751 3756 3721 3725 3732 5708 5695 2081 0 4275 6200 6213 6346 6461 5518 5957 5841 5702 5711 5533 6216 "
    "6207 6470 5517 5966".split(),
    dtype=int,
)
"""The vertices of the Multi-PIE 68-point landmarks."""

PIVOT = np.array([0.0, -5.0, 0.5])
"""Where the head turns on the neck."""

FACE, BACK, MOUTH, TEETH, LASHES = 0, 1, 2, 3, 11
EYES = {"left": (4, 5), "right": (6, 7)}


def data_file() -> Path:
    """Where the ICT arrays lie: `$ESSENCE_DATA/face/…`, by default `../../shared/data` beside the repository."""
    root = os.environ.get("ESSENCE_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data"
    return Path(root) / "face" / "ict_facekit_light.npz"


def smoothstep(x, a, b):
    """0 below `a`, 1 above `b`, smooth between."""
    t = np.clip((np.asarray(x, dtype=np.float64) - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Turn (about y), nod (about x) and tilt (about z), degrees."""
    y, p, r = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return ry @ rx @ rz


class Head:
    """The character's head, evaluated for coefficients, life and pose."""

    def __init__(self, path: Path | None = None, identity: dict[int, float] | None = None):
        data = np.load(path or data_file(), allow_pickle=False)
        names = [str(n) for n in data["expression_names"]]
        self.faces = data["faces"]
        self.material = data["face_material"]
        self.face_uv, self.uv = data["face_uv"], data["uv"]
        rest = data["vertices"].astype(np.float64)
        for mode, weight in (IDENTITY if identity is None else identity).items():
            rest += weight * data["identity"][mode]
        self.rest = rest
        shapes = {n: data["expressions"][i].astype(np.float32) for i, n in enumerate(names)}

        def both(name):
            return shapes[name] if name in shapes else shapes[name + "_L"] + shapes[name + "_R"]

        for name, weight in CHARACTER.items():
            rest += weight * both(name)
        # The model's shoulders are drawn in under the collar.
        out = np.array([0.0, 0.0, 0.6])
        radius = np.hypot(*(rest - out)[:, [0, 2]].T)
        drawn_in = smoothstep(-rest[:, 1], 8.6, 10.8) * np.clip(1 - 5.7 / np.maximum(radius, 5.7), 0, 1)
        rest[:, [0, 2]] -= (drawn_in[:, None] * (rest - out))[:, [0, 2]]
        self.shapes = {n: both(n) for n in COEFFICIENTS if n != "tongueTip"}
        self.tongue = self._tongue()
        self.blink, self.squint = both("eyeBlink"), both("eyeSquint")
        self.smile = 0.55 * both("mouthSmile") + 0.2 * both("mouthDimple") + 0.5 * both("cheekSquint")
        self.brow_up = both("browInnerUp") + 0.8 * both("browOuterUp")
        self.brow_down = both("browDown")
        self.look = {
            "left": shapes["eyeLookOut_L"] + shapes["eyeLookIn_R"],
            "right": shapes["eyeLookIn_L"] + shapes["eyeLookOut_R"],
            "up": both("eyeLookUp"),
            "down": both("eyeLookDown"),
        }
        self.eye_vertices = {s: self.vertices_of(*m) for s, m in EYES.items()}
        self.eye_centre = {s: self._eye_centre(s) for s in EYES}
        # How far a vertex follows the head rather than the torso: all of it above the jaw, none at the neck's end.
        y, z = rest[:, 1], rest[:, 2]
        self.follow = smoothstep(y + 0.35 * np.clip(z - 3, 0, 8), -15.0, -6.0)

    def vertices_of(self, *materials: int) -> np.ndarray:
        """Indices of the vertices that the materials' faces use."""
        used = np.unique(self.faces[np.isin(self.material, materials)])
        return used[used >= 0]

    def _eye_centre(self, side: str) -> np.ndarray:
        ball = self.rest[self.vertices_of(EYES[side][1])]
        return (ball.min(0) + ball.max(0)) / 2

    def mouth_colours(self) -> np.ndarray:
        """Linear colours of gums and tongue; darker towards the throat."""
        z = self.rest[:, 2]
        dark = smoothstep(z, 2.0, 8.5)[:, None]
        return np.array([0.03, 0.004, 0.006]) + dark * (np.array([0.50, 0.115, 0.12]) - np.array([0.03, 0.004, 0.006]))

    def expression(self, c: dict[str, float], life: dict[str, float] | None = None) -> np.ndarray:
        """Vertices in the head's own space for coefficients and life."""
        life = life or {}
        v = self.rest.copy()
        for name, shape in self.shapes.items():
            if w := c.get(name, 0.0):
                v += w * shape
        v += self.tongue_tip(c.get("tongueTip", 0.0))
        v += life.get("blink", 0.0) * self.blink + life.get("squint", 0.0) * self.squint + life.get("smile", 0.0) * self.smile
        v += life.get("browUp", 0.0) * self.brow_up + life.get("browDown", 0.0) * self.brow_down
        gx, gy = life.get("gazeX", 0.0), life.get("gazeY", 0.0)
        v += abs(gx) / 30 * self.look["left" if gx > 0 else "right"]
        v += abs(gy) / 25 * self.look["up" if gy > 0 else "down"]
        for side, ids in self.eye_vertices.items():
            turn = rotation(gx, -gy, 0)
            v[ids] = (v[ids] - self.eye_centre[side]) @ turn.T + self.eye_centre[side]
        return v

    def _tongue(self) -> np.ndarray:
        """How much of the tongue's tip a vertex is: 1 at the very tip, 0 on gums and the tongue's root."""
        ids = self.vertices_of(MOUTH)
        p = self.rest[ids]
        weight = np.zeros(len(self.rest))
        # Found by looking at the mesh: the tip lies 10.1 cm out, the lower gums begin at 10.3, the floor of the mouth below -4.9.
        free = smoothstep(p[:, 1], -4.95, -4.6) * smoothstep(-p[:, 2], -10.32, -10.2) * smoothstep(-np.abs(p[:, 0]), -2.0, -1.5)
        moves_with_jaw = self.shapes["jawOpen"][ids, 1] < -0.5
        weight[ids] = free * moves_with_jaw * smoothstep(p[:, 2], 6.6, 9.3)
        return weight

    def tongue_tip(self, amount: float) -> np.ndarray | float:
        """Lifts the tongue's tip: to the upper teeth at 0.4, forward between the teeth at 1."""
        if amount <= 0:
            return 0.0
        lift = 0.75 * min(amount / 0.4, 1.0) - 0.35 * max(0.0, amount - 0.4) / 0.6
        reach = 0.25 * min(amount / 0.4, 1.0) + 0.75 * max(0.0, amount - 0.4) / 0.6
        return self.tongue[:, None] * np.array([0.0, lift, reach])

    def posed(self, v: np.ndarray, pose: dict[str, float]) -> np.ndarray:
        """Head-space vertices turned, shifted and blended into the still neck."""
        m, t = head_transform(pose)
        moved = v @ m.T + t
        f = self.follow[:, None]
        return moved * f + (v + torso_shift(pose)) * (1 - f)


def head_transform(pose: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation that take head space to the world."""
    m = rotation(pose.get("yaw", 0.0), pose.get("pitch", 0.0), pose.get("roll", 0.0))
    shift = np.array([pose.get("x", 0.0), pose.get("y", 0.0), 0.0]) + 0.6 * torso_shift(pose)
    return m, PIVOT - m @ PIVOT + shift


def torso_shift(pose: dict[str, float]) -> np.ndarray:
    """What breath does to the shoulders."""
    return np.array([0.3 * pose.get("x", 0.0), 0.35 * pose.get("breath", 0.0), 0.1 * pose.get("breath", 0.0)])
