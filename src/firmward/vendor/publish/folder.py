"""A folder to deliver to: a web server's, a share, or a disk that somebody carries."""

from pathlib import Path

from firmward.terms.errors import Refused, Unavailable
from firmward.vendor import durable
from firmward.vendor.publish.targets import There


class Folder:
    """A folder; each file is whole and on the disk before it has its name."""

    def __init__(self, folder: Path):
        self.name, self._folder = str(folder), folder

    def tag(self, path: str) -> str | None:
        """None for nothing, "" for something: a file's date says nothing about its bytes."""
        return "" if (self._folder / path).exists() else None

    def read(self, path: str, limit: int) -> There | None:
        """What is at a path."""
        try:
            with (self._folder / path).open("rb") as file:
                return There(file.read(limit + 1), "")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{self.name}: {path}: {error.strerror}") from error

    def create(self, path: str, data: bytes) -> str | None:
        """Put a file where nothing is."""
        try:
            return "" if durable.create(self._folder / path, data) else None
        except OSError as error:
            raise Unavailable(f"{self.name}: {path}: {error.strerror}") from error

    def replace(self, path: str, data: bytes, old: There | None) -> None:
        """Put a file in the place of the old one, at once."""
        there = self.read(path, len(data) + len(old.data if old else b""))
        if (there and there.data) != (old and old.data):
            raise Refused(f"{self.name}: {path}: somebody else published just now")
        try:
            durable.replace(self._folder / path, data)
        except OSError as error:
            raise Unavailable(f"{self.name}: {path}: {error.strerror}") from error
