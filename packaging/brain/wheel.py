"""Packs libbithuman_brain into a wheel: `python3 wheel.py LIBRARY VERSION FOLDER` prints its path.

A wheel is an archive with three files about itself. Its name tells the oldest glibc that the library
runs with, which the versions of the symbols that it asks for tell.
"""

import base64
import hashlib
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

PACKAGE = "bithuman_brain"


def platform(library: bytes) -> str:
    """The wheel's tag of a platform."""
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    wanted = re.findall(rb"GLIBC_2\.(\d+)", library)
    if machine.startswith("linux_") and wanted:
        newest = max(int(minor) for minor in wanted)
        return f"manylinux_2_{newest}_{machine.removeprefix('linux_')}"
    return machine


def main() -> None:
    library, version, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    code = library.read_bytes()
    tag = f"py3-none-{platform(code)}"
    info = f"{PACKAGE}-{version}.dist-info"
    readme = (Path(__file__).parent / "README.md").read_text()
    notices = (Path(__file__).parents[2] / "NOTICES.md").read_bytes()
    metadata = (
        f"Metadata-Version: 2.4\nName: bithuman-brain\nVersion: {version}\n"
        "Summary: Hearing and thinking for bithuman's local brain: whisper.cpp and llama.cpp in one library\n"
        "License-Expression: MIT\nRequires-Python: >=3.9\n"
        f"Description-Content-Type: text/markdown\n\n{readme}"
    )
    wheel = f"Wheel-Version: 1.0\nGenerator: libessence\nRoot-Is-Purelib: false\nTag: {tag}\n"
    members = {
        f"{PACKAGE}/__init__.py": b'"""Holds libbithuman_brain, for the command `bithuman`."""\n',
        f"{PACKAGE}/{library.name}": code,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": wheel.encode(),
        f"{info}/licenses/NOTICES.md": notices,
    }
    record = ""
    for name, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"{PACKAGE}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            # A fixed time: the same files give the same wheel.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    print(path)


if __name__ == "__main__":
    main()
