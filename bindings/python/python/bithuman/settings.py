"""The figures of a conversation, under the names that programs know them by."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FPS", "INPUT_SAMPLE_RATE", "Settings"]

#: Frames a second.
FPS = 25

#: Samples a second that the networks hear. Audio at any other rate is resampled.
INPUT_SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Settings:
    """The figures of a conversation."""

    #: Width of the pictures in pixels.
    OUTPUT_WIDTH: int
    #: Height of the pictures in pixels.
    OUTPUT_HEIGHT: int
    #: Frames a second.
    FPS: int = FPS
    #: Samples a second that the networks hear.
    INPUT_SAMPLE_RATE: int = INPUT_SAMPLE_RATE
