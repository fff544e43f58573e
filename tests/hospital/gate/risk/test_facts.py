"""Facts and parameters: what is off its scale, has gaps or runs backwards is refused."""

from dataclasses import replace
from datetime import date

import pytest
from tests.hospital.gate.risk.drawn import PROPOSED, QUIET

from firmward.hospital.gate.risk.facts import Surroundings, parameters_of
from firmward.terms.errors import Malformed, Misuse


@pytest.mark.parametrize(
    "wrong",
    [
        {"epss": 1.1},
        {"epss": float("nan")},
        {"epss_percentile": -0.1},
        {"cvss": 10.1},
        {"cvss": float("nan")},
        {"harm_severity": 0},
        {"controls": -1},
        {"epss_history": ((date(2020, 1, 1), 0.1),)},
        {"epss_history": ((date(9999, 1, 1), 0.1),)},
        {"epss_history": ((date(2026, 1, 1), float("nan")),)},
    ],
)
def test_values_off_their_scale_are_a_bug(wrong):
    """A number that compares with nothing must not come out as a mild one."""
    with pytest.raises(Misuse, match="CVE-2026-1: expected"):
        replace(QUIET, **wrong)


def test_a_tier_off_its_scale_is_a_bug():
    """There is no tier 5 to be less vital than tier 4."""
    with pytest.raises(Misuse, match="expected 1 to 4"):
        Surroundings(tier=5)


def changed(name, **values):
    """The proposed parameters with one of them altered."""
    return {**PROPOSED, name: {**PROPOSED[name], **values}}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({}, "missing required field"),
        (changed("harm_matrix", **{"3": ["A", "A", "C", "C"]}), "length"),
        (changed("harm_matrix", **{"3": ["A", "A", "C", "C", "X"]}), "enum"),
        (changed("harm_matrix", **{"6": ["U"] * 5}), "harm severities 1 to 5"),
        (changed("harm_matrix", **{"3": ["A", "C", "A", "C", "U"]}), "harm_matrix that never"),
        (changed("harm_matrix", **{"5": ["A"] * 5}), "harm_matrix that never"),
        (changed("ssvc_days", soon=1), "Invalid enum"),
        (changed("ssvc_days", immediate=90), "ssvc_days that never"),
        (changed("ssvc_days", immediate=-1), "days from 0"),
        (changed("exposure", flat=0.2), "exposure that never"),
        (changed("exposure", internet=2.0), "shares from 0 to 1"),
        (changed("rank_weights", control_limit=1), "controls that leave something"),
        (changed("rank_weights", control=float("nan")), "shares from 0 to 1"),
        (changed("rank_weights", severity={"1": 1, "2": 3}), "harm severities 1 to 5"),
        (
            changed("rank_weights", severity={"1": 0, "2": 1, "3": 2, "4": 3, "5": 4}),
            "weights above 0",
        ),
        (
            changed("rank_weights", severity={"1": 5, "2": 1, "3": 2, "4": 3, "5": 4}),
            "severity that never",
        ),
    ],
)
def test_parameters_with_gaps_or_backwards_are_refused(policy, said):
    """A policy in which the grave weighs less than the mild is a slip, not an opinion."""
    with pytest.raises(Malformed, match=said):
        parameters_of(policy)


def test_parameters_missing_one_word_are_refused():
    """Each urgency needs its days, each zone its share."""
    days = {name: days for name, days in PROPOSED["ssvc_days"].items() if name != "defer"}

    with pytest.raises(Malformed, match="a value for every word"):
        parameters_of({**PROPOSED, "ssvc_days": days})


def test_parameters_come_out_of_a_whole_policy(proposed, parameters):
    """What risk does not read is left alone."""
    assert parameters == parameters_of(proposed)
