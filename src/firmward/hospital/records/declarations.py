"""What the hospital's people declared of its devices, wards and the use of releases."""

from sqlalchemy import Connection, func, insert, select

from firmward.hospital.records import verdict_tables as tables


def add(connection: Connection, about: str, role: str, body: bytes) -> None:
    """Record a declaration; it takes the place of this role's earlier one about the same."""
    connection.execute(insert(tables.declaration).values(about=about, role=role, body=body))


def newest(connection: Connection) -> list[tuple[str, bytes]]:
    """(about, body): of each subject and role the newest."""
    at = tables.declaration.c
    last = select(func.max(at.number)).group_by(at.about, at.role)
    query = select(at.about, at.body).where(at.number.in_(last)).order_by(at.number)
    return [(about, body) for about, body in connection.execute(query)]
