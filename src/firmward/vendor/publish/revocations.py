"""What was taken out of the repository for good, and why: REPOSITORY/revoked.json.

TUF has no word for "revoked": a target that the newest metadata does not list is one that no reader
may take, and that is how a release is revoked.  This list is the vendor's own memory of it, so that
a path once given up never comes back with other bytes.  If written to, its thief can withhold
releases, or let the vendor publish again under a path that readers have seen.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from msgspec import Meta

from firmward.terms.errors import Unavailable
from firmward.terms.image import image_path
from firmward.terms.names import Moment, ReleaseId, TargetPath, split_release
from firmward.terms.wire import MIB, Wire, decode, encode
from firmward.vendor import durable

FILE: Final = "revoked.json"


class Revocation(Wire, frozen=True, kw_only=True):
    """One release that must not be taken any more.

    paths  its image and evidence; its fallback is a release of its own, and stays
    """

    release: ReleaseId
    at: Moment
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    paths: tuple[TargetPath, ...]


class _File(Wire, frozen=True, kw_only=True):
    revoked: tuple[Revocation, ...] = ()


def read(repository: Path) -> tuple[Revocation, ...]:
    """Every revocation, oldest first.  Raises Malformed for a file that is no such list."""
    path = repository / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error
    return decode(data, _File, str(path), limit=16 * MIB).revoked


def note(repository: Path, revocation: Revocation) -> None:
    """Add one to the list, durably, before any metadata says so."""
    said = _File(revoked=(*read(repository), revocation))
    durable.replace(repository / FILE, encode(said))


def of(release: str, reason: str, listed: Iterable[str], now: datetime) -> Revocation:
    """The revocation of a release with everything listed about it.  Raises Malformed."""
    split_release(release)
    folder = image_path(release).removesuffix("image.bin")
    paths = tuple(sorted(path for path in listed if path.startswith(folder)))
    return Revocation(release=release, at=now, reason=reason, paths=paths)


def without(listing: Mapping[str, Any], revoked: Iterable[Revocation]) -> dict[str, Any]:
    """A listing as it is once the revoked paths are gone from it."""
    gone = {path for each in revoked for path in each.paths}
    return {path: entry for path, entry in listing.items() if path not in gone}
