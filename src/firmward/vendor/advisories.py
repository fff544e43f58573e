"""The vendor's own snapshot of advisories: a folder with `osv/*.json` and `kev.json`."""

from pathlib import Path
from typing import Final

from firmward.terms.advisories import LIMIT, Advisories, read
from firmward.terms.errors import Unavailable

_KEV: Final = "kev.json"


def load(folder: Path) -> Advisories:
    """The snapshot in a folder.  Raises Unavailable where a part is absent, Malformed."""
    records = sorted((folder / "osv").rglob("*.json"))
    return read((_bytes(path) for path in records), _bytes(folder / _KEV))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte beyond the limit is enough for the reader to refuse it.
            return file.read(LIMIT + 1)
    except OSError as error:
        raise Unavailable(f"advisories: {path}: {error.strerror}") from error
