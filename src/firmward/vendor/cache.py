"""Results kept by content, so that a stage with nothing changed costs nothing.

If stolen or written to, its thief can hand the vendor a binary of their own: the folder belongs to
the account that builds, like the compiler, and is created for that account alone.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from firmward.vendor import durable

_DIGEST = 32


def default_folder() -> Path:
    """FIRMWARD_CACHE, or ~/.cache/firmward."""
    named = os.environ.get("FIRMWARD_CACHE")
    return Path(named).resolve() if named else Path.home() / ".cache" / "firmward"


@dataclass(frozen=True)
class Shelf:
    """A folder of results, each under the digest of everything it was made from."""

    folder: Path

    def kept(self, parts: tuple[str, ...], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result for these parts, made now if it is not on the shelf whole."""
        found = self.recall(parts)
        if found is None:
            found = make()
            self.remember(parts, found)
        return found

    def recall(self, parts: tuple[str, ...]) -> dict[str, Any] | None:
        """The result for these parts, None if it is not on the shelf whole."""
        return self._read(self._path(parts))

    def remember(self, parts: tuple[str, ...], result: dict[str, Any]) -> None:
        """Put a result on the shelf, in the place of any that is there."""
        self._write(self._path(parts), msgspec.msgpack.encode(result))

    def _path(self, parts: tuple[str, ...]) -> Path:
        key = hashlib.sha256(b"\0".join(part.encode() for part in parts)).hexdigest()
        return self.folder / "results" / key[:2] / key

    def _read(self, path: Path) -> dict[str, Any] | None:
        """None for what is absent, cut short or changed since: then it is made again."""
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            return None
        return msgspec.msgpack.decode(data[_DIGEST:], type=dict[str, Any])

    def _write(self, path: Path, body: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.replace(path, hashlib.sha256(body).digest() + body, 0o600)
