"""The ledger: every step an event, every event a leaf, every leaf under a signed checkpoint.

Events and the tree's right edge are written in the transaction of the state change they record.
Tiles and the checkpoint derive from them and are published after, tiles first: a crash in between
leaves tiles that no checkpoint names yet, and the next publication writes them again.

A store restored from an older copy would sign a second history.  `Ledger` compares the store with
the newest checkpoint it published and refuses to start.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, update

from firmward.hospital.records import tables
from firmward.hospital.records.durable import write_durably
from firmward.hospital.records.store import Store
from firmward.proof import merkle
from firmward.proof.note import Checkpoint, open_checkpoint, sign_checkpoint, verifier_key
from firmward.proof.tiles import (
    WIDTH,
    bundle_path,
    bundles_of,
    pack_bundle,
    tile_path,
    tiles_of,
)
from firmward.terms.errors import NotTrusted
from firmward.terms.event import Detail, Event, entry
from firmward.terms.stage import Stage
from firmward.terms.wire import decode, printable

_EDGE = "ledger.edge"
# Events read into memory at once: at most 64 KiB each, a few hundred bytes mostly.
_AT_ONCE = 4096


def append(connection: Connection, event: Event) -> int:
    """Add `event` in the caller's transaction and give its sequence number, from 0.

    Raises Misuse for an event that could not be read back: it would stay on the ledger for ever.
    """
    sealed = entry(event)
    edge = _edge(connection)
    after, _ = edge.add(merkle.leaf(sealed))
    connection.execute(insert(tables.event).values(sequence=edge.size, entry=sealed))
    for subject in dict.fromkeys(event.subjects):
        row = insert(tables.event_subject).values(subject=subject, sequence=edge.size)
        connection.execute(row)
    _keep_edge(connection, after, first=edge.size == 0)
    return edge.size


def record(
    connection: Connection,
    kind: str,
    stage: Stage,
    now: datetime,
    actor: str,
    subjects: Sequence[str],
    says: str,
    **detail: Detail,
) -> int:
    """Append an event made from its parts, and give its sequence number.

    Words may come from outside (a URL, a report): what no reader could parse is shown as U+FFFD,
    so that nobody can make an entry that every later reading of the ledger fails at.
    """
    event = Event(
        kind=kind,
        stage=stage,
        at=now,
        actor=printable(actor)[:128],
        subjects=tuple(dict.fromkeys(printable(s)[:160] for s in subjects if s))[:64],
        says=printable(says)[:500],
        detail={name: _plain(value) for name, value in detail.items()},
    )
    return append(connection, event)


def _plain(value: Detail) -> Detail:
    if isinstance(value, tuple):
        return tuple(printable(one) if isinstance(one, str) else one for one in value)
    return printable(value) if isinstance(value, str) else value


def _edge(connection: Connection) -> merkle.Edge:
    query = select(tables.setting.c.value).where(tables.setting.c.name == _EDGE)
    value = connection.execute(query).scalar()
    if value is None:
        return merkle.Edge()
    peaks = tuple((value[at], value[at + 1 : at + 33]) for at in range(8, len(value), 33))
    return merkle.Edge(int.from_bytes(value[:8]), peaks)


def _keep_edge(connection: Connection, edge: merkle.Edge, *, first: bool) -> None:
    value = edge.size.to_bytes(8) + b"".join(bytes([level]) + peak for level, peak in edge.peaks)
    if first:
        connection.execute(insert(tables.setting).values(name=_EDGE, value=value))
        return
    row = update(tables.setting).where(tables.setting.c.name == _EDGE)
    connection.execute(row.values(value=value))


def events_about(
    connection: Connection, subject: str, limit: int = 1000
) -> list[tuple[int, Event]]:
    """The newest events about a subject, oldest first, with their sequence numbers."""
    at = tables.event_subject
    query = (
        select(tables.event.c.sequence, tables.event.c.entry)
        .join(at, at.c.sequence == tables.event.c.sequence)
        .where(at.c.subject == subject)
        .order_by(tables.event.c.sequence.desc())
        .limit(limit)
    )
    return _decoded(connection.execute(query).all())[::-1]


def events_from(connection: Connection, start: int, limit: int = 1000) -> list[tuple[int, Event]]:
    """Events from sequence number `start` on."""
    query = (
        select(tables.event.c.sequence, tables.event.c.entry)
        .where(tables.event.c.sequence >= start)
        .order_by(tables.event.c.sequence)
        .limit(limit)
    )
    return _decoded(connection.execute(query).all())


def _decoded(rows: Sequence[tuple[int, bytes]]) -> list[tuple[int, Event]]:
    return [(sequence, decode(entry, Event, "ledger")) for sequence, entry in rows]


def _continues(edge: merkle.Edge, seen: Checkpoint) -> None:
    if (edge.size, edge.root()) != (seen.size, seen.root):
        raise NotTrusted(
            "ledger",
            f"expected a store that contains the published {seen.size} events unchanged, got "
            f"{edge.size}; it may have been restored from an older copy, and is not used",
        )


class Ledger:
    """The published face of the log: a folder that any tlog-tiles auditor can read."""

    def __init__(self, store: Store, folder: Path, origin: str, key: Ed25519PrivateKey):
        self._store, self.folder, self.origin, self._key = store, folder, origin, key
        self.verifier = verifier_key(origin, key.public_key())
        self._lock = threading.Lock()
        self._stale: list[list[Path]] = []
        self._published = self._resume()

    def _resume(self) -> int:
        """The size published so far.

        Raises NotTrusted when the store is older than that, or its events are not those that its
        own tree commits to: somebody changed rows while nobody served them.
        """
        path, seen = self.folder / "checkpoint", Checkpoint(self.origin, 0, merkle.EMPTY)
        if path.exists():
            seen = open_checkpoint(path.read_bytes(), self.verifier)
        else:
            write_durably(self.folder / "vkey", f"{self.verifier}\n".encode())
        held = self._grown(merkle.Edge(), seen.size)
        _continues(held, seen)
        held = self._grown(held, None)
        with self._store.reading() as connection:
            edge = _edge(connection)
            last = connection.execute(select(func.max(tables.event.c.sequence))).scalar()
        numbered = edge.size == (0 if last is None else last + 1)
        if not numbered or (edge.size, edge.root()) != (held.size, held.root()):
            raise NotTrusted(
                "ledger",
                f"expected {edge.size} events as the store's own tree commits to, got "
                f"{held.size}; rows were changed, and the store is not used",
            )
        return seen.size

    def _grown(self, edge: merkle.Edge, size: int | None) -> merkle.Edge:
        """The tree with the store's next events added: up to `size` of them in all, or every."""
        while size is None or edge.size < size:
            end = edge.size + _AT_ONCE if size is None else min(edge.size + _AT_ONCE, size)
            for sealed in self._entries(edge.size, end):
                edge, _ = edge.add(merkle.leaf(sealed))
            if edge.size < end:
                break
        return edge

    def _entries(self, start: int, end: int) -> list[bytes]:
        at = tables.event.c
        query = select(at.entry).where(at.sequence >= start, at.sequence < end)
        with self._store.reading() as connection:
            return list(connection.execute(query.order_by(at.sequence)).scalars())

    def publish(self) -> Checkpoint:
        """Write tiles, bundles and checkpoint for everything committed so far."""
        with self._lock:
            with self._store.reading() as connection:
                edge = _edge(connection)
            checkpoint = Checkpoint(self.origin, edge.size, edge.root())
            if edge.size > self._published:
                partial = self._write_tiles(edge.size)
                write_durably(self.folder / "checkpoint", sign_checkpoint(checkpoint, self._key))
                self._published = edge.size
                self._forget(partial)
            return checkpoint

    def _write_tiles(self, size: int) -> list[Path]:
        """Everything that is new since the last publication; gives the partial files written."""
        first = self._published // WIDTH
        partial: list[Path] = []
        nodes: list[bytes] = []
        for index in range(first, -(-size // WIDTH)):
            entries = self._entries(index * WIDTH, min(size, (index + 1) * WIDTH))
            self._write(bundle_path(index, len(entries)), pack_bundle(entries), partial)
            leaves = [merkle.leaf(entry) for entry in entries]
            self._write(tile_path(0, index, len(leaves)), b"".join(leaves), partial)
            if len(leaves) == WIDTH:
                nodes.append(merkle.root(leaves))
        self._write_upper(1, first, nodes, partial)
        return partial

    def _write_upper(self, level: int, first: int, nodes: list[bytes], partial: list[Path]) -> None:
        """Tiles above the leaves: `nodes` are the new digests from index `first` on."""
        if not nodes:
            return
        start = first // WIDTH
        before = self._read_nodes(level, start, first % WIDTH)
        row, above = before + nodes, []
        for index in range(start, start + -(-len(row) // WIDTH)):
            tile = row[(index - start) * WIDTH : (index - start + 1) * WIDTH]
            self._write(tile_path(level, index, len(tile)), b"".join(tile), partial)
            if len(tile) == WIDTH:
                above.append(merkle.root(tile))
        self._write_upper(level + 1, start, above, partial)

    def _read_nodes(self, level: int, index: int, width: int) -> list[bytes]:
        if width == 0:
            return []
        data = (self.folder / tile_path(level, index, width)).read_bytes()
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def _write(self, name: str, data: bytes, partial: list[Path]) -> None:
        path = self.folder / name
        write_durably(path, data)
        if ".p/" in name:
            partial.append(path)

    def _forget(self, partial: list[Path]) -> None:
        """Remove partial files that no checkpoint of the last three publications names."""
        self._stale.append(partial)
        if len(self._stale) <= 3:
            return
        needed = self._current() | {path for kept in self._stale[1:] for path in kept}
        for path in self._stale.pop(0):
            if path in needed:
                self._stale[-1].append(path)
                continue
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()

    def _current(self) -> set[Path]:
        tiles = {self.folder / tile_path(*tile) for tile in tiles_of(self._published)}
        return tiles | {self.folder / bundle_path(*at) for at in bundles_of(self._published)}
