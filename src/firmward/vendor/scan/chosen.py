"""Which files of a checkout a scanner reads: what the project names, less what it excludes."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.scan.files import is_excluded
from firmward.vendor.source.checkout import Checkout

C: Final = (".c",)
CPP: Final = (".cc", ".cpp", ".cxx", ".c++", ".tpp")
HEADERS: Final = (".h", ".hh", ".hpp", ".hxx", ".inc", ".def", ".inl", ".ipp")
_FIRST: Final = 128


def chosen(tree: Checkout, tool: str, wanted: Callable[[Path], bool]) -> tuple[str, ...]:
    """The wanted files below `scan.sources`, relative to the root, by name.

    raises  Unavailable for a source that is not there: a renamed folder is no clean scan
    """
    rules = tree.project.scan
    absent = [path for path in rules.sources if not (tree.root / path).exists()]
    if absent:
        raise Unavailable(f"{tool}: nothing to scan at {', '.join(absent)}")
    found = {
        name
        for source in rules.sources
        for name in _below(tree.root, tree.root / source)
        if not is_excluded(name, rules.exclude) and wanted(tree.root / name)
    }
    return tuple(sorted(found))


def _below(root: Path, top: Path) -> Iterator[str]:
    """Every regular file; a link is followed nowhere, as it may lead out of the tree."""
    if top.is_file() and not top.is_symlink():
        yield _relative(root, top)
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink() and path.is_file():
                yield _relative(root, path)


def _relative(root: Path, path: Path) -> str:
    return Path(os.path.normpath(path)).relative_to(root).as_posix()


def ends_in(*suffixes: str) -> Callable[[Path], bool]:
    """Whether a file's name ends so, in any case."""
    return lambda path: path.suffix.lower() in suffixes


def shell_script(path: Path) -> bool:
    """Whether it is a script for a Bourne shell, by its name or its first line."""
    if path.suffix.lower() in (".sh", ".bash", ".ksh", ".dash"):
        return True
    if path.suffix:
        return False
    with path.open("rb") as file:
        first = file.readline(_FIRST)
    words = first[2:].replace(b"/", b" ").split() if first.startswith(b"#!") else []
    return any(word in (b"sh", b"bash", b"dash", b"ksh", b"ash") for word in words)


def container_file(path: Path) -> bool:
    """Whether it says how a container image is made."""
    name = path.name.lower()
    return name.startswith(("dockerfile", "containerfile")) or path.suffix.lower() == ".dockerfile"
