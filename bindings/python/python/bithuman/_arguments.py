"""Arguments as callers have them, checked: numbers, sizes, colours, rates."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Tuple, Union

from .exceptions import InvalidArgument, InvalidType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: A size of pictures: both sides, or the longer one.
Size = Union[int, Tuple[int, int], None]

#: Red, green and blue, each from 0 to 255. None: black.
Colour = Union[Tuple[int, int, int], None]

_RATES = "8000 to 192000 are accepted"


#: How the avatar's picture fits into another size: ``contain`` (with bars), ``cover`` (cut off), or the left and top of the part that is
#: cut out at its own scale.
Fit = Union[str, Tuple[int, int]]

#: What lies behind an avatar that was keyed, and in place of bars: a colour, a picture as (height, width, 3) uint8, red first, or None.
Background = Union[Tuple[int, int, int], "NDArray[np.uint8]", None]


def integer(value: Any, what: str) -> int:
    """A whole number: an int, one of numpy's, or a float without a fraction."""
    if isinstance(value, float) or type(value).__name__.startswith("float"):
        if value != value or value in (float("inf"), float("-inf")) or value != int(value):
            raise InvalidArgument(f"{what} is {value}; a whole number is meant")
        return int(value)
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise InvalidType(f"{what} is {_shown(value)}; a whole number is meant")


def sample_rate(value: Any) -> int:
    """Samples a second, 8,000 to 192,000."""
    rate = integer(value, "the sample rate")
    if not 8_000 <= rate <= 192_000:
        raise InvalidArgument(f"{rate} Hz; {_RATES}")
    return rate


def count(value: Any, what: str, most: int = 0xFFFF_FFFE) -> int:
    """A number of things, from 0 on."""
    number = integer(value, what)
    if not 0 <= number <= most:
        raise InvalidArgument(f"{what} is {number}; 0 to {most} are possible")
    return number


def colour(value: Any) -> int:
    """A colour as 0xRRGGBB."""
    if value is None:
        return 0
    red, green, blue = _numbers(value, 3, "a colour", "three values from 0 to 255")
    if not all(0 <= channel <= 255 for channel in (red, green, blue)):
        raise InvalidArgument(f"a colour is three values from 0 to 255, not {value}")
    return red << 16 | green << 8 | blue


def pair(values: Any, what: str, meant: str) -> Tuple[int, int]:
    """Two whole numbers from 0 on."""
    first, second = _numbers(values, 2, what, meant)
    return (count(first, what), count(second, what))


def size(value: Size, own: Tuple[int, int]) -> Tuple[int, int]:
    """Both sides in pixels, zeros for an avatar's ``own``. One alone is the longer side, the other follows from the proportions."""
    if value is None:
        return (0, 0)
    if isinstance(value, (tuple, list)) or hasattr(value, "__len__"):
        width, height = _numbers(value, 2, "a size", "one side, or width and height in pixels")
    else:
        side = integer(value, "the size of pictures")
        longer = max(own)
        width, height = (side if each == longer else max(16, (each * side + longer) // (2 * longer) * 2) for each in own)
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise InvalidArgument(f"pictures of {width}x{height} pixels; each side can have 16 to 8192")
    return (width, height)


def _numbers(values: Any, length: int, what: str, meant: str) -> Tuple[int, ...]:
    if isinstance(values, (str, bytes)):
        raise InvalidType(f"{what} is {meant}, not {_shown(values)}")
    try:
        numbers = tuple(values)
    except TypeError:
        raise InvalidType(f"{what} is {meant}, not {_shown(values)}") from None
    if len(numbers) != length:
        raise InvalidArgument(f"{what} is {meant}, not {_shown(values)}")
    return tuple(integer(number, f"a part of {what}") for number in numbers)


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:37] + '...'} ({type(value).__name__})"
