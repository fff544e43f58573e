"""The files of a checkout as our own scanners read them: each once, whole, and by its place.

A place says how much a find in it weighs: what lies in a test does not reach a device by itself,
and what lies in a vendored folder was written by somebody else.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

from firmward.vendor.source.checkout import Checkout

LARGEST: Final = 8 * 1024 * 1024

_END: Final = re.compile(rb"\n")
_TEST: Final = re.compile(
    r"(?:^|/)(?:tests?|testing|unit-?tests?|test[-_]?suites?|test[-_]?vectors?|test[-_]?data"
    r"|fixtures?|fuzz(?:ing)?|t|spec|[^/]*[-_]tests?|tests?[-_][^/]*)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*[-_.](?:self)?tests?(?:[-_][^/]*)?\.[a-z]+|conftest\.py)$",
    re.IGNORECASE,
)
_VENDORED: Final = re.compile(
    r"(?:^|/)(?:vendor(?:ed)?|third[-_]?party|3rd[-_]?party|external|externals|extern|deps|contrib"
    r"|subprojects|submodules|node_modules|middlewares?)/",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SourceFile:
    """A file of the tree.

    name      path relative to the source root, with slashes
    data      b"" where the file is larger than LARGEST: see `too_large`
    vendored  whether somebody else wrote it
    """

    name: str
    data: bytes
    too_large: bool = False
    vendored: bool = False

    @property
    def test(self) -> bool:
        """Whether its place says that it is only there to test something."""
        return is_test(self.name)

    @property
    def suffix(self) -> str:
        """What its name ends in, in lower case, with the dot; "" for none."""
        last = self.name.rpartition("/")[2]
        return "." + last.rpartition(".")[2].lower() if "." in last else ""

    @cached_property
    def text(self) -> bool:
        """Whether it is text: no NUL near its start."""
        return b"\0" not in self.data[:4096]

    def line(self, at: int) -> int:
        """The line of an offset, from 1."""
        return bisect_left(self._ends, at) + 1

    @cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in _END.finditer(self.data)]


def source_files(tree: Checkout) -> Iterator[SourceFile]:
    """Every regular file that the project does not exclude, by name.  Links are not followed."""
    exclude = tree.project.scan.exclude
    vendored = tuple(f"{folder.strip('/')}/" for folder in tree.project.sbom.vendored)
    for path in sorted(tree.root.rglob("*")):
        name = path.relative_to(tree.root).as_posix()
        if path.is_symlink() or not path.is_file() or is_excluded(name, exclude):
            continue
        large = path.stat().st_size > LARGEST
        yield SourceFile(
            name=name,
            data=b"" if large else path.read_bytes(),
            too_large=large,
            vendored=name.startswith(vendored) or bool(_VENDORED.search(name)),
        )


def is_excluded(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a glob of the project file, or a folder named in it, takes the path out."""
    return any(
        fnmatchcase(name, pattern) or name.startswith(pattern.rstrip("/") + "/")
        for pattern in patterns
    )


def is_test(name: str) -> bool:
    """Whether a path is that of a test, a fixture or a test vector."""
    return _TEST.search(name) is not None


def scan_parts(tool: str, version: str, tree: Checkout) -> tuple[str, ...]:
    """What a scan of the whole tree depends on: the key of its result on the shelf."""
    settings = (*tree.project.scan.exclude, "|", *tree.project.sbom.vendored)
    return (tool, version, tree.source.tree, *settings)
