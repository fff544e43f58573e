"""Delivering the repository to the place where hospitals fetch it: a folder, S3, or HTTP.

Every file is created once and never written again, but timestamp.json, which is put in the old
one's place when all that it leads to is there.  Until that moment readers see the state before;
dying anywhere leaves it so, and the next run sends only what is missing.

If the place is written to, its thief can withhold releases or break them for readers, who verify
all of it; what is there under our names and is not ours stops the delivery.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from tuf.api.metadata import Metadata, Timestamp
from tuf.api.serialization import DeserializationError

from firmward.terms.errors import Refused, Unavailable
from firmward.terms.wire import MIB, Wire, decode, encode
from firmward.vendor import durable
from firmward.vendor.publish.repository import Published

TIMESTAMP: Final = "metadata/timestamp.json"
_NOTES: Final = ".delivered"


@dataclass(frozen=True)
class There:
    """A file at the place; `tag` changes when the file does, "" where the place gives none."""

    data: bytes
    tag: str


class Place(Protocol):
    """Where the repository goes.  Every method raises Unavailable when the place does not answer.

    name  what people call it, and what its notes are kept under; no secret is in it
    """

    name: str

    def tag(self, path: str) -> str | None:
        """The tag of what is at a path, None for nothing."""

    def read(self, path: str, limit: int) -> There | None:
        """What is at a path, at most one byte more than `limit` of it; None for nothing."""

    def create(self, path: str, data: bytes) -> str | None:
        """Put a file where nothing is, and give its tag; None, and nothing moves, otherwise."""

    def replace(self, path: str, data: bytes, old: There | None) -> None:
        """Put a file in the place of `old` at once.  Raises Refused if another is there by now."""


@dataclass(frozen=True)
class Step:
    """One file is dealt with: `number` of `of`; `sent` is false for one that was there already."""

    path: str
    number: int
    of: int
    size: int
    sent: bool


@dataclass(frozen=True)
class Delivered:
    """What a delivery did; `size` counts the bytes sent."""

    place: str
    sent: int
    skipped: int
    size: int


class Differs(Refused):
    """Another file at a path that is published."""

    def __init__(self, place: str, path: str):
        self.place, self.path = place, path
        super().__init__(
            f"{place}: {path} is there and is another file than ours; nothing of it was overwritten"
        )


class _Notes(Wire, frozen=True, kw_only=True):
    """Path -> tag and digest of what was found to be ours; losing it costs reading again."""

    tags: dict[str, tuple[str, str]] = {}


def deliver(
    published: Published, place: Place, told: Callable[[Step], None] = lambda step: None
) -> Delivered:
    """Bring a place up to date; what was sent and what was there.

    told    called once for each file
    raises  Differs, Refused for a place that is ahead of us; NotTrusted for a repository of our own
            that somebody wrote to; Unavailable.  Then readers there see what they saw before.
    """
    stamp, paths = _still(published)
    old = place.read(TIMESTAMP, MIB)
    late = old is not None and old.data != stamp
    if old is not None and late:
        _behind(place.name, old.data, stamp)
    notes = _Kept(published.folder, place.name)
    steps: list[Step] = []
    try:
        for path in _ordered(paths, first=old is None):
            if path == TIMESTAMP:
                sent, size = late or old is None, len(stamp)
                if sent:
                    place.replace(path, stamp, old)
            else:
                data = published.bytes_of(path)
                sent, size = _send(place, path, data, notes), len(data)
            steps.append(Step(path, len(steps) + 1, len(paths), size, sent))
            told(steps[-1])
    finally:
        notes.save()
    sizes = [step.size for step in steps if step.sent]
    return Delivered(place.name, len(sizes), len(steps) - len(sizes), sum(sizes))


def _still(published: Published) -> tuple[bytes, tuple[str, ...]]:
    """timestamp.json and what it leads to, of one moment: a release may be going on beside us."""
    for _ in range(5):
        paths = published.referenced()
        stamp = published.bytes_of(TIMESTAMP)
        if paths == published.referenced() and stamp == published.bytes_of(TIMESTAMP):
            return stamp, paths
    raise Unavailable(f"{published.folder}: it changes all the time; try again")


def _ordered(paths: Sequence[str], *, first: bool) -> list[str]:
    """timestamp.json last.  But roots follow it where readers are already: metadata at a change of
    keys is signed for both roots, and what was there before it for the old one only."""
    if first:
        return list(paths)
    return sorted(paths, key=lambda path: (path.endswith(".root.json"), path == TIMESTAMP))


def _behind(name: str, theirs: bytes, ours: bytes) -> None:
    """Refuse to take readers back, or aside."""
    try:
        there = _version(theirs)
    except DeserializationError as error:
        raise Refused(f"{name}: {TIMESTAMP} is there and is none: {error}") from error
    if there >= _version(ours):
        raise Refused(
            f"{name}: expected an older state than ours, got version {there} of {TIMESTAMP};"
            " did somebody else publish?"
        )


def _version(data: bytes) -> int:
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    if not isinstance(metadata.signed, Timestamp):
        raise DeserializationError("it is no timestamp")
    return metadata.signed.version


def _send(place: Place, path: str, data: bytes, notes: "_Kept") -> bool:
    """Whether a file had to be sent.  Raises Differs."""
    digest = hashlib.sha256(data).hexdigest()
    tag = place.tag(path)
    if tag is None:
        tag = place.create(path, data)
        if tag is not None:
            notes.keep(path, tag, digest)
            return True
    if tag and notes.knows(path, tag, digest):
        return False
    there = place.read(path, len(data))
    if there is None or there.data != data:
        raise Differs(place.name, path)
    notes.keep(path, there.tag, digest)
    return False


class _Kept:
    """The notes about one place, beside the repository."""

    def __init__(self, repository: Path, place: str):
        name = hashlib.sha256(place.encode()).hexdigest()[:16]
        self._path = repository / _NOTES / f"{name}.json"
        self._tags: dict[str, tuple[str, str]] = {}
        if self._path.exists():
            self._tags = dict(decode(self._path.read_bytes(), _Notes, str(self._path)).tags)
        self._before = dict(self._tags)

    def knows(self, path: str, tag: str, digest: str) -> bool:
        """Whether what has this tag was found to have this digest."""
        return self._tags.get(path) == (tag, digest)

    def keep(self, path: str, tag: str, digest: str) -> None:
        """Remember it; without a tag there is nothing to know it by."""
        if tag:
            self._tags[path] = (tag, digest)

    def save(self) -> None:
        """Write what is new."""
        if self._tags != self._before:
            durable.replace(self._path, encode(_Notes(tags=self._tags)))
