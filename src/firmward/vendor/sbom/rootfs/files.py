"""A root file system's files: of a folder, a tar or a squashfs image; nothing is unpacked to disk.

Images hold what third parties put there.  Names that lead out of the root, archives that unfold
without end and the same file twice are refused; links are listed and never followed.
"""

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from firmward.terms.errors import Malformed, Unavailable
from firmward.vendor.process import plain_environment, run

WHO: Final = "root file system"
MIB: Final = 1024 * 1024
MOST_FILES: Final = 500_000
# A dpkg status of a full desktop is some 8 MiB; an rpm database of one some 100.
LARGEST: Final = 256 * MIB
# A tar of text files compresses some twentyfold.  Ten times that is a bomb.
_MOST_UNFOLDED: Final = 8 * 1024 * MIB
_MOST_RATIO: Final = 200
_SQUASHFS: Final = b"hsqs"
_COMPRESSED: Final[tuple[tuple[bytes, Callable[..., Any]], ...]] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
)
_TIMEOUT_S: Final = 120.0
_ROW: Final = re.compile(
    r"^(?P<mode>[bcdlps-][rwxsStT-]{9}) \S+\s+(?P<size>\d+|\d+,\s*\d+) "
    r"\d{4}-\d\d-\d\d \d\d:\d\d squashfs-root(?:/(?P<path>.*))?$"
)

Sort = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True)
class Entry:
    """What lies at a path.  `size` in bytes; `runs` for a file that somebody may execute."""

    sort: Sort
    size: int = 0
    runs: bool = False


@dataclass(frozen=True)
class Rootfs:
    """Entries by path without a leading slash, and the bytes of those that were wanted."""

    entries: Mapping[str, Entry]
    read: Callable[[str], bytes]

    def has(self, path: str) -> bool:
        """Whether a regular file lies there."""
        entry = self.entries.get(path)
        return entry is not None and entry.sort == "file"

    def text(self, path: str) -> str:
        """A file's text; bytes that are no UTF-8 are shown as U+FFFD."""
        return self.read(path).decode("utf-8", errors="replace")


Wanted = Callable[[str], bool]


def open_rootfs(path: Path, wanted: Wanted) -> Rootfs:
    """The root file system at a path; only files that are `wanted` can be read from it.

    raises  Malformed; Unavailable without unsquashfs where it takes that
    """
    if path.is_dir():
        return _folder(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise Unavailable(f"{WHO}: {path}: {error.strerror}") from error
    if start == _SQUASHFS:
        return _squashfs(path, wanted)
    return _tar(path, wanted)


def _place(name: str) -> str:
    """A name as a path in the root.  Raises Malformed for one that leads out of it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise Malformed(WHO, "paths inside it", repr(name[:120]))
    return "/".join(parts)


def _count(entries: Mapping[str, Entry]) -> None:
    if len(entries) > MOST_FILES:
        raise Malformed(WHO, f"at most {MOST_FILES} files", "more")


def _limited(path: str, size: int) -> None:
    if size > LARGEST:
        raise Malformed(f"{WHO}: {path}", f"at most {LARGEST} bytes", f"{size} bytes")


def _folder(root: Path) -> Rootfs:
    entries: dict[str, Entry] = {}
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            full = Path(folder) / name
            mode = full.lstat()
            entries[full.relative_to(root).as_posix()] = _entry(mode.st_mode, mode.st_size)
            _count(entries)

    def read(path: str) -> bytes:
        entry = entries.get(path)
        # A folder on the way may be a link out of the root, though the walk never went through one.
        if entry is None or entry.sort != "file":
            raise Malformed(f"{WHO}: {path}", "a regular file", "none")
        _limited(path, entry.size)
        return (root / path).read_bytes()

    return Rootfs(entries, read)


def _entry(mode: int, size: int) -> Entry:
    if stat.S_ISREG(mode):
        return Entry("file", size, bool(mode & 0o111))
    if stat.S_ISDIR(mode):
        return Entry("folder")
    return Entry("link" if stat.S_ISLNK(mode) else "other")


class _Guarded:
    """A tar's bytes for tarfile, which would hold a header's text of any size in memory."""

    def __init__(self, file: BinaryIO, most: int):
        self._file, self._most = file, most

    def read(self, size: int = -1) -> bytes:
        """At most LARGEST bytes at once.  Raises Malformed for more."""
        if not 0 <= size <= LARGEST + tarfile.BLOCKSIZE:
            raise Malformed(WHO, f"at most {LARGEST} bytes for a header or file", f"{size} bytes")
        return self._file.read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place.  Raises Malformed past the most that may be unfolded."""
        if place > self._most:
            raise Malformed(WHO, f"at most {self._most} bytes unfolded", f"{place} bytes")
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """Where reading goes on."""
        return self._file.tell()


def _unfolded(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        start = file.read(6)
    for magic, opener in _COMPRESSED:
        if start.startswith(magic):
            return cast(BinaryIO, opener(path, "rb"))
    return path.open("rb")


def _opened(file: BinaryIO, most: int) -> tarfile.TarFile:
    guarded: Any = _Guarded(file, most)
    return tarfile.open(fileobj=guarded, mode="r:")


def _tar(path: Path, wanted: Wanted) -> Rootfs:
    entries: dict[str, Entry] = {}
    kept: dict[str, bytes] = {}
    most = min(_MOST_UNFOLDED, path.stat().st_size * _MOST_RATIO + 64 * MIB)
    try:
        with _unfolded(path) as file, _opened(file, most) as archive:
            for member in _bounded(archive, most):
                _take(archive, member, wanted, entries, kept)
    except (tarfile.TarError, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise Malformed(WHO, "a tar or squashfs image", str(error)[:120]) from error
    return Rootfs(entries, _reader(kept))


def _take(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    wanted: Wanted,
    entries: dict[str, Entry],
    kept: dict[str, bytes],
) -> None:
    name, entry = _place(member.name), _tar_entry(member)
    if not name:
        return
    if name in entries and "folder" not in (entry.sort, entries[name].sort):
        # Whoever unpacks it gets the last one, and a reader that stops at the first sees another.
        raise Malformed(WHO, "each file once", f"{name[:120]!r} twice")
    entries[name] = entry
    _count(entries)
    if entry.sort == "file" and wanted(name):
        _limited(name, member.size)
        opened = archive.extractfile(member)
        kept[name] = opened.read() if opened else b""


def _bounded(archive: tarfile.TarFile, most: int) -> Iterator[tarfile.TarInfo]:
    """The members, until together they would unfold to more than `most` bytes."""
    total = 0
    for member in archive:
        # A header tells its file's size before a single byte of it is unfolded.
        total += member.size + 512
        if total > most:
            raise Malformed(WHO, f"at most {most} bytes unfolded", "more")
        yield member


def _tar_entry(member: tarfile.TarInfo) -> Entry:
    if member.isreg():
        return Entry("file", member.size, bool(member.mode & 0o111))
    if member.isdir():
        return Entry("folder")
    return Entry("link" if member.issym() or member.islnk() else "other")


def _reader(kept: Mapping[str, bytes]) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if path not in kept:
            raise Malformed(f"{WHO}: {path}", "a regular file", "none, or a link")
        return kept[path]

    return read


def _squashfs(path: Path, wanted: Wanted) -> Rootfs:
    image = str(path.resolve())
    entries: dict[str, Entry] = {}
    for line in _unsquashfs("-lln", image).decode("utf-8", errors="replace").splitlines():
        row = _ROW.match(line)
        if not row:
            # The list begins with what the tool says of itself; a row cut in two by a newline in a
            # file's name begins like neither.
            if "squashfs-root" in line or entries:
                raise Malformed(WHO, "a list of files", repr(line[:120]))
            continue
        name = (row["path"] or "").partition(" -> ")[0] if row["mode"][0] == "l" else row["path"]
        if name:
            entries[_place(name)] = _listed(row["mode"], row["size"])
            _count(entries)

    def read(name: str) -> bytes:
        entry = entries.get(name)
        if entry is None or entry.sort != "file" or not wanted(name):
            raise Malformed(f"{WHO}: {name}", "a regular file", "none, or a link")
        _limited(name, entry.size)
        return _unsquashfs("-no-wildcards", "-cat", image, name)

    return Rootfs(entries, read)


def _listed(mode: str, size: str) -> Entry:
    if mode[0] == "-":
        return Entry("file", int(size), any(each in "xst" for each in mode[1:]))
    if mode[0] == "d":
        return Entry("folder")
    return Entry("link" if mode[0] == "l" else "other")


def _unsquashfs(*words: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="firmward-rootfs-") as name:
        folder = Path(name)
        try:
            done = run(("unsquashfs", *words), folder, plain_environment(folder), _TIMEOUT_S)
        except Unavailable as error:
            hint = "on Debian: apt-get install squashfs-tools"
            raise Unavailable(f"{error}; {hint}") from error
    if done.code != 0:
        raise Malformed(WHO, "a squashfs image", done.err.strip()[-160:] or f"code {done.code}")
    return done.out
