"""A source laid out in a folder: the committed bytes, and no program of anybody's has seen them.

Git would run smudge filters and convert line ends as settings and attributes say; here a file has
the bytes whose digest the tree names.
"""

import os
import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmward.vendor.project import Project
from firmward.vendor.source.commit import Source
from firmward.vendor.source.git import find
from firmward.vendor.source.objects import LINK, PROGRAM, SUBMODULE, Entry
from firmward.vendor.source.refused import SourceRefused
from firmward.vendor.source.submodules import Layer, layers


@dataclass(frozen=True)
class Checkout:
    """A source laid out in a folder of its own."""

    source: Source
    root: Path

    @property
    def project(self) -> Project:
        """The project file as committed."""
        return self.source.project

    @property
    def folder(self) -> Path:
        """Where the build command runs."""
        return self.root / posixpath.relpath(self.source.folder or ".", self.source.root or ".")


@contextmanager
def checked_out(source: Source) -> Iterator[Checkout]:
    """The source's files and its submodules' in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="firmward-source-") as name:
        root = Path(name) / "tree"
        root.mkdir()
        with layers(find(source.repository), source.commit, source.root) as parts:
            _lay(parts, root)
        yield Checkout(source, root)


def _lay(parts: Sequence[Layer], root: Path) -> None:
    links: list[tuple[Path, str]] = []
    for part in parts:
        top = root / part.prefix
        for folder in sorted({posixpath.dirname(each.path) for each in part.entries}):
            (top / folder).mkdir(parents=True, exist_ok=True)
        blobs = [each for each in part.entries if each.mode != SUBMODULE]
        for entry, body in zip(blobs, _bodies(part, blobs), strict=True):
            if entry.mode == LINK:
                links.append((top / entry.path, _target(part, entry, body)))
            else:
                _write(top / entry.path, body, 0o755 if entry.mode == PROGRAM else 0o644)
    _link(links, root)


def _bodies(part: Layer, entries: Sequence[Entry]) -> Iterator[bytes]:
    return part.objects.several([each.id for each in entries], "blob")


def _write(path: Path, body: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(body)


def _target(part: Layer, entry: Entry, body: bytes) -> str:
    target = body.decode(errors="surrogateescape")
    if not target or "\0" in target:
        raise SourceRefused(f"link {part.prefix}{entry.path}", "a path", repr(target))
    return target


def _link(links: Sequence[tuple[Path, str]], root: Path) -> None:
    """Make the links: after the files, so that none was ever written through one.

    raises  SourceRefused for one that climbs out of the tree, be it through others: what it meets
            there is in no commit.  Absolute ones stay, for the root file systems of devices are
            full of them; the pins scanner reports them (pins.py)
    """
    relative = [link for link in links if not link[1].startswith("/")]
    absolute = [link for link in links if link[1].startswith("/")]
    _make(relative)
    inside = os.path.realpath(root)
    for path, target in relative:
        if os.path.commonpath((inside, os.path.realpath(path))) != inside:
            name = path.relative_to(root)
            raise SourceRefused(f"link {name}", "a place inside the source root", repr(target))
    _make(absolute)


def _make(links: Sequence[tuple[Path, str]]) -> None:
    for path, target in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
