"""Roll-outs as rows.  What is in the body belongs to the planner (fleet.rollout)."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from firmward.hospital.records import tables


@dataclass(frozen=True)
class Row:
    """A roll-out: its state for look-ups, the planner's bytes, and the comparison's memory.

    alive  which permutations are left in the running wave's test, as packed bits; empty at first
    """

    rollout: str
    release: str
    product: str
    state: str
    body: bytes
    alive: bytes
    at: float


def add(connection: Connection, row: Row) -> None:
    """Record a roll-out that was just drawn."""
    connection.execute(insert(tables.rollout).values(**row.__dict__))


def change(connection: Connection, rollout: str, state: str, body: bytes, alive: bytes) -> None:
    """Record how far a roll-out is."""
    at = tables.rollout
    row = update(at).where(at.c.rollout == rollout)
    connection.execute(row.values(state=state, body=body, alive=alive))


def every(connection: Connection, state: str = "") -> list[Row]:
    """All roll-outs, or those in one state, oldest first."""
    query = select(tables.rollout).order_by(tables.rollout.c.at)
    if state:
        query = query.where(tables.rollout.c.state == state)
    return [Row(**row._mapping) for row in connection.execute(query)]


def find(connection: Connection, rollout: str) -> Row | None:
    """One roll-out."""
    query = select(tables.rollout).where(tables.rollout.c.rollout == rollout)
    row = connection.execute(query).first()
    return None if row is None else Row(**row._mapping)
