"""Exposure windows: from when to when a device ran a release with something known against it.

Opened and closed in the transaction of whatever made it so; closed windows are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from firmward.hospital.records import tables as devices
from firmward.hospital.records import verdict_tables as tables
from firmward.hospital.records.devices import class_name


@dataclass(frozen=True)
class Exposure:
    """A device and what it is, or was, exposed to.

    cause      "vuln:CVE-..", "kev:CVE-.." where it is being exploited, or "revoked:<release>"
    closed_at  0 while it is open
    """

    device: str
    cause: str
    release: str
    opened_at: float
    closed_at: float


def endanger(
    connection: Connection, release: str, device_class: str, causes: Iterable[str]
) -> bool:
    """What a device of the class is exposed to that runs the release; whether that is new."""
    at, wanted = tables.danger.c, set(causes)
    here = (at.release == release) & (at.device_class == device_class)
    held = set(connection.execute(select(at.cause).where(here)).scalars())
    if held == wanted:
        return False
    gone = held - wanted
    if gone:
        connection.execute(delete(tables.danger).where(here, at.cause.in_(gone)))
    rows = [
        {"release": release, "device_class": device_class, "cause": cause}
        for cause in sorted(wanted - held)
    ]
    if rows:
        connection.execute(upsert(tables.danger).on_conflict_do_nothing(), rows)
    return True


def follow(connection: Connection, device: str, now: float) -> None:
    """Open and close the windows of one device, by what it runs now."""
    row = connection.execute(
        select(devices.device).where(devices.device.c.device == device)
    ).first()
    if row is None:
        return
    name, at = class_name(row.product, row.hardware_id, row.tier), tables.danger.c
    query = select(at.cause).where(at.release == row.release, at.device_class == name)
    wanted = {(row.release, cause) for cause in connection.execute(query).scalars()}
    held = {(each.release, each.cause) for each in exposures(connection, device, still=True)}
    window = tables.exposure.c
    for release, cause in sorted(held - wanted):
        mine = (window.device == device) & (window.release == release) & (window.cause == cause)
        change = update(tables.exposure).where(mine, window.closed_at == 0.0)
        connection.execute(change.values(closed_at=now))
    for release, cause in sorted(wanted - held):
        connection.execute(
            insert(tables.exposure).values(
                device=device, cause=cause, release=release, opened_at=now, closed_at=0.0
            )
        )


def running(connection: Connection, release: str, device_class: str) -> list[str]:
    """The devices of a class that run a release."""
    at = devices.device.c
    query = select(at.device, at.product, at.hardware_id, at.tier).where(at.release == release)
    return [
        device
        for device, product, hardware_id, tier in connection.execute(query)
        if class_name(product, hardware_id, tier) == device_class
    ]


def exposures(connection: Connection, device: str = "", still: bool = False) -> list[Exposure]:
    """Every window, or those of one device, oldest first; `still` for those that are open."""
    at = tables.exposure
    columns = (at.c.device, at.c.cause, at.c.release, at.c.opened_at, at.c.closed_at)
    query = select(*columns).order_by(at.c.opened_at, at.c.number)
    if device:
        query = query.where(at.c.device == device)
    if still:
        query = query.where(at.c.closed_at == 0.0)
    return [Exposure(**row._mapping) for row in connection.execute(query)]
