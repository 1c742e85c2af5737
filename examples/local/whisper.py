"""Whisper by libbithuman_brain, the library of bithuman's local brain: `pip install bithuman-brain`."""

import ctypes
import importlib.util
import os
import re
import sys
import threading
from array import array
from pathlib import Path

# The version of the interface that is written here (brain/native/brain.h).
ABI = 1
OK = 0
ERROR_BYTES = 512

# Samples below this are silence: -55 dBFS.
SILENT = 59

STOP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
TEXT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)
NAMES = {"linux": "libbithuman_brain.so", "darwin": "libbithuman_brain.dylib", "win32": "bithuman_brain.dll"}


def library_path() -> Path:
    """The library's file: BITHUMAN_BRAIN_LIBRARY, else the package's."""
    named = os.environ.get("BITHUMAN_BRAIN_LIBRARY")
    if named:
        return Path(named)
    package = importlib.util.find_spec("bithuman_brain")
    if package is None or package.origin is None:
        raise FileNotFoundError("libbithuman_brain is missing: pip install bithuman-brain")
    return Path(package.origin).with_name(NAMES[sys.platform])


class Whisper:
    """A model of whisper.cpp's, such as the `ggml-tiny.en.bin` that `bithuman pull --local` fetches."""

    def __init__(self, model: Path, threads: int = 2) -> None:
        library = ctypes.CDLL(str(library_path()))
        if library.bithuman_brain_abi() != ABI:
            raise RuntimeError(f"{library_path()} has another interface")
        self._open = library.bithuman_brain_whisper_open
        self._open.restype = ctypes.c_void_p
        self._open.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
        self._close = library.bithuman_brain_whisper_close
        self._close.restype, self._close.argtypes = None, [ctypes.c_void_p]
        self._hear = library.bithuman_brain_whisper_hear
        self._hear.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int32,
            STOP, TEXT, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t,
        ]
        self._threads = threads
        # One at a time: a handle is used by one thread.
        self._lock = threading.Lock()
        error = ctypes.create_string_buffer(ERROR_BYTES)
        # The command looks at a file before C++ sees it; here it has to be one that `bithuman doctor` likes.
        self._whisper = self._open(str(model).encode(), error, ERROR_BYTES)
        if not self._whisper:
            raise ValueError(f"{model}: {error.value.decode(errors='replace')}")

    def hear(self, pcm: bytes, language: str = "en") -> str:
        """The words in 16 kHz mono samples of 16 bits."""
        integers = array("h", pcm[: len(pcm) // 2 * 2])
        if max(map(abs, integers), default=0) < SILENT:
            # Whisper finds words in silence, such as "you".
            return ""
        samples = array("f", (sample / 32_768 for sample in integers))
        pieces = bytearray()
        error = ctypes.create_string_buffer(ERROR_BYTES)
        stop = STOP(lambda _: 0)
        text = TEXT(lambda _, data, length: pieces.extend(data[:length]))
        with self._lock:
            result = self._hear(
                self._whisper, samples.buffer_info()[0], len(samples), language.encode(), self._threads,
                stop, text, None, error, ERROR_BYTES,
            )
        if result != OK:
            raise RuntimeError(error.value.decode(errors="replace"))
        # Without sounds that are no words, such as [BLANK_AUDIO].
        return re.sub(r"\[.*?\]|\(.*?\)|♪", "", pieces.decode(errors="replace")).strip()

    def close(self) -> None:
        """Frees the model."""
        with self._lock:
            if self._whisper:
                self._close(self._whisper)
                self._whisper = None
