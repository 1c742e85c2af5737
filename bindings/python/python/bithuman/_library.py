"""Loads libessence: the one in this package, or the one that ``ESSENCE_LIBRARY`` names."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from . import _declarations

#: The major version of the interface that this package is written for.
_ABI_MAJOR = 1

ffi: Any = _declarations.ffi


def _path() -> str:
    named = os.environ.get("ESSENCE_LIBRARY")
    if named:
        return named
    folder = pathlib.Path(__file__).parent / "_native"
    for pattern in ("*.so", "*.dylib", "*.dll"):
        for path in folder.glob(pattern):
            return str(path)
    raise ImportError(f"libessence is not in {folder}: install the package from a wheel, or point ESSENCE_LIBRARY to the library")


def _load() -> Any:
    path = _path()
    try:
        library = ffi.dlopen(path)
        major = library.essence_abi_version() >> 16
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} can't be used: {error}") from error
    if major != _ABI_MAJOR:
        raise ImportError(f"bithuman needs libessence with interface {_ABI_MAJOR}; {path} has {major}: reinstall the package")
    return library


lib: Any = _load()
