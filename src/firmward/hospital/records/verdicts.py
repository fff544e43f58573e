"""Verdicts: what the gate said of a release for a device class, from what, and how that stands now.

Rows are only added, but for `standing`, which points at the newest one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import zstandard
from sqlalchemy import Connection, Row, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from firmward.hospital.records import verdict_tables as tables
from firmward.terms.errors import NotTrusted, Unavailable
from firmward.terms.wire import encode

State = Literal["eligible", "refused", "revoked"]
"""revoked: it was eligible and is not any more; devices that run it keep running it."""

_MOST: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Verdict:
    """One signed answer of the gate.

    parts       section of the evidence document -> its digest
    exceptions  id -> digest of the exceptions that were applied
    rulings     the judgement, encoded, for people to read
    envelope    the signed VSA
    """

    number: int
    release: str
    device_class: str
    moment: str
    admitted: bool
    parts: Mapping[str, str]
    policy: str
    exceptions: Mapping[str, str]
    rulings: bytes
    envelope: bytes
    at: float


@dataclass(frozen=True)
class Standing:
    """How a release stands for a class, by which verdict, since when.

    deadline  until when something has to be done about it, seconds since the epoch; 0 for nothing
    """

    release: str
    device_class: str
    state: State
    verdict: int
    since: float
    deadline: float = 0.0


def add(connection: Connection, verdict: Verdict, parts: Mapping[str, bytes]) -> int:
    """Record a verdict with the evidence it was reached from; gives its number."""
    for data in parts.values():
        _keep(connection, tables.evidence_part, data)
    row = insert(tables.verdict).values(
        release=verdict.release,
        device_class=verdict.device_class,
        moment=verdict.moment,
        admitted=verdict.admitted,
        parts=encode(dict(verdict.parts)),
        policy=verdict.policy,
        exceptions=encode(dict(verdict.exceptions)),
        rulings=zstandard.compress(verdict.rulings, 3),
        envelope=verdict.envelope,
        at=verdict.at,
    )
    return int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]


def _keep(connection: Connection, table: Any, data: bytes) -> str:
    name = sha256(data).hexdigest()
    row = upsert(table).values(sha256=name, data=zstandard.compress(data, 3))
    connection.execute(row.on_conflict_do_nothing())
    return name


def keep_policy(connection: Connection, name: str, data: bytes) -> None:
    """Keep a policy under its digest; keeping it again changes nothing."""
    row = upsert(tables.policy_kept).values(sha256=name, data=zstandard.compress(data, 3))
    connection.execute(row.on_conflict_do_nothing())


def policy(connection: Connection, name: str) -> bytes:
    """The policy of this digest, as it was kept.  Raises Unavailable."""
    query = select(tables.policy_kept.c.data).where(tables.policy_kept.c.sha256 == name)
    data = connection.execute(query).scalar()
    if data is None:
        raise Unavailable(f"policy {name}: expected one that was judged by here, got none")
    return zstandard.decompress(data, _MOST)


def part(connection: Connection, name: str) -> bytes:
    """The section of this digest, once its bytes hash to it.  Raises Unavailable, NotTrusted."""
    query = select(tables.evidence_part.c.data).where(tables.evidence_part.c.sha256 == name)
    data = connection.execute(query).scalar()
    if data is None:
        raise Unavailable(f"evidence {name}: expected a section that was judged, got none")
    found = zstandard.decompress(data, _MOST)
    if sha256(found).hexdigest() != name:
        raise NotTrusted(f"evidence {name}", "its bytes were changed in the store")
    return found


def every_part(connection: Connection, names: Iterable[str]) -> dict[str, bytes]:
    """As `part`, for many sections at once.  Raises Unavailable, NotTrusted."""
    wanted, at = sorted(set(names)), tables.evidence_part.c
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), 500):
        query = select(at.sha256, at.data).where(at.sha256.in_(wanted[start : start + 500]))
        for name, data in connection.execute(query):
            found[name] = zstandard.decompress(data, _MOST)
            if sha256(found[name]).hexdigest() != name:
                raise NotTrusted(f"evidence {name}", "its bytes were changed in the store")
    for name in wanted:
        if name not in found:
            raise Unavailable(f"evidence {name}: expected a section that was judged, got none")
    return found


def find(connection: Connection, number: int) -> Verdict:
    """The verdict of this number.  Raises Unavailable."""
    row = connection.execute(
        select(tables.verdict).where(tables.verdict.c.number == number)
    ).first()
    if row is None:
        raise Unavailable(f"verdict {number}: expected one of this site, got none")
    return _verdict(row)


def of_release(connection: Connection, release: str) -> list[Verdict]:
    """Every verdict on a release, oldest first."""
    at = tables.verdict
    query = select(at).where(at.c.release == release).order_by(at.c.number)
    return [_verdict(row) for row in connection.execute(query)]


def page_of(
    connection: Connection, release: str, device_class: str, before: int, most: int
) -> list[Verdict]:
    """The newest verdicts on a release below a number, for one class or all, oldest first."""
    at = tables.verdict
    query = select(at).where(at.c.release == release, at.c.number < before)
    if device_class:
        query = query.where(at.c.device_class == device_class)
    rows = connection.execute(query.order_by(at.c.number.desc()).limit(most)).all()
    return [_verdict(row) for row in reversed(rows)]


def numbers_since(connection: Connection, at: float) -> list[int]:
    """The numbers of all verdicts from a moment on, oldest first."""
    query = select(tables.verdict.c.number).where(tables.verdict.c.at >= at)
    return list(connection.execute(query.order_by(tables.verdict.c.number)).scalars())


def newest_numbers(connection: Connection, release: str) -> dict[str, int]:
    """The number of the newest verdict on a release for each class."""
    at = tables.verdict.c
    query = select(at.device_class, func.max(at.number)).where(at.release == release)
    rows = connection.execute(query.group_by(at.device_class))
    return {name: int(number) for name, number in rows}


def admitted_before(connection: Connection, verdict: Verdict) -> bool:
    """Whether the release of a verdict had been admitted for its class before."""
    at = tables.verdict.c
    query = select(at.number).where(
        at.release == verdict.release,
        at.device_class == verdict.device_class,
        at.number < verdict.number,
        at.admitted,
    )
    return connection.execute(query.limit(1)).first() is not None


def _verdict(row: Row[Any]) -> Verdict:
    values = dict(row._mapping)
    for name in ("parts", "exceptions"):
        values[name] = json.loads(values[name])
    values["rulings"] = zstandard.decompress(values["rulings"], _MOST)
    return Verdict(**values)


def stand(connection: Connection, standing: Standing) -> None:
    """Say how a release stands for a class from now on."""
    row = upsert(tables.standing).values(**vars(standing))
    changed = {name: value for name, value in vars(standing).items() if name not in _KEY}
    connection.execute(row.on_conflict_do_update(index_elements=list(_KEY), set_=changed))


_KEY = ("release", "device_class")


def standings(connection: Connection, release: str = "") -> list[Standing]:
    """How releases stand, of all or of one."""
    at = tables.standing
    query = select(at).order_by(at.c.release, at.c.device_class)
    if release:
        query = query.where(at.c.release == release)
    return [Standing(**row._mapping) for row in connection.execute(query)]


def standing(connection: Connection, release: str, device_class: str) -> Standing | None:
    """How a release stands for one class; None where it was never judged for it."""
    at = tables.standing.c
    query = select(tables.standing).where(at.release == release, at.device_class == device_class)
    row = connection.execute(query).first()
    return None if row is None else Standing(**row._mapping)
