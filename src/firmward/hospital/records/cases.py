"""Quarantine cases, approvals bound to a digest, and tickets: one per cause and recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from firmward.hospital.records import tables
from firmward.terms.errors import Refused
from firmward.terms.wire import encode, parse


@dataclass(frozen=True)
class Case:
    """Why a device is isolated; closed by review."""

    number: int
    device: str
    cause: str
    open: bool
    at: float


def open_case(connection: Connection, device: str, cause: str, at: float) -> int:
    """Open a quarantine case and give its number."""
    row = insert(tables.case).values(device=device, cause=cause, open=True, at=at)
    return int(connection.execute(row).inserted_primary_key[0])  # type: ignore[index]


def open_case_of(connection: Connection, device: str) -> Case | None:
    """The open case of a device, if it has one."""
    at = tables.case
    query = select(at).where(at.c.device == device, at.c.open).order_by(at.c.number.desc())
    row = connection.execute(query).first()
    return None if row is None else Case(**row._mapping)


def close_case(connection: Connection, number: int) -> None:
    """Close a case after its review."""
    connection.execute(update(tables.case).where(tables.case.c.number == number).values(open=False))


def approve(connection: Connection, digest: str, person: str, role: str, at: float) -> None:
    """Record one person's approval of exactly what has this digest.

    Raises Refused for a second approval by the same person or in the same role: four eyes are two
    people with two duties.
    """
    for given, duty in approvals(connection, digest):
        if given == person or duty == role:
            raise Refused(
                f"approval by {person} as {role}: expected another person and another role than "
                f"{given} as {duty}"
            )
    row = insert(tables.approval).values(digest=digest, person=person, role=role, at=at)
    connection.execute(row)


def approvals(connection: Connection, digest: str) -> list[tuple[str, str]]:
    """(person, role) of everyone who approved what has this digest."""
    at = tables.approval.c
    query = select(at.person, at.role).where(at.digest == digest)
    return [(person, role) for person, role in connection.execute(query)]


@dataclass(frozen=True)
class Ticket:
    """Work for somebody, filed by the system."""

    ticket: int
    recipient: str
    cause: str
    subject: str
    reasons: tuple[str, ...]
    at: float


def file_ticket(
    connection: Connection,
    recipient: str,
    cause: str,
    subject: str,
    reasons: Sequence[str],
    at: float,
) -> int:
    """File a ticket, or give the number of the one already filed for this cause; 0 = was there."""
    row = upsert(tables.ticket).values(
        recipient=recipient, cause=cause, subject=subject, body=encode(list(reasons)), at=at
    )
    result = connection.execute(row.on_conflict_do_nothing())
    return int(result.inserted_primary_key[0]) if result.rowcount else 0  # type: ignore[index]


def count_like(connection: Connection, recipient: str, cause: str) -> int:
    """How many tickets there are for a cause and its later rounds, which are numbered with #."""
    at = tables.ticket.c
    same = (at.cause == cause) | at.cause.startswith(f"{cause}#", autoescape=True)
    query = select(func.count()).where(at.recipient == recipient, same)
    return connection.execute(query).scalar() or 0


def tickets(connection: Connection, recipient: str = "") -> list[Ticket]:
    """All tickets, or one recipient's."""
    query = select(tables.ticket).order_by(tables.ticket.c.ticket)
    if recipient:
        query = query.where(tables.ticket.c.recipient == recipient)
    return [_ticket(dict(row._mapping)) for row in connection.execute(query)]


def _ticket(values: dict[str, Any]) -> Ticket:
    return Ticket(reasons=tuple(parse(values.pop("body"), "ticket")), **values)
