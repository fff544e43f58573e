"""What a device says back: signed version reports, and vitals."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta

from firmward.terms.names import DeviceId, Moment, ReleaseId, Sha256, ShortText
from firmward.terms.wire import Wire

REPORT_TYPE: Final = "application/vnd.firmward.version-report.v1+json"
"""DSSE payload type of a VersionReport (Uptane's version manifest, standard 2.1, 5.4.2.1)."""


class Attack(StrEnum):
    """What a device believes it has just refused (Uptane's `attacks_detected`)."""

    NONE = ""
    TAMPERED_IMAGE = "tampered-image"
    REPLAYED_ORDER = "replayed-order"
    WRONG_DEVICE = "wrong-device"
    WRONG_HARDWARE = "wrong-hardware"
    DOWNGRADE = "downgrade"
    OUT_OF_LINEAGE = "out-of-lineage"
    FROZEN = "frozen-metadata"
    TOO_FEW_SIGNATURES = "too-few-signatures"
    DISAGREEMENT = "repositories-disagree"
    WRONG_SERVER = "wrong-server"
    ENDLESS_DATA = "endless-data"
    BAD_METADATA = "bad-metadata"


Outcome = Literal["running", "kept", "reverted", "refused", "mismatch"]
"""running: nothing new. kept, reverted: how a trial ended. refused: an order was turned away.
mismatch: the installed image no longer has the digest it was verified with."""


class VersionReport(Wire, frozen=True, kw_only=True):
    """What a device runs and what it refused, signed by the device's own key.

    sequence         rises with every report, so an old one cannot be replayed
    image_sha256     the digest that was verified when the image was kept
    measured_sha256  the digest of the slot's bytes read back now
    floor            the device's monotonic counter: it takes nothing below
    """

    device: DeviceId
    sequence: Annotated[int, Meta(ge=1)]
    at: Moment
    release: ReleaseId
    image_sha256: Sha256
    measured_sha256: Sha256
    floor: Annotated[int, Meta(ge=0)]
    outcome: Outcome
    order: Annotated[str, Meta(max_length=32)] = ""
    attack: Attack = Attack.NONE
    detail: ShortText = ""


class Reading(Wire, frozen=True, kw_only=True):
    """One vitals line of the safety controller: aggregates, never a patient's values.

    t_ms         the controller's uptime; cpu, memory in permille; cadence_ms the mean interval
                 between sensor reads; age_ms of the last good one; rssi in dBm
    """

    t_ms: Annotated[int, Meta(ge=0)]
    cpu: Annotated[int, Meta(ge=0, le=1000)]
    memory: Annotated[int, Meta(ge=0, le=1000)]
    reads: Annotated[int, Meta(ge=0)]
    errors: Annotated[int, Meta(ge=0)]
    cadence_ms: Annotated[int, Meta(ge=0)]
    age_ms: Annotated[int, Meta(ge=0)]
    response_ms: Annotated[int, Meta(ge=0)]
    rssi: Annotated[int, Meta(ge=-150, le=20)]
    link: bool
    in_use: bool


class Vitals(Wire, frozen=True, kw_only=True):
    """A batch of readings; a server that has seen `sequence` before takes it as known."""

    device: DeviceId
    sequence: Annotated[int, Meta(ge=1)]
    release: ReleaseId
    boots: Annotated[int, Meta(ge=0)]
    readings: Annotated[tuple[Reading, ...], Meta(max_length=64)]
