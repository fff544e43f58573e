"""Requests, approvals and grants with real keys, and the facts they are judged in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from firmward.hospital.gate.exceptions import approval
from firmward.hospital.gate.exceptions.approval import Approval, Claim, Signed
from firmward.hospital.gate.exceptions.grant import Facts, Grant, Measurement, RuleFacts
from firmward.hospital.gate.exceptions.request import (
    TRIGGERS,
    Control,
    Covered,
    Request,
    Standing,
)
from firmward.proof import certs, keys

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
IMAGE, OTHER_IMAGE = "a" * 64, "b" * 64
RELEASE = "pump-200@1.1.0+3"
CLASS = "pump-200/PUMP-200-B/tier-1"
CVE, OTHER_CVE = "CVE-2026-99001", "CVE-2026-99002"
EVIDENCE = "c" * 64


def authority(name: str = "people") -> certs.Authority:
    """A certificate authority, the same one each time."""
    return _authority(name)


@cache
def _authority(name: str) -> certs.Authority:
    return certs.new_authority(name, keys.new_p256(), NOW - timedelta(days=1))


@cache
def identity(name: str, kind: str = "person", by: str = "people", days: float = 90):
    """A key, as a signer, and the DER of its certificate."""
    key = keys.new_p256()
    uri = f"urn:firmward:{kind}:{name}"
    issued = certs.client_certificate(
        authority(by), key.public_key(), uri, NOW, timedelta(days=days)
    )
    return keys.signer_from_pem(keys.private_pem(key)), issued.public_bytes(Encoding.DER)


def request(severity: str = "high", **changes) -> Request:
    """A good request by bea: one rule, one offender, one control; for a week."""
    values = {
        "id": "EX-1",
        "kind": "exception",
        "release": RELEASE,
        "image_sha256": IMAGE,
        "rules": (covered("VUL-004", severity),),
        "devices": (CLASS,),
        "severity": severity,
        "requester": "bea",
        "rationale": "The pumps are on a network of their own until the fix of next week.",
        "residual_risk": "C",
        "retain_years": 6,
        "controls": (Control(id="segment-icu", owner="noor", evidence_sha256=EVIDENCE),),
        "triggers": tuple(TRIGGERS),
        "expires": NOW + timedelta(days=7),
        "opened_at": NOW,
    }
    return Request(**{**values, **changes})


def covered(rule: str, severity: str = "high", *names: str) -> Covered:
    """A rule with its offenders."""
    standing = tuple(
        Standing(offender=name, exploited=False, band="medium") for name in names or (CVE,)
    )
    return Covered(rule=rule, severity=severity, offenders=standing)


def emergency(**changes) -> Request:
    """A good break-glass by bea."""
    return request(id="BG-1", kind="break-glass", expires=NOW + timedelta(hours=72), **changes)


def sealed(asked: Request, person: str, role: str, at: datetime = LATER, /, **changes) -> Signed:
    """A person's approval as it comes; `changes` are to the claim."""
    signer, certificate = identity(person)
    values = {
        "request": asked.id,
        "person": person,
        "role": role,
        "meaning": "I accept the residual risk.",
        "signed_at": at,
    }
    claim = Claim(**{**values, **changes})
    return Signed(approval.seal(asked, claim, signer), certificate, at)


def verified(asked: Request, person: str, role: str, at: datetime = LATER) -> Approval:
    """A person's approval, verified."""
    return approval.verify(sealed(asked, person, role, at), asked, authority().certificate)


SIGNERS = {"sec": "sam", "biomed": "ben", "clin": "cleo"}


def granted(asked: Request | None = None, roles: tuple[str, ...] = tuple(SIGNERS)) -> Grant:
    """A request with an approval in each of these roles."""
    asked = asked or request()
    return Grant(asked, tuple(verified(asked, SIGNERS[role], role) for role in roles))


def facts(**changes) -> Facts:
    """A world in which everything that a good grant says is so."""
    measured = Measurement(True, EVIDENCE, "sam", NOW - timedelta(days=1), NOW + timedelta(days=60))
    found = Facts(
        rules={
            "VUL-001": RuleFacts("critical", True),
            "VUL-004": RuleFacts("high", True),
            "VUL-005": RuleFacts("low", True),
            "VUL-006": RuleFacts("medium", True),
            "VUL-007": RuleFacts("critical", False),
            "SIG-005": RuleFacts("medium", True),
            "SIG-007": RuleFacts("high", True),
            "DEV-006": RuleFacts("high", True),
            "PMR-001": RuleFacts("high", True),
        },
        images={RELEASE: IMAGE},
        exploited=frozenset(),
        bands={(RELEASE, CVE): "medium", (RELEASE, OTHER_CVE): "medium"},
        controls={"segment-icu": (measured,)},
    )
    return replace(found, **changes)


def changed(asked: Request, **changes) -> Request:
    """The same request with other members."""
    return msgspec.structs.replace(asked, **changes)
