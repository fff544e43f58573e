"""The hospital's own ledger over a store in a folder, and events to fill it with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from firmward.hospital.records import ledger, tables
from firmward.hospital.records.ledger import Ledger
from firmward.hospital.records.store import Store
from firmward.proof import merkle
from firmward.terms.event import Event, entry
from firmward.terms.stage import Stage

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "hospital.example/ledger"


OPEN: list[Store] = []


def opened(folder: Path) -> tuple[Store, Ledger]:
    """The store and ledger in a folder."""
    store = Store(folder / "store.sqlite")
    OPEN.append(store)
    return store, Ledger(store, folder / "ledger", ORIGIN, KEY)


def note(number: int) -> Event:
    """An event that differs from its neighbours."""
    return Event(
        kind="device.kept",
        stage=Stage.DEVICE,
        at=START + timedelta(seconds=number),
        actor="firmward",
        subjects=(f"device-{number % 5}",),
        says=f"event {number}",
    )


def grow(store: Store, start: int, end: int) -> None:
    """Events start..end-1 in one transaction."""
    with store.writing() as connection:
        for number in range(start, end):
            assert ledger.append(connection, note(number)) == number


def grow_fast(store: Store, start: int, end: int) -> None:
    """The rows that `append` would write, thousands at once."""
    with store.writing() as connection:
        edge = ledger._edge(connection)
        rows = []
        for number in range(start, end):
            sealed = entry(note(number))
            rows.append({"sequence": number, "entry": sealed})
            edge, _ = edge.add(merkle.leaf(sealed))
        connection.execute(insert(tables.event), rows)
        ledger._keep_edge(connection, edge, first=start == 0)
