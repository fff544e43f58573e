"""The linker map: which objects really are in the image, and which archives they came from.

A manifest says what might be linked; the map says what was.  GNU ld's and lld's maps are read.
Debug and comment sections do not count: an object whose code was discarded still leaves those.

Source: sourceware.org/binutils, ld, option -Map; llvm.org, lld, ELF/MapFile.cpp.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom import known
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import MIB

NAME: Final = "linker-map"
LIMIT: Final = 256 * MIB
_GNU: Final = "Linker script and memory map"
_LLD: Final = re.compile(r"\A\s+(?:VMA\s+LMA|Address)\s+Size\s+Align\s+Out\s+In\s+Symbol\s*$", re.M)
_LLD_ROW: Final = re.compile(
    r"^\s*[0-9a-f]+\s+(?:[0-9a-f]+\s+)?(?P<size>[0-9a-f]+)\s+\d+ (?P<in> {8}(?! ))?(?P<rest>\S.*)$"
)
_LLD_IN: Final = re.compile(r"^(?P<file>.+):\(")
_GNU_OUT: Final = re.compile(r"^(?P<name>[.\w/][^\s(]*)")
_GNU_IN: Final = re.compile(
    r"^(?: [^\s*(]\S*)?\s+0x[0-9a-fA-F]+\s+0x(?P<size>[0-9a-fA-F]+) (?P<file>\S.*)$"
)
_MEMBER: Final = re.compile(
    r"^(?P<archive>.+)\((?P<member>[^()]+)\)$|^(?P<thin>.+\.a):(?P<inner>.+)$"
)
_NOT_LOADED: Final = (
    ".comment",
    ".debug",
    ".stab",
    ".symtab",
    ".strtab",
    ".shstrtab",
    ".gnu.attributes",
    ".gnu_debug",
    "/DISCARD/",
)
_NO_FILES: Final = (
    "<internal>",
    "linker stubs",
    "*fill*",
    "load address",
    "(size before relaxing)",
)


@dataclass(frozen=True)
class Linked:
    """An object of which at least one byte is in the image; `archive` is "" for a loose one."""

    archive: str
    path: str

    @property
    def optimised(self) -> bool:
        """Whether it was made at link time out of many sources, which no name tells any more."""
        return bool(re.search(r"\.ltrans\d*|lto\.o|\.lto\.|lto\.tmp", self.path))


def objects(data: bytes) -> tuple[Linked, ...]:
    """Every object in the image.  Raises Malformed for a map of neither linker, or an empty one."""
    if len(data) > LIMIT:
        raise Malformed("linker map", f"at most {LIMIT} bytes", f"{len(data)} bytes")
    text = data.decode("utf-8", errors="replace")
    if _LLD.match(text):
        rows = _lld(text)
    elif _GNU in text:
        rows = _gnu(text[text.index(_GNU) :])
    else:
        raise Malformed("linker map", "a map of GNU ld or lld", repr(text[:60]))
    found = tuple(dict.fromkeys(_linked(file) for file in rows))
    if not found:
        raise Malformed("linker map", "objects that are in the image", "none")
    return found


def _lld(text: str) -> Iterator[str]:
    section = ""
    for line in text.splitlines()[1:]:
        row = _LLD_ROW.match(line)
        if not row:
            continue
        if not row["in"]:
            # Symbols stand eight columns further right, where the row pattern does not match.
            section = row["rest"].strip()
        elif _counts(section, row["size"]):
            inside = _LLD_IN.match(row["rest"])
            if inside and inside["file"] not in _NO_FILES:
                yield inside["file"]


def _gnu(text: str) -> Iterator[str]:
    section = ""
    for line in text.splitlines():
        if out := _GNU_OUT.match(line):
            section = out["name"]
            continue
        row = _GNU_IN.match(line)
        if row and _counts(section, row["size"]) and not row["file"].startswith(_NO_FILES):
            yield row["file"]


def _counts(section: str, size: str) -> bool:
    loaded = not section.startswith(_NOT_LOADED) and not section.endswith(".attributes")
    return int(size, 16) > 0 and loaded


def _linked(file: str) -> Linked:
    match = _MEMBER.match(file.strip())
    if not match:
        return Linked("", file.strip())
    return Linked(match["archive"] or match["thin"], match["member"] or match["inner"])


def collect(linked: tuple[Linked, ...], own: frozenset[Linked]) -> Iterator[Found]:
    """The archives and runtime objects that came from outside the tree.

    own  objects whose source is in the tree; an archive of only these is the tree's own
    """
    members: dict[str, int] = {}
    for each in linked:
        if each not in own:
            path = each.archive or each.path
            members[path] = members.get(path, 0) + 1
    for path, count in sorted(members.items()):
        yield _archive(posixpath.normpath(path), count)


def _archive(path: str, count: int) -> Found:
    name = posixpath.basename(path)
    for part in known.table():
        fits = any(fnmatchcase(name, pattern) for pattern in part.archives)
        if fits and re.search(part.where, path):
            version = re.search(part.version_in_path, path) if part.version_in_path else None
            number = version[1] if version else ""
            return stated(
                *(NAME, path, "linked", part.name, number),
                says=f"{name}, {count} objects in the image",
                supplier=part.supplier,
                licence=part.licence,
                purl=part.purl(number),
                cpes=part.cpe_names(number),
                paths=(path,),
                linked="yes",
                scope="ships",
                known_unknown=not number,
            )
    return stated(
        *(NAME, path, "linked", re.sub(r"\.(?:a|lib|o|obj)$", "", name)),
        says=f"{name}, {count} objects in the image",
        paths=(path,),
        linked="yes",
        scope="ships",
        known_unknown=True,
    )
