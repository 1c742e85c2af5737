"""Writes ``python/bithuman/_declarations.py``, the raw layer, from ``include/essence.h``.

``python generate.py`` writes it, ``python generate.py --verify`` only says whether it is what the header gives. Needs cffi
and pycparser; using the result needs cffi alone.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import cffi
from cffi import recompiler

HERE = Path(__file__).parent
HEADER = HERE / "../../include/essence.h"
DECLARATIONS = HERE / "python/bithuman/_declarations.py"

NOTE = '"""Generated from include/essence.h by bindings/python/generate.py."""\n'


def declarations(header: str) -> str:
    """What a header declares, without comments, C++ and macros; macros that are numbers stay."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    text = text.replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#") or re.match(r"#define \w+ -?\d+\s*$", line)]
    return "\n".join(line for line in lines if line.strip())


def generate() -> str:
    """The module's text."""
    ffi = cffi.FFI()
    ffi.cdef(declarations(HEADER.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "_declarations.py")
        recompiler.make_py_source(ffi, "bithuman._declarations", str(path))
        return NOTE + path.read_text(encoding="utf-8")


def main() -> None:
    """Writes or verifies."""
    text = generate()
    if sys.argv[1:] == ["--verify"]:
        if not DECLARATIONS.exists() or DECLARATIONS.read_text(encoding="utf-8") != text:
            sys.exit(f"{DECLARATIONS.name} is not what include/essence.h gives: run bindings/python/generate.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        DECLARATIONS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
