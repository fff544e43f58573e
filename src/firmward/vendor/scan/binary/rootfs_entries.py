"""A root file system as a row of entries, from a folder, a tar or a squashfs image."""

import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmward.terms.errors import Unavailable
from firmward.vendor.process import plain_environment, run

_SQUASHFS: Final = b"hsqs"
_LIMIT_S: Final = 300.0


@dataclass(frozen=True)
class Entry:
    """A file, folder or link: its path from the root, its mode, and a file's content."""

    name: str
    mode: int
    data: bytes = b""

    @property
    def regular(self) -> bool:
        """Whether it is a file."""
        return stat.S_ISREG(self.mode)


def entries(path: Path) -> Iterator[Entry]:
    """Everything in a root file system, by name.

    raises  Unavailable for what is no folder, tar or squashfs, what ends too early, and a squashfs
            image without unsquashfs
    """
    if path.is_dir():
        yield from _of_folder(path)
        return
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise Unavailable(f"rootfs: {path}: {error.strerror}") from error
    if magic == _SQUASHFS:
        yield from _of_squashfs(path)
    else:
        yield from _of_tar(path)


def _of_folder(root: Path) -> Iterator[Entry]:
    for folder, folders, files in os.walk(root, onerror=_stop):
        folders.sort()
        for name in sorted([*files, *folders]):
            path = Path(folder) / name
            try:
                mode = path.lstat().st_mode
                data = path.read_bytes() if stat.S_ISREG(mode) else b""
            except OSError as error:
                raise Unavailable(f"rootfs: {path}: {error.strerror}") from error
            yield Entry(path.relative_to(root).as_posix(), mode, data)


def _stop(error: OSError) -> None:
    raise Unavailable(f"rootfs: {error.filename}: {error.strerror}") from error


def _of_tar(path: Path) -> Iterator[Entry]:
    kinds = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                # A hard link is the file that it names, once more.
                read = archive.extractfile(member) if member.isreg() or member.islnk() else None
                kind = stat.S_IFREG if read is not None else kinds.get(member.type, stat.S_IFCHR)
                name = os.path.normpath(member.name).lstrip("/")
                yield Entry(name, kind | member.mode, read.read() if read is not None else b"")
    except (tarfile.TarError, OSError, EOFError, KeyError) as error:
        raise Unavailable(f"rootfs: {path.name}: expected a whole tar, got {error}") from error


def _of_squashfs(path: Path) -> Iterator[Entry]:
    with tempfile.TemporaryDirectory(prefix="firmward-rootfs-") as name:
        out = Path(name) / "root"
        # Devices and owners need root; modes, which is what is judged, do not.
        command = ("unsquashfs", "-no-xattrs", "-ignore-errors", "-quiet", "-no-progress")
        done = run(
            (*command, "-d", str(out), str(path)), Path(name), plain_environment(out), _LIMIT_S
        )
        if not out.is_dir():
            raise Unavailable(f"rootfs: unsquashfs ended with {done.code}: {done.err[-200:]}")
        yield from _of_folder(out)
