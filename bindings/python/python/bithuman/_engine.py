"""Engines, one for each choice of settings, and avatars, one for each file, shared by all that open it."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import sys
import threading
import weakref
from dataclasses import dataclass
from typing import IO, Any, Dict, Mapping, Optional, Tuple, Union

from . import _abi, _arguments, _log
from ._abi import Handle, Unique, call, sized, text, texts
from ._library import ffi, lib
from ._log import logger
from .exceptions import InvalidArgument, InvalidType, ModelNotFoundError

PathLike = Union[str, "os.PathLike[str]"]

#: Where an avatar comes from: a path, the bytes of a file, or a file that is open to be read as bytes.
Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, IO[bytes]]

#: Memory that the decoded base frames of an avatar may take, unless said otherwise.
BASE_CACHE_BYTES = 48 << 20

# Keeps ONNX Runtime from collecting data for its maker. It looks when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_PROVIDERS: "Dict[str, int]" = {
    name: getattr(lib, f"ESSENCE_PROVIDER_{name.upper()}")
    for name in ("auto", "builtin", "cpu", "cuda", "coreml", "openvino", "webgpu")
}
_PROVIDER_NAMES = {value: name for name, value in _PROVIDERS.items()}

_lock = threading.Lock()
_engines: "weakref.WeakValueDictionary[Tuple[str, Optional[str], int], Engine]" = weakref.WeakValueDictionary()
_avatars: "weakref.WeakValueDictionary[Tuple[Any, ...], AvatarFile]" = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class ProviderReport:
    """Which execution provider runs an avatar, and which others were passed over and why.

    Attributes:
        provider: The one that runs: ``builtin``, ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``.
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


class Engine(Unique):
    """The threads and settings that avatars share: ONNX Runtime, a choice of provider, limits.

    Without one, :func:`bithuman.open` and its like make an engine for each distinct set of ``provider``, ``runtime_library`` and
    ``num_threads``, and share it among all that ask for the same. An avatar that is opened with two engines is in memory twice.

    Args:
        provider: ``auto``, ``builtin``, ``cpu``, ``cuda``, ``coreml``, ``openvino`` or ``webgpu``. ``builtin`` needs no ONNX Runtime.
        runtime_library: ONNX Runtime's library. Default: ``ORT_DYLIB_PATH``, then the ``onnxruntime`` package's.
        num_threads: Threads that prepare frames, and networks that run at a time, for all conversations of this engine together.
            0: as many as the process may use cores.
        max_sessions: Most conversations in real time at a time; one more raises :class:`LimitExceeded`. None: no limit.
        base_cache_bytes: Memory that the decoded base frames of each avatar may take. 0 decodes each frame anew.

    Raises:
        RuntimeMissing: There is no usable ONNX Runtime, and the provider needs it.
        InvalidArgument: A setting is outside its domain.
    """

    def __init__(
        self,
        *,
        provider: str = "auto",
        runtime_library: Optional[PathLike] = None,
        num_threads: int = 0,
        max_sessions: Optional[int] = None,
        base_cache_bytes: int = BASE_CACHE_BYTES,
    ) -> None:
        options = _abi.options("essence_engine_options", lib.essence_engine_options_init)
        options.provider = _provider(provider)
        options.threads = _arguments.count(num_threads, "num_threads")
        options.base_cache_bytes = _arguments.count(base_cache_bytes, "base_cache_bytes", (1 << 63) - 1)
        options.max_sessions = lib.ESSENCE_NO_LIMIT
        limit = _limit(max_sessions)
        library = runtime_library or (None if provider == "builtin" else _packaged_runtime())
        path = ffi.NULL if library is None else ffi.new("char[]", _abi.path_bytes(library))
        options.runtime_library = path
        self.log_level = _log.attach(options)
        out = ffi.new("essence_engine **")
        call(lib.essence_engine_create, options, out)
        self.handle = Handle(out[0], lib.essence_engine_destroy, "engine")
        _log.follow(self)
        info = self._describe()
        #: Version of the ONNX Runtime in use; empty where none is.
        self.runtime_version = text(info.runtime_version)
        #: Its file.
        self.runtime_library = text(info.runtime_path)
        #: The providers that there are. Whether one really works shows when an avatar is opened.
        self.available_providers = tuple(
            _PROVIDER_NAMES.get(info.providers[i], "unknown") for i in range(info.provider_count)
        )
        if max_sessions is not None:
            call(lib.essence_engine_set_max_sessions, out[0], limit)

    @property
    def threads(self) -> int:
        """Threads that prepare frames, and networks that run at a time."""
        return int(self._describe().threads)

    @property
    def sessions(self) -> int:
        """Conversations in real time that there are now."""
        return int(self._describe().sessions)

    def set_max_sessions(self, sessions: Optional[int]) -> None:
        """Sets another limit for conversations in real time; 0 lets no further one begin. Those that there are stay."""
        limit = _limit(sessions)
        with self.handle as pointer:
            call(lib.essence_engine_set_max_sessions, pointer, limit)

    def _describe(self) -> Any:
        info = sized("essence_engine_info")
        with self.handle as pointer:
            call(lib.essence_engine_describe, pointer, info)
        return info


def _limit(sessions: Optional[int]) -> int:
    return int(lib.ESSENCE_NO_LIMIT) if sessions is None else _arguments.count(sessions, "max_sessions")


def _provider(name: object) -> int:
    if not isinstance(name, str):
        raise InvalidType(f"a provider is named by a str, not by {type(name).__name__}; choose one of {', '.join(_PROVIDERS)}")
    if name not in _PROVIDERS:
        raise InvalidArgument(f"`{name}` is not an execution provider; choose one of {', '.join(_PROVIDERS)}")
    return _PROVIDERS[name]


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


#: The names of emotions and their numbers in C.
EMOTIONS: "Dict[str, int]" = {
    name: getattr(lib, f"ESSENCE_EMOTION_{name.upper()}")
    for name in ("neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust")
}


@dataclass(frozen=True)
class AvatarInfo:
    """What an avatar is.

    Attributes:
        path: The file; empty for an avatar out of memory.
        name: Its name.
        license: The licence that it may be used under; empty if unsaid.
        width: Width of its picture in pixels.
        height: Height of its picture in pixels.
        frame_count: Number of base frames.
        motions: Names of the motions that can be played.
        arkit_names: ARKit's names of the values that come with each frame.
        manifest: Everything that the file says of itself.
        size_bytes: Size of the file.
        has_matte: Whether it was keyed, or its picture has alpha: RGBA and BGRA are transparent around it, and any background can lie behind it.
        emotions: Names of the emotions that it can show: all for a portrait, ``neutral`` alone for one that was filmed.
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
    has_matte: bool = False
    emotions: Tuple[str, ...] = ("neutral",)


class AvatarFile(Unique):
    """An opened avatar, shared by all that have opened the same file. Closed when nobody uses it any more."""

    def __init__(self, engine: Engine, path: str, file: "memoryview | None" = None) -> None:
        # An engine lives as long as its avatars: with the last one its threads end.
        self.engine = engine
        out = ffi.new("essence_avatar **")
        with engine.handle as pointer:
            if file is None:
                call(lib.essence_avatar_open, pointer, _abi.path_bytes(path), out)
            else:
                with ffi.from_buffer("uint8_t[]", file) as data:
                    call(lib.essence_avatar_open_memory, pointer, data, len(data), ffi.NULL, ffi.NULL, out)
        self.handle = Handle(out[0], lib.essence_avatar_release, "avatar")
        self.info = _describe(out[0], path)
        self.provider = _report(out[0], engine)

    def measure_capacity(self) -> int:
        """How many conversations the engine's threads can keep speaking in real time."""
        out = ffi.new("uint32_t *")
        with self.handle as pointer:
            call(lib.essence_avatar_measure_capacity, pointer, out)
        return int(out[0])


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
        has_matte=bool(info.has_matte),
        emotions=tuple(name for name, value in EMOTIONS.items() if info.emotions >> value & 1),
    )


def _report(pointer: Any, engine: Engine) -> ProviderReport:
    report = sized("essence_provider_report")
    call(lib.essence_avatar_report_provider, pointer, report)
    refused = {
        _PROVIDER_NAMES.get(report.refused[i], "unknown"): text(report.reasons[i]) for i in range(report.refused_count)
    }
    provider = _PROVIDER_NAMES.get(report.provider, "unknown")
    return ProviderReport(provider, refused, engine.runtime_version, engine.runtime_library, bool(report.quantized))


def open_avatar(
    source: Source,
    provider: str = "auto",
    runtime_library: Optional[PathLike] = None,
    num_threads: int = 0,
    engine: Optional[Engine] = None,
) -> AvatarFile:
    """Opens an avatar, or gives the one that is open already for the same file and engine. Avatars out of memory are not shared."""
    _provider(provider)
    held = _held(source)
    path = "" if held is not None else os.path.abspath(find(source))
    _abi.path_bytes(path)
    _abi.check_fork()
    with _lock:
        engine = _shared_engine(provider, runtime_library, num_threads) if engine is None else _given(engine)
        _log.follow(engine)
        if held is not None:
            return AvatarFile(engine, path, held)
        status = os.stat(path)
        # A file that was replaced is another avatar. The engine lives at least as long as its entry.
        file = (os.path.realpath(path), status.st_mtime_ns, status.st_size, status.st_ino, id(engine))
        avatar = _avatars.get(file)
        if avatar is None:
            avatar = AvatarFile(engine, path)
            _avatars[file] = avatar
        return avatar


def _held(source: Any) -> Optional[memoryview]:
    """The bytes of an avatar's file, if they are what is given; None for a path."""
    if hasattr(source, "read"):
        source = source.read()
        if isinstance(source, str):
            raise InvalidType("an avatar's file is open to be read as text; open it with mode 'rb'")
    if isinstance(source, (str, os.PathLike)):
        return None
    try:
        view = memoryview(source)
    except TypeError:
        return None
    return view if view.c_contiguous else memoryview(view.tobytes())


def _shared_engine(provider: str, runtime_library: Optional[PathLike], num_threads: int) -> Engine:
    library = None if runtime_library is None else os.fspath(runtime_library)
    key = (provider, library, _arguments.count(num_threads, "num_threads"))
    engine = _engines.get(key)
    if engine is None:
        engine = Engine(provider=provider, runtime_library=library, num_threads=num_threads)
        _engines[key] = engine
    return engine


def _given(engine: object) -> Engine:
    if not isinstance(engine, Engine):
        raise InvalidType(f"an engine is a bithuman.Engine, not {type(engine).__name__}")
    return engine


def log_unused(given: "Mapping[str, object]") -> None:
    """Says which arguments are accepted for other programs' sake alone."""
    names = [name for name, value in given.items() if value]
    if names:
        logger.debug("not needed and not used: %s", ", ".join(names))


def find(source: Any) -> str:
    """The file of an avatar: a path, or the name of one in the cache of the command line."""
    try:
        name = os.fspath(source)
    except TypeError:
        name = None
    if not isinstance(name, str):
        raise InvalidType(f"an avatar is a path, or the bytes of its file, not {type(source).__name__}")
    if "\0" in name or os.path.exists(name):
        return name
    if name and os.path.basename(name) == name:
        for cached in (f"~/.cache/bithuman/{name}.imx", f"~/.cache/bithuman/showcase/{name}.imx"):
            path = os.path.expanduser(cached)
            if os.path.exists(path):
                return path
    raise ModelNotFoundError(f"there is no avatar {name!r}: give the path of an .imx file")
