"""Files that are there whole or not at all, and still there after power is lost."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put a file in the place of the one that is there, if any: readers see the old or the new."""
    with _draft(path, data, mode) as made:
        made.replace(path)


def create(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Write a file that is not there yet; False, and nothing moves, where there is one."""
    if path.exists():
        return False
    with _draft(path, data, mode) as made:
        try:
            # A link refuses to replace: of two writers at once one wins, and both know.
            os.link(made, path)
        except FileExistsError:
            return False
    return True


@contextmanager
def _draft(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """The bytes on the disk under another name, which a crash leaves and nothing reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(mode)
        yield made
    finally:
        made.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names put into a folder survive a power cut, as syncing a file does its bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
