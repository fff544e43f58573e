"""The in-toto Statement v1, and the predicate types this project reads and writes."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from firmward.terms.names import Sha256
from firmward.terms.wire import Wire

STATEMENT: Final = "https://in-toto.io/Statement/v1"
STATEMENT_PAYLOAD: Final = "application/vnd.in-toto+json"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
VSA: Final = "https://slsa.dev/verification_summary/v1"
CYCLONEDX: Final = "https://cyclonedx.org/bom"
SPDX: Final = "https://spdx.dev/Document/v2.3"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
THREAT_MODEL: Final = "https://firmward.dev/attestation/threat-model/v1"
INCIDENT_ANSWERS: Final = "https://firmward.dev/attestation/incident-answers/v1"
SARIF: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0"
DECLARATION: Final = "https://firmward.dev/attestation/declaration/v1"
POLICY: Final = "https://firmward.dev/attestation/policy/v1"
VULNERABILITIES: Final = "https://in-toto.io/attestation/vulns/v0.2"


class DigestSet(Wire, frozen=True, kw_only=True):
    """in-toto's DigestSet, of which we accept SHA-256 only."""

    sha256: Sha256


class Subject(Wire, frozen=True, kw_only=True):
    """What a statement is about: a name, and the digest that fixes it."""

    name: Annotated[str, Meta(max_length=256)]
    digest: DigestSet


class Statement(Wire, frozen=True, kw_only=True):
    """in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md)."""

    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(name="_type")
    subject: Annotated[tuple[Subject, ...], Meta(min_length=1, max_length=16)]
    predicate_type: Annotated[str, Meta(max_length=256)]
    predicate: dict[str, Any]


def statement(name: str, sha256: str, predicate_type: str, predicate: dict[str, Any]) -> Statement:
    """A statement about the one artifact with this digest."""
    subject = Subject(name=name, digest=DigestSet(sha256=sha256))
    return Statement(
        type="https://in-toto.io/Statement/v1",
        subject=(subject,),
        predicate_type=predicate_type,
        predicate=predicate,
    )
