"""The score that sorts: its parts, a release against the installed one, and both sides in words."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hospital.gate.risk.drawn import CHANCES, FACTS, PROPOSED, QUIET, SITES, WARD

from firmward.hospital.gate.risk.facts import Surroundings, parameters_of
from firmward.hospital.gate.risk.ranking import delta, lev, probability, rank, spared, total

PARAMETERS = parameters_of(PROPOSED)
DAY = date(2026, 1, 1)


def history(*values, every=30, days=30):
    """EPSS values at equal distances, and the last value again on the last day."""
    at = [(DAY + timedelta(days=every * step), value) for step, value in enumerate(values)]
    return (*at, (at[-1][0] + timedelta(days=days), values[-1]))


@pytest.mark.parametrize(
    ("days", "least"),
    [
        ((), None),
        (((DAY, 0.9),), 0.0),
        (history(0.1), 0.1),
        (history(0.1, 0.1), 1 - 0.9 * 0.9),
        (history(0.1, 0.2, 0.3), 1 - 0.9 * 0.8 * 0.7),
        (history(0.08, days=21), 0.08 * 21 / 30),
        (history(0.2, 0.2, days=15), 1 - 0.8 * 0.9),
        (((DAY + timedelta(days=60), 0.5), (DAY, 0.1)), 1 - 0.9 * 0.5),
        (history(1.0, 0.0), 1.0),
    ],
)
def test_lev_is_the_papers_product_over_windows(days, least):
    """Windows of 30 days, the last by its share, a missing day by the next one that is there."""
    assert lev(days) == (least if least is None else pytest.approx(least))


@given(st.lists(CHANCES, min_size=1, max_size=8), st.integers(1, 45))
def test_lev_is_a_probability_and_never_falls_with_time(values, days):
    """Another window can only add to what may have happened."""
    before, after = lev(history(*values)), lev((*history(*values), (date(2028, 1, 1), 0.5)))

    assert 0 <= before <= after <= 1
    assert 0 <= lev(history(*values, days=days)) <= 1


@pytest.mark.parametrize(
    ("changed", "likely"),
    [
        ({}, 0.02),
        ({"epss": None}, 1.0),
        ({"kev": True}, 1.0),
        ({"kev": None}, 1.0),
        ({"active": True}, 1.0),
        ({"epss_history": history(0.1, 0.1)}, 0.19),
        ({"epss_history": history(0.1, 0.1), "epss": 0.6}, 0.6),
    ],
)
def test_the_probability_is_the_greatest_of_three(changed, likely):
    """EPSS, KEV and LEV: none of them lowers another."""
    assert probability(replace(QUIET, **changed)) == pytest.approx(likely)


@pytest.mark.parametrize(("controls", "share"), [(0, 0.0), (1, 0.2), (4, 0.8), (40, 0.8)])
def test_controls_never_take_all_of_a_risk(controls, share):
    """However many controls are measured, a fifth is left."""
    assert spared(controls, PARAMETERS) == pytest.approx(share)


@pytest.mark.parametrize(
    ("changed", "exposure", "ranked"),
    [
        ({}, "segmented", 10 * 0.02 * 0.4),
        ({"harm_severity": 5}, "segmented", 100 * 0.02 * 0.4),
        ({"kev": True}, "internet", 10.0),
        ({}, None, 10 * 0.02),
        ({"controls": 2}, "isolated", 10 * 0.02 * 0.1 * 0.6),
    ],
)
def test_the_rank_is_the_product_of_its_parts(changed, exposure, ranked):
    """Severity weight, probability, exposure and what controls leave."""
    site = replace(WARD, exposure=exposure)

    assert rank(replace(QUIET, **changed), site, PARAMETERS) == pytest.approx(ranked)


def test_a_vulnerability_in_two_components_counts_once_by_its_gravest():
    """The list of a larger image does not weigh more for naming one hole twice."""
    grave = replace(QUIET, harm_severity=5)

    assert total([grave], WARD, PARAMETERS) == total([QUIET, grave, QUIET], WARD, PARAMETERS)


CURED = replace(QUIET, id="CVE-2025-1", harm_severity=4, epss=0.4)
STAYS = replace(QUIET, id="CVE-2025-2")
COMES = replace(QUIET, id="CVE-2026-3", epss=0.01)


def test_a_patch_is_a_decision_with_two_sides():
    """What comes, what stays, what would be cured, both numbers, in one sentence."""
    found = delta([STAYS, COMES], [STAYS, CURED], WARD, PARAMETERS)

    assert ("lower", ("CVE-2026-3",), ("CVE-2025-1",), ("CVE-2025-2",)) == (
        found.word,
        found.added,
        found.removed,
        found.shared,
    )
    assert found.sentence == (
        "Taking it leaves a risk of 0.12: 1 stay and CVE-2026-3 come; refusing it keeps 4.88, "
        "with CVE-2025-1: the new risk is lower."
    )


@pytest.mark.parametrize(
    ("new", "installed", "word"),
    [
        ([], [], "same"),
        ([STAYS], [STAYS], "same"),
        ([STAYS, COMES], [COMES, STAYS], "same"),
        ([STAYS], [], "higher"),
        ([], [STAYS], "lower"),
        ([CURED], [STAYS], "higher"),
        ([replace(STAYS, controls=1)], [STAYS], "lower"),
    ],
)
def test_the_word_compares_both_totals(new, installed, word):
    """Lower, same or higher, whatever the order of the lists."""
    assert word == delta(new, installed, WARD, PARAMETERS).word


@pytest.mark.parametrize(
    ("changed", "uncertain"),
    [
        ({"epss": None}, ("CVE-2025-1",)),
        ({"kev": None, "epss": 0.001}, ("CVE-2025-1",)),
        ({}, ()),
        ({"kev": True, "epss": None}, ()),
    ],
)
def test_a_patch_does_not_shine_by_curing_what_nobody_looked_at(changed, uncertain):
    """Unknown facts are grave on both sides; where the word hangs on them, it says so."""
    cured = replace(CURED, **{"epss": 0.4, **changed})
    small = replace(COMES, epss=0.05)
    found = delta([small], [cured], WARD, PARAMETERS)

    assert ("lower", uncertain) == (found.word, found.uncertain)
    assert ("unless CVE-2025-1 is harmless" in found.sentence) is bool(uncertain)


def test_an_unknown_class_of_the_cured_one_is_doubt_as_well():
    """Nobody attested a harm and nobody knows the class: it may have been harmless."""
    cured = replace(QUIET, id="CVE-2025-1", harm_severity=None, safety_class="")
    unclassed = Surroundings("segmented", 2, "")
    found = delta([replace(COMES, epss=0.02)], [cured], unclassed, PARAMETERS)

    assert ("lower", ("CVE-2025-1",)) == (found.word, found.uncertain)


@given(st.lists(FACTS, max_size=4), st.lists(FACTS, max_size=4), SITES)
def test_the_two_sides_of_a_delta_mirror_each_other(new, installed, site):
    """Going back is the opposite decision, with the same numbers."""
    there, back = (
        delta(new, installed, site, PARAMETERS),
        delta(installed, new, site, PARAMETERS),
    )

    assert (there.added, there.removed) == (back.removed, back.added)
    assert (there.new, there.installed) == (back.installed, back.new)
    assert {"lower": "higher", "higher": "lower", "same": "same"}[there.word] == back.word
