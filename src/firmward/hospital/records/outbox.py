"""The outbox: signed reports to vendors, each kept until the vendor has taken it, and for good.

A row is written with its ticket, in one transaction, and never goes away; so a server killed at any
moment has told the vendor, or will.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from firmward.hospital.records import tables

State = Literal["waiting", "delivered", "given-up"]


@dataclass(frozen=True)
class Report:
    """A sealed incident on its way to a vendor.

    attempts   how often it was sent in vain
    next_at    not to be sent before
    filed_at   when it was filed, or given another chance
    """

    ticket: int
    vendor: str
    body: bytes
    state: State
    attempts: int
    next_at: float
    filed_at: float
    delivered_at: float


@dataclass(frozen=True)
class Webhook:
    """Where a vendor takes its reports.

    authority      PEM of who vouches for that server; "" for the public ones
    sealed_secret  what signs the requests, sealed for the server's own use
    """

    vendor: str
    url: str
    authority: str
    sealed_secret: bytes


def add(connection: Connection, report: Report) -> None:
    """Keep a report, in its ticket's transaction."""
    connection.execute(insert(tables.outbox).values(**asdict(report)))


def find(connection: Connection, ticket: int) -> Report | None:
    """The report of a ticket, if that went to a vendor."""
    row = connection.execute(select(tables.outbox).where(tables.outbox.c.ticket == ticket)).first()
    return None if row is None else _report(row)


def due(connection: Connection, at: float) -> tuple[Report, Webhook] | None:
    """The report that has waited longest to be sent, of a vendor that takes webhooks."""
    box, hook = tables.outbox.c, tables.vendor_webhook.c
    query = (
        select(tables.outbox)
        .join(tables.vendor_webhook, hook.vendor == box.vendor)
        .where(box.state == "waiting", box.next_at <= at)
        .order_by(box.next_at, box.ticket)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    report = _report(row)
    found = webhook(connection, report.vendor)
    return None if found is None else (report, found)


def change(connection: Connection, ticket: int, **values: object) -> None:
    """Note how an attempt ended."""
    row = update(tables.outbox).where(tables.outbox.c.ticket == ticket)
    connection.execute(row.values(**values))


def webhook(connection: Connection, vendor: str) -> Webhook | None:
    """Where a vendor takes its reports, if it does."""
    at = tables.vendor_webhook
    row = connection.execute(select(at).where(at.c.vendor == vendor)).first()
    return None if row is None else Webhook(**row._mapping)


def set_webhook(connection: Connection, hook: Webhook, at: float) -> None:
    """Send a vendor's reports there from now on, those that were given up included."""
    table, box = tables.vendor_webhook, tables.outbox
    connection.execute(delete(table).where(table.c.vendor == hook.vendor))
    connection.execute(insert(table).values(**asdict(hook)))
    again = update(box).where(box.c.vendor == hook.vendor, box.c.state != "delivered")
    connection.execute(again.values(state="waiting", attempts=0, next_at=0.0, filed_at=at))


def _report(row: Row[Any]) -> Report:
    return Report(**row._mapping)
