"""Exceptions as rows that are only ever added, each with its event in the same transaction.

What the bodies mean is the gate's to say: here they are bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from firmward.hospital.records import ledger, tables
from firmward.terms.errors import Refused
from firmward.terms.stage import Stage


@dataclass(frozen=True)
class Filed:
    """A request as it was opened.

    sha256  of the text that approvers sign
    body    the request itself
    """

    number: int
    request: str
    kind: str
    release: str
    requester: str
    sha256: str
    body: bytes
    at: float


@dataclass(frozen=True)
class Approved:
    """One person's approval: the envelope, and the certificate that it verifies with."""

    request: str
    person: str
    role: str
    envelope: bytes
    certificate: bytes
    at: float


@dataclass(frozen=True)
class Voided:
    """Why a request was ended before its time."""

    request: str
    actor: str
    reason: str
    at: float


@dataclass(frozen=True)
class Reviewed:
    """What the review of a break-glass found."""

    request: str
    reviewer: str
    finding: str
    at: float


@dataclass(frozen=True)
class Measured:
    """A compensating control as it was found at one moment."""

    control: str
    verified: bool
    evidence_sha256: str
    by: str
    at: float
    valid_until: float


def next_number(connection: Connection) -> int:
    """The number of the next request."""
    last = connection.execute(select(func.max(tables.exception_request.c.number))).scalar()
    return (last or 0) + 1


def file(connection: Connection, filed: Filed, says: str, now: datetime) -> None:
    """Keep a request that was opened."""
    connection.execute(insert(tables.exception_request).values(**asdict(filed)))
    _record(connection, "exception.requested", filed, filed.requester, says, now)


def approve(connection: Connection, filed: Filed, approved: Approved, now: datetime) -> None:
    """Keep an approval.  Raises Refused for a second one by the same person."""
    if any(each.person == approved.person for each in approvals(connection, filed.request)):
        raise Refused(f"{approved.person}: expected one approval of {filed.request}, got another")
    connection.execute(insert(tables.exception_approval).values(**asdict(approved)))
    says = f"{approved.person} as {approved.role} approved {filed.request}"
    _record(connection, "exception.approved", filed, approved.person, says, now)


def granted(connection: Connection, filed: Filed, says: str, now: datetime) -> None:
    """Put on the ledger that a request has every approval it needs."""
    _record(connection, "exception.granted", filed, "firmward", says, now)


def void(connection: Connection, filed: Filed, actor: str, reason: str, now: datetime) -> None:
    """End a request for good.  Raises Refused where it was ended before."""
    if filed.request in voids(connection):
        raise Refused(f"{filed.request}: expected one that stands, it is void")
    row = Voided(filed.request, actor, reason, now.timestamp())
    connection.execute(insert(tables.exception_void).values(**asdict(row)))
    _record(connection, "exception.voided", filed, actor, f"{filed.request} is void: {reason}", now)


def review(
    connection: Connection, filed: Filed, reviewer: str, finding: str, now: datetime
) -> None:
    """Keep the review of a break-glass.  Raises Refused for a second one."""
    if filed.request in reviews(connection):
        raise Refused(f"{filed.request}: expected one without a review, it has one")
    row = Reviewed(filed.request, reviewer, finding, now.timestamp())
    connection.execute(insert(tables.exception_review).values(**asdict(row)))
    says = f"{reviewer} reviewed {filed.request}: {finding}"
    _record(connection, "exception.reviewed", filed, reviewer, says, now)


def measure(connection: Connection, measured: Measured, now: datetime) -> None:
    """Keep how a compensating control was found."""
    connection.execute(insert(tables.control).values(**asdict(measured)))
    found = "is in place" if measured.verified else "is NOT in place"
    ledger.record(
        connection,
        "control.measured",
        Stage.GATE,
        now,
        measured.by,
        (f"control:{measured.control}",),
        f"control {measured.control} {found}",
        evidence=measured.evidence_sha256,
        verified=measured.verified,
    )


def find(connection: Connection, request: str) -> Filed | None:
    """The request of this id."""
    at = tables.exception_request
    row = connection.execute(select(at).where(at.c.request == request)).first()
    return None if row is None else Filed(**row._mapping)


def every(connection: Connection, release: str = "") -> list[Filed]:
    """All requests, or those for one release, oldest first."""
    at = tables.exception_request
    query = select(at).order_by(at.c.number)
    if release:
        query = query.where(at.c.release == release)
    return [Filed(**row._mapping) for row in connection.execute(query)]


def approvals(connection: Connection, request: str) -> list[Approved]:
    """The approvals of a request, in the order in which they came."""
    at = tables.exception_approval
    query = select(at).where(at.c.request == request).order_by(at.c.at, at.c.person)
    return [Approved(**row._mapping) for row in connection.execute(query)]


def voids(connection: Connection) -> Mapping[str, Voided]:
    """Every request that was ended before its time, and why."""
    rows = connection.execute(select(tables.exception_void))
    return {row.request: Voided(**row._mapping) for row in rows}


def reviews(connection: Connection) -> Mapping[str, Reviewed]:
    """Every review of a break-glass."""
    rows = connection.execute(select(tables.exception_review))
    return {row.request: Reviewed(**row._mapping) for row in rows}


def controls(connection: Connection) -> Mapping[str, tuple[Measured, ...]]:
    """What was measured of each control, oldest first."""
    names = [column for column in tables.control.c if column.name != "number"]
    found: dict[str, list[Measured]] = {}
    for row in connection.execute(select(*names).order_by(tables.control.c.number)):
        found.setdefault(row.control, []).append(Measured(**row._mapping))
    return {name: tuple(rows) for name, rows in found.items()}


def _record(
    connection: Connection, kind: str, filed: Filed, actor: str, says: str, now: datetime
) -> None:
    about = (f"exception:{filed.request}", filed.release)
    ledger.record(connection, kind, Stage.GATE, now, actor, about, says, text=filed.sha256)
