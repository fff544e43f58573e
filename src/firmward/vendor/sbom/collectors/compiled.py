"""The compilation database, and which source each linked object was compiled from.

Source: clang.llvm.org/docs/JSONCompilationDatabase.html.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from firmward.terms.errors import Malformed
from firmward.vendor.sbom.collectors.linkmap import Linked
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found
from firmward.vendor.sbom.reading import read_json, rows, word
from firmward.vendor.sbom.tree import Tree

NAME: Final = "compile-commands"
SOURCES: Final = (".c", ".cc", ".cpp", ".cxx", ".c++", ".s", ".S", ".asm", ".rs", ".m", ".zig")
_OUTPUT: Final = re.compile(r'(?:^|\s)-o\s*("?)([^"\s]+)\1(?:\s|$)')


@dataclass(frozen=True)
class Database:
    """What was compiled.

    sources  object path -> source path, relative to the tree where it lies in it
    outside  sources that lie neither in the tree nor in a folder it was built in
    """

    sources: dict[str, str]
    outside: tuple[str, ...]


def read(data: bytes, tree: Tree, inner_root: str) -> Database:
    """The database; `inner_root` is where the build saw the tree.  Raises Malformed."""
    who = "compile_commands.json"
    sources: dict[str, str] = {}
    outside: set[str] = set()
    for each in rows(read_json(data, who), who, "the database"):
        folder = word(each.get("directory"), who, "directory")
        file = word(each.get("file"), who, "file")
        if not file:
            raise Malformed(who, "a file in each entry", "none")
        source = posixpath.normpath(posixpath.join(folder, file))
        path = _inside(source, inner_root)
        if tree.has(path) and not path.startswith(("/", "..")):
            source = path
        elif not source.startswith(f"{folder}/"):
            outside.add(source)
        output = _output(each, who)
        if output:
            sources[posixpath.normpath(posixpath.join(folder, output))] = source
    return Database(sources, tuple(sorted(outside)))


def _inside(path: str, root: str) -> str:
    return path[len(root) + 1 :] if path.startswith(f"{root}/") else path


def _output(each: dict[str, object], who: str) -> str:
    if "output" in each:
        return word(each["output"], who, "output")
    words = each.get("arguments")
    if isinstance(words, list):
        named = [index for index, each_word in enumerate(words[:-1]) if each_word == "-o"]
        return str(words[named[-1] + 1]) if named else ""
    command = each.get("command")
    found = _OUTPUT.search(command) if isinstance(command, str) else None
    return found[2] if found else ""


def collect(database: Database) -> Iterator[Found]:
    """Folders outside the tree that sources were compiled from: parts that nobody named."""
    folders: dict[str, int] = {}
    for source in database.outside:
        folder = posixpath.dirname(source)
        folders[folder] = folders.get(folder, 0) + 1
    for folder, count in sorted(folders.items()):
        yield stated(
            *(NAME, "compile_commands.json", "declared", f"sources in {folder}"),
            says=f"{count} compiled sources in {folder}, outside the tree",
            paths=(folder,),
            known_unknown=True,
        )


class Sources:
    """The tree's own sources by name, to find which one an object was compiled from."""

    def __init__(self, tree: Tree, database: Database | None):
        self._database = database.sources if database else {}
        self._outputs: dict[str, list[str]] = {}
        for output in self._database:
            self._outputs.setdefault(posixpath.basename(output), []).append(output)
        self._by_stem: dict[str, list[str]] = {}
        for path in tree.ending(*SOURCES):
            stem = posixpath.splitext(posixpath.basename(path))[0]
            self._by_stem.setdefault(stem, []).append(path)

    def of(self, linked: Linked) -> tuple[str, ...]:
        """The sources that an object may have been compiled from; () for one from elsewhere.

        More than one only where neither the database nor the object's folders tell them apart.
        """
        outputs = self._outputs_of(linked)
        if len(outputs) == 1:
            return (self._database[outputs[0]],)
        return tuple(_nearest(linked.path, self._candidates(linked.path)))

    def _outputs_of(self, linked: Linked) -> list[str]:
        """The database's objects that this one may be; those of CMake's target before others."""
        path = linked.path.removeprefix("./")
        same = self._outputs.get(posixpath.basename(path), [])
        found = [each for each in same if each == path or each.endswith(f"/{path}")]
        target = posixpath.basename(linked.archive).removeprefix("lib").removesuffix(".a")
        of_target = [each for each in found if f"/{target}.dir/" in each]
        return of_target if target and of_target else found

    def _candidates(self, path: str) -> list[str]:
        name = re.sub(r"\.(?:o|obj)$", "", posixpath.basename(path))
        stem, ending = posixpath.splitext(name)
        if ending in SOURCES:
            return [each for each in self._by_stem.get(stem, ()) if each.endswith(ending)]
        # CMake of old, and IDEs, put the target's name before the source's.
        return self._by_stem.get(name, []) or self._by_stem.get(name.partition("-")[2], [])


def _nearest(path: str, candidates: Iterable[str]) -> list[str]:
    """Those whose folders agree longest with the object's, from the end."""
    folders = posixpath.dirname(path).split("/")[::-1]
    scored: dict[int, list[str]] = {}
    for each in candidates:
        own = posixpath.dirname(each).split("/")[::-1]
        same = 0
        for ours, theirs in zip(own, folders, strict=False):
            if ours != theirs:
                break
            same += bool(ours)
        scored.setdefault(same, []).append(each)
    return scored[max(scored)] if scored else []
