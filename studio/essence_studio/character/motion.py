"""What is rendered: the base frames' quiet life, and the mouths that the identity network learns from."""
from __future__ import annotations

import numpy as np

from .model import COEFFICIENTS, POSE

IDLE_FRAMES = 80
TALKING_FRAMES = 45
BASE_FRAMES = IDLE_FRAMES + TALKING_FRAMES
MOUTHS = 500
"""Training renders; every tenth is held out."""


def _lid(t: np.ndarray | float, at: float) -> float:
    """A blink in frames after `at`: shut in two, open again in five."""
    d = t - at
    if d < -2 or d > 5:
        return 0.0
    return float(1 + d / 2) if d <= 0 else float((1 - d / 5) ** 1.5)


def base(frame: int) -> tuple[dict[str, float], dict[str, float]]:
    """Life and pose of a base frame. Both loops begin and end at the same still moment, with no speed."""
    talking = frame >= IDLE_FRAMES
    i = frame - IDLE_FRAMES if talking else frame
    n = TALKING_FRAMES if talking else IDLE_FRAMES
    t = i / n
    # Rises from and returns to zero with its slope.
    calm = np.sin(np.pi * t) ** 2

    def wave(cycles: float, phase: float) -> float:
        return float(calm * np.sin(2 * np.pi * (cycles * t + phase)))

    if talking:
        pose = dict(yaw=2.2 * wave(1, 0.1) + 1.0 * wave(2, 0.6), pitch=1.5 * wave(2, 0.0) + 1.1 * calm, roll=1.3 * wave(1, 0.4), x=0.12 * wave(1, 0.2), y=0.05 * wave(2, 0.3))
        life = dict(blink=_lid(i, 30), browUp=0.30 * calm * max(0.0, np.sin(2 * np.pi * (2 * t + 0.9))), gazeX=-2.0 * wave(1, 0.1), gazeY=-0.8 * calm)
        breath = 0.45 * (1 - np.cos(2 * np.pi * t)) / 2
    else:
        pose = dict(yaw=1.5 * wave(1, 0.0) + 0.6 * wave(2, 0.3), pitch=0.7 * wave(1, 0.35), roll=0.8 * wave(1, 0.15), x=0.10 * wave(1, 0.1), y=0.04 * wave(1, 0.5))
        life = dict(blink=_lid(i, 27), gazeX=-1.4 * wave(1, 0.0), browUp=0.12 * calm * max(0.0, np.sin(2 * np.pi * (t + 0.7))))
        breath = (1 - np.cos(2 * np.pi * t)) / 2
    pose["breath"] = float(breath)
    return {k: float(v) for k, v in life.items()}, {k: float(v) for k, v in pose.items()}


def pose_vector(pose: dict[str, float]) -> np.ndarray:
    """The pose as the network sees it: about one unit each way."""
    scale = dict(yaw=3.0, pitch=3.0, roll=2.0, x=0.15, y=0.1, breath=1.0)
    return np.array([pose[name] / scale[name] for name in POSE], np.float32)


_PHONES: dict[str, dict[str, tuple[float, float]]] = {
    # Ranges of the coefficients by kind of phone; the rest is zero.
    "open": dict(jawOpen=(0.25, 0.75), mouthLowerDown=(0, 0.35), mouthUpperUp=(0, 0.22), mouthStretch=(0, 0.2), mouthSmile=(0, 0.15)),
    "spread": dict(jawOpen=(0.03, 0.4), mouthLowerDown=(0.05, 0.35), mouthUpperUp=(0, 0.2), mouthStretch=(0.05, 0.45), mouthSmile=(0, 0.4), mouthDimple=(0, 0.25)),
    "round": dict(jawOpen=(0.03, 0.5), mouthFunnel=(0.1, 0.65), mouthPucker=(0.05, 0.8), mouthLowerDown=(0, 0.25), mouthUpperUp=(0, 0.15), jawForward=(0, 0.2)),
    "teeth": dict(jawOpen=(0.02, 0.2), mouthLowerDown=(0.05, 0.4), mouthUpperUp=(0, 0.2), mouthStretch=(0, 0.3), jawForward=(0, 0.2), tongueTip=(0, 1)),
    "tongue": dict(jawOpen=(0.08, 0.4), mouthLowerDown=(0.05, 0.3), mouthUpperUp=(0, 0.15), tongueTip=(0.1, 1)),
    "lip": dict(jawOpen=(0.02, 0.15), mouthRollLower=(0.2, 0.9), mouthUpperUp=(0.05, 0.35), mouthShrugLower=(0, 0.3), mouthLowerDown=(0, 0.1)),
    "shut": dict(jawOpen=(0.0, 0.35), mouthPress=(0, 0.7), mouthRollLower=(0, 0.4), mouthRollUpper=(0, 0.4), mouthShrugUpper=(0, 0.2), mouthPucker=(0, 0.3)),
    "rest": {},
}


def base_of_mouth(index: int) -> int:
    """The base frame whose pose a training render has."""
    return int(np.random.default_rng(9_000 + index).integers(BASE_FRAMES))


def mouth(index: int) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Coefficients, life and pose of a training render: two phones of the table mixed, over a base frame's pose. Deterministic."""
    random = np.random.default_rng(9_000 + index)
    life, pose = base(int(random.integers(BASE_FRAMES)))
    life["blink"] = 0.0
    names = list(_PHONES)

    def phone() -> np.ndarray:
        kind = names[random.choice(len(names), p=[0.2, 0.17, 0.17, 0.12, 0.08, 0.06, 0.16, 0.04])]
        ranges = _PHONES[kind]
        c = np.array([random.uniform(*ranges[name]) if name in ranges else 0.0 for name in COEFFICIENTS])
        if kind == "shut":
            c[COEFFICIENTS.index("mouthClose")] = c[COEFFICIENTS.index("jawOpen")]
        return c

    c = phone()
    if random.random() < 0.7:
        mix = random.random()
        c = mix * c + (1 - mix) * phone()
    if random.random() < 0.25:
        c *= random.random()
    if index % 16 == 5:  # one coefficient alone
        c = np.zeros(len(COEFFICIENTS))
        c[(index // 16) % len(COEFFICIENTS)] = random.uniform(0.2, 0.8)
        c[COEFFICIENTS.index("mouthClose")] = min(c[COEFFICIENTS.index("mouthClose")], 0.0)
    if index % 16 == 11:
        c[:] = 0
    return dict(zip(COEFFICIENTS, c.tolist())), life, pose
