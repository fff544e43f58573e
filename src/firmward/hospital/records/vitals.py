"""Vitals: readings as they were acknowledged, and the mean of each metric over a window."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from firmward.hospital.records import tables
from firmward.terms.report import Reading, Vitals
from firmward.terms.wire import decode, encode


@dataclass(frozen=True)
class Kept:
    """One reading with when it arrived (server's clock, seconds) and what was running."""

    device: str
    at: float
    release: str
    boots: int
    reading: Reading


def add(connection: Connection, vitals: Vitals, at: float) -> None:
    """Store a batch that has not been seen before."""
    rows = [
        {
            "device": vitals.device,
            "sequence": vitals.sequence,
            "number": number,
            "at": at,
            "release": vitals.release,
            "boots": vitals.boots,
            "body": encode(reading),
        }
        for number, reading in enumerate(vitals.readings)
    ]
    if rows:
        connection.execute(insert(tables.reading), rows)


def between(connection: Connection, devices: Sequence[str], start: float, end: float) -> list[Kept]:
    """Readings of these devices that arrived in [start, end), oldest first per device."""
    at = tables.reading.c
    query = (
        select(at.device, at.at, at.release, at.boots, at.body)
        .where(at.device.in_(devices), at.at >= start, at.at < end)
        .order_by(at.device, at.at, at.sequence, at.number)
    )
    return [
        Kept(device, when, release, boots, decode(body, Reading, "stored reading"))
        for device, when, release, boots, body in connection.execute(query)
    ]
