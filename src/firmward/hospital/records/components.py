"""What releases are made of, kept so that a later release can be compared with what runs."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select

from firmward.advisories.identity import Component
from firmward.hospital.records import verdict_tables as tables
from firmward.terms.wire import encode


def keep(connection: Connection, release: str, components: Sequence[Component]) -> None:
    """Record what a release is made of, in the place of what was recorded before."""
    table = tables.release_component
    connection.execute(delete(table).where(table.c.release == release))
    rows = [
        {"release": release, "number": number, "body": encode(each)}
        for number, each in enumerate(components)
    ]
    # A release of which it is known that nothing is in it differs from one of which nothing is.
    rows = rows or [{"release": release, "number": -1, "body": b""}]
    connection.execute(insert(table), rows)


def of(connection: Connection, releases: Iterable[str]) -> dict[str, list[Component]]:
    """Release -> what it is made of, for those of which that is known."""
    at = tables.release_component.c
    query = select(at.release, at.number, at.body).where(at.release.in_(list(releases)))
    found: dict[str, list[Component]] = {}
    for release, number, body in connection.execute(query.order_by(at.release, at.number)):
        parts = found.setdefault(release, [])
        if number >= 0:
            parts.append(msgspec.json.decode(body, type=Component))
    return found
