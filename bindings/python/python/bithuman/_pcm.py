"""Audio as callers have it, as arrays that the library takes."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, Sequence, Tuple, Union

import numpy as np

from . import _abi, _arguments
from ._abi import Handle, call, sized
from ._library import ffi, lib
from .exceptions import AudioNotFoundError, InvalidArgument, InvalidType, IoError, ModelNotFoundError, UnsupportedFormat
from .frames import AudioChunk
from .settings import INPUT_SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One piece of audio. Besides the types named here: anything with Python's buffer interface, such as an ``array.array``.
Piece = Union[bytes, bytearray, memoryview, "NDArray[Any]", AudioChunk, Sequence[int], Sequence[float]]

#: Audio to be rendered: a file by its path or opened, a piece, or pieces as they come.
Audio = Union[str, "os.PathLike[str]", Piece, Iterable[Piece], Any]

Samples = Tuple["NDArray[Any]", int]

_ACCEPTED = (
    "give a path, a file opened to be read as bytes, s16le bytes, an int16 or float array (numpy, array.array, memoryview) of one "
    "dimension, or an iterable of these"
)

#: Formats of a buffer's elements that say nothing of numbers: s16le.
_BYTES = ("B", "b", "c")


def samples(piece: Any) -> "NDArray[Any]":
    """A piece as a contiguous array of int16 or float32."""
    if isinstance(piece, AudioChunk):
        return np.ascontiguousarray(piece.data)
    if isinstance(piece, np.ndarray):
        return _numbers(piece)
    if isinstance(piece, (list, tuple)):
        return _list(piece)
    if isinstance(piece, str):
        raise InvalidType(f"text is not audio; {_ACCEPTED}")
    if hasattr(piece, "read"):
        raise InvalidType(
            f"a file ({type(piece).__name__}) is not one piece of audio: push what it reads, or give it to render() or compose()"
        )
    try:
        raw = memoryview(piece)
    except TypeError:
        raise InvalidType(f"{type(piece).__name__} is not audio; {_ACCEPTED}") from None
    if raw.format not in _BYTES:
        return _numbers(_array(raw))
    if raw.ndim != 1:
        raise InvalidArgument(f"bytes of {raw.ndim} dimensions are not mono audio; {_ACCEPTED}")
    if raw.nbytes % 2:
        raise InvalidArgument(f"{raw.nbytes} bytes are no whole number of 16-bit samples; keep the odd one for the next piece")
    return np.frombuffer(raw if raw.c_contiguous else raw.tobytes(), np.int16) if raw.nbytes else np.empty(0, np.int16)


def _array(raw: memoryview) -> "NDArray[Any]":
    try:
        return np.asarray(raw)
    except (ValueError, TypeError, RuntimeError):
        raise InvalidArgument(f"a buffer of format {raw.format!r} is not audio; {_ACCEPTED}") from None


def _numbers(array: "NDArray[Any]") -> "NDArray[Any]":
    """An array of samples as int16 or float32."""
    if array.ndim != 1:
        raise InvalidArgument(f"an array of {array.ndim} dimensions is not mono audio; {_ACCEPTED}")
    if not array.dtype.isnative:
        raise InvalidArgument(
            f"an array of {array.dtype} has the other byte order; convert it: array.astype({array.dtype.newbyteorder('=').name!r})"
        )
    if array.dtype == np.int16:
        return np.ascontiguousarray(array)
    if array.dtype.kind == "f":
        # Too large for float32 means infinite, which the library refuses by name.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=np.float32)
    raise InvalidArgument(f"an array of {array.dtype} is not audio; {_ACCEPTED}")


def _list(numbers: "Sequence[Any]") -> "NDArray[Any]":
    """Whole numbers are 16-bit samples, others floats in [-1, 1]."""
    if not numbers:
        return np.empty(0, np.int16)
    wrong = next((number for number in numbers if not is_number(number)), None)
    if wrong is not None:
        raise InvalidType(f"{type(wrong).__name__} in a {type(numbers).__name__} of samples is not audio; {_ACCEPTED}")
    array = np.asarray(numbers)
    if array.dtype.kind == "f":
        return _numbers(array.astype(np.float64))
    if array.dtype.kind not in "iu" or array.min() < -32768 or array.max() > 32767:
        raise InvalidArgument("whole numbers beyond -32768 to 32767 are not 16-bit samples; floats are taken as [-1, 1]")
    return array.astype(np.int16)


def is_number(value: Any) -> bool:
    """Whether it is a number that can be a sample."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def pieces(audio: Audio, sample_rate: int = INPUT_SAMPLE_RATE) -> Iterator[Samples]:
    """The pieces of ``audio`` with their sample rates, each of at most a second. Files and types are checked at once."""
    rate = _arguments.sample_rate(sample_rate)
    if isinstance(audio, (str, os.PathLike)):
        return File(audio)
    if hasattr(audio, "read"):
        return opened(audio)
    if isinstance(audio, AudioChunk):
        return _cut(samples(audio), _arguments.sample_rate(audio.sample_rate))
    if _is_piece(audio):
        return _cut(samples(audio), rate)
    if isinstance(audio, Mapping):
        raise InvalidType(f"{type(audio).__name__} is not audio; {_ACCEPTED}")
    try:
        parts = iter(audio)
    except TypeError:
        raise InvalidType(f"{type(audio).__name__} is not audio; {_ACCEPTED}") from None
    return (piece for part in parts for piece in _part(part, rate))


def _part(part: Any, rate: int) -> Iterator[Samples]:
    if is_number(part):
        raise InvalidType(f"{type(part).__name__} is not a piece of audio: collect single samples in an array; {_ACCEPTED}")
    return pieces(part, rate)


def _is_piece(audio: Any) -> bool:
    """Whether it is one piece; otherwise it may be an iterable of them."""
    if isinstance(audio, (list, tuple)):
        return not audio or is_number(audio[0])
    if isinstance(audio, np.ndarray):
        return True
    try:
        memoryview(audio).release()
    except TypeError:
        return False
    return True


def _cut(array: "NDArray[Any]", sample_rate: int) -> Iterator[Samples]:
    return ((array[start : start + sample_rate], sample_rate) for start in range(0, len(array), sample_rate))


def opened(file: Any) -> "File":
    """The samples of an audio file that is open to be read as bytes, from where it stands."""
    name = getattr(file, "name", None)
    named = name if isinstance(name, str) else type(file).__name__
    folder = tempfile.mkdtemp(prefix="bithuman-")
    try:
        path = os.path.join(folder, "audio")
        _copy(file, named, path)
        return File(path, named, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copy(file: Any, named: str, path: str) -> None:
    try:
        with open(path, "wb") as out:
            shutil.copyfileobj(file, out)
    except TypeError:
        raise InvalidType(f"{named} is open to be read as text; open it with mode 'rb'") from None
    except ValueError as error:
        raise InvalidArgument(f"{named} can't be read: {error}") from None
    except OSError as error:
        raise IoError(f"{named} can't be read: {error}") from error


class File:
    """The samples of an audio file.

    ``named`` is what messages call it, if not by its path; ``folder`` is removed with the last sample, or with this object.
    """

    def __init__(
        self,
        path: "str | os.PathLike[str]",
        named: "str | None" = None,
        folder: "str | None" = None,
    ) -> None:
        encoded = _abi.path_bytes(path)
        shown = named or os.fspath(path)
        out = ffi.new("essence_audio_reader **")
        try:
            call(lib.essence_audio_reader_open, encoded, out)
        except ModelNotFoundError as error:
            raise AudioNotFoundError(str(error)) from None
        except UnsupportedFormat as error:
            raise UnsupportedFormat(str(error).replace(os.fspath(path), shown)) from None
        self.handle = Handle(out[0], lib.essence_audio_reader_destroy, "audio file")
        info = sized("essence_audio_info")
        call(lib.essence_audio_reader_describe, out[0], info)
        self.sample_rate: int = info.rate_hz
        if not 8_000 <= self.sample_rate <= 192_000:
            raise UnsupportedFormat(f"{shown}: {self.sample_rate} Hz; 8000 to 192000 can be used, so convert it")
        self._count = ffi.new("size_t *")
        self._forget = weakref.finalize(self, _close, self.handle, folder)

    def __iter__(self) -> "File":
        return self

    def __next__(self) -> Samples:
        if self.handle.closed:
            raise StopIteration
        block = np.empty(self.sample_rate, np.float32)
        with self.handle as pointer, ffi.from_buffer("float[]", block, require_writable=True) as data:
            ended = call(lib.essence_audio_reader_read, pointer, data, len(block), self._count) == lib.ESSENCE_END
        if ended:
            self._forget()
            raise StopIteration
        return block[: self._count[0]], self.sample_rate


def _close(handle: Handle, folder: "str | None") -> None:
    handle.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
