"""Vitals: readings as they were acknowledged, and the mean of each metric over a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from firmward.hospital.records import tables
from firmward.terms.report import Reading, Vitals
from firmward.terms.wire import encode


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
    return [_kept(row) for row in connection.execute(query)]


def newest(connection: Connection, device: str, count: int, since: float) -> list[Kept]:
    """The last `count` readings of a device that arrived after `since`, oldest first."""
    at = tables.reading.c
    query = (
        select(at.device, at.at, at.release, at.boots, at.body)
        .where(at.device == device, at.at > since)
        .order_by(at.at.desc(), at.sequence.desc(), at.number.desc())
        .limit(count)
    )
    return [_kept(row) for row in connection.execute(query)][::-1]


def counts(connection: Connection, start: float) -> dict[str, int]:
    """How many readings of each device have arrived since `start`; devices without are absent."""
    at = tables.reading.c
    query = select(at.device, func.count()).where(at.at >= start).group_by(at.device)
    return {row[0]: row[1] for row in connection.execute(query)}


def _kept(row: Any) -> Kept:
    device, at, release, boots, body = row
    # Our own bytes, parsed strictly at the door when they came in.
    return Kept(device, at, release, boots, _READING.decode(body))


_READING = msgspec.json.Decoder(Reading)
