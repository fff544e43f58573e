"""The sections of the evidence document: every value a rule may read, by who it is about.

Names follow the catalogue's evidence model; where one device's value is a device class's here, the
name is in the plural.  Everything is optional: what is not known is absent.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from firmward.hospital.gate.known import Digest, Maybe, MaybeMoment, Moment, Section, Text, Texts
from firmward.hospital.gate.listed import (
    Anomaly,
    Change,
    Compatible,
    ComponentImage,
    Finding,
    Needed,
    OpenThreat,
    Part,
    Recall,
    RiskItem,
)
from firmward.terms.names import HardwareId, ReleaseId, Version

Count = Annotated[int, Meta(ge=0, lt=2**53)]
Counter = Annotated[int, Meta(ge=0, lt=2**32)]
MaybeVersion = Annotated[str, Meta(max_length=64)]
Word = Annotated[str, Meta(max_length=128)]


class Release(Section, frozen=True, kw_only=True):
    """What wants to come in."""

    id: Maybe[ReleaseId] = UNSET
    version: Maybe[Version] = UNSET
    digest: Maybe[Digest] = UNSET
    manifest_digest: Maybe[Digest] = UNSET
    manifest_expires: Maybe[Moment] = UNSET
    released_at: Maybe[Moment] = UNSET
    security_version: Maybe[Counter] = UNSET
    downgrade_authorised: Maybe[bool] = UNSET
    development_keys: Maybe[bool] = UNSET
    safety_class: Maybe[Literal["A", "B", "C"]] = UNSET
    kind: Maybe[Word] = UNSET
    integrity: Maybe[Word] = UNSET
    delivery: Maybe[Literal["network", "media", "service"]] = UNSET
    supported_models: Maybe[Texts] = UNSET
    supported_hw: Maybe[tuple[HardwareId, ...]] = UNSET
    upgrade_from: Maybe[tuple[ReleaseId, ...]] = UNSET
    udi_dis: Maybe[Texts] = UNSET
    compatible_with: Maybe[Texts] = UNSET
    fixes_recall: Maybe[Word] = UNSET
    ui_changed: Maybe[bool] = UNSET
    components: Maybe[Annotated[tuple[ComponentImage, ...], Meta(max_length=64)]] = UNSET
    requires: Maybe[Annotated[tuple[Needed, ...], Meta(max_length=256)]] = UNSET


class Signature(Section, frozen=True, kw_only=True):
    """The image's own signature, the one its boot stage checks, and the key behind it.

    enrolled  the key is the one that was pinned when the vendor was onboarded
    """

    verified: Maybe[bool] = UNSET
    algorithm: Maybe[Word] = UNSET
    security_bits: Maybe[Count] = UNSET
    hash: Maybe[Word] = UNSET
    crc_only: Maybe[bool] = UNSET
    covers: Maybe[Texts] = UNSET
    signer_id: Maybe[Text] = UNSET
    enrolled: Maybe[bool] = UNSET
    signed_at: Maybe[Moment] = UNSET
    cert_not_after: Maybe[Moment] = UNSET
    revoked: Maybe[bool] = UNSET
    key_custody: Maybe[Literal["hsm", "kms-hsm", "file", "unknown"]] = UNSET
    module_standard: Maybe[Literal["FIPS140-3", "FIPS140-2", "none"]] = UNSET
    module_status: Maybe[Literal["active", "historical", "revoked", "none"]] = UNSET
    pqc_algorithm: Maybe[Word] = UNSET


class Provenance(Section, frozen=True, kw_only=True):
    """How the image was built."""

    verified: Maybe[bool] = UNSET
    builder_id: Maybe[Text] = UNSET
    slsa_build_level: Maybe[Annotated[int, Meta(ge=0, le=3)]] = UNSET


class Sbom(Section, frozen=True, kw_only=True):
    """What the image is made of."""

    present: Maybe[bool] = UNSET
    format: Maybe[Word] = UNSET
    spec_version: Maybe[Word] = UNSET
    author: Maybe[Text] = UNSET
    timestamp: Maybe[Moment] = UNSET
    subject_digest: Maybe[Digest] = UNSET
    origins: Maybe[Texts] = UNSET
    transitive: Maybe[bool] = UNSET
    known_unknowns_declared: Maybe[bool] = UNSET
    components: Maybe[Annotated[tuple[Part, ...], Meta(max_length=4096)]] = UNSET


class Scan(Section, frozen=True, kw_only=True):
    """What was looked for, with what, and how recent the knowledge behind it is.

    binary_sca  the gate could read the image itself and looked for what it is made of
    own_findings, undeclared   what it found there: of the kind secrets, and parts the SBOM lacks
    """

    db_date: Maybe[Moment] = UNSET
    tools: Maybe[Texts] = UNSET
    findings: Maybe[Annotated[tuple[Finding, ...], Meta(max_length=4096)]] = UNSET
    binary_sca: Maybe[bool] = UNSET
    own_findings: Maybe[Annotated[tuple[Finding, ...], Meta(max_length=4096)]] = UNSET
    undeclared: Maybe[Texts] = UNSET


class Lifecycle(Section, frozen=True, kw_only=True):
    """IEC 62304 records."""

    standard: Maybe[Text] = UNSET
    safety_class: Maybe[Word] = UNSET
    class_rationale: Maybe[Text] = UNSET
    documents: Maybe[Texts] = UNSET
    verification_complete: Maybe[bool] = UNSET
    anomalies_listed: Maybe[bool] = UNSET
    anomalies: Maybe[Annotated[tuple[Anomaly, ...], Meta(max_length=4096)]] = UNSET
    released_version: Maybe[MaybeVersion] = UNSET
    tested_version: Maybe[MaybeVersion] = UNSET
    archived: Maybe[bool] = UNSET
    build_documented: Maybe[bool] = UNSET
    tasks_complete: Maybe[bool] = UNSET
    security_findings_resolved: Maybe[bool] = UNSET
    changes: Maybe[Annotated[tuple[Change, ...], Meta(max_length=4096)]] = UNSET
    change_safety_analysis: Maybe[bool] = UNSET
    risk_control_impact: Maybe[bool] = UNSET
    pems_validation: Maybe[Literal["repeated", "justified", "none"]] = UNSET


class Testing(Section, frozen=True, kw_only=True):
    """What was tested, by whom, and how the running image was tested from outside.

    kinds          kinds of test that the vendor says were made
    watched        kinds of black-box test whose signed result is here
    open_failures  names of the black-box checks that failed
    """

    version: Maybe[MaybeVersion] = UNSET
    kinds: Maybe[Texts] = UNSET
    pentest_date: Maybe[MaybeMoment] = UNSET
    pentest_independent: Maybe[bool] = UNSET
    open_high_findings: Maybe[Count] = UNSET
    regression_record: Maybe[dict[str, Text]] = UNSET
    watched: Maybe[Texts] = UNSET
    result: Maybe[Literal["PASSED", "WARNED", "FAILED"]] = UNSET
    inputs: Maybe[Count] = UNSET
    seconds: Maybe[Annotated[float, Meta(ge=0)]] = UNSET
    open_failures: Maybe[Texts] = UNSET


class Risk(Section, frozen=True, kw_only=True):
    """The vendor's risk file and threat model, and what the gate itself makes of the change.

    threat_model_version  this release's where the model covers it, else the last that it covers
    drift                 `rule: words`, where model and release do not agree
    delta_vs_installed    whether patients' risk is lower, the same or higher than today
    delta_says            both sides of the decision in a sentence: taking it, and refusing it
    """

    file_release_version: Maybe[MaybeVersion] = UNSET
    overall_acceptable: Maybe[bool] = UNSET
    review_date: Maybe[MaybeMoment] = UNSET
    new_risks_assessed: Maybe[bool] = UNSET
    items: Maybe[Annotated[tuple[RiskItem, ...], Meta(max_length=4096)]] = UNSET
    approver_role: Maybe[Word] = UNSET
    approver_signature_valid: Maybe[bool] = UNSET
    security_method: Maybe[Word] = UNSET
    threat_model_version: Maybe[MaybeVersion] = UNSET
    threat_model_digest: Maybe[Digest] = UNSET
    open_threats: Maybe[Annotated[tuple[OpenThreat, ...], Meta(max_length=4096)]] = UNSET
    drift: Maybe[Texts] = UNSET
    delta_vs_installed: Maybe[Literal["lower", "same", "higher"]] = UNSET
    delta_says: Maybe[Text] = UNSET


class Regulatory(Section, frozen=True, kw_only=True):
    """Which law applies here, and where the product stands with it."""

    jurisdictions: Maybe[Texts] = UNSET
    cyber_device: Maybe[bool] = UNSET
    pems: Maybe[bool] = UNSET
    standalone_software: Maybe[bool] = UNSET
    us_class: Maybe[Literal["I", "II", "III"]] = UNSET
    eu_class: Maybe[Literal["I", "IIa", "IIb", "III"]] = UNSET
    gudid_listed: Maybe[bool] = UNSET
    udi_change: Maybe[Literal["new_di", "new_pi", "none"]] = UNSET
    changes_performance_or_use: Maybe[bool] = UNSET
    change_assessed: Maybe[bool] = UNSET
    submission_needed: Maybe[bool] = UNSET
    submission_cleared: Maybe[bool] = UNSET
    open_recalls: Maybe[Annotated[tuple[Recall, ...], Meta(max_length=512)]] = UNSET


class Fallback(Section, frozen=True, kw_only=True):
    """The pre-signed way back that came with the release."""

    verified: Maybe[bool] = UNSET
    version: Maybe[Version] = UNSET
    security_version: Maybe[Counter] = UNSET
    supported_hw: Maybe[tuple[HardwareId, ...]] = UNSET
    upgrade_from: Maybe[tuple[ReleaseId, ...]] = UNSET


class Device(Section, frozen=True, kw_only=True):
    """The devices of the class that would receive it: what they are and where they stand."""

    model: Maybe[Text] = UNSET
    hw_revs: Maybe[tuple[HardwareId, ...]] = UNSET
    releases: Maybe[tuple[ReleaseId, ...]] = UNSET
    security_version: Maybe[Count] = UNSET
    udi_di: Maybe[Word] = UNSET
    tier: Maybe[Annotated[int, Meta(ge=1, le=4)]] = UNSET
    exposure: Maybe[Literal["isolated", "segmented", "flat", "internet"]] = UNSET
    networked: Maybe[bool] = UNSET
    planned_retirement_year: Maybe[Annotated[int, Meta(ge=1990, le=2200)]] = UNSET
    secure_boot: Maybe[bool] = UNSET
    interfaces: Maybe[Texts] = UNSET
    support_state: Maybe[Literal["supported", "limited_support", "end_of_support"]] = UNSET
    legacy_plan: Maybe[bool] = UNSET
    installed_affected: Maybe[Texts] = UNSET
    log_events: Maybe[Texts] = UNSET
    log_export: Maybe[bool] = UNSET
    time_sync: Maybe[bool] = UNSET
    version_readback: Maybe[Literal["attested", "reported", "manual"]] = UNSET
    in_clinical_use: Maybe[bool] = UNSET
    peers: Maybe[Annotated[tuple[Compatible, ...], Meta(max_length=256)]] = UNSET
    needed_by: Maybe[Annotated[tuple[Compatible, ...], Meta(max_length=256)]] = UNSET


class Docs(Section, frozen=True, kw_only=True):
    """What comes with it to read."""

    release_notes: Maybe[Texts] = UNSET
    security_guide: Maybe[Texts] = UNSET
    ifu_it_requirements: Maybe[bool] = UNSET
    ifu_version_current: Maybe[bool] = UNSET
    mds2_version: Maybe[Literal["2013", "2019"]] = UNSET
    mds2_sw_version: Maybe[MaybeVersion] = UNSET
    procedures: Maybe[Texts] = UNSET
    end_of_support: Maybe[Annotated[str, Meta(pattern=r"^(?:\d{4}-\d\d-\d\d)?\Z")]] = UNSET
    usability_evaluated: Maybe[bool] = UNSET


class Deploy(Section, frozen=True, kw_only=True):
    """How it is put into use here, and what its first devices showed."""

    rollback_tested: Maybe[bool] = UNSET
    interrupt_safe: Maybe[bool] = UNSET
    it_risk_assessed: Maybe[bool] = UNSET
    it_risk_manager: Maybe[Text] = UNSET
    stage: Maybe[Literal["pilot", "wave1", "wave2", "fleet"]] = UNSET
    pilot_devices: Maybe[Count] = UNSET
    pilot_hours: Maybe[Count] = UNSET
    pilot_safety_failures: Maybe[Count] = UNSET
    clinical_approval_role: Maybe[Word] = UNSET
    backup_capacity: Maybe[bool] = UNSET


class Postmarket(Section, frozen=True, kw_only=True):
    """What the vendor promises to do once it is in use, and keeps."""

    cvd_url: Maybe[Text] = UNSET
    cycle_days: Maybe[Count] = UNSET
    oob_days: Maybe[Count] = UNSET
    cycle_met: Maybe[bool] = UNSET
    notice_days: Maybe[Count] = UNSET
    fix_days: Maybe[Count] = UNSET
    isao_member: Maybe[bool] = UNSET


class Privacy(Section, frozen=True, kw_only=True):
    """Who can get at what, and how what is personal is kept."""

    ephi: Maybe[bool] = UNSET
    unique_users: Maybe[bool] = UNSET
    service_mfa: Maybe[bool] = UNSET
    default_credentials: Maybe[bool] = UNSET
    hardcoded_credentials: Maybe[bool] = UNSET
    encrypted_transit: Maybe[bool] = UNSET
    encrypted_rest: Maybe[bool] = UNSET
    addressable_rationale: Maybe[Text] = UNSET
    audit_controls: Maybe[bool] = UNSET
    integrity_controls: Maybe[bool] = UNSET
    data_flows_changed: Maybe[bool] = UNSET
    risk_analysis_updated: Maybe[bool] = UNSET
    vendor_telemetry: Maybe[bool] = UNSET
    telemetry_phi: Maybe[bool] = UNSET
    baa: Maybe[bool] = UNSET


class Net(Section, frozen=True, kw_only=True):
    """The network it is delivered over and lives in; tls_min is 10, 11, 12 or 13."""

    tls_min: Maybe[Annotated[int, Meta(ge=10, le=13)]] = UNSET
    downgrade_blocked: Maybe[bool] = UNSET
    required_controls: Maybe[Texts] = UNSET
    zone_controls: Maybe[Texts] = UNSET
