"""A portrait drawn by the engine, state by state of its rig: the program `portrait_states` of benches/."""
from __future__ import annotations

import subprocess
import tempfile
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
    landmarks: np.ndarray
    """`[n, 468, 2]`: MediaPipe's points, in pixels."""
    lips: np.ndarray
    """`[n]`: distance of the lips' middles that the rig sets, in pixels."""
    faults: np.ndarray
    """`[n, 3]`: pixels of holes and of folds, and corners of the mesh that went astray."""
    eyes: float
    """Distance of the eyes' outer corners in pixels."""
    message: str
    """The program's last words: the time of a frame."""


class Refused(ValueError):
    """A picture that the engine takes no face from."""


class Drawer:
    """A picture file's portrait, drawn state by state. Used in a `with` statement."""

    def __init__(self, picture: Path, program: Path = PROGRAM):
        self._picture = picture
        if not program.is_file():
            raise Refused(f"{program} is missing: `cargo build --release -p benches --features portrait`")
        self._errors = tempfile.TemporaryFile()
        self._program = subprocess.Popen([str(program), str(picture)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        try:
            head = self._read(16)
        except Refused:
            self.close()
            raise
        self.width, self.height, points = (int(number) for number in np.frombuffer(head, "<u4", 3))
        self.eyes = float(np.frombuffer(head, "<f4", 1, 12)[0])
        self._one = np.dtype([("lips", "<f4"), ("faults", "<u4", 3), ("landmarks", "<f4", (points, 2)), ("picture", "u1", (self.height, self.width, 4))])

    def draw(self, state: State) -> np.void:
        """The state's `picture`, `landmarks`, `lips` and `faults`, as [`Drawn`] has them."""
        try:
            self._program.stdin.write(state.values().tobytes())
            self._program.stdin.flush()
        except BrokenPipeError:
            raise self._refusal() from None
        return np.frombuffer(self._read(self._one.itemsize), self._one)[0]

    def close(self) -> str:
        """Ends the program; gives its last words."""
        try:
            self._program.stdin.close()
        except BrokenPipeError:
            pass
        self._program.stdout.close()
        self._program.wait()
        return self._said()

    def _read(self, count: int) -> bytes:
        data = self._program.stdout.read(count)
        if len(data) < count:
            raise self._refusal()
        return data

    def _refusal(self) -> Refused:
        self._program.wait()
        return Refused(f"{self._picture}: {self._said()}")

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode().strip()

    def __enter__(self) -> Drawer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def drawn(picture: Path, states: list[State], program: Path = PROGRAM) -> Drawn:
    """The states of a picture file's portrait."""
    with Drawer(picture, program) as drawer:
        all_drawn = np.stack([drawer.draw(state) for state in states])
        message = drawer.close()
    return Drawn(all_drawn["picture"], all_drawn["landmarks"], all_drawn["lips"], all_drawn["faults"], drawer.eyes, message)
