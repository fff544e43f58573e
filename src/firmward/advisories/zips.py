"""Zip archives of a hundred thousand small files, of which each process reads its own share.

The directory of such an archive takes longer to read than most shares of it, so it is read once,
and a share is told where its files lie.

Source: APPNOTE.TXT 6.3, sections 4.3.7 (local file header) and 4.4.
"""

import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import IO, Final, NamedTuple

from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.wire import MIB, printable

_HEADER: Final = struct.Struct("<4s22xHH")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1


class Member(NamedTuple):
    """Where a file lies in an archive, and what it must come to."""

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    stored: bool


def members(path: Path, stack: ExitStack, largest: int) -> tuple[Path, list[Member]]:
    """The files of an archive, or of the one archive that is all it holds, and which that was.

    CVE's daily archive is such a zip in a zip; the inner one lies on the disk as long as the stack.
    raises  Unavailable, Malformed
    """
    with _opened(path) as archive:
        listed = archive.infolist()
        if len(listed) == 1 and listed[0].filename.lower().endswith(".zip"):
            inner = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "inner.zip"
            _extract(archive, listed[0], inner, 4 * largest)
            with _opened(inner) as nested:
                return inner, [_member(info, path.name, largest) for info in nested.infolist()]
        return path, [_member(info, path.name, largest) for info in listed]


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, left: int) -> None:
    with archive.open(info) as source, path.open("wb") as target:
        while block := source.read(MIB):
            left -= len(block)
            if left < 0:
                raise Malformed(info.filename, "an archive of an archive that is no bomb", "more")
            target.write(block)


def _member(info: zipfile.ZipInfo, who: str, largest: int) -> Member:
    stored = info.compress_type == zipfile.ZIP_STORED
    if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
        raise Malformed(who, "members stored or deflated", printable(info.filename)[:80])
    if max(info.file_size, info.compress_size) > largest:
        raise Malformed(who, f"members of at most {largest} bytes", printable(info.filename)[:80])
    return Member(
        info.filename, info.header_offset, info.compress_size, info.file_size, info.CRC, stored
    )


def contents(path: Path, wanted: Iterable[Member]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of these members.  Raises Unavailable, Malformed."""
    try:
        with path.open("rb") as file:
            for member in wanted:
                yield member.name, _content(file, member)
    except OSError as error:
        raise Unavailable(f"advisories: {path}: {error.strerror or error}") from error


def _content(file: IO[bytes], member: Member) -> bytes:
    file.seek(member.offset)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or header[:4] != b"PK\x03\x04":
        raise Malformed(printable(member.name), "a member of a zip archive", "no header")
    _, name, extra = _HEADER.unpack(header)
    file.seek(name + extra, io.SEEK_CUR)
    data = file.read(member.packed)
    if not member.stored:
        data = _inflated(data, member)
    # The directory says twice what a member comes to: whatever differs was cut or changed.
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise Malformed(printable(member.name), f"{member.size} whole bytes", "others")
    if member.name.lower().endswith(".gz"):
        return GzipFile(fileobj=io.BytesIO(data)).read()
    return data


def _inflated(data: bytes, member: Member) -> bytes:
    try:
        # One byte over the promised size is enough to see that it was a lie.
        return zlib.decompressobj(-15).decompress(data, member.size + 1)
    except zlib.error as error:
        raise Malformed(printable(member.name), "a whole file", str(error)[:100]) from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
        raise Malformed(path.name, "a whole zip file", str(error)[:200]) from error
    except OSError as error:
        raise Unavailable(f"advisories: {path}: {error.strerror or error}") from error
