"""Sets the studio up: an environment of its own, in which `bithuman create film.mp4` makes avatars of films.

    python3 studio/install.py [--folder DIR]

Needs Python 3.10 or later and 1.5 GB. PyTorch comes without its CUDA packages: from its own index of builds for processors, or, where that can't be
reached, from the plain registry. The registry's build for Linux on x86-64 asks for CUDA's libraries when it is loaded, so empty ones are put beside it,
which needs a C compiler and `readelf`; and the kernels in it, a third of its size, are taken out.
"""
from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

STUDIO = Path(__file__).resolve().parent
PACKAGES = ("numpy", "scipy", "pillow", "opencv-python-headless", "av>=14", "onnx", "onnxruntime>=1.20")
TORCH_NEEDS = ("filelock", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec", "setuptools")
"""What PyTorch imports, but for CUDA."""
PROCESSORS = "https://download.pytorch.org/whl/cpu"
CUDA = ("libcu", "libnv", "libnccl", "libcupti")
CHUNK = 1 << 20
LEAST = (3, 10)
BYTES = 3_000_000_000
"""While it is unpacked; half of it stays."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=default_folder(), help="of the environment [default: %(default)s]")
    options = parser.parse_args()
    if sys.version_info < LEAST:
        return refused(f"this is Python {platform.python_version()}: 3.10 or later is needed")
    folder = options.folder.expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return refused(f"{folder}: {error.strerror}")
    if shutil.disk_usage(folder).free < BYTES:
        return refused(f"{folder}: {shutil.disk_usage(folder).free / 1e9:.1f} GB are free, {BYTES / 1e9:.0f} GB are needed while it is set up: name another with --folder")
    print(f"setting the studio up in {folder}", flush=True)
    try:
        venv.create(folder, with_pip=True, upgrade_deps=False)
    except (subprocess.CalledProcessError, OSError) as error:
        return refused(f"Python makes no environment here ({error}): on Debian, `apt install python3-venv`")
    python = next(path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.is_file())
    install(python, *PACKAGES, *TORCH_NEEDS)
    torch(python)
    packages = Path(said(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    # The studio stays where it is: a newer checkout is a newer studio.
    (packages / "essence_studio.pth").write_text(f"{STUDIO}\n")
    trial = subprocess.run([python, "-m", "essence_studio", "create", "--help"], capture_output=True, text=True, cwd=folder)
    if trial.returncode:
        return refused(f"the studio doesn't start: {trial.stderr.strip()}")
    size = sum(on_disk(file) for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    print(f"done, {size / 1e9:.2f} GB: bithuman create film.mp4 -o me.imx")
    return 0


def default_folder() -> Path:
    """Where the command line looks for it."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(os.environ.get("BITHUMAN_STUDIO") or Path(home) / "bithuman" / "studio")


def on_disk(file: Path) -> int:
    """Bytes that a file takes; one with holes takes less than it is long."""
    found = file.stat()
    return 512 * found.st_blocks if hasattr(found, "st_blocks") else found.st_size


def refused(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 69


def install(python: Path, *words: str, quiet: bool = True) -> bool:
    """Installs packages; False, or the end, where that fails."""
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-compile", *words], capture_output=not quiet)
    if done.returncode and quiet:
        raise SystemExit("error: pip could not install the packages (its words are above)")
    return done.returncode == 0


def torch(python: Path) -> None:
    """PyTorch, without CUDA."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64"):
        install(python, "--no-deps", "torch")
        return
    if install(python, "--no-deps", "--index-url", PROCESSORS, "--retries", "1", "--timeout", "10", "torch", quiet=False):
        return
    print("PyTorch's own index can't be reached: taking the registry's build, without CUDA's packages", flush=True)
    install(python, "--no-deps", "torch")
    libraries = Path(said(python, "import importlib.util; print(importlib.util.find_spec('torch').submodule_search_locations[0])")) / "lib"
    stand_in(libraries)
    for library in sorted(libraries.glob("lib*.so")):
        hollow(library)
    # For those who compile against PyTorch.
    shutil.rmtree(libraries.parent / "include", ignore_errors=True)


def hollow(library: Path) -> None:
    """Puts a hole where a library has CUDA's kernels: without CUDA nothing reads them."""
    holes = [
        (int(found[1], 16), int(found[2], 16))
        for line in readelf("-SW", library).splitlines() if (found := re.search(r"\.?_?_?nv_\w*fatbin\s+\w+\s+\w+\s+(\w+)\s+(\w+)", line))
    ]  # fmt: skip
    if not holes:
        return
    part, size = library.with_suffix(".part"), library.stat().st_size
    with library.open("rb") as old, part.open("wb") as new:
        at = 0
        for begin, length in [*sorted(holes), (size, 0)]:
            old.seek(at)
            new.seek(at)
            left = begin - at
            while left > 0 and (data := old.read(min(left, CHUNK))):
                new.write(data)
                left -= len(data)
            at = begin + length
        new.truncate(size)
    shutil.copymode(library, part)
    part.replace(library)


def said(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def stand_in(libraries: Path) -> None:
    """Puts empty libraries in the place of CUDA's that PyTorch's own ask for: each function of them fails, and PyTorch finds no device."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or shutil.which("readelf") is None:
        raise SystemExit("error: a C compiler and readelf are needed for PyTorch without CUDA: on Debian, `apt install gcc binutils`")
    asking = sorted(path for path in libraries.glob("lib*.so") if path.name.startswith(("libtorch", "libc10")))
    needed, versioned, wanted, defined = set(), {}, set(), set()
    for path in asking:
        needed |= {name for name in re.findall(r"NEEDED.*\[(.*)\]", readelf("-dW", path)) if name.startswith(CUDA) and not (libraries / name).exists()}
        owner, owners = "", {}
        for line in readelf("-VW", path).splitlines():
            if found := re.search(r"Version: \d+\s+File: (\S+)", line):
                owner = found[1]
            if (found := re.search(r"Name: (\S+)\s+Flags", line)) and owner:
                owners[found[1]] = owner
        for line in readelf("--dyn-syms -W", path).splitlines():
            fields = line.split()
            if len(fields) < 8 or not fields[0].endswith(":"):
                continue
            name, _, version = fields[7].replace("@@", "@").partition("@")
            if fields[6] != "UND":
                defined.add(name)
            elif version in owners and owners[version] in needed | {owners[version]} and owners[version].startswith(CUDA):
                versioned.setdefault(owners[version], set()).add((name, version))
            elif re.match(r"(cu[a-z]*|nv|nccl|__cuda)", name):
                wanted.add(name)
    known = {name for pairs in versioned.values() for name, _ in pairs}
    for library in sorted(needed):
        pairs = sorted(versioned.get(library, ()))
        names = [name for name, _ in pairs]
        if library.startswith("libcudart"):
            names += sorted(wanted - defined - known)
        build(compiler, libraries / library, names, pairs)


def build(compiler: str, path: Path, names: list[str], pairs: list[tuple[str, str]]) -> None:
    """One library of functions that fail: 999 is CUDA's "unknown error"."""
    source, versions = path.with_suffix(".c"), path.with_suffix(".map")
    source.write_text("".join(f"long {name}(void){{return 999;}}\n" for name in dict.fromkeys(names)))
    command = [compiler, "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{path.name}", "-o", str(path), str(source)]
    if pairs:
        grouped: dict[str, list[str]] = {}
        for name, version in pairs:
            grouped.setdefault(version, []).append(name)
        versions.write_text("".join(f"{version} {{ global: {' '.join(name + ';' for name in each)} }};\n" for version, each in grouped.items()))
        command.append(f"-Wl,--version-script={versions}")
    subprocess.run(command, check=True)
    for left in (source, versions):
        left.unlink(missing_ok=True)


def readelf(options: str, path: Path) -> str:
    return subprocess.run(["readelf", *options.split(), str(path)], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
