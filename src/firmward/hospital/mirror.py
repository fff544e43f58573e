"""The folder of advisories that a site judges by, read again when what lies in it changes.

osv/*.json    OSV records
kev.json      CISA's catalogue
epss.csv      FIRST's scores; may be absent

A folder that cannot be read, or that went back in time, changes nothing: the index in use stays,
one event says what is wrong, and as it ages the rule on the age of advisories takes over.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from firmward.advisories.feeds import OlderSnapshot
from firmward.advisories.index import Index
from firmward.advisories.load import from_files
from firmward.hospital import standing
from firmward.hospital.judging import Hospital
from firmward.hospital.records import ledger, watched
from firmward.terms.errors import FirmwardError, Misuse
from firmward.terms.stage import Stage
from firmward.terms.times import moment
from firmward.terms.wire import Wire

SCORES: Final = "epss.csv"
_SAID: Final = "advisories-refused"


class Known(Wire, frozen=True, kw_only=True):
    """The advisories in use."""

    snapshot: datetime
    age_days: float
    digest: str
    counts: dict[str, int]
    waiting: int
    refused: str = ""


def folder_of(hospital: Hospital) -> Path | None:
    """Where this site's advisories lie; None where it has none."""
    site = hospital.site
    return site.home / site.settings.advisories if site.settings.advisories else None


def read(folder: Path) -> Index:
    """The index of a folder.  Raises Malformed, Unavailable; Misuse where it cannot be read."""
    try:
        records = [path.read_bytes() for path in sorted((folder / "osv").rglob("*.json"))]
        scores = folder / SCORES
        epss = scores.read_bytes() if scores.exists() else None
        return from_files(records, (folder / "kev.json").read_bytes(), epss=epss)
    except OSError as error:
        raise Misuse(f"advisories {folder}: {error}") from error


def stamp(folder: Path) -> str:
    """What a folder looks like from outside; another one once a file in it has changed."""
    seen = sha256()
    try:
        paths = [folder / "kev.json", folder / SCORES, *sorted((folder / "osv").rglob("*.json"))]
        for path in paths:
            if path.exists():
                found = path.stat()
                seen.update(f"{path} {found.st_mtime_ns} {found.st_size} {found.st_ino}\n".encode())
    except OSError as error:
        return f"unreadable: {error}"
    return seen.hexdigest()


def follow(hospital: Hospital, now: datetime, actor: str = "firmward") -> bool:
    """Read the folder if it looks otherwise than when it was last read; whether it was taken."""
    folder = folder_of(hospital)
    if folder is None or (looks := stamp(folder)) == hospital.mirrored:
        return False
    hospital.mirrored = looks
    return take(hospital, now, actor)


def take(hospital: Hospital, now: datetime, actor: str) -> bool:
    """Read the folder now, and judge by it from now on; false where it is refused."""
    folder = folder_of(hospital)
    if folder is None:
        raise Misuse("advisories: expected a folder in hospital.toml, got none")
    try:
        index = read(folder)
        _not_older(hospital.advisories, index)
    except FirmwardError as error:
        _refuse(hospital, actor, error, now)
        return False
    # Not while a bundle is judged: what was matched with the old index is filed under the old.
    with hospital.intake, hospital.site.store.writing() as connection:
        watched.note(connection, _SAID, "")
        before = hospital.advisories
        if before is not None and before.digest() == index.digest():
            return True
        _record(connection, index, actor, now)
        hospital.advisories = index
        standing.look(hospital, connection, now)
    return True


def _not_older(held: Index | None, new: Index) -> None:
    """Yesterday's catalogue is what an attacker would show to whom today's would warn."""
    if held is None:
        return
    for feed in held.feeds():
        other = new.feed(feed.name)
        if other is None:
            raise Misuse(f"advisories: expected {feed.name} as before, got none")
        if other.snapshot < feed.snapshot:
            raise OlderSnapshot(feed.name, feed.snapshot, other.snapshot)


def _record(connection: Connection, index: Index, actor: str, now: datetime) -> None:
    counts = index.counts()
    says = f"advisories as of {moment(index.snapshot)}: "
    says += ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items()) if count)
    digest = index.digest()
    ledger.record(connection, "advisories.updated", Stage.GATE, now, actor, (), says, sha256=digest)


def _refuse(hospital: Hospital, actor: str, error: FirmwardError, now: datetime) -> None:
    """Once for each thing that is wrong."""
    says = str(error)[:400]
    with hospital.site.store.writing() as connection:
        if watched.noted(connection, _SAID) == says:
            return
        watched.note(connection, _SAID, says)
        said = f"advisories are not taken, the old ones stay: {says}"
        ledger.record(connection, "advisories.refused", Stage.GATE, now, actor, (), said)


def shown(hospital: Hospital, now: datetime) -> Known:
    """The advisories in use, and what waits to be judged by them.  Raises Misuse, Unavailable."""
    index = hospital.advisories
    if index is None:
        raise Misuse("advisories: expected a folder in hospital.toml, got none")
    with hospital.site.store.reading() as connection:
        waiting, refused = watched.count(connection), watched.noted(connection, _SAID)
    return Known(
        snapshot=index.snapshot,
        age_days=round(index.age(now).total_seconds() / 86_400, 3),
        digest=index.digest(),
        counts=index.counts(),
        waiting=waiting,
        refused=refused,
    )
