"""What a worker and its child say to each other: four bytes of length, then MessagePack.

The child reads a document that a vendor had a hand in, so nothing it says is taken on trust: the
worker holds every answer to the question, and to the document, that it asked about.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from firmward.hospital.gate.engine import MAX_SIZE, Answer, Question

MOST_SETS: Final = 16
"""Sets of questions that a child keeps; both sides drop all of them when one more would come."""
LARGEST: Final = 2 * MAX_SIZE
PREFIX: Final = 4


class Ask(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="ask"):
    """Questions about a document.

    number     of the request
    digest     of the questions
    questions  nil where the child has had them
    data       the document, itself MessagePack
    seconds    of processor time that the child may use for it
    """

    number: int
    digest: bytes
    questions: tuple[Question, ...] | None
    data: bytes
    seconds: int


class Check(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="check"):
    """A formula that may or may not be CEL over these variables."""

    number: int
    formula: str
    variables: tuple[str, ...]
    seconds: int


class Answered(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="answered"
):
    """All answers, and digests of the questions and of the document that they are about."""

    number: int
    questions: bytes
    data: bytes
    answers: tuple[Answer, ...]


class Checked(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="checked"
):
    """What is wrong with a formula, or ""."""

    number: int
    problem: str


class Failed(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="failed"
):
    """Why the child gives up; it ends with this."""

    number: int
    reason: str


Request = Ask | Check
Reply = Answered | Checked | Failed


def framed(message: Request | Reply) -> bytes:
    """A message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(PREFIX) + body


def digest(data: bytes) -> bytes:
    """What the two sides know bytes by; BLAKE2b costs half of SHA-256 here."""
    return blake2b(data, digest_size=16).digest()
