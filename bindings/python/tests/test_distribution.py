"""Another distribution that owns the package of this name is refused, and one that only looks alike is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bithuman
import pytest
from bithuman import _distribution

PACKAGE = Path(bithuman.__file__).resolve().parent


def install(folder: Path, name: str, version: str, files: "list[str]") -> None:
    """What pip leaves of a distribution."""
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")


def test_the_other_distribution_beside_ours_is_refused_by_name(tmp_path: Path) -> None:
    install(tmp_path, "bithuman", "2.12.9", ["bithuman/__init__.py", "bithuman-2.12.9.dist-info/RECORD"])
    with pytest.raises(ImportError, match=r"bithuman 2\.12\.9 and libessence.*pip uninstall bithuman libessence"):
        _distribution.check(tmp_path / "bithuman")


def test_distributions_that_own_other_files_are_none_of_our_business(tmp_path: Path) -> None:
    install(tmp_path, "bithuman", "9", ["bithuman_tools/__init__.py"])
    install(tmp_path, "bithuman-extras", "1", ["bithuman/extras.py"])
    install(tmp_path, "pipecat_bithuman", "1", ["pipecat_bithuman/__init__.py"])
    _distribution.check(tmp_path / "bithuman")
    _distribution.check(tmp_path / "elsewhere" / "bithuman")


def test_importing_the_mixture_fails_before_anything_else(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "bithuman", ignore=shutil.ignore_patterns("_native", "__pycache__"))
    install(tmp_path, "bithuman", "2.12.9", ["bithuman/__init__.py"])
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import bithuman"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "ImportError: two distributions" in done.stderr, done.stderr
