"""Releases: what was admitted or refused, and what became of it.

A row with state "admitted" exists only because the gate said yes in the same transaction: there is
no function here that sets it for an existing row.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from firmward.hospital.records import tables
from firmward.terms.image import ImageClaim
from firmward.terms.wire import decode

State = Literal["admitted", "refused", "withdrawn"]


@dataclass(frozen=True)
class Release:
    """A release, or the pre-signed fallback that came with one.

    sealed_key  the content key, sealed for the server's own use
    bundle      the blob that holds the bundle it came in, sealed
    """

    release: str
    vendor: str
    product: str
    counter: int
    state: State
    claim: bytes
    fallback: str
    image_sha256: str
    image_length: int
    ciphertext_sha256: str
    ciphertext_length: int
    sealed_key: bytes
    bundle: str
    at: float

    @property
    def image_claim(self) -> ImageClaim:
        """What the vendor signed about the image."""
        return decode(self.claim, ImageClaim, self.release)


def add(connection: Connection, release: Release) -> None:
    """Record a release with its verdict."""
    connection.execute(insert(tables.release).values(**asdict(release)))


def drop_refused(connection: Connection, release: str) -> None:
    """Make room for the answer to a release that was refused and is judged again."""
    at = tables.release.c
    row = delete(tables.release).where(at.release == release, at.state == "refused")
    connection.execute(row)


def find(connection: Connection, release: str) -> Release | None:
    """The release of this id, if it was ever judged."""
    query = select(tables.release).where(tables.release.c.release == release)
    row = connection.execute(query).first()
    return None if row is None else _release(row)


def every(connection: Connection, product: str = "") -> list[Release]:
    """All releases, or those of one product, by counter."""
    query = select(tables.release).order_by(tables.release.c.product, tables.release.c.counter)
    if product:
        query = query.where(tables.release.c.product == product)
    return [_release(row) for row in connection.execute(query)]


def withdraw(connection: Connection, release: str) -> None:
    """Take a release out of delivery for good: no order may name it again."""
    row = update(tables.release).where(tables.release.c.release == release)
    connection.execute(row.values(state="withdrawn"))


def _release(row: Row[Any]) -> Release:
    return Release(**row._mapping)
