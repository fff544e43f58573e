"""Orders: for each device the one state it is expected to be in, and its signed director files."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from firmward.hospital.records import tables

OrderState = Literal["open", "done", "reverted", "refused", "recalled"]
"""recalled: nothing is ordered any more; the signed files name no image."""


@dataclass(frozen=True)
class Standing:
    """The order a device stands under.

    custom    the terms.order.Order that is signed
    version   of its director metadata; rises with every signature
    files     name -> bytes, as the device gets them
    refusals  how often the device turned it away
    renew_at  when the signed files must be made anew, before they run out
    """

    device: str
    order: str
    release: str
    purpose: str
    rollout: str
    state: OrderState
    custom: bytes
    image_sha256: str
    image_length: int
    version: int
    files: dict[str, bytes]
    refusals: int
    renew_at: float
    issued_at: float


def put(connection: Connection, standing: Standing) -> None:
    """Replace whatever the device was ordered before."""
    at = tables.order
    connection.execute(delete(at).where(at.c.device == standing.device))
    values = asdict(standing) | {"files": msgspec.msgpack.encode(standing.files)}
    connection.execute(insert(at).values(**values))


def find(connection: Connection, device: str) -> Standing | None:
    """The order a device stands under, if any."""
    query = select(tables.order).where(tables.order.c.device == device)
    row = connection.execute(query).first()
    return None if row is None else _standing(dict(row._mapping))


def every(connection: Connection, rollout: str = "") -> list[Standing]:
    """All standing orders, or those of one roll-out."""
    query = select(tables.order).order_by(tables.order.c.device)
    if rollout:
        query = query.where(tables.order.c.rollout == rollout)
    return [_standing(dict(row._mapping)) for row in connection.execute(query)]


def naming(connection: Connection, release: str) -> list[Standing]:
    """The standing orders that name a release."""
    query = select(tables.order).where(tables.order.c.release == release)
    rows = connection.execute(query.order_by(tables.order.c.device))
    return [_standing(dict(row._mapping)) for row in rows]


def settle(connection: Connection, device: str, state: OrderState) -> None:
    """Note how a device ended its order."""
    row = update(tables.order).where(tables.order.c.device == device)
    connection.execute(row.values(state=state))


def last_version(connection: Connection, device: str) -> int:
    """The highest director version this device was ever served; 0 if none."""
    query = select(tables.order.c.version).where(tables.order.c.device == device)
    return connection.execute(query).scalar() or 0


def _standing(values: dict[str, Any]) -> Standing:
    files = msgspec.msgpack.decode(values.pop("files"), type=dict[str, bytes])
    return Standing(files=files, **values)
