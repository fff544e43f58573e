"""What a play leaves to be told: collected while the server still answers, and then fixed.

Events, devices and roll-outs come through the people plane, as an auditor and a technician see
them.  Readings come from the site's own store, and what each device did from the lab's fleet.
"""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

from firmward.hospital.gate.packs.folder import newest
from firmward.hospital.gate.packs.read import load
from firmward.hospital.records import vitals
from firmward.hospital.records.store import Store
from firmward.hospital.records.vitals import Kept
from firmward.lab.demo import PACKS, Played
from firmward.lab.fleet import Noted
from firmward.lab.paper_site import PACK_IDS
from firmward.lab.scenario import Check, Stage
from firmward.lab.toolchain import checkout_folder
from firmward.terms.errors import FirmwardError

PAGE = 1000
SHOWN = ("firmward", "unicorn", "tuf", "cryptography")

Told = Sequence[tuple[float, str]]
"""What the play said as it went, each with when (seconds since the epoch)."""


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger.  at: seconds since the epoch."""

    sequence: int
    kind: str
    stage: str
    at: float
    actor: str
    subjects: tuple[str, ...]
    says: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timed:
    """A check, and when it began; None if the play did not say."""

    check: Check
    begun: float | None = None


@dataclass(frozen=True)
class Patient:
    """A device as the hospital knows it at the end of the play."""

    device: str
    ward: str
    release: str
    status: str


@dataclass(frozen=True)
class Drawn:
    """A roll-out: which devices were drawn into which wave, and how it ended."""

    release: str
    state: str
    waves: tuple[tuple[str, ...], ...]
    reason: str = ""


@dataclass(frozen=True)
class Cut:
    """A power cut that a scenario staged, and the point in the agent's work where it fell."""

    device: str
    point: str


@dataclass(frozen=True)
class Story:
    """A play, as it can be told without the server.

    begun       when it began, in seconds since the epoch
    rules       what the gate asks: rule id and title
    explained   release -> the gate's own explanation
    noted       device -> each step that differed from the one before it
    lost        why something is not here; empty if nothing is missing
    """

    now: datetime
    begun: float
    seconds: float
    memory_mib: float
    checks: tuple[Timed, ...]
    versions: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    events: tuple[Entry, ...] = ()
    devices: tuple[Patient, ...] = ()
    rollouts: tuple[Drawn, ...] = ()
    readings: tuple[Kept, ...] = ()
    noted: Mapping[str, tuple[Noted, ...]] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    explained: Mapping[str, str] = field(default_factory=dict)
    audited: Mapping[str, Any] = field(default_factory=dict)
    stories: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        """How many checks saw something else than expected."""
        return sum(not timed.check.ok for timed in self.checks)

    @property
    def ok(self) -> bool:
        """Whether all was as expected, no device failed unstaged, and nothing is missing here."""
        return bool(self.checks) and not (self.wrong or self.failures or self.lost)

    def of(self, *kinds: str, about: str = "") -> list[Entry]:
        """Entries of some kinds, about a subject if one is named, oldest first."""
        return [e for e in self.events if e.kind in kinds and (not about or about in e.subjects)]

    def rollout(self, release: str) -> Drawn | None:
        """The roll-out of a release, if there was one."""
        return next((drawn for drawn in self.rollouts if drawn.release == release), None)

    def ward(self, device: str) -> str:
        """Where a device stands."""
        return next((d.ward for d in self.devices if d.device == device), "")


def collect(played: Played, told: Told, memory_mib: float, now: datetime) -> Story:
    """Everything the report shows.  The server must still be up; what cannot be had is named."""
    stage = played.stage
    lost: list[str] = []
    found: dict[str, Any] = {}
    for name, ask in (
        ("events", _events),
        ("devices", _devices),
        ("rollouts", _rollouts),
        ("readings", _readings),
        ("rules", _rules),
    ):
        try:
            found[name] = ask(stage)
        except FirmwardError as error:
            lost.append(f"{name}: {error}")
    beds = stage.fleet.beds
    return Story(
        now=now,
        begun=told[0][0] if told else now.timestamp() - played.seconds,
        seconds=played.seconds,
        memory_mib=memory_mib,
        checks=timed(stage.checks, told),
        versions=_versions(),
        failures=tuple(stage.fleet.failures),
        noted={bed.device: tuple(bed.noted) for bed in beds},
        cuts=tuple(Cut(bed.device, point) for bed in beds for point in bed.cuts),
        explained=dict(stage.kept.get("explained", {})),
        audited=dict(stage.kept.get("audited", {})),
        stories=dict(stage.kept.get("stories", {})),
        lost=tuple(lost),
        **found,
    )


def timed(checks: Sequence[Check], told: Told) -> tuple[Timed, ...]:
    """Each check with when it began: the line that told its end, less the time it took."""
    found, at = [], 0
    for check in checks:
        words = f" {check.act}  {check.what}: "
        line = next((n for n in range(at, len(told)) if told[n][1][4:].startswith(words)), None)
        if line is None:
            found.append(Timed(check))
            continue
        found.append(Timed(check, told[line][0] - check.seconds))
        at = line + 1
    return tuple(found)


def _events(stage: Stage) -> tuple[Entry, ...]:
    desk = stage.server.desk("ada")
    found: list[dict[str, Any]] = []
    while page := desk.get("/v1/events", **{"from": str(len(found))}):
        found += page
        if len(page) < PAGE:
            break
    return tuple(_entry(event) for event in found)


def _entry(event: Mapping[str, Any]) -> Entry:
    return Entry(
        sequence=event["sequence"],
        kind=event["kind"],
        stage=event["stage"],
        at=datetime.fromisoformat(event["at"]).timestamp(),
        actor=event["actor"],
        subjects=tuple(event["subjects"]),
        says=event["says"],
        detail=event.get("detail", {}),
    )


def _devices(stage: Stage) -> tuple[Patient, ...]:
    known = sorted(stage.devices().values(), key=lambda d: str(d["device"]))
    return tuple(Patient(d["device"], d["ward"], d["release"], d["status"]) for d in known)


def _rollouts(stage: Stage) -> tuple[Drawn, ...]:
    found = stage.server.desk("bea").get("/v1/rollouts")
    return tuple(
        Drawn(r["release"], r["state"], tuple(tuple(w) for w in r["waves"]), r["reason"])
        for r in found
    )


def _readings(stage: Stage) -> tuple[Kept, ...]:
    """Nobody's desk shows single readings; the lab owns the machine and reads them in place."""
    store = Store(stage.server.home / "store.sqlite")
    names = [bed.device for bed in stage.fleet.beds]
    try:
        with store.reading() as connection:
            return tuple(vitals.between(connection, names, 0.0, float("inf")))
    finally:
        store.close()


def _rules(_: Stage) -> tuple[tuple[str, str], ...]:
    """Every rule of the packs that the lab's hospital is founded with."""
    folder = checkout_folder(PACKS)
    found = [load(newest(folder, name)) for name in PACK_IDS]
    return tuple((rule.id, rule.title) for pack in found for rule in pack.rules)


def _versions() -> tuple[tuple[str, str], ...]:
    own = (
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"),
    )
    return (*((name, version(name)) for name in SHOWN), *own)
