"""Signals and decisions: hard rules at once, four equals, clinical priority, shared causes."""

from datetime import UTC, datetime

import numpy as np
import pytest
from msgspec.structs import replace
from tests.wards import FACTORY

from firmward.hospital.watch import decide, signals
from firmward.hospital.watch.cohort import Comparison
from firmward.hospital.watch.signals import DOMAINS, Limits, Signal
from firmward.lab.paper_device import CALM
from firmward.terms.report import VersionReport

LIMITS = Limits(freshness_ms=30_000, boots=3, persist=3)


def report(**members: object) -> VersionReport:
    """A report of a device that is well."""
    said = {
        "device": "urn:dev:ops:1-P-1",
        "sequence": 1,
        "at": datetime(2026, 11, 21, tzinfo=UTC),
        "release": FACTORY,
        "image_sha256": "a" * 64,
        "measured_sha256": "a" * 64,
        "floor": 1,
        "outcome": "running",
    }
    return VersionReport(**(said | members))


def names(found: list[Signal]) -> list[tuple[str, bool]]:
    """Name and hardness."""
    return [(signal.name, signal.hard) for signal in found]


def readings(count: int = 3, boots: tuple[int, ...] = (), **members: object) -> list:
    """The names of the signals in some equal readings."""
    found = [replace(CALM, **members)] * count
    return names(signals.of_readings("d", found, boots or (0,) * count, LIMITS))


def test_a_well_device_gives_no_signal():
    """Neither its report nor its readings."""
    assert signals.of_report(report(), "a" * 64) == []
    assert readings() == []


@pytest.mark.parametrize(
    ("members", "admitted"),
    [
        ({"measured_sha256": "b" * 64}, "a" * 64),
        ({"outcome": "mismatch"}, ""),
        ({}, "b" * 64),
        ({"image_sha256": "b" * 64, "measured_sha256": "b" * 64, "outcome": "kept"}, "a" * 64),
    ],
    ids=["flash", "device-says", "never-admitted", "consistent-lie"],
)
def test_an_image_that_is_not_the_admitted_one_is_a_hard_signal_and_quarantine(members, admitted):
    """Also where the device's own two digests agree, on an image nobody admitted."""
    found = signals.of_report(report(**members), admitted)

    assert names(found) == [("hash-mismatch", True)]
    assert decide.about_device(found).outcome == "quarantine"


def test_a_device_that_fell_back_by_itself_is_looked_into():
    """It protected itself: no hard rule, but not nothing."""
    found = signals.of_report(report(outcome="reverted"))

    assert names(found) == [("reverted", False)]
    assert decide.about_device(found).outcome == "audit"


@pytest.mark.parametrize(
    ("members", "name"),
    [({"age_ms": 30_001}, "stale-data"), ({"link": False}, "record-link-lost")],
)
def test_a_hard_rule_needs_to_persist_and_then_rolls_back(members, name):
    """Two such readings are a blip, three are a fact."""
    assert readings(2, **members) == []
    assert readings(3, **members) == [(name, True)]
    found = [Signal(name, "clinical", "d", 1.0, True, "")]
    assert decide.about_device(found).outcome == "rollback"


def test_a_blip_among_good_readings_is_none():
    """The newest readings must all be bad."""
    bad = replace(CALM, age_ms=99_999, link=False)

    assert signals.of_readings("d", [bad, bad, CALM], (0, 0, 0), LIMITS) == []


def test_a_boot_loop_is_counted_over_the_readings():
    """Three restarts are one too many, two are a trial and an accident."""
    assert readings(3, boots=(5, 6, 7)) == []
    assert readings(3, boots=(5, 6, 8)) == [("boot-loop", True)]


def comparison(
    weights: tuple[float, ...] = (0, 0, 0, 0), *, alarm: bool = True, controls: float = 0.0
) -> Comparison:
    """What a look found, in robust deviations per domain."""
    found = dict(zip(DOMAINS, weights, strict=True))
    return Comparison(alarm, 0.001, found, controls, np.ones(1, dtype=bool))


@pytest.mark.parametrize("place", range(4))
def test_the_four_domains_are_equals(place):
    """The same worsening weighs the same in whichever domain it is."""
    weights = [0.0] * 4
    weights[place] = 4.0

    decision = decide.about_release(comparison(tuple(weights)), "routine")

    assert decision.total == 1.0
    assert decision.outcome == "rollback"


@pytest.mark.parametrize(
    ("priority", "worse", "outcome"),
    [
        ("critical", 0.3, "audit"),
        ("critical", 0.5, "rollback"),
        ("essential", 0.9, "delayed-remediation"),
        ("essential", 1.1, "rollback"),
        ("routine", 3.9, "delayed-remediation"),
        ("routine", 4.1, "rollback"),
    ],
)
def test_clinical_priority_sets_how_much_is_enough(priority, worse, outcome):
    """An alarm about life support is acted on at any size that matters at all."""
    found = comparison((0.0, worse, 0.0, 0.0))

    assert decide.about_release(found, priority).outcome == outcome


@pytest.mark.parametrize("priority", ["critical", "essential", "routine"])
def test_controls_that_worsen_too_are_not_blamed_on_the_release(priority):
    """A network outage hits everybody: halt, and let a person look."""
    found = comparison((8, 8, 8, 8), controls=1.5)

    decision = decide.about_release(found, priority)

    assert decision.outcome == "delayed-remediation"
    assert "shared" in decision.because[-1]


@pytest.mark.parametrize(
    ("weights", "outcome"), [((1, 1, 1, 0), "observe"), ((2, 1, 1, 0), "audit")]
)
def test_without_an_alarm_nothing_is_taken_back(weights, outcome):
    """Many small worsenings together are looked into, no more."""
    assert decide.about_release(comparison(weights, alarm=False), "critical").outcome == outcome


def test_many_small_signals_of_one_kind_count_once():
    """A flood of one domain cannot outweigh the others."""
    flood = [Signal("x", "network", f"d{n}", 0.3, False, "") for n in range(50)]

    assert decide.weigh(flood)["network"] == 0.3
    assert decide.about_device(flood).outcome == "observe"


def test_an_improvement_weighs_nothing():
    """It does not make up for a worsening elsewhere."""
    decision = decide.about_release(comparison((-8, 4, 0, 0)), "routine")

    assert decision.weights["system"] == 0.0
    assert decision.total == 1.0
