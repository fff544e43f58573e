"""How a record lies in the index: its bytes, its keys, and the tables around them."""

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
import numpy as np

from firmward.advisories.feeds import Feed
from firmward.advisories.keys import filed, record_keys
from firmward.advisories.records import Record
from firmward.terms.errors import Malformed, Unavailable
from firmward.terms.times import moment

FORMAT: Final = 1
"""Counts up with every change to Record or to the tables; another format is built anew."""

SCHEMA: Final = """
CREATE TABLE record (
    rowid INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, modified TEXT NOT NULL,
    body BLOB NOT NULL, UNIQUE (source, id)
) STRICT;
CREATE TABLE lookup (
    key INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (key, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE exploited (
    cve TEXT PRIMARY KEY, added TEXT NOT NULL, due TEXT NOT NULL, ransomware INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE likelihood (
    cve TEXT PRIMARY KEY, epss REAL NOT NULL, percentile REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE feed (
    name TEXT PRIMARY KEY, snapshot TEXT NOT NULL, cursor TEXT NOT NULL, updated TEXT NOT NULL,
    licence TEXT NOT NULL, taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

# Long lists of versions shrink to a fifth; a usual record by a third, for most of the time it takes
# to build the index.
_WORTH_PACKING: Final = 1024
_PLAIN, _DEFLATED = b"\x00", b"\x01"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Record)


class Packed(NamedTuple):
    """A record ready to be written; what parsing processes hand to the one that writes.

    mark  digest of the body
    keys  filed keys, eight bytes each
    """

    source: str
    id: str
    modified: str
    body: bytes
    mark: bytes
    keys: bytes


_ROWS: Final = msgspec.msgpack.Decoder(list[Packed])


def pack(record: Record) -> Packed:
    """The record with its keys."""
    body = _ENCODER.encode(record)
    packed = _PLAIN + body if len(body) < _WORTH_PACKING else _DEFLATED + zlib.compress(body, 1)
    mark = hashlib.blake2b(packed, digest_size=16).digest()
    keys = array("q", map(filed, record_keys(record))).tobytes()
    return Packed(record.source, record.id, record.modified, packed, mark, keys)


def to_bytes(packed: list[Packed]) -> bytes:
    """Rows as they travel between processes, at a quarter of the cost of pickling them."""
    return _ENCODER.encode(packed)


def from_bytes(data: bytes) -> list[Packed]:
    """Rows as they arrive."""
    return _ROWS.decode(data)


def unpack(body: bytes) -> Record:
    """The record in a row.  Raises Unavailable when the row is damaged."""
    try:
        return _DECODER.decode(zlib.decompress(body[1:]) if body[:1] == _DEFLATED else body[1:])
    except (zlib.error, msgspec.DecodeError) as error:
        raise Unavailable(f"advisories: damaged index: {str(error)[:100]}") from error


class Latest:
    """When the latest of the rows that pass through was modified, those from the future left out.

    A record dated ahead would make a stale feed look fresh for as long as its author likes.
    """

    def __init__(self, now: datetime):
        self._limit = moment(now)
        self._latest = ""

    def through(self, packed: Iterable[Packed]) -> Iterator[Packed]:
        """The rows, looked at in passing."""
        for row in packed:
            if self._latest < row.modified <= self._limit:
                self._latest = row.modified
            yield row

    def seen(self, feed: Feed | None, name: str) -> datetime:
        """The time, of the feed as it was if that is later.

        Raises Malformed where neither has one, since its age could not be told.
        """
        known = [feed.snapshot] if feed is not None else []
        try:
            return max(known + ([datetime.fromisoformat(self._latest)] if self._latest else []))
        except ValueError as error:
            raise Malformed(name, "a record that says when it was modified", "none") from error


class Filing:
    """Keys and the rows that they lead to, gathered until they can be filed in their own order.

    In that order each page of the tree is written once, which is most of what an update costs.
    """

    def __init__(self) -> None:
        self._keys = bytearray()
        self._rows: list[int] = []
        self._counts: list[int] = []

    def add(self, keys: bytes, rowid: int) -> None:
        """File these keys of a row."""
        self._keys += keys
        self._rows.append(rowid)
        self._counts.append(len(keys) // 8)

    def in_order(self) -> Iterator[tuple[int, int]]:
        """Every key with its row."""
        keys = np.frombuffer(self._keys, dtype=np.int64)
        leads_to = np.repeat(np.array(self._rows, dtype=np.int64), self._counts)
        order = np.lexsort((leads_to, keys))
        for part in np.array_split(order, len(order) // 100_000 + 1):
            yield from zip(keys[part].tolist(), leads_to[part].tolist(), strict=True)


def newest_of_each(rows: Iterable[Packed]) -> dict[tuple[str, str], Packed]:
    """The rows by source and id; of two with one name the one modified last."""
    kept: dict[tuple[str, str], Packed] = {}
    for row in rows:
        name = row.source, row.id
        if name not in kept or row.modified >= kept[name].modified:
            kept[name] = row
    return kept


def batches(rows: Iterable[Packed], size: int = 2000) -> Iterator[list[Packed]]:
    """The rows, `size` at a time."""
    batch: list[Packed] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
