"""DSSE envelopes: signatures over bytes and their type, checked before the bytes are read.

Verification, in this order (DSSE protocol.md):
1. the envelope parses, strictly
2. its payload type is the one the caller expects
3. at least `threshold` of the caller's keys, each counted once, signed the PAE of these bytes
Only then is the payload returned.  The caller MUST still check what the payload is about.
"""

from collections.abc import Sequence

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import Key, Signer

from firmward.proof.keys import material
from firmward.terms.errors import Malformed, Misuse, NotTrusted
from firmward.terms.statement import STATEMENT_PAYLOAD, Statement
from firmward.terms.wire import MIB, convert, encode, parse

LIMIT = 16 * MIB


def seal(payload: bytes, payload_type: str, signers: Sequence[Signer]) -> bytes:
    """An envelope around `payload`, signed by every one of `signers`."""
    if not signers:
        raise Misuse("envelope: expected at least one signer, got none")
    envelope = Envelope(payload, payload_type, {})
    for signer in signers:
        envelope.sign(signer)
    return encode(envelope.to_dict())


def unseal(
    data: bytes, payload_type: str, keys: Sequence[Key], who: str, *, threshold: int = 1
) -> bytes:
    """The payload of an envelope that enough of `keys` signed.

    raises  Malformed for what is no envelope, NotTrusted for one that is not signed enough
    """
    # By key, not by key id: one key under two ids is still one signer.
    known = list({material(key): key for key in keys}.values())
    if threshold < 1 or len(known) < threshold:
        raise NotTrusted(who, f"expected {threshold} known signers, got {len(known)}")
    members = parse(data, who, limit=LIMIT, longest=LIMIT)
    try:
        envelope = Envelope.from_dict(members)
    except (KeyError, TypeError, ValueError, FormatError, AttributeError) as error:
        raise Malformed(who, "a DSSE envelope", str(error)[:120]) from error
    if envelope.payload_type != payload_type:
        raise NotTrusted(who, f"expected type {payload_type}, got {envelope.payload_type!r:.80}")
    try:
        envelope.verify(known, threshold)
    except VerificationError as error:
        raise NotTrusted(who, f"too few valid signatures: {error}") from error
    return envelope.payload


def seal_statement(statement: Statement, signers: Sequence[Signer]) -> bytes:
    """An in-toto statement in a DSSE envelope."""
    return seal(encode(statement), STATEMENT_PAYLOAD, signers)


def unseal_statement(
    data: bytes,
    keys: Sequence[Key],
    who: str,
    *,
    sha256: str,
    predicate_type: str,
) -> Statement:
    """The verified statement, known to be of this type and about the artifact with this digest.

    keys  every one of them must have signed: of a hybrid pair, neither kind is enough alone

    Without the subject check a vendor's clean scan of one image could vouch for another.
    """
    payload = unseal(data, STATEMENT_PAYLOAD, keys, who, threshold=len(keys))
    statement = convert(parse(payload, who, limit=LIMIT), Statement, who)
    if statement.predicate_type != predicate_type:
        raise NotTrusted(who, f"expected {predicate_type}, got {statement.predicate_type}")
    if all(subject.digest.sha256 != sha256 for subject in statement.subject):
        raise NotTrusted(who, f"expected a statement about {sha256}, got one about another image")
    return statement
