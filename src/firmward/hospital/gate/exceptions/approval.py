"""An approval: one person's signature over the exact text of a request, in one role.

21 CFR 11.50 asks a signed record for the signer's name, the time and the meaning of the signature;
11.70 asks that it cannot be moved to another record.  Both are inside what is signed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta
from securesystemslib.signer import Key, Signer, SSlibKey

from firmward.hospital.gate.exceptions.request import Request, RequestId, request_sha256, utc
from firmward.proof import certs, envelope
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.names import Label, Moment
from firmward.terms.statement import statement
from firmward.terms.wire import Wire, convert, plain

APPROVAL: Final = "https://firmward.dev/attestation/exception-approval/v1"
CLOCKS: Final = timedelta(minutes=5)
"""How far a signer's clock may be from the hospital's; also how long a signature may lie around."""

Role = Literal["biomed", "sec", "risk", "clin"]
"""Who can approve: an auditor reads, and a vendor has no say in what it is excused from."""


class Claim(Wire, frozen=True, kw_only=True):
    """What a signer says beside the text: who they are, in which role, and what it means."""

    request: RequestId
    person: Label
    role: Role
    meaning: Annotated[str, Meta(min_length=1, max_length=300)]
    signed_at: Moment


@dataclass(frozen=True)
class Signed:
    """An approval as it came: the envelope, the signer's certificate in DER, and when."""

    envelope: bytes
    certificate: bytes
    received_at: datetime


@dataclass(frozen=True)
class Approval:
    """A verified approval; only `verify` makes one.

    sha256  of the envelope
    """

    person: str
    role: str
    meaning: str
    signed_at: datetime
    sha256: str


def seal(request: Request, claim: Claim, signer: Signer) -> bytes:
    """The approver's side: the claim about this text, signed."""
    said = statement(request.id, request_sha256(request), APPROVAL, plain(claim))
    return envelope.seal_statement(said, [signer])


def verify(signed: Signed, request: Request, authority: x509.Certificate) -> Approval:
    """The approval, known to be this person's, of this text, signed when it came.

    Whether the person has the role is the caller's to ask: the site's settings say it.
    raises  Malformed, NotTrusted
    """
    name, key = signer(signed.certificate, authority, signed.received_at)
    who = f"approval of {request.id} by {name}"
    said = envelope.unseal_statement(
        signed.envelope,
        [key],
        who,
        sha256=request_sha256(request),
        predicate_type=APPROVAL,
    )
    if [subject.name for subject in said.subject] != [request.id]:
        raise NotTrusted(who, f"expected it to be about {request.id} alone")
    claim = convert(said.predicate, Claim, who)
    if claim.request != request.id:
        raise NotTrusted(who, f"expected {request.id}, got {claim.request}")
    if claim.person != name:
        raise NotTrusted(who, f"expected the certificate's own name, got {claim.person}")
    if not claim.meaning.isprintable() or not claim.meaning.strip():
        raise Malformed(who, "a meaning in words that show", repr(claim.meaning)[:80])
    if abs(claim.signed_at - signed.received_at) > CLOCKS:
        got = f"{utc(claim.signed_at)} at {utc(signed.received_at)}"
        raise NotTrusted(who, f"expected it to be signed now, got {got}")
    digest = sha256(signed.envelope).hexdigest()
    return Approval(claim.person, claim.role, claim.meaning, claim.signed_at, digest)


def signer(certificate: bytes, authority: x509.Certificate, now: datetime) -> tuple[str, Key]:
    """The person a certificate names and their key, for a certificate that is good now.

    raises  NotTrusted for a vendor's, a foreign, an expired or another kind of certificate
    """
    scheme, space, kind, name = [*certs.identity(certificate).split(":", 3), "", "", ""][:4]
    if (scheme, space, kind) != ("urn", "firmward", "person") or not name:
        raise NotTrusted(
            "approval", f"expected a person's certificate, got {kind[:40]} {name[:63]}"
        )
    read = x509.load_der_x509_certificate(certificate)
    if not certs.signed_by(read, authority):
        raise NotTrusted(f"approval by {name}", "expected a certificate of the people authority")
    if not read.not_valid_before_utc <= now <= read.not_valid_after_utc:
        until = utc(read.not_valid_after_utc)
        raise NotTrusted(f"approval by {name}", f"expected a valid certificate, it ended {until}")
    try:
        key = read.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotTrusted(f"approval by {name}", "expected a readable key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise NotTrusted(f"approval by {name}", "expected a P-256 key")
    return name, SSlibKey.from_crypto(key)
