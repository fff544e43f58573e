"""What the hospital itself knows: of a class of its devices, and of how a release is put into use.

A device class is what the gate judges for: one product on one kind of board at one clinical tier.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firmward.hospital.gate import declared
from firmward.hospital.gate.known import Known, Maybe
from firmward.hospital.gate.listed import Compatible
from firmward.hospital.gate.readings import Origin
from firmward.hospital.records.devices import class_name
from firmward.terms.names import HardwareId, Label, ReleaseId
from firmward.terms.wire import Wire, encode

Leaves = dict[str, Known[Any]]
Tier = Annotated[int, Meta(ge=1, le=4)]
Stage = Literal["pilot", "wave1", "wave2", "fleet"]

NOBODY: Final = "-"
"""The board of a class without devices: what comes in before the first device does."""


_ANY: Final = datetime.min.replace(tzinfo=UTC)


class Use(Wire, frozen=True, kw_only=True):
    """How far a roll-out of the release is, for the class that is asked about.

    pilot_hours  since the pilot's last device was through, whole hours
    """

    stage: Stage = "pilot"
    pilot_devices: Annotated[int, Meta(ge=0)] = 0
    pilot_hours: Annotated[int, Meta(ge=0)] = 0
    pilot_safety_failures: Annotated[int, Meta(ge=0)] = 0


class Said(Wire, frozen=True, kw_only=True):
    """What one person of the hospital declared, in a role, until when.

    about  "site", a product, or a device class: the nearer one counts
    """

    about: Annotated[str, Meta(max_length=160)]
    role: Label
    person: Label
    sections: dict[str, dict[str, Any]]
    at: datetime
    until: datetime

    @property
    def sha256(self) -> str:
        """Digest of what was declared."""
        return sha256(encode(self)).hexdigest()


class ClassFacts(Wire, frozen=True, kw_only=True):
    """One class of devices at this site.

    tier             1 life-supporting to 4 workflow
    jurisdictions    whose law applies; empty means not stated, and then every rule applies
    hardware_ids     the class's board; empty where there is no device yet
    releases         every release its devices run; empty where there is no device yet
    highest_counter  the highest security counter that any of them enforces, 0 without devices
    peers            other products in use here, each with the version that is in use
    needed_by        their releases that go with some versions of this product only, and which
    said             what people here declared, the nearest last
    """

    site: Label
    product: Label
    model: Annotated[str, Meta(max_length=64)]
    tier: Tier
    jurisdictions: tuple[str, ...]
    hardware_ids: tuple[HardwareId, ...]
    releases: tuple[ReleaseId, ...]
    highest_counter: Annotated[int, Meta(ge=0)]
    observed_at: datetime
    peers: tuple[Compatible, ...] = ()
    needed_by: tuple[Compatible, ...] = ()
    use: Use = Use()
    said: tuple[Said, ...] = ()

    @property
    def name(self) -> str:
        """The device class's id, such as pump-200/PUMP-200-B/tier-1."""
        return class_name(self.product, "+".join(self.hardware_ids) or NOBODY, self.tier)

    @property
    def facts_sha256(self) -> str:
        """Digest of everything here but the moment of looking."""
        fixed = msgspec.structs.replace(self, observed_at=_ANY)
        return sha256(encode(fixed)).hexdigest()


def leaves(here: ClassFacts) -> Leaves:
    """Path -> value, for all that the hospital measured or its people declared.

    raises  Malformed for a declaration that its role may not make
    """
    found: Leaves = {}
    for said in here.said:
        found |= read(said)
    return found | _measured(here)


def read(said: Said) -> Leaves:
    """A declaration's values in their envelopes.

    raises  Malformed for one of another type, and for one that the role may not declare
    """

    def envelope(value: Any) -> Known[Any]:
        return Known(
            value=value,
            trust="declared",
            source_digest=f"sha256:{said.sha256}",
            signer=f"{said.person} as {said.role}",
            observed_at=said.at,
            valid_until=said.until,
        )

    return declared.read(said.sections, declared.HOSPITAL[said.role], envelope, said.person)


def _measured(here: ClassFacts) -> Leaves:
    ours = Origin("measured", f"sha256:{here.facts_sha256}", "", here.observed_at)
    values: dict[str, Any] = {
        "device.model": here.model,
        "device.hw_revs": here.hardware_ids,
        "device.releases": here.releases,
        "device.security_version": here.highest_counter,
        "device.tier": here.tier,
        # Every agent signs its reports, and a release counts as installed by them alone.
        "device.version_readback": "reported",
        "device.peers": here.peers,
        "device.needed_by": here.needed_by,
        # web.identity.tls_context: no listener of this site speaks anything older.
        "net.tls_min": 13,
        "net.downgrade_blocked": True,
        "deploy.stage": here.use.stage,
        "deploy.pilot_devices": here.use.pilot_devices,
        "deploy.pilot_hours": here.use.pilot_hours,
        "deploy.pilot_safety_failures": here.use.pilot_safety_failures,
    }
    found: Leaves = {path: ours(value) for path, value in values.items()}
    if here.jurisdictions:
        found["regulatory.jurisdictions"] = ours(here.jurisdictions)
    return found


def used(found: Mapping[str, Maybe[Any]], path: str, default: Any) -> Any:
    """A value among leaves, or a default where it is not known."""
    known = found.get(path, UNSET)
    return default if isinstance(known, UnsetType) else known.value
