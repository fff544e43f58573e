"""Whether a ledger folder is what its log signed: nothing is taken over, all is recomputed.

1. the checkpoint is signed by the given key, for the log that this key names
2. every entry parses, strictly, as an event
3. every leaf is the hash of its entry
4. every hash tile is, byte for byte, what the tile below it makes
5. the root over all of them is the one in the checkpoint
6. an earlier checkpoint, where the auditor kept one, is a prefix of this history

Step 4 reads every tile although the root alone would do: other verifiers read tiles without their
entries, and must not be shown another history (CVE-2026-56865 forges an entry and its hash in
tile/0 together, which a verifier that skips tiles does not see).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from firmward.audit.folder import NOTE_LIMIT, Files, Missing, Tampered, hold_edge, read
from firmward.proof import merkle
from firmward.proof.note import Checkpoint, open_checkpoint
from firmward.proof.tiles import HEIGHT, WIDTH, tiles_of
from firmward.terms.errors import Malformed, NotTrusted, Unavailable
from firmward.terms.event import MAX_EVENT, Event
from firmward.terms.wire import decode

__all__ = ["Log", "Missing", "Numbered", "RewrittenHistory", "Tampered", "verify"]

_HASH: Final = 32
_ARRIVALS: Final = 8
_READER: Final = msgspec.json.Decoder(Event)


class RewrittenHistory(NotTrusted):
    """The log signed two histories of which neither continues the other: both notes prove it."""


class Numbered(NamedTuple):
    """An event and its place on the ledger."""

    number: int
    event: Event


@dataclass(frozen=True)
class Log:
    """A verified ledger.  Only `verify` makes one.

    note  the signed checkpoint as it was read
    rows  hashes of every eighth tree level, 32 bytes each, as tiles hold them
    """

    files: Files
    checkpoint: Checkpoint
    note: bytes
    rows: tuple[bytes, ...]

    def at(self, level: int, index: int) -> bytes:
        """The digest of the complete subtree of 2**level leaves at that index."""
        row, height = divmod(level, HEIGHT)
        start = (index << height) * _HASH
        return _fold(self.rows[row][start : start + (_HASH << height)])

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Every entry in order; read again, so checked again.  Raises Tampered, Missing."""
        for name, number, entry in self.files.entries():
            if merkle.leaf(entry) != self.at(0, number):
                raise Tampered(name, "the entry that was verified", "another", entry=number)
            yield number, entry

    def entry(self, number: int) -> bytes:
        """One entry's bytes; read again, so checked again.  Raises Tampered, Missing."""
        index, offset = divmod(number, WIDTH)
        width = min(WIDTH, self.checkpoint.size - index * WIDTH)
        name, found = self.files.bundle(index, width)
        if merkle.leaf(found[offset]) != self.at(0, number):
            raise Tampered(name, "the entry that was verified", "another", entry=number)
        return found[offset]

    def __iter__(self) -> Iterator[Numbered]:
        # Known to be strict JSON and unchanged since, so the quick parser reads the same.
        for number, entry in self.entries():
            yield Numbered(number, _READER.decode(entry))

    def __len__(self) -> int:
        return self.checkpoint.size


def verify(folder: Path, vkey: str, *, since: bytes | None = None) -> Log:
    """The ledger in `folder`, once it is known to be whole and signed by `vkey`.

    since   the signed checkpoint that the auditor kept from an earlier visit
    raises  Tampered, RewrittenHistory, NotTrusted, Malformed; Missing and Unavailable
    """
    note, checkpoint, files = _arrive(folder, vkey)
    log = Log(files, checkpoint, note, _check_tiles(files, _leaves(files)))
    root = merkle.root_of(checkpoint.size, log.at)
    if root != checkpoint.root:
        raise Tampered("checkpoint", f"the root {root.hex()}", checkpoint.root.hex())
    if since is not None:
        continues(log, open_checkpoint(since, vkey))
    return log


def _arrive(folder: Path, vkey: str) -> tuple[bytes, Checkpoint, Files]:
    """A checkpoint and the files at its edge; the log may grow between the two readings."""
    for _ in range(_ARRIVALS):
        note = read(folder, "checkpoint", NOTE_LIMIT)
        checkpoint = open_checkpoint(note, vkey)
        try:
            return note, checkpoint, hold_edge(folder, checkpoint.size)
        except Missing:
            if read(folder, "checkpoint", NOTE_LIMIT) == note:
                raise
    raise Unavailable(f"{folder}: the log grew {_ARRIVALS} times while its edge was read")


def continues(log: Log, earlier: Checkpoint) -> None:
    """Nothing, if the log only added to what it had signed before.  Raises RewrittenHistory."""
    who = log.checkpoint.origin
    if earlier.size > log.checkpoint.size:
        sizes = f"expected at least {earlier.size} entries, got {log.checkpoint.size}"
        raise RewrittenHistory(who, f"{sizes}: history was cut")
    if merkle.root_of(earlier.size, log.at) != earlier.root:
        reason = f"expected the first {earlier.size} entries as signed before, got others"
        raise RewrittenHistory(who, f"{reason}: history was rewritten")


def _leaves(files: Files) -> bytes:
    """The leaf hashes of all entries, each known to be an event."""
    leaves = bytearray()
    for name, number, entry in files.entries():
        try:
            decode(entry, Event, "entry", limit=MAX_EVENT)
        except Malformed as error:
            raise Tampered(name, error.expected, error.got, entry=number) from error
        leaves += merkle.leaf(entry)
    return bytes(leaves)


def _check_tiles(files: Files, leaves: bytes) -> tuple[bytes, ...]:
    """The rows of all tiles, each known to be what lies below it."""
    rows = [bytearray(leaves)]
    for level, index, width in tiles_of(files.size):
        start = index * WIDTH * _HASH
        hashes = bytes(rows[level][start : start + width * _HASH])
        _same(files, level, index, hashes)
        if level + 1 == len(rows):
            rows.append(bytearray())
        if width == WIDTH:
            rows[level + 1] += _fold(hashes)
    return tuple(bytes(row) for row in rows)


def _same(files: Files, level: int, index: int, expected: bytes) -> None:
    name, found = files.tile(level, index, len(expected) // _HASH)
    if found == expected:
        return
    offset = next(
        at
        for at in range(0, len(expected), _HASH)
        if found[at : at + _HASH] != expected[at : at + _HASH]
    )
    place = (index * WIDTH + offset // _HASH) << (level * HEIGHT)
    pair = expected[offset : offset + _HASH].hex(), found[offset : offset + _HASH].hex()
    raise Tampered(name, pair[0], pair[1], entry=place)


def _fold(hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    row = [hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]
    while len(row) > 1:
        row = [merkle.node(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
