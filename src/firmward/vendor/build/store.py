"""Where built files wait for their signature: by content, created once, never written again.

Between the compiler and the signature lie scans that take minutes.  Whoever can alter a file in
that time has his code signed, so the bytes are hashed when they are sealed, the digest stays in the
memory of the release, and what is signed is read back from here and must still have that digest.
"""

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from firmward.terms.errors import Refused
from firmward.vendor.durable import sync_folder

_CHUNK: Final = 1 << 20
_READ_ONLY: Final = 0o444


class Altered(Refused):
    """A stored file that no longer has the digest it was sealed under."""

    def __init__(self, path: Path, expected: str, got: str):
        self.path, self.expected, self.got = path, expected, got
        super().__init__(
            f"{path}: expected sha256 {expected}, got {got}: somebody wrote to it after the build"
        )


@dataclass(frozen=True)
class Sealed:
    """A file in the store.  `size` in bytes."""

    name: str
    sha256: str
    size: int
    path: Path


@dataclass(frozen=True)
class Store:
    """A folder of files named by their SHA-256: objects/sha256/ab/abcd..."""

    folder: Path

    def seal(self, name: str, data: bytes) -> Sealed:
        """Put bytes into the store.  Raises Altered if other bytes lie in their place."""

        def write(file: BinaryIO) -> None:
            file.write(data)

        return self._place(name, write)

    def seal_tree(self, name: str, source: Path) -> Sealed:
        """Put a file in as it is, or a folder as a tar that holds no time, owner or host name."""

        def write(file: BinaryIO) -> None:
            if source.is_dir():
                _archive(source, file)
                return
            with source.open("rb") as data:
                while chunk := data.read(_CHUNK):
                    file.write(chunk)

        return self._place(name, write)

    def find(self, name: str, sha256: str) -> Sealed | None:
        """A file sealed earlier, or None.  Its bytes are not looked at yet: see reread."""
        path = self._path(sha256)
        with suppress(OSError):
            return Sealed(name, sha256, path.stat().st_size, path)
        return None

    def _path(self, sha256: str) -> Path:
        return self.folder / "objects" / "sha256" / sha256[:2] / sha256

    def _place(self, name: str, write: Callable[[BinaryIO], None]) -> Sealed:
        """Write beside, sync, then link: a crash leaves a stray temporary file, never half a one.

        The link fails where the name is taken, so no bytes are ever replaced.
        """
        top = self.folder / "objects"
        top.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, fresh = tempfile.mkstemp(dir=top)
        try:
            with os.fdopen(handle, "w+b") as file:
                write(file)
                file.flush()
                os.fchmod(file.fileno(), _READ_ONLY)
                os.fsync(file.fileno())
                file.seek(0)
                digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            path = self._path(digest)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                os.link(fresh, path)
                sync_folder(path.parent)
        finally:
            os.unlink(fresh)
        made = Sealed(name, digest, size, path)
        check(made)
        return made


def reread(sealed: Sealed) -> bytes:
    """The bytes as they are in the store now.  Raises Altered unless they are those sealed."""
    data = sealed.path.read_bytes() if sealed.path.is_file() else b""
    got = hashlib.sha256(data).hexdigest()
    if got != sealed.sha256:
        raise Altered(sealed.path, sealed.sha256, got if data else "no file")
    return data


def check(sealed: Sealed) -> None:
    """As reread, for a file too large for memory: hash it and give nothing.  Raises Altered."""
    try:
        with sealed.path.open("rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        got = "no file"
    if got != sealed.sha256:
        raise Altered(sealed.path, sealed.sha256, got)


def _archive(folder: Path, file: BinaryIO) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in _entries(folder):
            member = tar.gettarinfo(str(path), str(path.relative_to(folder)))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = 0
            if member.isreg():
                with path.open("rb") as data:
                    tar.addfile(member, data)
            else:
                tar.addfile(member)


def _entries(folder: Path) -> list[Path]:
    """Everything below a folder, links as links; a socket is no file."""
    found = [
        Path(top) / name
        for top, folders, files in os.walk(folder, followlinks=False)
        for name in (*folders, *files)
    ]
    return sorted(path for path in found if not path.is_socket() or path.is_symlink())
