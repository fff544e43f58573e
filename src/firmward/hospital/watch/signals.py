"""Signals: what a device's readings say, one by one.  Pure.

Four domains count as equals (MISSION A17): system behaviour, clinical interaction, firmware
integrity, network behaviour.  Hard rules need no statistics and act at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from firmward.terms.report import Reading, VersionReport

Domain = Literal["system", "clinical", "integrity", "network"]
DOMAINS: tuple[Domain, ...] = ("system", "clinical", "integrity", "network")


@dataclass(frozen=True)
class Signal:
    """One thing that was noticed.

    weight  0 to 1: how much of its domain's say it uses
    hard    true where no statistics are needed
    """

    name: str
    domain: Domain
    device: str
    weight: float
    hard: bool
    says: str


@dataclass(frozen=True)
class Metric:
    """A number that a reading gives.

    worse   +1 where more is worse, -1 where less is
    floor   the smallest change that anybody cares about, in the metric's unit
    """

    name: str
    domain: Domain
    worse: int
    floor: float
    of: Callable[[Reading], float]


METRICS: tuple[Metric, ...] = (
    Metric("cpu", "system", 1, 20.0, lambda r: r.cpu),
    Metric("memory", "system", 1, 20.0, lambda r: r.memory),
    Metric("sensor errors", "system", 1, 0.02, lambda r: r.errors / max(1, r.reads)),
    Metric("cadence", "clinical", 1, 50.0, lambda r: r.cadence_ms),
    Metric("freshness", "clinical", 1, 200.0, lambda r: r.age_ms),
    Metric("response", "clinical", 1, 20.0, lambda r: r.response_ms),
    Metric("radio", "network", -1, 4.0, lambda r: r.rssi),
    Metric("record link", "network", -1, 0.1, lambda r: float(r.link)),
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Where the hard rules are.  `persist` readings in a row make one, so a blip does not."""

    freshness_ms: int = 30_000
    boots: int = 3
    persist: int = 3


def of_report(report: VersionReport, admitted_sha256: str = "") -> list[Signal]:
    """Hard signals in a signed report.

    admitted_sha256  the image that was admitted under the release it names; "" where none was
    """
    device, found = report.device, []
    if report.outcome == "mismatch" or report.measured_sha256 != report.image_sha256:
        says = f"flash holds {report.measured_sha256[:12]}, verified was {report.image_sha256[:12]}"
        found.append(Signal("hash-mismatch", "integrity", device, 1.0, True, says))
    elif admitted_sha256 not in ("", report.image_sha256):
        says = f"it verified {report.image_sha256[:12]}, admitted was {admitted_sha256[:12]}"
        found.append(Signal("hash-mismatch", "integrity", device, 1.0, True, says))
    if report.outcome == "reverted":
        says = f"it fell back by itself: {report.detail or 'trial not kept'}"
        found.append(Signal("reverted", "system", device, 1.0, False, says))
    return found


def of_readings(
    device: str, readings: Sequence[Reading], boots: Sequence[int], limits: Limits
) -> list[Signal]:
    """Hard signals in a device's newest readings, oldest first."""
    found = []
    newest = readings[-limits.persist :]
    if len(newest) < limits.persist:
        return []
    if all(reading.age_ms > limits.freshness_ms for reading in newest):
        says = f"no good reading for {newest[-1].age_ms} ms"
        found.append(Signal("stale-data", "clinical", device, 1.0, True, says))
    if not any(reading.link for reading in newest):
        says = f"no link to the record system in {len(newest)} readings"
        found.append(Signal("record-link-lost", "network", device, 1.0, True, says))
    if boots and boots[-1] - boots[0] >= limits.boots:
        says = f"{boots[-1] - boots[0]} restarts"
        found.append(Signal("boot-loop", "system", device, 1.0, True, says))
    return found
