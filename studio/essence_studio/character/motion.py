"""What is rendered: the base frames' quiet life, and the mouths that the identity network learns from."""
from __future__ import annotations

import numpy as np

from .model import COEFFICIENTS, POSE

IDLE_FRAMES = 80
TALKING_FRAMES = 45
LOOP_FRAMES = IDLE_FRAMES + TALKING_FRAMES
NOD_FRAMES = 28
SMILE_FRAMES = 36
BASE_FRAMES = LOOP_FRAMES + NOD_FRAMES + SMILE_FRAMES
LOOP_MOUTHS = 500
"""Training renders over the loops' frames."""
MOUTHS = LOOP_MOUTHS + 180
"""And over the gestures'; every tenth is held out."""


def _lid(t: np.ndarray | float, at: float) -> float:
    """A blink in frames after `at`: shut in two, open again in five."""
    d = t - at
    if d < -2 or d > 5:
        return 0.0
    return float(1 + d / 2) if d <= 0 else float((1 - d / 5) ** 1.5)


def base(frame: int) -> tuple[dict[str, float], dict[str, float]]:
    """Life and pose of a base frame. Loops and gestures begin and end at the same still moment, with no speed."""
    if frame >= LOOP_FRAMES + NOD_FRAMES:
        return _smile((frame - LOOP_FRAMES - NOD_FRAMES) / SMILE_FRAMES)
    if frame >= LOOP_FRAMES:
        return _nod((frame - LOOP_FRAMES) / NOD_FRAMES)
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


def _nod(t: float) -> tuple[dict[str, float], dict[str, float]]:
    """Twice down with the chin, the second time less."""
    down = (1 - np.cos(4 * np.pi * t)) / 2 * (1 - 0.8 * t * t)
    calm = np.sin(np.pi * t) ** 2
    life = dict(blink=_lid(t * NOD_FRAMES, 9), browUp=float(0.12 * calm), gazeY=float(2.0 * down))
    return life, dict(yaw=0.0, pitch=float(6.5 * down), roll=float(0.5 * calm), x=0.0, y=float(-0.04 * down), breath=0.0)


def _smile(t: float) -> tuple[dict[str, float], dict[str, float]]:
    """The mouth's corners rise, the eyes narrow, the head tilts a little; held, then let go more slowly."""
    rise, fall = np.clip(t / 0.25, 0, 1), np.clip((1 - t) / 0.386, 0, 1)
    smile = float(min(rise * rise * (3 - 2 * rise), fall * fall * (3 - 2 * fall)))
    life = dict(blink=_lid(t * SMILE_FRAMES, 25), smile=smile, squint=0.25 * smile, browUp=0.15 * smile)
    return life, dict(yaw=-1.0 * smile, pitch=-0.8 * smile, roll=2.2 * smile, x=0.0, y=0.0, breath=0.0, smile=smile)


def pose_vector(pose: dict[str, float]) -> np.ndarray:
    """The pose as the network sees it: about one unit each way."""
    scale = dict(yaw=3.0, pitch=3.0, roll=2.0, x=0.15, y=0.1, breath=1.0, smile=1.0)
    return np.array([pose.get(name, 0.0) / scale[name] for name in POSE], np.float32)


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


def base_of_mouth(index: int) -> int | None:
    """The loops' base frame whose pose a training render has; those of gestures lie between frames."""
    return int(np.random.default_rng(9_000 + index).integers(LOOP_FRAMES)) if index < LOOP_MOUTHS else None


def _under_mouth(random: np.random.Generator, index: int) -> tuple[dict[str, float], dict[str, float]]:
    """Life and pose of a training render."""
    if index < LOOP_MOUTHS:
        return base(int(random.integers(LOOP_FRAMES)))
    moment = int(random.integers(76))
    return _nod(moment / 32) if moment < 32 else _smile((moment - 32) / 44)


def mouth(index: int) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Coefficients, life and pose of a training render: two phones of the table mixed, over the pose of a base frame or a gesture. Deterministic."""
    random = np.random.default_rng(9_000 + index)
    life, pose = _under_mouth(random, index)
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
