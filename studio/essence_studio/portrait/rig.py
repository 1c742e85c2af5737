"""A portrait drawn by the engine, state by state of its rig: the program `portrait_states` of benches/."""
from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..speech.mouth import COEFFICIENTS

FACE = (
    "browInnerUp", "browOuterUp", "browDown", "eyeSquint", "eyeWide", "cheekSquint", "mouthSmileSilent", "mouthFrown", "noseSneer", "mouthUpperUpSilent",
)  # fmt: skip
STATE = len(COEFFICIENTS) + 1 + len(FACE) + 2 + 2 + 3 + 2
PROGRAM = Path(__file__).resolve().parents[3] / "target/release/portrait_states"


@dataclass
class State:
    """One state; all zero is the picture."""

    mouth: dict[str, float] = field(default_factory=dict)
    talk: float = 0.0
    """How far the face speaks, in [0, 1]: lips that the picture shows open close for it."""
    face: dict[str, float] = field(default_factory=dict)
    blink: tuple[float, float] = (0.0, 0.0)
    """Lids of the person's right and left eye, 1 shut."""
    gaze: tuple[float, float] = (0.0, 0.0)
    """Right and down in the picture, in degrees."""
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Yaw, pitch and roll, in degrees."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Right and down, in eyes."""

    def values(self) -> np.ndarray:
        """As the program reads it, `[STATE]` f32."""
        mouth = [self.mouth.get(name, 0.0) for name in COEFFICIENTS]
        face = [self.face.get(name, 0.0) for name in FACE]
        return np.array([*mouth, self.talk, *face, *self.blink, *self.gaze, *self.turn, *self.shift], "<f4")


@dataclass
class Drawn:
    """Pictures of states."""

    pictures: np.ndarray
    """`[n, height, width, 4]` u8, RGBA."""
    lips: np.ndarray
    """`[n]`: distance of the lips' middles that the rig sets, in pixels."""
    faults: np.ndarray
    """`[n, 3]`: pixels of holes and of folds, and corners of the mesh that went astray."""
    eyes: float
    """Distance of the eyes' outer corners in pixels."""
    message: str
    """What the program said: the time of a frame."""


class Refused(ValueError):
    """A picture that the engine takes no face from."""


def drawn(picture: Path, states: list[State], program: Path = PROGRAM) -> Drawn:
    """The states of a picture file's portrait."""
    asked = b"".join(state.values().tobytes() for state in states)
    run = subprocess.run([str(program), str(picture)], input=asked, capture_output=True)
    if run.returncode:
        raise Refused(f"{picture}: {run.stderr.decode().strip()}")
    width, height, _ = np.frombuffer(run.stdout, "<u4", 3)
    eyes = float(np.frombuffer(run.stdout, "<f4", 1, 12)[0])
    one = np.dtype([("lips", "<f4"), ("faults", "<u4", 3), ("picture", "u1", (int(height), int(width), 4))])
    frames = np.frombuffer(run.stdout, one, len(states), 16)
    return Drawn(frames["picture"], frames["lips"], frames["faults"], eyes, run.stderr.decode().strip())
