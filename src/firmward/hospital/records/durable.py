"""Files that are there whole or not at all, and still there after power is lost."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Replace the file as a whole: readers see the old bytes or the new, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path, data, 0o644) as draft:
        draft.replace(path)


def write_secret(path: Path, data: bytes) -> None:
    """Write a key file, which only its owner may read.  Raises FileExistsError where there is one.

    A key written over would be lost, and with it whatever it signed or sealed.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _draft(path, data, 0o600) as draft:
        try:
            os.link(draft, path)
        except FileExistsError as error:
            raise FileExistsError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _draft(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """The bytes on the disk beside their place; a crash leaves a dot file that nothing names."""
    # mkstemp makes it for its owner alone, so nobody else ever reads a secret's first byte.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        yield draft
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
