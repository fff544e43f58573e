"""Entries of the document's lists."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from firmward.hospital.gate.known import Digest, MaybeMoment, Record, Text, Texts
from firmward.terms.names import Version

Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
Band = Literal["low", "medium", "high", "critical"]
OneToFive = Annotated[int, Meta(ge=1, le=5)]


class Part(Record, frozen=True, kw_only=True):
    """A component of the SBOM; "" where the SBOM does not say.

    soup   software of unknown provenance (IEC 62304 3.29): not made under the vendor's own process
    soup_requirements, anomaly_list_evaluated   5.3.3 and 5.3.4, and 7.1.3
    """

    name: Text
    version: Text
    supplier: Text
    ids: Texts
    dependency_declared: bool
    support_level: Text
    end_of_support: MaybeMoment
    replacement_plan: bool
    soup: bool = True
    soup_requirements: bool = False
    anomaly_list_evaluated: bool = False


class Vulnerability(Record, frozen=True, kw_only=True):
    """A known vulnerability of a component, what vendor and hospital say of it, and its risk here.

    matched          the hospital's own answer from its own advisories; "" when only the vendor
                     names it
    status           VEX: matched, unless the vendor gave an assessment with more to it
    cvss             environmental score; absent where no vector is known, as is epss
    exploitability   1 to 5; harm_severity 1 to 5 (risk.matrix); region what the two come to
    urgency          SSVC: how soon it is to be dealt with; deadline_days what that means here
    """

    id: Text
    component: Text
    status: Status
    matched: Literal["affected", "not_affected", "unknown", ""]
    justification: Text
    kev: bool
    risk_state: Literal["controlled", "uncontrolled", ""]
    reason: Text
    cvss: Annotated[float, Meta(ge=0, le=10)] | UnsetType = UNSET
    cvss_version: Literal["", "2.0", "3.0", "3.1", "4.0"] = ""
    cvss_vector: Text = ""
    rubric: bool = False
    epss: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    exploitability: OneToFive = 5
    harm_severity: OneToFive = 5
    band: Band = "critical"
    urgency: Literal["defer", "scheduled", "out-of-cycle", "immediate"] = "immediate"
    control_verified: bool = False
    fix_by: MaybeMoment = ""


class Finding(Record, frozen=True, kw_only=True):
    """One result of one scanner (SARIF).

    suppressed  somebody at the vendor answers for it, with a justification
    """

    tool: Text
    rule: Text
    level: Literal["none", "note", "warning", "error"]
    where: Text
    suppressed: bool


class OpenThreat(Record, frozen=True, kw_only=True):
    """A threat of the vendor's model that nobody has dealt with, on one element of the product.

    band    what the risk comes to, by the vendor's matrix of likelihood and harm
    vector  from where it comes, as CVSS names attack vectors
    """

    id: Text
    element: Text
    band: Literal["acceptable", "tolerable", "unacceptable"]
    stride: Text
    vector: Text


class Anomaly(Record, frozen=True, kw_only=True):
    """A residual anomaly (IEC 62304 5.8.2, 5.8.3)."""

    id: Text
    evaluated: bool
    acceptable: bool
    security_assessed: bool


class Change(Record, frozen=True, kw_only=True):
    """A change in the release and the request it goes back to (IEC 62304 8.2.4)."""

    id: Text
    request_id: Text
    approved: bool


class RiskItem(Record, frozen=True, kw_only=True):
    """A residual risk of the risk file (ISO 14971:2019 7.3)."""

    id: Text
    severity: OneToFive
    acceptable: bool
    benefit_risk_done: bool


class Recall(Record, frozen=True, kw_only=True, rename={"kind": "class"}):
    """An open recall or field safety notice (21 CFR 7.3(m))."""

    id: Text
    kind: Literal["I", "II", "III"]
    versions: Texts


class ComponentImage(Record, frozen=True, kw_only=True):
    """One part of a release of several: an application, a radio's firmware, a drug library.

    digest    as received; claimed as the vendor's signed metadata has it
    verified  by its own signature where its format has one; bytes that bring none, such as a drug
              library, are verified by that digest, which the vendor's targets keys signed
    """

    name: Text
    kind: Literal["application", "radio", "configuration", "drug-library", "bootloader", "other"]
    version: Version
    digest: Digest
    claimed: Digest
    verified: bool


class Compatible(Record, frozen=True, kw_only=True):
    """That something of a name goes with versions from `since` to before `until`; "" for no end.

    Of peers `since` is the version that is in use here.  In `needed_by` the name is of a release
    in use here, and the range is the one in which it wants this product.
    """

    name: Text
    since: Text
    until: Text


class Needed(Compatible, frozen=True, kw_only=True):
    """Something that the release needs beside it; it may be absent only where it is optional."""

    optional: bool = False
