"""Signed notes and checkpoints of the ledger (C2SP signed-note, tlog-checkpoint).  Ed25519."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from firmward.terms.errors import Malformed, Misuse, NotTrusted

_ED25519 = b"\x01"
_NAME = re.compile(r"[!-*,-~]{1,120}")
_SIGNATURE_LINE = re.compile("\u2014 [!-*,-~]{1,120} [A-Za-z0-9+/]+={0,2}")


class Checkpoint(NamedTuple):
    """A log's commitment to its first `size` entries."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The text that is signed (tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _key_id(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The `name+id+key` line that an auditor is given (signed-note).  Raises Misuse."""
    _named(name)
    raw = _raw(key)
    return f"{name}+{_key_id(name, raw).hex()}+{base64.b64encode(_ED25519 + raw).decode()}"


def _named(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Misuse(f"log name: expected printable ASCII without space and plus, got {name!r:.80}")


def _parse_verifier(line: str) -> tuple[str, bytes, Ed25519PublicKey]:
    try:
        name, key_id, encoded = line.strip().split("+", 2)
        kind_and_raw = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(kind_and_raw[1:])
    except (ValueError, binascii.Error) as error:
        raise Malformed("verifier key", "name+id+base64", repr(line[:80])) from error
    expected = _key_id(name, kind_and_raw[1:])
    if kind_and_raw[:1] != _ED25519 or key_id != expected.hex():
        raise Malformed("verifier key", f"key id {expected.hex()}", repr(line[:80]))
    return name, expected, key


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """The signed note that is published as `checkpoint`.  Raises Misuse for an impossible name."""
    body, name = checkpoint.body(), checkpoint.origin
    _named(name)
    signature = _key_id(name, _raw(key.public_key())) + key.sign(body.encode())
    return f"{body}\n\u2014 {name} {base64.b64encode(signature).decode()}\n".encode()


def open_checkpoint(note: bytes, verifier: str) -> Checkpoint:
    """The checkpoint in a note, once the log's own signature on it is good.

    Signatures by others (witnesses) are ignored, other bytes are not: a note has one meaning.
    raises  Malformed, NotTrusted
    """
    name, key_id, key = _parse_verifier(verifier)
    try:
        body, _, signatures = note.decode().partition("\n\n")
        origin, size, encoded, *rest = body.split("\n")
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(encoded, validate=True))
        *lines, end = signatures.split("\n")
    except (ValueError, binascii.Error) as error:
        raise Malformed("checkpoint", "origin, size, root", repr(note[:80])) from error
    # Written again, it must be the same text: no sign, leading zero or second base64 spelling.
    same = checkpoint.body() == f"{body}\n" and checkpoint.size >= 0
    if rest or not same or len(checkpoint.root) != 32:
        raise Malformed("checkpoint", "exactly origin, size, root", repr(note[:80]))
    if origin != name:
        raise NotTrusted("checkpoint", f"expected the log {name!r}, got {origin!r}")
    if end or not all(_SIGNATURE_LINE.fullmatch(line) for line in lines):
        raise Malformed("checkpoint", "signature lines only after the text", repr(note[-80:]))
    for line in lines:
        if _signed_by(line, name, key_id, key, f"{body}\n".encode()):
            return checkpoint
    raise NotTrusted("checkpoint", f"no valid signature by {name}")


def _signed_by(line: str, name: str, key_id: bytes, key: Ed25519PublicKey, body: bytes) -> bool:
    dash, _, rest = line.partition(" ")
    signer, _, encoded = rest.partition(" ")
    if dash != "\u2014" or signer != name:
        return False
    try:
        signature = base64.b64decode(encoded, validate=True)
        if signature[:4] != key_id:
            return False
        key.verify(signature[4:], body)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
