"""Audio as callers have it, as arrays that the library takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Tuple, Union

import numpy as np

from . import _abi
from ._abi import Handle, call, sized
from ._library import ffi, lib
from .exceptions import InvalidArgument, ModelNotFoundError, UnsupportedFormat
from .frames import AudioChunk
from .settings import INPUT_SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One piece of audio.
Piece = Union[bytes, bytearray, memoryview, "NDArray[Any]", AudioChunk]

#: Audio to be rendered: a file, a piece, or pieces as they come.
Audio = Union[str, "os.PathLike[str]", Piece, Iterable[Piece]]

Samples = Tuple["NDArray[Any]", int]

_ACCEPTED = "give a path, s16le bytes, an int16 or float32 array of one dimension, or an iterable of these"


def samples(piece: Any) -> "NDArray[Any]":
    """A piece as a contiguous array of int16 or float32."""
    if isinstance(piece, AudioChunk):
        return np.ascontiguousarray(piece.data)
    if isinstance(piece, np.ndarray):
        if piece.ndim != 1:
            raise InvalidArgument(f"an array of {piece.ndim} dimensions is not mono audio; {_ACCEPTED}")
        if piece.dtype == np.float64:
            piece = piece.astype(np.float32)
        if piece.dtype not in (np.int16, np.float32):
            raise InvalidArgument(f"an array of {piece.dtype} is not audio; {_ACCEPTED}")
        return np.ascontiguousarray(piece)
    try:
        raw = memoryview(piece).cast("B")
    except TypeError:
        raise InvalidArgument(f"{type(piece).__name__} is not audio; {_ACCEPTED}") from None
    if len(raw) % 2:
        raise InvalidArgument(f"{len(raw)} bytes are no whole number of 16-bit samples; keep the odd one for the next piece")
    return np.frombuffer(raw, np.int16) if len(raw) else np.empty(0, np.int16)


def pieces(audio: Audio, sample_rate: int = INPUT_SAMPLE_RATE) -> Iterator[Samples]:
    """The pieces of ``audio`` with their sample rates, each of at most a second. Files and types are checked at once."""
    if isinstance(audio, (str, os.PathLike)):
        return File(audio)
    if isinstance(audio, AudioChunk):
        return _cut(samples(audio), audio.sample_rate)
    if isinstance(audio, (bytes, bytearray, memoryview, np.ndarray)):
        return _cut(samples(audio), sample_rate)
    try:
        parts = iter(audio)
    except TypeError:
        raise InvalidArgument(f"{type(audio).__name__} is not audio; {_ACCEPTED}") from None
    return (piece for part in parts for piece in pieces(part, sample_rate))


def _cut(array: "NDArray[Any]", sample_rate: int) -> Iterator[Samples]:
    step = max(1, sample_rate)
    return ((array[start : start + step], sample_rate) for start in range(0, len(array), step))


class File:
    """The samples of an audio file: wav, flac, mp3, ogg or m4a."""

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        out = ffi.new("essence_audio_reader **")
        try:
            call(lib.essence_audio_reader_open, _abi.path_bytes(path), out)
        except ModelNotFoundError as error:
            raise FileNotFoundError(str(error)) from None
        self.handle = Handle(out[0], lib.essence_audio_reader_destroy, "audio file")
        info = sized("essence_audio_info")
        call(lib.essence_audio_reader_describe, out[0], info)
        self.sample_rate: int = info.rate_hz
        if not 8_000 <= self.sample_rate <= 192_000:
            raise UnsupportedFormat(f"{os.fspath(path)}: {self.sample_rate} Hz; 8000 to 192000 can be used, so convert it")
        self._count = ffi.new("size_t *")

    def __iter__(self) -> "File":
        return self

    def __next__(self) -> Samples:
        block = np.empty(self.sample_rate, np.float32)
        with self.handle as pointer, ffi.from_buffer("float[]", block, require_writable=True) as data:
            if call(lib.essence_audio_reader_read, pointer, data, len(block), self._count) == lib.ESSENCE_END:
                raise StopIteration
        return block[: self._count[0]], self.sample_rate
