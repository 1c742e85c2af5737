"""One engine for each choice of provider, and one avatar for each file, shared by all that open it."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import pathlib
import sys
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple, Union

from . import _abi
from ._abi import Handle, call, sized, text, texts
from ._library import ffi, lib
from .exceptions import InvalidArgument, ModelNotFoundError

PathLike = Union[str, "os.PathLike[str]"]

logger = logging.getLogger("bithuman")

# Keeps ONNX Runtime from collecting data for its maker. It looks when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_PROVIDERS: "Dict[str, int]" = {
    name: getattr(lib, f"ESSENCE_PROVIDER_{name.upper()}")
    for name in ("auto", "cpu", "cuda", "coreml", "openvino", "webgpu")
}
_PROVIDER_NAMES = {value: name for name, value in _PROVIDERS.items()}

_lock = threading.Lock()
_engines: "weakref.WeakValueDictionary[Tuple[str, Optional[str]], Engine]" = weakref.WeakValueDictionary()
_avatars: "weakref.WeakValueDictionary[Tuple[Any, ...], AvatarFile]" = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class ProviderReport:
    """Which execution provider runs an avatar, and which others were passed over and why.

    Attributes:
        provider: The one that runs: ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``.
        refused: Those that came first in the preference, each with the reason against it.
        runtime_version: Version of the ONNX Runtime in use.
        runtime_library: Its file.
        quantized: Whether the identity network runs in 8 bits: on the CPU, where the avatar has it so and it is good.
    """

    provider: str
    refused: Mapping[str, str]
    runtime_version: str
    runtime_library: str
    quantized: bool = False


class Engine:
    """ONNX Runtime and a choice of provider."""

    def __init__(self, provider: str, runtime_library: Optional[str]) -> None:
        options = _abi.options("essence_engine_options", lib.essence_engine_options_init)
        options.provider = _PROVIDERS[provider]
        library = runtime_library or _packaged_runtime()
        path = ffi.NULL if library is None else ffi.new("char[]", _abi.path_bytes(library))
        options.runtime_library = path
        out = ffi.new("essence_engine **")
        call(lib.essence_engine_create, options, out)
        self.handle = Handle(out[0], lib.essence_engine_destroy, "engine")
        info = sized("essence_engine_info")
        call(lib.essence_engine_describe, out[0], info)
        self.runtime_version = text(info.runtime_version)
        self.runtime_library = text(info.runtime_path)


def _packaged_runtime() -> Optional[str]:
    """The library inside an installed ``onnxruntime`` package, which is not imported for it.

    None, so that the library searches, where the user has chosen one by ``ORT_DYLIB_PATH``.
    """
    if os.environ.get("ORT_DYLIB_PATH"):
        return None
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None:
        return None
    pattern = {"win32": "onnxruntime.dll", "darwin": "libonnxruntime*.dylib"}.get(sys.platform, "libonnxruntime.so*")
    for place in spec.submodule_search_locations or ():
        found = sorted((pathlib.Path(place) / "capi").glob(pattern))
        if found:
            return str(found[0])
    return None


@dataclass(frozen=True)
class AvatarInfo:
    """What an avatar is.

    Attributes:
        path: The file.
        name: Its name.
        license: The licence that it may be used under; empty if unsaid.
        width: Width of its picture in pixels.
        height: Height of its picture in pixels.
        frame_count: Number of base frames.
        motions: Names of the motions that can be played.
        arkit_names: ARKit's names of the values that come with each frame.
        manifest: Everything that the file says of itself.
        size_bytes: Size of the file.
    """

    path: str
    name: str
    license: str
    width: int
    height: int
    frame_count: int
    motions: Tuple[str, ...]
    arkit_names: Tuple[str, ...]
    manifest: Mapping[str, Any]
    size_bytes: int


class AvatarFile:
    """An opened avatar, shared by all that have opened the same file. Closed when nobody uses it any more."""

    def __init__(self, engine: Engine, path: str, encoded: bytes) -> None:
        # An engine lives as long as its avatars: with the last one its threads end.
        self.engine = engine
        out = ffi.new("essence_avatar **")
        with engine.handle as pointer:
            call(lib.essence_avatar_open, pointer, encoded, out)
        self.handle = Handle(out[0], lib.essence_avatar_release, "avatar")
        self.info = _describe(out[0], path)
        self.provider = _report(out[0], engine)


def _describe(pointer: Any, path: str) -> AvatarInfo:
    info = sized("essence_avatar_info")
    call(lib.essence_avatar_describe, pointer, info)
    return AvatarInfo(
        path=path,
        name=text(info.name),
        license=text(info.license),
        width=info.frame_width,
        height=info.frame_height,
        frame_count=info.frame_count,
        motions=texts(info.motions, info.motion_count),
        arkit_names=texts(info.arkit_names, info.arkit_count),
        manifest=json.loads(text(info.manifest_json)),
        size_bytes=info.file_bytes,
    )


def _report(pointer: Any, engine: Engine) -> ProviderReport:
    report = sized("essence_provider_report")
    call(lib.essence_avatar_report_provider, pointer, report)
    refused = {
        _PROVIDER_NAMES.get(report.refused[i], "unknown"): text(report.reasons[i]) for i in range(report.refused_count)
    }
    provider = _PROVIDER_NAMES.get(report.provider, "unknown")
    return ProviderReport(provider, refused, engine.runtime_version, engine.runtime_library, bool(report.quantized))


def open_avatar(source: PathLike, provider: str = "auto", runtime_library: Optional[PathLike] = None) -> AvatarFile:
    """Opens an avatar, or gives the one that is open already for the same file and settings."""
    if provider not in _PROVIDERS:
        raise InvalidArgument(f"`{provider}` is not an execution provider; choose one of {', '.join(_PROVIDERS)}")
    path = os.path.abspath(find(source))
    encoded = _abi.path_bytes(path)
    library = None if runtime_library is None else os.fspath(runtime_library)
    _abi.check_fork()
    with _lock:
        key = (provider, library)
        engine = _engines.get(key)
        if engine is None:
            engine = Engine(provider, library)
            _engines[key] = engine
        status = os.stat(path)
        # A file that was replaced is another avatar.
        file = (os.path.realpath(path), status.st_mtime_ns, status.st_size, status.st_ino, *key)
        avatar = _avatars.get(file)
        if avatar is None:
            avatar = AvatarFile(engine, path, encoded)
            _avatars[file] = avatar
            report = avatar.provider
            logger.debug("%s runs on %s (ONNX Runtime %s)", path, report.provider, report.runtime_version)
            for name, reason in report.refused.items():
                logger.debug("%s: provider %s passed over: %s", path, name, reason)
        return avatar


def log_unused(given: "Mapping[str, object]") -> None:
    """Says which arguments are accepted for other programs' sake alone."""
    names = [name for name, value in given.items() if value]
    if names:
        logger.debug("not needed and not used: %s", ", ".join(names))


def find(source: PathLike) -> str:
    """The file of an avatar: a path, or the name of one in the cache of the command line."""
    name = os.fspath(source)
    if not isinstance(name, str):
        raise InvalidArgument(f"an avatar is named by a path, not by {type(source).__name__}")
    if "\0" in name or os.path.exists(name):
        return name
    if name and os.path.basename(name) == name:
        for cached in (f"~/.cache/bithuman/{name}.imx", f"~/.cache/bithuman/showcase/{name}.imx"):
            path = os.path.expanduser(cached)
            if os.path.exists(path):
                return path
    raise ModelNotFoundError(f"there is no avatar {name!r}: give the path of an .imx file")
