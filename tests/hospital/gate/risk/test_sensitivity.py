"""How much of an order or a word is made of proposed weights."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hospital.gate.risk.drawn import FACTS, FLAT, PROPOSED, QUIET, SITES, WARD

from firmward.hospital.gate.risk.facts import parameters_of
from firmward.hospital.gate.risk.ranking import delta, total
from firmward.hospital.gate.risk.sensitivity import Placed, of_order, of_word
from firmward.terms.errors import Misuse

PARAMETERS = parameters_of(PROPOSED)


def placed(name, site=WARD, **changed):
    """A release with one vulnerability."""
    return Placed(name, (replace(QUIET, **changed),), site)


def test_an_order_that_no_weight_decides_always_agrees():
    """The same harm in the same zone: only EPSS tells them apart."""
    found = of_order([placed("a", epss=0.5), placed("b", epss=0.4)], PARAMETERS)

    assert (1, 1, 1.0, ()) == (found.variations, found.agreeing, found.share, found.swaps)


def test_an_order_that_hangs_on_the_weights_says_how_far():
    """Three of a mild harm against one of a grave one: a matter of opinion, and shown as one."""
    found = of_order(
        [placed("mild", harm_severity=4, epss=0.5), placed("grave", harm_severity=5, epss=0.1)],
        PARAMETERS,
    )

    # 30 * 0.5 = 15 against 100 * 0.1 = 10; only 15 or 30 * 0.5 against 150 or 100 * 0.1 differ.
    assert 9 == found.variations
    assert 6 == found.agreeing == found.first
    assert (("mild", "grave", 2),) == found.swaps


def test_weights_that_run_backwards_are_no_variation():
    """Nobody holds that a segmented zone is more exposed than a flat one."""
    found = of_order([placed("a"), placed("b", FLAT)], PARAMETERS)

    # 3 x 3 values, without 0.6 against 0.4.
    assert 8 == found.variations


def test_controls_are_varied_where_there_are_any():
    """A release that leans on controls leans on what a control is worth."""
    found = of_order([placed("a", controls=2), placed("b", epss=0.013)], PARAMETERS)

    assert (3, 2, (("b", "a", 1),)) == (found.variations, found.agreeing, found.swaps)


@pytest.mark.parametrize(
    ("new", "installed", "share"),
    [
        ([], [], 1.0),
        ([QUIET], [QUIET], 1.0),
        ([], [QUIET], 1.0),
        ([replace(QUIET, harm_severity=4)], [replace(QUIET, harm_severity=5)], 1.0),
    ],
)
def test_a_word_that_no_weight_decides_always_agrees(new, installed, share):
    """Less of the same is lower by any weights."""
    assert share == of_word(new, installed, WARD, PARAMETERS).share


def test_a_word_that_hangs_on_the_weights_says_so():
    """A grave improbable hole for several mild probable ones is nobody's plain improvement."""
    mild = replace(QUIET, id="CVE-2026-2", harm_severity=4, epss=0.3)
    found = of_word([replace(QUIET, harm_severity=5, epss=0.1)], [mild], WARD, PARAMETERS)

    assert 0 < found.share < 1


def test_nothing_has_no_order():
    """Asked about nothing, there is no answer that could be taken for agreement."""
    with pytest.raises(Misuse):
        of_order([], PARAMETERS)


@settings(max_examples=40)
@given(st.lists(FACTS, max_size=3), st.lists(FACTS, max_size=3), SITES)
def test_the_grid_is_the_same_every_time_and_starts_at_the_weights_as_they_are(
    new, installed, site
):
    """No chance in it; without any spread all of it is the plain comparison."""
    found = of_word(new, installed, site, PARAMETERS)

    assert found == of_word(new, installed, site, PARAMETERS)
    assert 1 <= found.agreeing <= found.variations
    assert of_word(new, installed, site, PARAMETERS, spread=0.0).share == 1.0


@settings(max_examples=40)
@given(st.lists(FACTS, min_size=1, max_size=3), st.lists(FACTS, min_size=1, max_size=3), SITES)
def test_the_first_variation_adds_up_to_the_ranking_totals(ours, theirs, site):
    """What is varied is the very score that people see."""
    sums = {name: total(facts, site, PARAMETERS) for name, facts in (("a", ours), ("b", theirs))}
    found = of_order(
        [Placed("a", tuple(ours), site), Placed("b", tuple(theirs), site)], PARAMETERS, spread=0.0
    )
    word = delta(ours, theirs, site, PARAMETERS).word

    assert found.share == 1.0
    assert (word == "higher") is (round(sums["a"] - sums["b"], 9) > 0)
