"""The roll-out planner: who is in which wave, and what comes next.  Pure.

Within a stratum (product, ward kind, release now running) the devices of a wave are drawn at
random from a seed that is on the ledger.  The draw is a sort by SHA-256 of seed and device, so that
an auditor with the seed gets the same waves from any language.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from firmward.terms.errors import Misuse


class Member(msgspec.Struct, frozen=True):
    """A device that a roll-out may reach, and the stratum it is drawn within."""

    device: str
    stratum: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a roll-out goes.

    shares        of each stratum that the waves before the last one take
    alpha         bound on a false alarm for the whole roll-out, spent over the waves but the last
    looks_s       seconds after a wave has settled at which its devices are compared with the rest
    settle_s      how long a wave may take to install before devices are counted as failed
    failed_share  of a wave that may fail to install before the roll-out stops
    """

    shares: tuple[float, ...] = (0.4,)
    alpha: float = 0.01
    looks_s: tuple[float, ...] = (900.0, 3600.0, 14_400.0, 86_400.0)
    settle_s: float = 14_400.0
    failed_share: float = 0.2


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A roll-out as it was drawn; it never changes."""

    rollout: str
    release: str
    fallback: str
    seed: str
    members: tuple[Member, ...]
    waves: tuple[tuple[str, ...], ...]
    terms: Terms


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a roll-out is.

    wave     index of the wave that is under way; -1 before the first
    settled  when the wave's last device was through (seconds; 0 = not yet)
    looks    comparisons taken in this wave
    """

    plan: Plan
    state: Literal["running", "stopped", "done"] = "running"
    wave: int = -1
    started: float = 0.0
    settled: float = 0.0
    looks: int = 0
    reason: str = ""

    @property
    def reached(self) -> tuple[str, ...]:
        """Every device whose wave has begun."""
        return tuple(d for wave in self.plan.waves[: self.wave + 1] for d in wave)


@dataclass(frozen=True)
class Health:
    """What the planner needs to know of the wave under way.

    kept, failed  devices that proved the release, or gave it up or refused it
    held          devices in clinical use: they wait, and are not counted as late
    blind         devices that the first comparison needs, with no normal to compare with yet
    stop          a reason to stop at once; empty if there is none
    """

    kept: frozenset[str]
    failed: frozenset[str]
    held: frozenset[str]
    blind: frozenset[str] = frozenset()
    stop: str = ""


@dataclass(frozen=True)
class StartWave:
    """Order the devices of this wave to install."""

    wave: int


@dataclass(frozen=True)
class Settle:
    """The wave is through: its soak begins now."""


@dataclass(frozen=True)
class Look:
    """Compare the wave with the devices that were not drawn."""

    number: int


@dataclass(frozen=True)
class Hold:
    """Nothing to do yet."""

    reason: str


@dataclass(frozen=True)
class Done:
    """Every wave kept the release."""


@dataclass(frozen=True)
class Stop:
    """Stop, and take the release back from whoever has it."""

    reason: str


Step = StartWave | Settle | Look | Hold | Done | Stop


def draw(
    rollout: str, release: str, fallback: str, members: Sequence[Member], seed: str, terms: Terms
) -> Plan:
    """The plan that this seed gives.  Every member is in exactly one wave."""
    if not members or not all(0 < share < 1 for share in terms.shares):
        raise Misuse(f"roll-out {rollout}: expected members and shares in (0, 1)")
    strata: dict[str, list[str]] = defaultdict(list)
    for member in members:
        strata[member.stratum].append(member.device)
    waves: list[list[str]] = [[] for _ in range(len(terms.shares) + 1)]
    for stratum in sorted(strata):
        for number, wave in enumerate(_split(_shuffled(strata[stratum], seed), terms.shares)):
            waves[number].extend(wave)
    return Plan(
        rollout=rollout,
        release=release,
        fallback=fallback,
        seed=seed,
        members=tuple(sorted(members, key=lambda member: member.device)),
        waves=tuple(tuple(sorted(wave)) for wave in waves if wave),
        terms=terms,
    )


def _shuffled(devices: Sequence[str], seed: str) -> list[str]:
    return sorted(devices, key=lambda d: hashlib.sha256(f"{seed}|{d}".encode()).digest())


def _split(devices: list[str], shares: Sequence[float]) -> list[list[str]]:
    parts, start = [], 0
    for share in shares:
        end = min(len(devices), start + math.ceil(share * len(devices)))
        parts.append(devices[start:end])
        start = end
    return [*parts, devices[start:]]


def wave_alpha(plan: Plan, wave: int) -> float:
    """The part of the roll-out's false-alarm bound that this wave may spend."""
    compared = max(1, len(plan.waves) - 1)
    weights = [0.5**number for number in range(compared)]
    return plan.terms.alpha * weights[wave] / sum(weights) if wave < compared else 0.0


def step(progress: Progress, health: Health, now: float) -> Step:
    """What comes next, from the planner's state and the health of the wave under way."""
    if progress.state != "running":
        return Hold(f"it is {progress.state}")
    if health.stop:
        return Stop(health.stop)
    if progress.wave < 0:
        blind = len(health.blind)
        return Hold(f"{blind} devices have no normal yet") if blind else StartWave(0)
    wave = frozenset(progress.plan.waves[progress.wave])
    failed = wave & health.failed
    if len(failed) > progress.plan.terms.failed_share * len(wave):
        return Stop(f"{len(failed)} of {len(wave)} devices of wave {progress.wave + 1} failed")
    if not progress.settled:
        return _settling(progress, wave - health.kept - failed, health, now)
    return _soaking(progress, now)


def _settling(progress: Progress, open_: frozenset[str], health: Health, now: float) -> Step:
    if not open_:
        return Settle()
    late = open_ - health.held
    waited = now - progress.started
    if late and waited > progress.plan.terms.settle_s:
        return Stop(f"{len(late)} devices of wave {progress.wave + 1} never reported")
    held = f", {len(open_ & health.held)} in clinical use" if open_ & health.held else ""
    return Hold(f"waiting for {len(open_)} devices of wave {progress.wave + 1}{held}")


def _soaking(progress: Progress, now: float) -> Step:
    terms = progress.plan.terms
    last = progress.wave == len(progress.plan.waves) - 1
    # The last wave leaves nobody to compare with: hard rules watch it until its first look is due.
    looks = terms.looks_s[:1] if last else terms.looks_s
    if progress.looks < len(looks):
        due = progress.settled + looks[progress.looks]
        return Look(progress.looks) if now >= due else Hold(f"soaking wave {progress.wave + 1}")
    return Done() if last else StartWave(progress.wave + 1)
