"""All three scores together: never milder for worse facts, nor for facts that nobody knows."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.hospital.gate.risk.drawn import (
    CHANCES,
    EASY,
    FACTS,
    PROPOSED,
    QUIET,
    SITES,
    VECTORS,
    WARD,
)

from firmward.hospital.gate.risk.assess import assessed, in_order
from firmward.hospital.gate.risk.facts import (
    EXPOSURES,
    REGIONS,
    URGENCIES,
    Exposed,
    Surroundings,
    parameters_of,
)
from firmward.hospital.gate.risk.matrix import BANDS, WORST_HARM
from firmward.hospital.gate.risk.vectors import read

PARAMETERS = parameters_of(PROPOSED)


def grave(fact, site):
    """Every result as a number that rises with the danger."""
    found = assessed(fact, site, PARAMETERS)
    return (
        found.exploitability,
        found.harm_severity,
        BANDS.index(found.band),
        REGIONS.index(found.region),
        URGENCIES.index(found.urgency),
        -found.deadline_days,
        found.rank,
    )


def no_milder(worse, better) -> bool:
    """Whether nothing in the first is milder than in the second."""
    return all(a >= b for a, b in zip(worse, better, strict=True))


@given(FACTS, SITES, CHANCES, CHANCES)
def test_a_higher_epss_never_makes_it_milder(fact, site, one, other):
    """Of two probabilities the higher is at least as grave in every score."""
    low, high = sorted((one, other))

    assert no_milder(grave(replace(fact, epss=high), site), grave(replace(fact, epss=low), site))


@given(FACTS, SITES, st.sampled_from(["kev", "active", "poc", "reachable", "automatable"]))
def test_a_fact_that_speaks_for_the_attacker_never_makes_it_milder(fact, site, name):
    """Exploited, published, reachable, automatable: yes is at least as grave as no."""
    yes, no = replace(fact, **{name: True}), replace(fact, **{name: False})

    assert no_milder(grave(yes, site), grave(no, site))


@given(FACTS, SITES)
def test_a_wider_zone_never_makes_it_milder(fact, site):
    """From isolated to the internet every score rises or stays."""
    results = [grave(fact, replace(site, exposure=zone)) for zone in EXPOSURES]

    assert all(no_milder(b, a) for a, b in pairwise(results))


@given(FACTS, SITES)
def test_a_more_vital_device_never_makes_it_milder(fact, site):
    """From workflow to life-supporting every score rises or stays."""
    results = [grave(fact, replace(site, tier=tier)) for tier in (4, 3, 2, 1)]

    assert all(no_milder(b, a) for a, b in pairwise(results))


@given(FACTS, SITES)
def test_worse_harm_never_makes_it_milder(fact, site):
    """From negligible to catastrophic every score rises or stays."""
    results = [grave(replace(fact, harm_severity=level), site) for level in range(1, 6)]

    assert all(no_milder(b, a) for a, b in pairwise(results))


@given(FACTS, SITES, st.integers(0, 8))
def test_another_measured_control_never_makes_it_graver(fact, site, controls):
    """More controls leave every score lower or as it was."""
    with_more = replace(fact, controls=fact.controls + controls)

    assert no_milder(grave(fact, site), grave(with_more, site))


@given(FACTS, SITES, st.sampled_from(["kev", "poc", "reachable"]), st.booleans())
def test_not_knowing_yes_or_no_is_never_better_than_either(fact, site, name, known):
    """Silence about an exploit is no argument that there is none."""
    unknown, told = replace(fact, **{name: None}), replace(fact, **{name: known})

    assert no_milder(grave(unknown, site), grave(told, site))


@given(FACTS, SITES, CHANCES)
def test_an_unknown_epss_is_never_better_than_any(fact, site, epss):
    """A vulnerability without a score is not an improbable one."""
    assert no_milder(grave(replace(fact, epss=None), site), grave(replace(fact, epss=epss), site))


@given(FACTS, SITES, VECTORS)
def test_an_unknown_vector_is_never_better_than_any(fact, site, vector):
    """Leaving the vector out, and its score with it, gains a vendor nothing."""
    told, untold = (replace(fact, cvss_vector=text, cvss=None) for text in (vector, ""))

    assert no_milder(grave(untold, site), grave(told, site))


@given(FACTS, SITES, st.floats(0, 10))
def test_an_unknown_score_is_never_better_than_any(fact, site, cvss):
    """Without a vector, no score at all is as bad as the worst."""
    told = replace(fact, cvss_vector="", cvss=cvss)

    assert no_milder(grave(replace(told, cvss=None), site), grave(told, site))


@given(FACTS, SITES, VECTORS, st.floats(0, 10))
def test_of_two_scores_that_disagree_the_graver_counts(fact, site, vector, cvss):
    """A mild score beside a grave vector lowers nothing, nor the other way round."""
    both = replace(fact, cvss_vector=vector, cvss=cvss)

    assert no_milder(grave(both, site), grave(replace(both, cvss=None), site))


@given(FACTS, SITES, st.sampled_from(EXPOSURES), st.integers(1, 4))
def test_unknown_surroundings_are_never_better_than_any(fact, site, zone, tier):
    """A device that nobody placed is on the internet and keeps somebody alive."""
    told = replace(site, exposure=zone, tier=tier)

    assert no_milder(grave(fact, replace(told, exposure=None)), grave(fact, told))
    assert no_milder(grave(fact, replace(told, exposure="lan")), grave(fact, told))
    assert no_milder(grave(fact, replace(told, tier=None)), grave(fact, told))


@given(FACTS, SITES, st.sampled_from("ABC"))
def test_an_unknown_safety_class_is_never_better_than_any(fact, site, known):
    """Nor is a word of another edition's scheme."""
    for unknown in ("", "II"):
        silent = replace(site, safety_class=unknown)
        untold = replace(fact, safety_class=unknown)
        assert no_milder(grave(untold, silent), grave(replace(fact, safety_class=known), silent))


@given(FACTS, SITES, st.sampled_from("ABC"), st.integers(1, 5))
def test_an_unattested_harm_is_never_better_than_one_that_the_class_admits(
    fact, site, known, level
):
    """A vendor that says nothing of harm is held to the worst of its class."""
    assume(level <= WORST_HARM[known])
    told = replace(fact, safety_class=known, harm_severity=level)

    assert no_milder(grave(replace(told, harm_severity=None), site), grave(told, site))


@given(FACTS, SITES)
def test_every_result_has_a_reason(fact, site):
    """Each of the words and numbers is explained, and by nothing else than facts."""
    found = assessed(fact, site, PARAMETERS)
    explained = {line.partition(" ")[0] for line in found.because}

    assert {"exploitability", "harm", "region", "band", "urgency", "rank"} == explained
    assert found == assessed(fact, site, PARAMETERS)


def test_nothing_known_is_as_bad_as_it_gets():
    """An identifier alone is unacceptable, immediate and first; every line says why."""
    found = assessed(Exposed(id="CVE-2026-1"), Surroundings(), PARAMETERS)

    assert (5, 5, "critical", "U", "immediate", 2, 100.0) == (
        found.exploitability,
        found.harm_severity,
        found.band,
        found.region,
        found.urgency,
        found.deadline_days,
        found.rank,
    )
    assert sum("unknown" in line for line in found.because) >= 5


def test_a_quiet_one_is_acceptable_and_scheduled():
    """All facts known and mild: nothing blocks, and there is a date all the same."""
    found = assessed(QUIET, WARD, PARAMETERS)

    assert ("A", "medium", "scheduled", 60) == (
        found.region,
        found.band,
        found.urgency,
        found.deadline_days,
    )


def test_the_order_of_work_is_by_rank_then_by_name():
    """Equal ranks come in the same order every time."""
    names = ["CVE-2026-3", "CVE-2026-1", "CVE-2026-2"]
    epss = {"CVE-2026-2": 0.9}
    found = [
        assessed(replace(QUIET, id=name, epss=epss.get(name, 0.02)), WARD, PARAMETERS)
        for name in names
    ]

    assert ["CVE-2026-2", "CVE-2026-1", "CVE-2026-3"] == [each.id for each in in_order(found)]


@given(st.text(max_size=80) | VECTORS.map(lambda vector: vector + "/RL:X" * 200))
def test_a_vector_that_is_none_is_unknown_and_breaks_nothing(text):
    """Whatever a vendor writes there, it is read or it counts as absent."""
    found = assessed(replace(QUIET, cvss_vector=text, cvss=None), WARD, PARAMETERS)

    assert read(text, "C") is not None or "an unknown CVSS" in " ".join(found.because)


@pytest.mark.parametrize("safety_class", ["A", "B", "C"])
def test_the_context_of_the_device_is_in_the_score(safety_class):
    """The medical requirements of `advisories.scores` are applied, not the author's own."""
    mine = f"{EASY.replace('C:H/I:H', 'C:N/I:N')}/MAV:P/AR:L"
    scores = {"A": 7.5, "B": 7.5, "C": 9.3}

    assert read(mine, safety_class).score == pytest.approx(scores[safety_class], abs=0.6)
    assert read(mine, safety_class).way == "network"
