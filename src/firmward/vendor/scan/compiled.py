"""How each C and C++ file is compiled: by the tree's compilation database, or as far as we know.

A database is the tree's word, made by whoever commits or by the build.  Of its flags only those
pass that say what the source means; `-fplugin`, `-Xclang -load` and their like would make an
analyser run code of the tree's.
"""

import json
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from firmward.terms.errors import Unavailable
from firmward.vendor.build.artifact import INNER_ROOT
from firmward.vendor.scan.chosen import CPP, C, chosen, ends_in
from firmward.vendor.scan.files import is_excluded
from firmward.vendor.source.checkout import Checkout

# Flags that name a folder or file, with the value in the same word or in the next.
_PATHS: Final = ("-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros")
_FILES: Final = ("-include", "-imacros")
_VALUES: Final = ("-D", "-U")
_KEPT: Final = (
    *("-std=", "-mcpu=", "-march=", "-mthumb", "-mfloat-abi=", "-mfpu=", "-mabi="),
    *("-m32", "-m64"),
)
_KEPT_WHOLE: Final = (
    *("-ansi", "-ffreestanding", "-fno-builtin", "-fsigned-char", "-funsigned-char"),
    *("-fshort-enums", "-fshort-wchar", "-fms-extensions", "-fno-exceptions", "-fno-rtti"),
    *("-fno-strict-aliasing", "-fwrapv", "-fopenmp", "-nostdinc", "-pthread"),
)


@dataclass(frozen=True)
class Unit:
    """One file as the compiler sees it.

    path   relative to the source root
    flags  that say what the source means; paths inside the tree are relative to the root
    """

    path: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Compiled:
    """Every unit that is scanned.

    triple  the target, "" for this machine
    known   whether the flags are from a compilation database
    notes   what a reader must know, such as files that are in no database
    """

    units: tuple[Unit, ...]
    triple: str
    known: bool
    notes: tuple[str, ...] = ()


def in_tree(tree: Checkout) -> bytes:
    """The compilation database that was committed, b"" where there is none."""
    name = tree.project.build.compile_commands
    places = (tree.root / name, tree.folder / name) if name else ()
    for place in places:
        inside = place.resolve().is_relative_to(tree.root.resolve())
        if inside and place.is_file():
            return place.read_bytes()
    return b""


def promised(tree: Checkout) -> bool:
    """Whether only the build will say how the files are compiled."""
    return bool(tree.project.build.compile_commands) and not in_tree(tree)


def units(tree: Checkout, tool: str, database: bytes) -> Compiled:
    """How the project's files are compiled.

    database  its compile_commands.json, b"" for none: then the project's includes and defines hold
    raises    Unavailable for a database that cannot be read or has none of the files
    """
    rules = tree.project.scan
    files = chosen(tree, tool, ends_in(*C, *CPP))
    if not database:
        flags = (
            *(f"-I{each}" for each in rules.includes),
            *(f"-D{each}" for each in rules.defines),
        )
        return Compiled(tuple(Unit(file, flags) for file in files), rules.target, known=False)
    entries = _read(database, tool)
    found, triple = _of_database(tree, entries)
    inside = {unit.path: unit for unit in found if not is_excluded(unit.path, rules.exclude)}
    if files and not inside:
        raise Unavailable(f"{tool}: the compilation database has none of {len(files)} files")
    left = sorted(set(files) - set(inside))
    listed = ", ".join(left[:5])
    notes = (f"not compiled, so not scanned: {len(left)} files, as {listed}",) if left else ()
    ordered = tuple(inside[path] for path in sorted(inside))
    return Compiled(ordered, rules.target or triple, known=True, notes=notes)


def _read(database: bytes, tool: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(database)
        if not all(isinstance(entry["file"], str) for entry in entries):
            raise TypeError("an entry without file")
        return list(entries)
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable(f"{tool}: expected a compilation database, got {error}") from error


def _of_database(tree: Checkout, entries: list[dict[str, Any]]) -> tuple[list[Unit], str]:
    """The units whose file is in the tree, and the target that the compiler's name tells."""
    folders = [str(entry.get("directory", "")) for entry in entries]
    places = [
        os.path.normpath(os.path.join(folder, entry["file"]))
        for folder, entry in zip(folders, entries, strict=True)
    ]
    # The most usual one: a generated file's name may be that of a file in the tree by chance.
    prefixes = Counter(filter(None, (_prefix(tree.root, place) for place in places)))
    prefix = prefixes.most_common(1)[0][0] if prefixes else ""
    found, triple = [], ""
    for entry, folder, place in zip(entries, folders, places, strict=True):
        path = _inside(place, prefix)
        if path is None or not (tree.root / path).is_file():
            continue
        words = _words(entry)
        triple = triple or _triple(words)
        found.append(Unit(path, tuple(_flags(words[1:], folder, prefix))))
    return found, triple


def _prefix(root: Path, file: str) -> str:
    """Where the root lay when the database was made: what is before a path that exists here."""
    if _inside(file, str(INNER_ROOT)) is not None:
        return str(INNER_ROOT)
    parts = PurePosixPath(file).parts
    for at in range(1, len(parts)):
        if (root / PurePosixPath(*parts[at:])).is_file():
            return str(PurePosixPath(*parts[:at]))
    return ""


def _inside(path: str, prefix: str) -> str | None:
    """The path relative to the root, None for what lies elsewhere."""
    if not os.path.isabs(path):
        return None if path.startswith("..") else path
    if prefix and (path == prefix or path.startswith(prefix + "/")):
        return path[len(prefix) + 1 :] or "."
    return None


def _words(entry: dict[str, Any]) -> list[str]:
    told = entry.get("arguments")
    if isinstance(told, list):
        return [str(word) for word in told]
    try:
        return shlex.split(str(entry.get("command", "")))
    except ValueError:
        return []


def _triple(words: list[str]) -> str:
    """`arm-none-eabi` of arm-none-eabi-gcc, or what --target says."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--target="):
            return word.removeprefix("--target=")
        if word == "-target":
            return following
    compiler = PurePosixPath(words[0]).name if words else ""
    start, _, kind = compiler.rpartition("-")
    return start if kind.startswith(("gcc", "g++", "cc", "c++")) and start.count("-") >= 1 else ""


def _flags(words: Iterable[str], folder: str, prefix: str) -> Iterator[str]:
    """Those that say what the source means, each as one word or with its value after it."""
    rest = iter(words)
    for word in rest:
        named = next((flag for flag in _PATHS if word.startswith(flag)), "")
        if named:
            value = word[len(named) :] or next(rest, "")
            if value:
                yield from _placed(named, value, folder, prefix)
        elif word in _VALUES:
            yield word + next(rest, "")
        elif word.startswith(_VALUES) or word in _KEPT_WHOLE:
            yield word
        elif word.startswith(_KEPT):
            # zig writes cortex_m3 for what everybody else calls cortex-m3.
            yield word.replace("_", "-") if word.startswith("-mcpu=") else word


def _placed(flag: str, value: str, folder: str, prefix: str) -> Iterator[str]:
    path = os.path.normpath(os.path.join(folder, value))
    inside = _inside(path, prefix)
    if inside is None and flag in _FILES:
        return  # a file of this machine, whose lines would come back in what the analyser says
    place = path if inside is None else inside
    yield from (f"-I{place}",) if flag == "-I" else (flag, place)
