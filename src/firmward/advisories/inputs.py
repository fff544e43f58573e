"""Advisories as they are handed over: a file, a folder, a zip, a tar, any of them compressed.

Each input is cut into jobs that another process can read by itself, so that one file of two
gigabytes and a million files of two kilobytes both load at the speed of all cores.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from firmward.advisories import sums, zips
from firmward.advisories.zips import Member
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.wire import MIB, printable

LARGEST: Final = 1024 * MIB
"""A year of NVD is about 300 MiB unpacked; what unpacks to more than this is a bomb."""

_JOB_BYTES: Final = 8 * MIB
_JOB_FILES: Final = 2000
_READ: Final = (".json", ".json.gz", ".yaml", ".yml", ".csv", ".csv.gz")
# What lies among the records and is none.
_OTHER: Final = frozenset(
    {
        "aggregator.json",
        "changes.csv",
        "delta.json",
        "deltalog.json",
        "modified_id.csv",
        "provider-metadata.json",
        "recent_activities.json",
        "rolie.json",
    }
)


@dataclass(frozen=True)
class Job:
    """A handful of files: on the disk, in a zip, or with their bytes.

    size   bytes, for progress
    """

    paths: tuple[Path, ...] = ()
    archive: Path | None = None
    members: tuple[Member, ...] = ()
    held: tuple[tuple[str, bytes], ...] = ()
    size: int = 0

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and unpacked bytes of each.  Raises Unavailable, Malformed."""
        yield from self.held
        for path in self.paths:
            _refuse_other_sum(path)
            yield path.name, whole(path)
        if self.archive is not None:
            yield from zips.contents(self.archive, self.members)


def jobs(path: Path, stack: ExitStack) -> Iterator[Job]:
    """What is to be read of an input.

    stack   outlives the jobs: it holds what had to be unpacked to the disk first
    raises  Unavailable where it cannot be opened, Malformed where it is not what it seems
    """
    name = path.name.lower()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and wanted(file.name))
        for group, size in _grouped(files, [file.stat().st_size for file in files]):
            yield Job(paths=group, size=size)
    elif name.endswith(".zip"):
        yield from _zipped(path, stack)
    elif ".tar" in name or name.endswith(".tgz"):
        yield from _tarred(path)
    elif path.is_file():
        yield Job(paths=(path,), size=path.stat().st_size)
    else:
        raise Unavailable(f"advisories: {path}: no such file or folder")


def wanted(name: str) -> bool:
    """Whether a file of this name may hold records."""
    name = name.rpartition("/")[2].lower()
    return name.endswith(_READ) and name not in _OTHER and not name.startswith(".")


def _refuse_other_sum(path: Path) -> None:
    """CSAF's publishers put a sum beside each document (7.1.18); a copy is held to it."""
    for algorithm in ("sha512", "sha256"):
        beside = path.with_name(f"{path.name}.{algorithm}")
        if beside.is_file():
            stated = beside.read_text(errors="replace").partition(" ")[0].strip()
            if not sums.matches(path, algorithm, stated):
                raise Malformed(path.name, f"the {algorithm} that is stated beside it", "another")


def whole(path: Path) -> bytes:
    """The bytes of a file, unpacked.  Raises Unavailable, Malformed."""
    try:
        with path.open("rb") as file:
            return _unpacked(file, path.name)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise Malformed(path.name, "a whole gzip file", str(error)) from error
        raise Unavailable(f"advisories: {path}: {error.strerror}") from error


def _unpacked(file: IO[bytes], name: str) -> bytes:
    try:
        source: Any = gzip.GzipFile(fileobj=file) if name.lower().endswith(".gz") else file
        data: bytes = source.read(LARGEST + 1)
    except (EOFError, zlib.error) as error:
        raise Malformed(printable(name), "a whole file", str(error)[:200]) from error
    if len(data) > LARGEST:
        raise Malformed(printable(name), f"at most {LARGEST} bytes", "more")
    return data


T = TypeVar("T")


def _grouped(items: Sequence[T], sizes: Sequence[int]) -> Iterator[tuple[tuple[T, ...], int]]:
    """The items in groups worth a job each, with their sizes."""
    group: list[T] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        group.append(item)
        total += size
        if total >= _JOB_BYTES or len(group) >= _JOB_FILES:
            yield tuple(group), total
            group, total = [], 0
    if group:
        yield tuple(group), total


def _zipped(path: Path, stack: ExitStack) -> Iterator[Job]:
    path, listed = zips.members(path, stack, LARGEST)
    held = [member for member in listed if wanted(member.name)]
    for group, size in _grouped(held, [member.size for member in held]):
        yield Job(archive=path, members=group, size=size)


def _tarred(path: Path) -> Iterator[Job]:
    """A tar can only be read from its start, so its jobs carry their bytes."""
    held: list[tuple[str, bytes]] = []
    size = 0
    try:
        for name, data in _members(path):
            held.append((name, data))
            size += len(data)
            if size >= _JOB_BYTES:
                yield Job(held=tuple(held), size=size)
                held, size = [], 0
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise Malformed(path.name, "a whole tar archive", str(error)[:200]) from error
    except OSError as error:
        raise Unavailable(f"advisories: {path}: {error.strerror or error}") from error
    if held:
        yield Job(held=tuple(held), size=size)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    with (
        path.open("rb") as file,
        _decompressed(file, path.name.lower()) as plain,
        tarfile.open(fileobj=plain, mode="r|") as archive,
    ):
        for info in archive:
            data = archive.extractfile(info) if info.isreg() and wanted(info.name) else None
            if data is not None:
                yield info.name, _unpacked(data, info.name)


def _decompressed(file: IO[bytes], name: str) -> Any:
    if name.endswith((".gz", ".tgz")):
        return gzip.GzipFile(fileobj=file)
    if name.endswith(".xz"):
        return lzma.LZMAFile(file)
    if name.endswith(".bz2"):
        return bz2.BZ2File(file)
    if name.endswith((".zst", ".zstd")):
        return _zstandard(file)
    return io.BufferedReader(file)


def _zstandard(file: IO[bytes]) -> Any:
    """The standard library reads Zstandard from Python 3.14 on."""
    try:
        import zstandard
    except ImportError as error:
        raise Unavailable("advisories: reading .zst needs the package zstandard") from error
    return zstandard.ZstdDecompressor().stream_reader(file)
