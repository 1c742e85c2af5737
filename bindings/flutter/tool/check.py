"""The plugin's sources without its tools: ``python check.py [FILE.dart …]``.

* every Dart, Kotlin and Swift file is parsed without an error, and the Dart files that are named;
* the raw layers (``lib/src/*.g.dart``) have each constant, struct, field and function of the headers with the same types, as
  a parser of C reads them, and nothing else; sizes and offsets are those that a C compiler gives;
* every status of the header has its case in ``lib/src/errors.dart``, every value of the other enumerations in ``values.dart``.

Needs cffi and the parsers of ``requirements.txt``, and a C compiler.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cffi
import tree_sitter
import tree_sitter_dart
import tree_sitter_kotlin
import tree_sitter_swift

PLUGIN = Path(__file__).parent.parent
ROOT = PLUGIN.parent.parent
HEADERS = [ROOT / "include/essence.h", PLUGIN / "src/bithuman_core.h"]
LAYERS = [PLUGIN / "lib/src/essence.g.dart", PLUGIN / "lib/src/core.g.dart"]
GRAMMARS = {".dart": tree_sitter_dart, ".kt": tree_sitter_kotlin, ".swift": tree_sitter_swift}
#: C's numbers: Dart's native type, its type for values, bytes on 64-bit systems.
NUMBERS = {
    "char": ("Char", "int", 1),
    "int16_t": ("Int16", "int", 2),
    "int32_t": ("Int32", "int", 4),
    "uint8_t": ("Uint8", "int", 1),
    "uint32_t": ("Uint32", "int", 4),
    "uint64_t": ("Uint64", "int", 8),
    "size_t": ("Size", "int", 8),
    "float": ("Float", "double", 4),
    "double": ("Double", "double", 8),
    "void": ("Void", "void", 0),
}
BYTES = {native: size for native, _, size in NUMBERS.values()}

wrong: list[str] = []


def parse(path: Path) -> None:
    """Notes what a parser does not understand."""
    language = tree_sitter.Language(GRAMMARS[path.suffix].language())
    nodes = [tree_sitter.Parser(language).parse(path.read_bytes()).root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            wrong.append(f"{path}:{node.start_point[0] + 1}: {node.type}")
        elif node.has_error:
            nodes += node.children


def python_declarations(header: str) -> str:
    """What a header declares, as the Python binding reads it."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "bindings/python/generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text: str = module.declarations(header)
    return text


class Dart:
    """A raw layer, as far as it is told by lines of a fixed form."""

    def __init__(self, text: str) -> None:
        code = re.sub(r"^\s*///.*\n", "", text, flags=re.M)
        self.constants = {name: int(value) for name, value in re.findall(r"^const int (\w+) = (-?\d+);$", code, re.M)}
        self.aliases = dict(re.findall(r"^typedef (\w+) = (.+);$", code, re.M))
        self.opaque = set(re.findall(r"^final class (\w+) extends Opaque \{\}$", code, re.M))
        self.structs = {
            name: re.findall(r"^  (?:@(\w+\(\d*\))\n  )?external (.+) (\w+);$", body, re.M)
            for name, body in re.findall(r"^final class (\w+) extends Struct \{\n(.*?)^\}$", code, re.M | re.S)
        }
        self.functions = {
            name: (native, dart)
            for name, native, dart, again in re.findall(
                r"late final (\w+) = _library\.lookupFunction<\s+(.+),\s+(.+)>\('(\w+)'\);", code
            )
            if name == again
        }


def named(kind: cffi.FFI.CType, native: bool) -> str:
    """Dart's name of a type of C's."""
    if kind.kind == "function":
        return f"Pointer<NativeFunction<{signature(kind, True)}>>"
    if kind.kind == "pointer":
        return f"Pointer<{named(kind.item, True)}>"
    name = kind.cname.removeprefix("struct ")
    if name in NUMBERS:
        return NUMBERS[name][0 if native else 1]
    return name


def signature(kind: cffi.FFI.CType, native: bool) -> str:
    """Dart's name of a function's type, without names of parameters."""
    kinds = ", ".join(named(one, native) for one in kind.args)
    return f"{named(kind.result, native)} Function({kinds})"


def without_names(text: str, aliases: dict[str, str]) -> str:
    """A function's type in Dart without names of parameters, its callbacks spelt out."""
    for name, meaning in aliases.items():
        if meaning.startswith("Pointer<"):
            text = re.sub(rf"\b{name}\b", meaning, text)
    return re.sub(r"([\w>]) \w+(?=[,)])", r"\1", text)


def compare(header: Path, before: str, dart: Dart, known: dict[str, str]) -> str:
    """Notes where a layer is not what its header says. Gives the header's declarations."""
    ffi = cffi.FFI()
    declared = python_declarations(header.read_text(encoding="utf-8"))
    ffi.cdef(before + "\n" + declared)
    other = cffi.FFI()
    other.cdef(before)
    constants = {}
    functions = {}
    for key, (kind, _) in ffi._parser._declarations.items():  # noqa: SLF001 - there is no other list of functions
        what, name = key.split(" ", 1)
        if key in other._parser._declarations:  # noqa: SLF001
            continue
        if what == "function":
            with ffi._lock:  # noqa: SLF001
                functions[name] = ffi._get_cached_btype(kind)  # noqa: SLF001
        elif what == "struct" and ffi.typeof(f"struct {name}").fields is not None:
            compare_struct(ffi, name, dart, dart.aliases | known)
        elif what == "struct" and name not in dart.opaque:
            wrong.append(f"{header.name}: {name} is not there")
    for name, value in ffi._parser._int_constants.items():  # noqa: SLF001
        if name not in other._parser._int_constants:  # noqa: SLF001
            constants[name] = value
    if constants != dart.constants:
        wrong.append(f"{header.name}: constants {set(constants.items()) ^ set(dart.constants.items())}")
    if set(functions) != set(dart.functions):
        wrong.append(f"{header.name}: functions {set(functions) ^ set(dart.functions)}")
    for name, kind in functions.items():
        for side, native in ((0, True), (1, False)):
            wanted = signature(kind, native)
            there = without_names(dart.functions.get(name, ("", ""))[side], dart.aliases | known)
            if wanted != there:
                wrong.append(f"{name}: {there}, and the header has {wanted}")
    print(f"{header.name}: {len(constants)} constants, {len(dart.structs)} structs, {len(functions)} functions in Dart")
    return declared


def compare_struct(ffi: cffi.FFI, name: str, dart: Dart, aliases: dict[str, str]) -> None:
    """Notes where a struct's fields are not the header's."""
    wanted = []
    for field, facts in ffi.typeof(f"struct {name}").fields:
        kind = facts.type
        if kind.kind == "array":
            inner = named(kind.item, True)
            wanted.append((f"Array({kind.length})", f"Array<{inner}>", field))
        elif kind.kind in ("pointer", "function"):
            wanted.append(("", named(kind, True), field))
        else:
            wanted.append((f"{named(kind, True)}()", named(kind, False), field))
    there = [(note, aliases.get(kind, kind), field) for note, kind, field in dart.structs.get(name, [])]
    wanted = [(note, without_names(kind, {}), field) for note, kind, field in wanted]
    there = [(note, without_names(kind, {}), field) for note, kind, field in there]
    if wanted != there:
        wrong.append(f"{name}: {there}, and the header has {wanted}")


def layouts(dart: Dart) -> dict[str, int]:
    """Sizes and offsets of the structs as Dart lays them out on 64-bit systems: each field at a multiple of its own size."""
    found = {}
    for name, fields in dart.structs.items():
        at, widest = 0, 1
        for note, kind, field in fields:
            array = re.fullmatch(r"Array\((\d+)\)", note)
            element = kind.removeprefix("Array<").removesuffix(">") if array else note.removesuffix("()")
            size = BYTES.get(element, 8)
            at = -(-at // size) * size
            found[f"{name}.{field}"] = at
            at += size * int(array[1] if array else 1)
            widest = max(widest, size)
        found[name] = -(-at // widest) * widest
    return found


def measured(dart: Dart) -> dict[str, int]:
    """The same by a C compiler."""
    lines = []
    for name, fields in dart.structs.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        lines += [f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));' for _, _, field in fields]
    program = "#include <essence.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(lines) + "\nreturn 0;\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "layout.c"), Path(folder, "layout")
        source.write_text(program, encoding="utf-8")
        subprocess.run(["cc", f"-I{ROOT / 'include'}", str(source), "-o", str(built)], check=True)
        said = subprocess.run([str(built)], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in (line.split() for line in said.splitlines())}


def enumerations(dart: Dart) -> None:
    """Notes values of the header that the hand-written enumerations lack."""
    text = "".join((PLUGIN / "lib/src" / name).read_text(encoding="utf-8") for name in ("errors.dart", "values.dart"))
    there = {
        re.sub("[A-Z]", lambda match: "_" + match[0], name).upper(): constant
        for name, constant in re.findall(r"^  (\w+)\((ESSENCE_\w+)\)[,;]$", text, re.M)
    }
    # Used as bits and as settings, without a Dart enumeration of their own.
    plain = ("ESSENCE_FRAME_", "ESSENCE_BACKGROUND_", "ESSENCE_ABI_", "ESSENCE_NO_")
    wanted = {name for name in dart.constants if not name.startswith(plain)}
    cases = set(there.values())
    if wanted != cases:
        wrong.append(f"enumerations of Dart: {wanted ^ cases}")
    statuses = {name: value for name, value in dart.constants.items() if name.startswith("ESSENCE_ERR_")}
    for case, constant in there.items():
        if constant in statuses and constant != f"ESSENCE_ERR_{case}":
            wrong.append(f"EssenceStatus.{case} is {constant}")
    print(f"errors.dart: {len(statuses)} statuses of errors; values.dart: all of the header's values")


def main() -> None:
    """Checks everything."""
    files = [path for path in sorted(PLUGIN.rglob("*")) if path.suffix in GRAMMARS and ".dart_tool" not in path.parts]
    files += [Path(name) for name in sys.argv[1:]]
    for path in files:
        parse(path)
    print(f"{len(files)} files of Dart, Kotlin and Swift parsed")
    before, known = "", {}
    layers = [Dart(path.read_text(encoding="utf-8")) for path in LAYERS]
    for header, dart in zip(HEADERS, layers):
        before += compare(header, before, dart, known) + "\n"
        known |= dart.aliases
    wanted, there = measured(layers[0]), layouts(layers[0])
    if wanted != there:
        wrong.append(f"layouts: {set(wanted.items()) ^ set(there.items())}")
    print(f"layouts: {len(wanted)} sizes and offsets as a C compiler gives them")
    enumerations(layers[0])
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
