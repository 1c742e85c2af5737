"""Loads libessence: the one in this package, or the one that ``ESSENCE_LIBRARY`` names."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from . import _declarations

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
        version = library.essence_abi_version()
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} can't be used: {error}") from error
    # A library of a higher minor version does all that one of a lower does.
    major, minor = version >> 16, version & 0xFFFF
    wanted, least = library.ESSENCE_ABI_VERSION_MAJOR, library.ESSENCE_ABI_VERSION_MINOR
    if major != wanted or minor < least:
        raise ImportError(
            f"bithuman needs libessence with interface {wanted}.{least} or a later {wanted}; {path} has {major}.{minor}: "
            "reinstall the package"
        )
    return library


lib: Any = _load()
