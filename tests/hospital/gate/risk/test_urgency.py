"""The score that sets the deadline: the published tree, and how our facts reach it."""

import hashlib
from dataclasses import replace
from itertools import product

import pytest
from tests.hospital.gate.risk.drawn import EASY, PROPOSED, QUIET, WARD, vector

from firmward.hospital.gate.risk.facts import EXPOSURES, URGENCIES, parameters_of
from firmward.hospital.gate.risk.urgency import (
    EXPLOITATIONS,
    IMPACTS,
    MISSIONS,
    OF_HARM,
    OF_TIER,
    OF_ZONE,
    SAFETIES,
    SYSTEM_EXPOSURES,
    human_impact,
    outcome,
    urgency,
)

PARAMETERS = parameters_of(PROPOSED)
POINTS = (EXPLOITATIONS, SYSTEM_EXPOSURES, (False, True), IMPACTS)
# SHA-256 over the 72 rows of deployer_patch_application_priority_1_0_0.csv of CERTCC/SSVC, in
# their order, without row numbers and heading, "public poc" written "poc".
PUBLISHED = "b4822fb79f32bfafda556d92b43de17a4a68453a22bf851ca2a2d3b595c02788"


def _urgent(fact, site=WARD):
    """When to act, for harm 3."""
    return urgency(fact, site, 3, PARAMETERS)


def test_the_tree_is_the_published_one():
    """Row for row, CERT/CC's table of priorities for deployers."""
    rows = [
        f"{exploitation},{exposure},{'yes' if automatable else 'no'},{impact},"
        f"{outcome(exploitation, exposure, automatable, impact)}\n"
        for exploitation, exposure, automatable, impact in product(*POINTS)
    ]

    assert len(rows) == 72
    assert hashlib.sha256("".join(rows).encode()).hexdigest() == PUBLISHED


@pytest.mark.parametrize(
    ("point", "urgent"),
    [
        (("none", "small", False, "medium"), "defer"),
        (("none", "open", True, "very high"), "out-of-cycle"),
        (("poc", "controlled", True, "very high"), "out-of-cycle"),
        (("active", "small", False, "low"), "scheduled"),
        (("active", "open", False, "very high"), "immediate"),
        (("active", "open", True, "high"), "immediate"),
    ],
)
def test_rows_that_a_reader_can_check(point, urgent):
    """Some rows of the published table, in the open."""
    assert urgent == outcome(*point)


def test_no_decision_point_that_rises_lowers_the_urgency():
    """The tree is monotone in each of its four points."""
    falls = [
        (point, at)
        for point in product(*POINTS)
        for at, values in enumerate(POINTS)
        for worse in values[values.index(point[at]) + 1 :]
        if URGENCIES.index(outcome(*point))
        > URGENCIES.index(outcome(*point[:at], worse, *point[at + 1 :]))
    ]

    assert [] == falls


@pytest.mark.parametrize(
    ("safety", "impacts"),
    [
        ("negligible", ("low", "low", "medium", "very high")),
        ("marginal", ("low", "low", "medium", "very high")),
        ("critical", ("medium", "high", "high", "very high")),
        ("catastrophic", ("very high",) * 4),
    ],
)
def test_human_impact_is_the_published_table(safety, impacts):
    """Safety impact and mission impact meet as in CERT/CC's table."""
    assert impacts == tuple(human_impact(safety, mission) for mission in MISSIONS)


def test_our_facts_reach_the_tree_in_order():
    """More exposure, worse harm and a more vital tier never lead to a milder value."""
    zones = [SYSTEM_EXPOSURES.index(OF_ZONE[zone]) for zone in EXPOSURES]
    harms = [SAFETIES.index(OF_HARM[level]) for level in range(1, 6)]
    tiers = [MISSIONS.index(OF_TIER[tier]) for tier in range(4, 0, -1)]

    assert (sorted(zones), sorted(harms), sorted(tiers)) == (zones, harms, tiers)


@pytest.mark.parametrize(
    ("changed", "exploitation"),
    [
        ({}, "none"),
        ({"poc": True}, "poc"),
        ({"poc": None}, "poc"),
        ({"kev": True}, "active"),
        ({"kev": None}, "active"),
        ({"active": True}, "active"),
    ],
)
def test_exploitation_that_nobody_looked_for_is_not_absent(changed, exploitation):
    """None is judged as the worse value; only False is none."""
    fact = replace(QUIET, **changed)

    assert exploitation == _urgent(fact).exploitation


@pytest.mark.parametrize(
    ("changed", "zone", "automatable"),
    [
        ({}, "segmented", True),
        ({"cvss_vector": vector(AC="H")}, "segmented", False),
        ({"cvss_vector": vector(PR="L")}, "segmented", False),
        ({"cvss_vector": vector(UI="R")}, "segmented", False),
        ({"cvss_vector": vector(AV="L")}, "internet", False),
        ({"cvss_vector": vector(AV="A")}, "segmented", False),
        ({"cvss_vector": vector(AV="A")}, "flat", True),
        ({"cvss_vector": ""}, "isolated", True),
        ({"cvss_vector": "", "automatable": False}, "internet", False),
        ({"cvss_vector": vector(AV="P"), "automatable": True}, "isolated", True),
        ({"cvss_vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}, "segmented", True),
        ({"cvss_vector": "AV:N/AC:L/Au:S/C:P/I:P/A:P"}, "segmented", False),
    ],
)
def test_automatable_is_cisas_word_or_read_from_the_vector(changed, zone, automatable):
    """Over the network, alone and easily; no vector is as bad as the worst one."""
    urgent = _urgent(replace(QUIET, **changed), replace(WARD, exposure=zone))

    assert automatable is urgent.automatable


@pytest.mark.parametrize(("supplement", "automatable"), [("", True), ("/AU:N", True)])
def test_a_vendors_own_word_on_automation_is_not_read(supplement, automatable):
    """CVSS 4 lets the author of a vector answer for itself; that lowers nothing."""
    easy = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"

    assert automatable is _urgent(replace(QUIET, cvss_vector=easy + supplement)).automatable


def test_attack_requirements_of_cvss_4_are_as_hard_as_complexity():
    """What CVSS 3 called complexity, CVSS 4 splits in two."""
    hard = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"

    assert not _urgent(replace(QUIET, cvss_vector=hard)).automatable


def test_the_outcome_gives_the_days_and_says_every_point():
    """An exploited hole in a life-supporting device that guests can reach is immediate."""
    fact = replace(QUIET, kev=True, cvss_vector=EASY)
    urgent = urgency(fact, replace(WARD, exposure="flat", tier=1), 5, PARAMETERS)

    assert ("immediate", 2) == (urgent.outcome, urgent.days)
    assert [
        "exploitation active",
        "exposure open",
        "automatable yes",
        "human impact very high",
    ] == [line.removeprefix("urgency immediate: ").partition(":")[0] for line in urgent.because]
