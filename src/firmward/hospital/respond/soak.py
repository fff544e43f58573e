"""What a look at a wave compares: each device's change, from the readings it was acknowledged."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from firmward.hospital.fleet import rollout as planner
from firmward.hospital.fleet.rollout import Progress
from firmward.hospital.records import devices, vitals
from firmward.hospital.records.devices import Device
from firmward.hospital.records.site import Site
from firmward.hospital.respond import tickets
from firmward.hospital.watch import cohort
from firmward.terms.report import Reading

NORMAL = 4
"""Readings that a device must have given before a roll-out may reach it."""


def members(
    connection: Connection, site: Site, progress: Progress, now: datetime
) -> tuple[list[cohort.Cohort], list[str]]:
    """Each untouched or newly drawn device's change, and the drawn ones that say nothing now.

    A device without readings from before has no normal to be compared with and is left out; that
    depends on nothing the release did.
    """
    plan = progress.plan
    drawn = frozenset(plan.waves[progress.wave])
    earlier = frozenset(progress.reached) - drawn
    names = [m.device for m in plan.members if m.device not in earlier]
    start = progress.started - site.settings.baseline_s
    before = _grouped(vitals.between(connection, names, start, progress.started))
    after = _grouped(
        vitals.between(connection, names, progress.settled, now.timestamp() + 1), plan, drawn
    )
    found, missing = [], []
    for member in plan.members:
        name = member.device
        if name in before and name in after:
            change = cohort.change(before[name], after[name])
            found.append(cohort.Cohort(name, member.stratum, name in drawn, change))
        elif name in drawn and name not in after and _active(connection, name):
            missing.append(name)
    return found, missing


def blind(connection: Connection, site: Site, plan: planner.Plan, now: datetime) -> frozenset[str]:
    """Active devices whose vitals are too few to know their normal by: of the first wave, each.

    Of the devices not drawn one that has a normal is enough: without any, the wave could never be
    compared with anybody, however long it waits.
    """
    first, *later = [[name for name in wave if _active(connection, name)] for wave in plan.waves]
    others = [name for wave in later for name in wave]
    start = now.timestamp() - site.settings.baseline_s
    seen = vitals.counts(connection, start)
    few = {name for name in (*first, *others) if seen.get(name, 0) < NORMAL}
    return frozenset(few if few.issuperset(others) else few.intersection(first))


def comparable(members: list[cohort.Cohort]) -> bool:
    """Whether there is somebody on either side of the comparison."""
    return len({member.drawn for member in members}) == 2


def wait(
    connection: Connection, progress: Progress, number: int, silent: list[str], now: datetime
) -> None:
    """A device that says nothing is not a healthy one: the look waits, and at length tells people.

    Nobody but a person ends that wait: going on unseen is what a roll-out must never do.
    """
    terms, plan = progress.plan.terms, progress.plan
    if now.timestamp() - progress.settled - terms.looks_s[number] <= terms.settle_s:
        return
    reasons = [f"{name} sends no vitals" for name in silent] or ["too few devices have vitals"]
    tickets.file(
        connection,
        tickets.BIOMED,
        f"silent:{plan.rollout}:{progress.wave}",
        f"{plan.release} waits: wave {progress.wave + 1} cannot be compared",
        reasons,
        (plan.release, plan.rollout, *silent[:40]),
        now,
    )


def _active(connection: Connection, name: str) -> bool:
    return devices.get(connection, name).status == "active"


def _grouped(
    kept: list[vitals.Kept], plan: planner.Plan | None = None, drawn: frozenset[str] = frozenset()
) -> dict[str, list[Reading]]:
    """Readings per device; of drawn devices only those made under the plan's release."""
    found: dict[str, list[Reading]] = {}
    for one in kept:
        if plan is None or one.device not in drawn or one.release == plan.release:
            found.setdefault(one.device, []).append(one.reading)
    return found


def highest(wave: list[Device]) -> str:
    """The highest clinical priority in a wave."""
    ranks = ("critical", "essential", "routine")
    return min((d.priority for d in wave), key=ranks.index)


def pack(alive: NDArray[np.bool_]) -> bytes:
    """Which permutations are left, as bits for the store."""
    return np.packbits(alive).tobytes()


def unpack(alive: bytes) -> NDArray[np.bool_] | None:
    """The permutations that `pack` stored; None before the first look."""
    if not alive:
        return None
    bits = np.unpackbits(np.frombuffer(alive, dtype=np.uint8), count=cohort.ASSIGNMENTS + 1)
    return bits.astype(bool)
