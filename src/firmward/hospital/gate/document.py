"""The evidence document: every value a rule may read, with how it is known.

Fields that are not known are absent, never null or a default: a rule that needs one cannot pass.
Field names follow the catalogue's evidence model; where one device's fact is a whole fleet's here,
the name is in the plural.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firmward.terms.names import HardwareId, ReleaseId, Sha256, ShortText, Version
from firmward.terms.wire import Wire, encode

Trust = Literal["declared", "attested", "measured"]
TRUST: Final[Mapping[str, int]] = {"declared": 0, "attested": 1, "measured": 2}
"""declared: a person at the vendor says so. attested: a signed statement of the vendor's build.
measured: the gate computed it itself, from bytes or from the hospital's own records."""

Text = Annotated[str, Meta(max_length=4096)]
_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
Moment = Annotated[str, Meta(pattern=rf"^{_TIME}\Z")]
MaybeMoment = Annotated[str, Meta(pattern=rf"^(?:{_TIME})?\Z")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
MaybeDigest = Annotated[str, Meta(pattern=r"^(?:sha256:[0-9a-f]{64})?\Z")]
Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
Texts = Annotated[tuple[Text, ...], Meta(max_length=512)]

T = TypeVar("T")


class Known(Wire, Generic[T], frozen=True, kw_only=True):
    """A value, and where it comes from.

    source_digest  digest of the artefact it was read from; "" for the hospital's own records
    signer         key ids of whoever signed that artefact, joined by +; "" when measured
    """

    value: T
    trust: Trust
    source_digest: MaybeDigest = ""
    signer: Annotated[str, Meta(max_length=512)] = ""
    observed_at: datetime


Maybe = Known[T] | UnsetType


class Section(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Values that belong together; absent where they are not known."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a list, always with all of its fields, so that a condition can read each."""


class Part(Record, frozen=True, kw_only=True):
    """A component of the SBOM; "" where the SBOM does not say."""

    name: Text
    version: Text
    supplier: Text
    ids: Texts
    dependency_declared: bool
    support_level: Text
    end_of_support: MaybeMoment
    replacement_plan: bool


class Vulnerability(Record, frozen=True, kw_only=True):
    """A known vulnerability of a component, and what vendor and hospital each say of it.

    matched  the hospital's own answer from its own advisories; "" when only the vendor names it
    status   VEX: matched, unless the vendor gave an assessment with more to it
    """

    id: Text
    component: Text
    status: Status
    matched: Literal["affected", "not_affected", "unknown", ""]
    justification: Text
    kev: bool
    risk_state: Literal["controlled", "uncontrolled", ""]
    reason: Text


class Finding(Record, frozen=True, kw_only=True):
    """One result of one of the vendor's scanners (SARIF).

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


class Release(Section, frozen=True, kw_only=True):
    """What wants to come in."""

    id: Maybe[ReleaseId] = UNSET
    version: Maybe[Version] = UNSET
    digest: Maybe[Digest] = UNSET
    manifest_digest: Maybe[Digest] = UNSET
    manifest_expires: Maybe[Moment] = UNSET
    security_version: Maybe[Annotated[int, Meta(ge=0, lt=2**32)]] = UNSET
    downgrade_authorised: Maybe[bool] = UNSET
    development_keys: Maybe[bool] = UNSET
    safety_class: Maybe[Literal["A", "B", "C"]] = UNSET
    kind: Maybe[Text] = UNSET
    supported_hw: Maybe[tuple[HardwareId, ...]] = UNSET
    upgrade_from: Maybe[tuple[ReleaseId, ...]] = UNSET


class Signature(Section, frozen=True, kw_only=True):
    """The image's own signature, the one its boot stage checks."""

    verified: Maybe[bool] = UNSET
    algorithm: Maybe[Text] = UNSET
    hash: Maybe[Text] = UNSET
    crc_only: Maybe[bool] = UNSET
    covers: Maybe[Texts] = UNSET


class Provenance(Section, frozen=True, kw_only=True):
    """How the image was built."""

    verified: Maybe[bool] = UNSET
    builder_id: Maybe[Text] = UNSET
    slsa_build_level: Maybe[Annotated[int, Meta(ge=0, le=3)]] = UNSET


class Sbom(Section, frozen=True, kw_only=True):
    """What the image is made of."""

    present: Maybe[bool] = UNSET
    format: Maybe[Text] = UNSET
    spec_version: Maybe[Text] = UNSET
    author: Maybe[Text] = UNSET
    timestamp: Maybe[Moment] = UNSET
    subject_digest: Maybe[Digest] = UNSET
    components: Maybe[Annotated[tuple[Part, ...], Meta(max_length=4096)]] = UNSET


class Scan(Section, frozen=True, kw_only=True):
    """What was looked for, with what, and how recent the knowledge behind it is."""

    db_date: Maybe[Moment] = UNSET
    tools: Maybe[Texts] = UNSET
    findings: Maybe[Annotated[tuple[Finding, ...], Meta(max_length=4096)]] = UNSET


class Lifecycle(Section, frozen=True, kw_only=True):
    """IEC 62304 records."""

    standard: Maybe[Text] = UNSET
    safety_class: Maybe[Text] = UNSET
    class_rationale: Maybe[Text] = UNSET
    released_version: Maybe[Text] = UNSET
    tested_version: Maybe[Text] = UNSET


class Fallback(Section, frozen=True, kw_only=True):
    """The pre-signed way back that came with the release."""

    verified: Maybe[bool] = UNSET
    version: Maybe[Version] = UNSET
    security_version: Maybe[Annotated[int, Meta(ge=0, lt=2**32)]] = UNSET
    supported_hw: Maybe[tuple[HardwareId, ...]] = UNSET
    upgrade_from: Maybe[tuple[ReleaseId, ...]] = UNSET


class Device(Section, frozen=True, kw_only=True):
    """The devices here that would receive it."""

    hw_revs: Maybe[tuple[HardwareId, ...]] = UNSET
    releases: Maybe[tuple[ReleaseId, ...]] = UNSET
    security_version: Maybe[Annotated[int, Meta(ge=0)]] = UNSET
    tier: Maybe[Annotated[int, Meta(ge=1, le=4)]] = UNSET


class Regulatory(Section, frozen=True, kw_only=True):
    """Which law applies here."""

    jurisdictions: Maybe[Texts] = UNSET


class Privacy(Section, frozen=True, kw_only=True):
    """Who can get at what."""

    default_credentials: Maybe[bool] = UNSET


class Risk(Section, frozen=True, kw_only=True):
    """The vendor's threat model, held against this release.

    threat_model_version  this release's where the model covers it, else the last that it covers
    drift                 `rule: words`, where model and release do not agree
    """

    security_method: Maybe[Text] = UNSET
    threat_model_version: Maybe[Text] = UNSET
    threat_model_digest: Maybe[Digest] = UNSET
    open_threats: Maybe[Annotated[tuple[OpenThreat, ...], Meta(max_length=4096)]] = UNSET
    drift: Maybe[Texts] = UNSET


class Testing(Section, frozen=True, kw_only=True):
    """How the running image was tested from outside.

    kinds          kinds of test that watched something
    open_failures  names of the checks that failed
    """

    kinds: Maybe[Texts] = UNSET
    result: Maybe[Literal["PASSED", "WARNED", "FAILED"]] = UNSET
    inputs: Maybe[Annotated[int, Meta(ge=0)]] = UNSET
    seconds: Maybe[Annotated[float, Meta(ge=0)]] = UNSET
    open_failures: Maybe[Texts] = UNSET


class Gap(Wire, frozen=True, kw_only=True):
    """Evidence that was sought and did not count: its name, the sections it feeds, and why."""

    evidence: Annotated[str, Meta(max_length=64)]
    sections: tuple[str, ...]
    reason: ShortText


class Evidence(Section, frozen=True, kw_only=True):
    """All that is known about one release, for one hospital, at one moment."""

    evidence_schema: Literal["firmward.evidence/v1"] = "firmward.evidence/v1"
    subject: ReleaseId
    image_sha256: Sha256
    vendor: Text
    site: Text
    at: datetime
    release: Release = Release()
    signature: Signature = Signature()
    provenance: Provenance = Provenance()
    sbom: Sbom = Sbom()
    vulns: Maybe[Annotated[tuple[Vulnerability, ...], Meta(max_length=4096)]] = UNSET
    scan: Scan = Scan()
    lifecycle: Lifecycle = Lifecycle()
    fallback: Fallback = Fallback()
    device: Device = Device()
    regulatory: Regulatory = Regulatory()
    privacy: Privacy = Privacy()
    risk: Risk = Risk()
    testing: Testing = Testing()
    sources: dict[str, Digest] = {}
    gaps: tuple[Gap, ...] = ()


SECTIONS: Final = tuple(
    name
    for name, kind in Evidence.__annotations__.items()
    if isinstance(kind, type) and issubclass(kind, Section)
)
PATHS: Final = frozenset(
    f"{section}.{field}"
    for section in SECTIONS
    for field in Evidence.__annotations__[section].__struct_fields__
) | {"vulns"}
"""Every path a rule may name, beside `now`."""


def leaves(evidence: Evidence) -> dict[str, Known[Any]]:
    """Path -> value with its origin, for everything that is known."""
    found: dict[str, Known[Any]] = {}
    for section in SECTIONS:
        part = getattr(evidence, section)
        for field in part.__struct_fields__:
            if (known := getattr(part, field)) is not UNSET:
                found[f"{section}.{field}"] = known
    if not isinstance(evidence.vulns, UnsetType):
        found["vulns"] = evidence.vulns
    return found


def values(evidence: Evidence) -> dict[str, Any]:
    """The bare values by section, as conditions read them; what is not known is not there."""
    bare: dict[str, Any] = {section: {} for section in SECTIONS}
    for path, known in leaves(evidence).items():
        section, _, field = path.partition(".")
        if field:
            bare[section][field] = _bare(known.value)
        else:
            bare[section] = _bare(known.value)
    return bare


def _bare(value: object) -> Any:
    # Through JSON, because CEL knows lists and not tuples.
    return msgspec.json.decode(encode(value))


def moment(at: datetime) -> str:
    """A time as conditions read it: RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
