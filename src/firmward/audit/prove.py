"""Proofs that stand alone: one entry is on the ledger; one checkpoint continues another.

Whoever is handed such a proof needs the verifier key and nothing else: neither the folder, nor the
auditor who made the proof, nor the hospital.
"""

import base64
import binascii
from typing import Annotated, Final

from msgspec import Meta

from firmward.audit.verify import Log, Numbered
from firmward.proof import merkle
from firmward.proof.note import Checkpoint, open_checkpoint
from firmward.terms.errors import Malformed, Misuse
from firmward.terms.event import MAX_EVENT, Event
from firmward.terms.wire import Wire, convert, decode, encode, parse

Hash = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=\Z")]
Path = Annotated[tuple[Hash, ...], Meta(max_length=128)]
Note = Annotated[str, Meta(max_length=65_536)]
_LIMIT: Final = 512 * 1024


class Inclusion(Wire, frozen=True, kw_only=True, tag="inclusion", tag_field="proof"):
    """That an entry is on the ledger.

    entry       base64 of the entry's bytes
    path        base64 hashes from the leaf up (RFC 9162 2.1.3)
    checkpoint  the signed note that the path leads to
    """

    index: Annotated[int, Meta(ge=0)]
    entry: Annotated[str, Meta(max_length=4 * (MAX_EVENT + 2) // 3)]
    path: Path
    checkpoint: Note


class Consistency(Wire, frozen=True, kw_only=True, tag="consistency", tag_field="proof"):
    """That the later checkpoint only added to the earlier one (RFC 9162 2.1.4)."""

    earlier: Note
    later: Note
    path: Path


def inclusion(log: Log, number: int) -> bytes:
    """The proof of one entry, as JSON.  Raises Misuse for a number that the log does not have."""
    if not 0 <= number < len(log):
        raise Misuse(f"entry {number}: expected a number from 0 to {len(log) - 1}")
    proof = Inclusion(
        index=number,
        entry=_text(log.entry(number)),
        path=tuple(map(_text, merkle.inclusion(number, len(log), log.at))),
        checkpoint=log.note.decode(),
    )
    return encode(proof)


def consistency(log: Log, earlier: bytes, vkey: str) -> bytes:
    """The proof that the log continues an earlier signed checkpoint, as JSON.

    The caller MUST have verified the log `since` that checkpoint; a false proof fails its check.
    """
    old = open_checkpoint(earlier, vkey)
    if old.size > len(log):
        raise Misuse(f"consistency: expected a checkpoint of at most {len(log)}, got {old.size}")
    path = merkle.consistency(old.size, len(log), log.at) if old.size else []
    proof = Consistency(
        earlier=earlier.decode(), later=log.note.decode(), path=tuple(map(_text, path))
    )
    return encode(proof)


def check(data: bytes, vkey: str) -> Numbered | tuple[Checkpoint, Checkpoint]:
    """What a proof proves: an event and its place, or two checkpoints of one history.

    raises  Malformed, NotTrusted
    """
    value = parse(data, "proof", limit=_LIMIT, longest=4 * MAX_EVENT)
    if isinstance(value, dict) and value.get("proof") == "consistency":
        return _consistent(convert(value, Consistency, "proof"), vkey)
    return _included(convert(value, Inclusion, "proof"), vkey)


def _included(proof: Inclusion, vkey: str) -> Numbered:
    checkpoint = open_checkpoint(proof.checkpoint.encode(), vkey)
    entry, path = _bytes(proof.entry), [_bytes(text) for text in proof.path]
    leaf = merkle.leaf(entry)
    merkle.verify_inclusion(leaf, proof.index, checkpoint.size, path, checkpoint.root)
    return Numbered(proof.index, decode(entry, Event, f"entry {proof.index}", limit=MAX_EVENT))


def _consistent(proof: Consistency, vkey: str) -> tuple[Checkpoint, Checkpoint]:
    earlier = open_checkpoint(proof.earlier.encode(), vkey)
    later = open_checkpoint(proof.later.encode(), vkey)
    path = [_bytes(text) for text in proof.path]
    # Every history continues the empty one, but only if that one really was empty.
    if earlier.size == 0 and earlier.root == merkle.EMPTY and not path:
        return earlier, later
    merkle.verify_consistency(earlier.size, later.size, earlier.root, later.root, path)
    return earlier, later


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Malformed("proof", "base64", repr(text[:80])) from error
