"""The `.imx` container: writing avatars, and reading them back for the studio's own tools.

    python -m essence_studio.pack info avatar.imx
    python -m essence_studio.pack renew avatar.imx    # gives it the newest speech network

The same members and manifest give the same bytes on every machine. The format is described in `engine/src/imx/mod.rs`,
whose reader is the strict one: what this module writes has to open there.
"""

import argparse
import hashlib
import json
import os
import struct
import sys
from pathlib import Path

MAGIC = b"IMX\0"
VERSION = 2
ALIGNMENT = 64
MANIFEST = "manifest.json"
NETWORKS = Path(__file__).parents[1] / "networks"

# The engine's limits (engine/src/imx/limits.rs) that a writer can run into.
MAX_ENTRIES = 16_384
MAX_NAME_BYTES = 255
MAX_MANIFEST_BYTES = 4 << 20


class PackError(ValueError):
    """The members cannot be packed, or the file is not a container."""


def write_imx(path, members: dict[str, bytes], manifest: dict) -> dict:
    """Writes an avatar: `members` in their order, then `manifest.json`. Returns the manifest as written.

    `files` of the manifest is filled with the members' hashes. The file appears under its name only when it is complete.
    """
    path = Path(path)
    manifest = dict(manifest)
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"
    part = path.with_name(path.name + ".part")
    part.write_bytes(container(members, text))
    os.replace(part, path)
    return manifest


def container(members: dict[str, bytes], manifest: bytes) -> bytes:
    """The bytes of a container with these members and this manifest, which is taken as it is."""
    if MANIFEST in members:
        raise PackError(f"{MANIFEST} is written from the manifest, it cannot be a member")
    if len(manifest) > MAX_MANIFEST_BYTES:
        raise PackError(f"{MANIFEST} has {len(manifest)} bytes, at most {MAX_MANIFEST_BYTES} are allowed")
    for name in members:
        check_name(name)
    return layout([*members.items(), (MANIFEST, manifest)])


def layout(entries: list[tuple[str, bytes]]) -> bytes:
    """Header, table and payloads, each payload at a multiple of 64. Names are not checked."""
    if len(entries) > MAX_ENTRIES:
        raise PackError(f"{len(entries)} entries, at most {MAX_ENTRIES} are allowed")
    names = [name.encode() for name, _ in entries]
    end = 8 + sum(2 + len(name) + 16 for name in names)
    out = bytearray(struct.pack("<4sHH", MAGIC, VERSION, len(entries)))
    offsets = []
    for name, (_, data) in zip(names, entries):
        offset = -(-end // ALIGNMENT) * ALIGNMENT
        offsets.append(offset)
        out += struct.pack("<H", len(name)) + name + struct.pack("<QQ", offset, len(data))
        end = offset + len(data)
    for offset, (_, data) in zip(offsets, entries):
        out += bytes(offset - len(out))
        out += data
    return bytes(out)


def check_name(name: str) -> None:
    """Refuses the names that the engine refuses."""
    size = len(name.encode())
    if not 1 <= size <= MAX_NAME_BYTES:
        raise PackError(f"the name {name[:40]!r} has {size} bytes, 1 to {MAX_NAME_BYTES} are allowed")
    if any(c < " " or c == "\x7f" for c in name) or "\\" in name or ":" in name:
        raise PackError(f"the name {name!r} contains a control character, a backslash or a colon")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise PackError(f"the name {name!r} is not a plain relative path")


def read_imx(path) -> tuple[dict, dict[str, bytes]]:
    """The manifest and the members (without `manifest.json`) of a version 2 container, hashes checked."""
    data = Path(path).read_bytes()
    members = dict(read_table(data))
    text = members.pop(MANIFEST, None)
    if text is None:
        raise PackError(f"{path}: {MANIFEST} is missing")
    manifest = json.loads(text)
    files = manifest.get("files", {})
    if set(files) != set(members):
        raise PackError(f"{path}: the manifest's files and the members differ: {sorted(set(files) ^ set(members))[:5]}")
    for name, content in members.items():
        if hashlib.sha256(content).hexdigest() != files[name]:
            raise PackError(f"{path}: {name} differs from its sha256 in the manifest")
    return manifest, members


def read_table(data: bytes) -> list[tuple[str, bytes]]:
    """The entries of a container in the table's order."""
    if len(data) < 8 or data[:4] != MAGIC:
        raise PackError("not an .imx file of version 2")
    version, count = struct.unpack_from("<HH", data, 4)
    if version != VERSION:
        raise PackError(f"an .imx file of version {version}, this reads version {VERSION}")
    entries, at = [], 8
    for _ in range(count):
        try:
            (length,) = struct.unpack_from("<H", data, at)
            name = data[at + 2 : at + 2 + length].decode()
            offset, size = struct.unpack_from("<QQ", data, at + 2 + length)
        except (struct.error, UnicodeDecodeError) as error:
            raise PackError(f"the table is damaged: {error}") from error
        if offset + size > len(data):
            raise PackError(f"{name} lies outside the file")
        check_name(name)
        entries.append((name, data[offset : offset + size]))
        at += 2 + length + 16
    if len({name for name, _ in entries}) != len(entries):
        raise PackError("a name occurs twice in the table")
    return entries


def renew(path, networks: Path) -> None:
    """Replaces the speech network of an avatar by the one in `networks`, which has to give the same coefficients."""
    manifest, members = read_imx(path)
    about = json.loads((networks / "speech.json").read_text())
    if manifest.get("coefficients") != about["coefficients"]:
        raise PackError(f"{path}: the new speech network gives other coefficients than this avatar's identity network takes")
    speech = manifest["networks"]["speech"]
    members[speech["file"]] = (networks / "speech.onnx").read_bytes()
    speech["inputs"]["mel"] = ["N", about["window"], speech["inputs"]["mel"][2]]
    manifest.setdefault("training", {})["speech"] = about.get("training", {})
    write_imx(path, members, manifest)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m essence_studio.pack", description="Looks into .imx files, and gives them a newer speech network.")
    commands = parser.add_subparsers(dest="command", required=True)
    info = commands.add_parser("info", help="print the manifest and the members of an avatar")
    info.add_argument("file")
    info.add_argument("--json", action="store_true", help="print the manifest alone, as JSON")
    renewal = commands.add_parser("renew", help="replace the speech network of an avatar")
    renewal.add_argument("file")
    renewal.add_argument("--networks", type=Path, default=NETWORKS, help="folder of speech.onnx and speech.json")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "renew":
            renew(arguments.file, arguments.networks)
            return 0
        manifest, members = read_imx(arguments.file)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 66
    if arguments.json:
        print(json.dumps(manifest, ensure_ascii=False, indent=2))
        return 0
    describe(arguments.file, manifest, members)
    return 0


def describe(file: str, manifest: dict, members: dict[str, bytes]) -> None:
    frame = manifest.get("frame", {})
    print(f"{file}: {manifest.get('name')}, {os.path.getsize(file)} bytes")
    print(f"  {frame.get('width')} x {frame.get('height')}, {frame.get('count')} frames at {frame.get('rate')}/s")
    for name, motion in manifest.get("motions", {}).items():
        print(f"  motion {name}: {motion['count']} frames from {motion['first']}, {motion['loop']}")
    frames = [data for name, data in members.items() if name.startswith("frames/")]
    for name, data in members.items():
        if not name.startswith("frames/"):
            print(f"  {len(data):10d}  {name}")
    print(f"  {sum(map(len, frames)):10d}  frames/ ({len(frames)})")


if __name__ == "__main__":
    sys.exit(main())
