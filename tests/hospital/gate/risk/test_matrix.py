"""The score that blocks: exploitability, harm, region and band, fact by fact."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.hospital.gate.risk.drawn import FACTS, FLAT, QUIET, SITES, WARD, vector

from firmward.hospital.gate.risk import matrix
from firmward.hospital.gate.risk.facts import REGIONS
from firmward.hospital.gate.risk.matrix import BANDS


@pytest.mark.parametrize(
    ("changed", "site", "level", "word"),
    [
        ({}, WARD, 2, "nobody is known to try"),
        ({"kev": True}, WARD, 5, "catalogue of exploited"),
        ({"active": True}, WARD, 5, "reported as exploited"),
        ({"kev": None}, WARD, 5, "unknown whether it is exploited"),
        ({"poc": True}, WARD, 4, "a public exploit"),
        ({"poc": None}, WARD, 4, "unknown whether an exploit is public"),
        ({"epss": 0.5}, WARD, 4, "EPSS 0.5, at least 0.5, and reachable"),
        ({"epss": None}, WARD, 4, "EPSS unknown, judged as 1"),
        ({"epss": 0.5, "reachable": None}, WARD, 4, "not known to be out of reach"),
        ({"epss": 0.5, "reachable": False}, WARD, 3, "EPSS 0.5, at least 0.1"),
        ({"epss": 0.1}, WARD, 3, "EPSS 0.1, at least 0.1"),
        ({}, FLAT, 3, "easy and over the network, zone flat"),
        ({}, replace(WARD, exposure=None), 3, "zone unknown, judged as internet"),
        ({}, replace(WARD, exposure="dmz"), 3, "zone unknown, judged as internet"),
        ({"cvss_vector": vector(AV="A")}, FLAT, 3, "easy and over the network"),
        ({"cvss_vector": vector(AV="A")}, WARD, 2, "way in: adjacent"),
        ({"cvss_vector": vector(AC="H")}, FLAT, 1, "circumstances"),
        ({"cvss_vector": vector(AV="P")}, FLAT, 1, "device in hand"),
        ({"cvss_vector": ""}, FLAT, 3, "no CVSS vector"),
        ({"cvss_vector": "nonsense"}, WARD, 2, "no CVSS vector"),
        ({"reachable": False}, WARD, 1, "not reachable"),
    ],
)
def test_exploitability_follows_the_facts_and_names_the_one(changed, site, level, word):
    """Each fact leads to its level, and the explanation says which fact it was."""
    judged = matrix.exploitability(replace(QUIET, **changed), site)

    assert (level, True) == (judged.value, word in judged.because[0])


@pytest.mark.parametrize(
    ("changed", "controls", "level"),
    [
        ({"poc": True}, 1, 3),
        ({"poc": True}, 9, 1),
        ({"kev": True}, 1, 4),
        ({"kev": True}, 9, 3),
        ({"active": True}, 9, 3),
        ({"kev": None}, 9, 3),
    ],
)
def test_controls_take_one_each_but_never_hide_what_is_exploited(changed, controls, level):
    """A measured control is worth one; what is exploited stays at three or above."""
    judged = matrix.exploitability(replace(QUIET, controls=controls, **changed), WARD)

    assert level == judged.value


@pytest.mark.parametrize(
    ("attested", "item", "device", "severity"),
    [
        (2, "C", "C", 2),
        (5, "A", "A", 5),
        (None, "A", "C", 1),
        (None, "B", "C", 3),
        (None, "C", "A", 5),
        (None, "", "B", 3),
        (None, "", "", 5),
        (None, "II", "A", 5),
    ],
)
def test_harm_is_the_attested_one_or_the_worst_of_the_class(attested, item, device, severity):
    """Without an attested value the class decides, and an unknown class is the worst."""
    fact = replace(QUIET, harm_severity=attested, safety_class=item)

    assert severity == matrix.harm(fact, replace(WARD, safety_class=device)).value


@pytest.mark.parametrize(
    ("exploit", "severity", "changed", "band"),
    [
        (1, 1, {}, "low"),
        (2, 1, {}, "medium"),
        (3, 1, {}, "high"),
        (5, 1, {}, "critical"),
        (5, 1, {"cvss_vector": "", "cvss": 2.0}, "medium"),
        (5, 5, {"cvss_vector": "", "cvss": 2.0}, "critical"),
        (3, 5, {"cvss_vector": "", "cvss": 2.0}, "high"),
        (5, 1, {"cvss_vector": ""}, "critical"),
        (4, 1, {"cvss_vector": vector(C="N", I="N", A="N"), "cvss": 9.9}, "critical"),
        (4, 1, {"cvss_vector": vector(C="N", I="N", A="N")}, "low"),
    ],
)
def test_the_band_is_the_graver_of_harm_and_of_cvss_capped_by_exploitability(
    exploit, severity, changed, band
):
    """Neither a theft of records nor a harmless score hides the other; two scores: the graver."""
    found, because = matrix.band(exploit, severity, replace(QUIET, **changed), WARD)

    assert (band, True) == (found, because[0].startswith(f"band {band}"))


def test_the_medical_rubric_is_named_where_it_scored():
    """The explanation says whose vector it is."""
    _, because = matrix.band(5, 1, replace(QUIET, medical=True), WARD)

    assert "MITRE's medical rubric 9.8" in because[0]


def test_region_and_band_never_fall_as_either_side_rises(parameters):
    """In the whole matrix, harder harm and easier exploits are never better."""
    fact = replace(QUIET, cvss_vector="", cvss=0.0)

    def grave(exploit, severity):
        region = REGIONS.index(matrix.region(exploit, severity, parameters))
        return region, BANDS.index(matrix.band(exploit, severity, fact, WARD)[0])

    falls = [
        (exploit, severity)
        for exploit in range(1, 6)
        for severity in range(1, 6)
        for worse in ((exploit + 1, severity), (exploit, severity + 1))
        if max(worse) <= 5
        and any(a > b for a, b in zip(grave(exploit, severity), grave(*worse), strict=True))
    ]

    assert [] == falls


def test_nothing_unacceptable_is_called_low_and_nothing_low_blocks(parameters):
    """With the proposed matrix, region and band do not contradict each other."""
    fact = replace(QUIET, cvss_vector="", cvss=0.0)
    pairs = {
        (matrix.region(e, s, parameters), matrix.band(e, s, fact, WARD)[0])
        for e in range(1, 6)
        for s in range(1, 6)
    }

    assert {"high", "critical"} == {band for region, band in pairs if region == "U"}
    assert {"low", "medium"} >= {band for region, band in pairs if region == "A"}


@given(FACTS, SITES)
def test_every_level_is_on_its_scale_and_has_a_reason(fact, site):
    """Whatever is known or not, there is an answer from 1 to 5 that says why."""
    exploit, severity = matrix.exploitability(fact, site), matrix.harm(fact, site)

    assert exploit.value in range(1, 6)
    assert severity.value in range(1, 6)
    assert all([*exploit.because, *severity.because])
