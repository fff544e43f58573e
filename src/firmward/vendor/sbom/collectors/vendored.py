"""Vendored sources: parts that are recognised by what their own files say of the version.

Nobody needs to have declared them; a header of a known library in the tree is a part of the tree.
"""

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from firmward.binaries.names import bare
from firmward.vendor.sbom import known
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.known import Known, Mark
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.tree import MIB, Tree

NAME: Final = "vendored"
# sqlite3.h, the largest header in the table, has some 0.6 MiB.
_LIMIT: Final = 4 * MIB
# Folders inside a library's own folder.
_INNER: Final = frozenset(
    ("include", "inc", "includes", "src", "source", "sources", "lib", "library", "core", "api")
)


def collect(tree: Tree) -> Iterator[Found]:
    """Every known part whose source is in the tree, once for each file that says its version."""
    for part in known.table():
        found: dict[str, Found] = {}
        places = [(mark, path) for mark in part.marks for path in _places(tree, mark)]
        for mark, path in places:
            if path not in found and (read := _read(tree, part, mark, path)):
                found[path] = read
        yield from found.values()


def _places(tree: Tree, mark: Mark) -> list[str]:
    name = mark.file.rpartition("/")[2]
    if "*" in name:
        return [path for path in tree.paths if fnmatchcase(posixpath.basename(path), name)]
    return [path for path in tree.named(name) if f"/{path}".endswith(f"/{mark.file}")]


def _read(tree: Tree, part: Known, mark: Mark, path: str) -> Found | None:
    folder = posixpath.dirname(path)
    if mark.beside and not tree.has(posixpath.join(folder, mark.beside)):
        return None
    text = tree.text(path, _LIMIT)
    version, start = mark.version(text)
    if not version:
        return None
    return stated(
        *(NAME, path, "macro", part.name, version),
        line=text.count("\n", 0, start) + 1,
        says=mark.says,
        supplier=part.supplier,
        licence=part.licence,
        purl=part.purl(version),
        cpes=part.cpe_names(version),
        folder=own_folder(part, folder),
        paths=(path,),
    )


def own_folder(part: Known, folder: str) -> str:
    """The folder of the whole part, given one that its header lies in.

    The nearest one above that bears the part's name; else the first above that is not merely
    `include` or the like.
    """
    names = {bare(name) for name in (part.name, *part.aliases)}
    above = folder
    while above:
        parent = posixpath.dirname(above)
        inner = posixpath.basename(parent).lower() in _INNER
        # vendor/mbedtls/include/mbedtls is the inner of two folders of that name.
        if bare(posixpath.basename(above)) in names and not inner:
            return above
        above = parent
    while posixpath.basename(folder).lower() in _INNER or _named_inside(folder, names):
        folder = posixpath.dirname(folder)
    return folder


def _named_inside(folder: str, names: set[str]) -> bool:
    inside = posixpath.basename(posixpath.dirname(folder)).lower() in _INNER
    return inside and bare(posixpath.basename(folder)) in names
