"""The ledger's public folder, read with suspicion: plain files only, never more than they may hold.

Full tiles never change.  Partial ones are replaced while the log grows: they are read right after
the checkpoint and held, and the prefix of a full file stands in for a partial one that is gone.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from firmward.proof.tiles import (
    LONGEST,
    WIDTH,
    bundle_path,
    bundles_of,
    tile_path,
    tiles_of,
    unpack_bundle,
)
from firmward.terms.errors import Malformed, Refused, Unavailable

NOTE_LIMIT: Final = 64 * 1024
_BUNDLE_LIMIT: Final = WIDTH * (2 + LONGEST)
_HASH: Final = 32


class Missing(Unavailable):
    """A file that the checkpoint needs is not in the folder."""

    def __init__(self, file: str):
        self.file = file
        super().__init__(f"{file}: expected this file in the ledger folder, got none")


class Tampered(Refused):
    """A file says something else than what was signed, or than what lies below it."""

    def __init__(self, file: str, expected: str, got: str, *, entry: int | None = None):
        self.file, self.entry = file, entry
        where = file if entry is None else f"{file}, entry {entry}"
        super().__init__(f"{where}: expected {expected}, got {got}")


def read(folder: Path, name: str, limit: int) -> bytes:
    """A plain file of the folder.  Raises Missing, Unavailable, Tampered."""
    try:
        # Neither followed nor waited for: a link may lead out of the folder, a pipe has no end.
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Missing(name) from error
    except OSError as error:
        raise Unavailable(f"{name}: expected a readable file, got {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Tampered(name, "a plain file", "something else")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Tampered(name, f"at most {limit} bytes", "more")
    return data


@dataclass(frozen=True)
class Files:
    """The files of a log of some size.

    held  path -> bytes of what would not stay: the files at the right edge
    """

    folder: Path
    size: int
    held: Mapping[str, bytes] = field(default_factory=dict)

    def tile(self, level: int, index: int, width: int) -> tuple[str, bytes]:
        """The file that holds a hash tile, and its first `width` hashes."""
        name, data, held = self._either(tile_path(level, index, width), tile_path(level, index))
        if len(data) != (held or width) * _HASH:
            raise Tampered(name, f"{(held or width) * _HASH} bytes", f"{len(data)}")
        return name, data[: width * _HASH]

    def bundle(self, index: int, width: int) -> tuple[str, list[bytes]]:
        """The file that holds an entry bundle, and its first `width` entries."""
        name, data, held = self._either(bundle_path(index, width), bundle_path(index))
        try:
            return name, unpack_bundle(data, held or width)[:width]
        except Malformed as error:
            raise Tampered(name, error.expected, error.got) from error

    def entries(self) -> Iterator[tuple[str, int, bytes]]:
        """Every entry in order: its file, its number and its bytes."""
        for index, width in bundles_of(self.size):
            name, found = self.bundle(index, width)
            for offset, entry in enumerate(found):
                yield name, index * WIDTH + offset, entry

    def _either(self, name: str, full: str) -> tuple[str, bytes, int]:
        """The named file, or the full one it has grown into (then also how many it holds)."""
        if name in self.held:
            return name, self.held[name], 0
        try:
            return name, read(self.folder, name, _BUNDLE_LIMIT), 0
        except Missing:
            if name == full:
                raise
        try:
            return full, read(self.folder, full, _BUNDLE_LIMIT), WIDTH
        except Missing:
            raise Missing(name) from None


def hold_edge(folder: Path, size: int) -> Files:
    """The files of a log of `size`, those read now that its growth will replace.

    raises  Missing where a partial file is gone and no full one stands in for it
    """
    files, held = Files(folder, size), {}
    partial = [tile_path(*tile) for tile in tiles_of(size) if tile[2] < WIDTH]
    partial += [bundle_path(*bundle) for bundle in bundles_of(size) if bundle[1] < WIDTH]
    for name in partial:
        found, data, _ = files._either(name, name.partition(".p/")[0])
        held[found] = data
    return Files(folder, size, held)
