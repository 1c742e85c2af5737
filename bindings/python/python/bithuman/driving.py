"""What drives a mouth from outside, beside sound: curves and visemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence, Tuple, Union

__all__ = ["Curves", "Viseme", "Visemes"]

#: A symbol, when it begins and, if known, when it ends, in seconds from the utterance's start.
Viseme = Union[Tuple[str, float], Tuple[str, float, float]]


@dataclass(frozen=True)
class Curves:
    """ARKit values of the mouth at times.

    From a keyframe to the next one, linearly interpolated, the values that both name replace what the speech network makes.

    Attributes:
        names: ARKit's names, of the avatar's ``arkit_names``.
        times: Seconds from the utterance's start, ascending; frame k shows the values at k / 25.
        values: (times, names), clamped to [0, 1].
        ignore_unknown: Passes over names that the avatar lacks instead of refusing them.
    """

    names: "Sequence[str]"
    times: Any
    values: Any
    ignore_unknown: bool = False


@dataclass(frozen=True)
class Visemes:
    """Visemes or phonemes with their times, as speech engines give them; the utterance takes its whole mouth from them.

    Attributes:
        visemes: (symbol, start) or (symbol, start, end), seconds from the utterance's start. Without an end, a viseme lasts until the
            next one begins.
        set: Whose symbols: ``arpabet``, ``azure``, ``espeak``, ``ipa``, ``oculus`` or ``polly``.
        ignore_unknown: Takes symbols that the set lacks as a part of the viseme before instead of refusing them.
    """

    visemes: "Sequence[Viseme]"
    set: str
    ignore_unknown: bool = False
