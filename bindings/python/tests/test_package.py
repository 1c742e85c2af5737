"""The package as a whole: its raw layer is the header's, its names are all there, its examples run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bithuman
import pytest
from bithuman import _library
from bithuman._library import lib
from conftest import MIKA, ROOT, Pcm, write_wav

HERE = Path(__file__).resolve().parents[1]


def test_the_raw_layer_is_what_the_header_gives() -> None:
    done = subprocess.run([sys.executable, str(HERE / "generate.py"), "--verify"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_function_of_the_header_is_in_the_library() -> None:
    header = (ROOT / "include/essence.h").read_text(encoding="utf-8")
    functions = set(re.findall(r"\b(essence_\w+)\s*\((?!\))[^;{]*?\)\s*;", re.sub(r"/\*.*?\*/", "", header, flags=re.S)))
    assert len(functions) > 30
    assert [name for name in sorted(functions) if not hasattr(lib, name)] == []


@pytest.mark.parametrize(("major", "minor", "fits"), [(0, 0, True), (0, 1, True), (0, -1, False), (1, 0, False)])
def test_a_library_of_an_older_interface_is_refused(
    monkeypatch: pytest.MonkeyPatch, major: int, minor: int, fits: bool
) -> None:
    ours = (lib.ESSENCE_ABI_VERSION_MAJOR, lib.ESSENCE_ABI_VERSION_MINOR)
    other = SimpleNamespace(
        essence_abi_version=lambda: ours[0] + major << 16 | ours[1] + minor,
        ESSENCE_ABI_VERSION_MAJOR=ours[0],
        ESSENCE_ABI_VERSION_MINOR=ours[1],
    )
    monkeypatch.setattr(_library, "ffi", SimpleNamespace(dlopen=lambda path: other))
    if fits:
        assert _library._load() is other
    else:
        with pytest.raises(ImportError, match=f"interface {ours[0]}.{ours[1]}"):
            _library._load()


def test_every_name_that_is_promised_is_there() -> None:
    assert [name for name in bithuman.__all__ if not hasattr(bithuman, name)] == []
    assert all(getattr(bithuman, name).__doc__ for name in bithuman.__all__ if name != "__version__")
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)
    assert version is not None and bithuman.__version__ == version[1]


def examples() -> "list[tuple[str, str]]":
    """The Python examples of the documents that are about this package."""
    found = []
    for name in ("README.md", "bindings/python/README.md", "docs/python.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S), 1):
            found.append((f"{name} {number}", code))
    return found


@pytest.mark.parametrize(("name", "code"), examples(), ids=[name for name, _ in examples()])
def test_an_example_of_the_documents_runs(name: str, code: str, tmp_path: Path, speech: Pcm) -> None:
    shutil.copy(MIKA, tmp_path / "avatar.imx")
    write_wav(tmp_path / "speech.wav", speech, seconds=2)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout, "an example shows something"
