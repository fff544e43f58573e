"""How urgent: CVSS, EPSS and KEV beside each other, in the device's own terms."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.known import part

from firmward.advisories import rubric
from firmward.advisories.match import Match
from firmward.advisories.records import Likelihood
from firmward.advisories.scores import BANDS, Context, Score, ranked, rate, score
from firmward.terms.errors import Malformed

LOW = "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N"
MIDDLING = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"


def found(cve: str = "CVE-2026-1", vector: str = HIGH, **more: object) -> Match:
    """An affected match."""
    more = {"status": "affected", "vectors": (("CVSS_V3", vector),)} | more
    return Match(component=part(), reason="", advisory=cve, cve=cve, **more)


def likely(probability: float) -> Likelihood:
    """An EPSS."""
    return Likelihood(cve="CVE-2026-1", epss=probability, percentile=probability)


# Each vector with its score in FIRST's own examples and calculators.
@pytest.mark.parametrize(
    ("method", "vector", "base"),
    [
        ("CVSS_V2", "AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("CVSS_V3", "CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N", 5.4),
        ("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("CVSS_V4", "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
    ],
)
def test_every_version_of_cvss_is_scored_as_first_scores_it(method, vector, base):
    """The examples of FIRST's guides."""
    assert base == rate(method, vector).base


def test_silence_of_a_life_supporting_device_is_worse_than_of_another():
    """The same denial of service, by the software safety class of the device."""
    scores = [rate("CVSS_V3", MIDDLING, Context(grade)).environmental for grade in "ABC"]

    assert scores == sorted(scores)
    assert scores[2] > scores[0] == rate("CVSS_V3", MIDDLING).base


def test_the_device_decides_the_environment_and_leaves_the_published_score_alone():
    """A vector may bring the environment of somebody else's device."""
    brought = f"{HIGH}/MAV:P/IR:L"
    ours = rate("CVSS_V3", brought, Context("C", (("MAV", "A"),)))

    assert rate("CVSS_V3", HIGH).base == ours.base
    assert f"{HIGH}/CR:M/IR:H/AR:H/MAV:A" == ours.environment
    assert ours.environmental > rate("CVSS_V3", brought).environmental


def test_cvss_4_takes_the_environment_in():
    """It has one score, not two formulas."""
    vector = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N"

    rated = rate("CVSS_V4", vector, Context("A", (("MAV", "P"),)))
    assert rated.environmental < rated.base == 8.7


@pytest.mark.parametrize("vector", ["", "9.8", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", HIGH + "/X:Y"])
def test_a_vector_that_cannot_be_read_is_named_and_counts_as_the_worst(vector):
    """A typing error must not put a vulnerability last."""
    broken = score(found(vector=vector))

    assert (vector,) == broken.unread
    assert broken.urgency > score(found(vector=HIGH)).urgency


def test_matches_come_by_exploitation_then_status_then_severity_then_likelihood():
    """One after the other; no amount of a later one makes up for an earlier one."""
    order = [
        score(found("1", LOW, exploited=True, status="unknown"), epss=likely(0.0)),
        score(found("2", HIGH), epss=likely(0.1)),
        score(found("3", LOW), epss=likely(0.9)),
        score(found("4", LOW), epss=likely(0.1)),
        score(found("5", HIGH, status="unknown"), epss=likely(0.99)),
        score(found("6", HIGH, status="not_affected"), epss=likely(0.99)),
    ]

    for shuffled in permutations(order):
        assert [each.match.cve for each in order] == [e.match.cve for e in ranked(shuffled)]


def test_no_field_of_a_score_is_a_product_of_others():
    """Severity, likelihood and exploitation have different units."""
    low = score(found(vector=HIGH), epss=likely(0.01))
    high = score(found(vector=HIGH, exploited=True), epss=likely(0.99))

    assert low.leading == high.leading
    assert {"rated", "rubric", "exploited", "epss", "ssvc"} <= set(Score.__dataclass_fields__)


def test_a_medical_vector_leads_over_the_published_one():
    """What it does to the patient counts before what it does to a server."""
    medical = rubric.vector(dict.fromkeys(rubric.questions(), "N"))

    assert "low" != score(found(vector=HIGH)).leading.band
    assert "none" == score(found(vector=HIGH), rubric=medical).leading.band


# ---- the rubric ----


@pytest.mark.parametrize(
    ("answers", "metric"),
    [
        ({"XAVN": "Y", "XAVT": "Y"}, "AV:N"),
        ({"XAVN": "Y", "XAVT": "N", "XAVW": "Y", "XAVR": "Y"}, "AV:L"),
        ({"XAVN": "Y", "XAVT": "N", "XAVW": "Y", "XAVR": "N"}, "AV:A"),
        ({"XAVN": "N", "XAVP": "Y"}, "AV:P"),
        ({"XAVN": "N", "XAVP": "N"}, "AV:L"),
        ({"XPRL": "Y", "XPRZ": "Y", "XPRS": "Y"}, "PR:H"),
        ({"XPRL": "Y", "XPRZ": "N"}, "PR:N"),
        ({**dict.fromkeys(("XCD", "XCT", "XCW", "XCS", "XCO", "XCPM"), "N"), "XCP": "Y"}, "C:L"),
        ({"XCP": "Y", "XCPM": "N", "XCT": "Y"}, "C:H"),
        ({**dict.fromkeys(("XIP", "XID", "XIW", "XIS", "XIO"), "N"), "XIT": "Y"}, "I:H"),
    ],
)  # fmt: skip
def test_clinical_answers_give_a_metric(answers, metric):
    """MITRE's rubric, by the letters of its own questions."""
    assert f"/{metric}" in rubric.vector(answers)


def test_what_nobody_answered_is_taken_at_its_worst():
    """An empty form is the gravest vulnerability there is."""
    worst = rate("CVSS_V3", rubric.vector({}))

    assert 10.0 == worst.base
    assert "critical" == worst.band == BANDS[-1]


replies = st.dictionaries(st.sampled_from(sorted(rubric.questions())), st.sampled_from("YNU"))


@given(replies)
def test_any_answers_give_a_vector_that_scores_and_can_be_disputed(answers):
    """Every combination; and the answers travel along in the rubric's notation."""
    assert rate("CVSS_V3", rubric.vector(answers)) is not None
    told = rubric.extended(answers)
    assert answers == dict(pair.split(":") for pair in told.split("/") if pair)


@given(replies, st.sampled_from(sorted(rubric.questions())))
def test_not_knowing_never_scores_lower_than_either_answer_of_an_impact(answers, name):
    """Only what was found out can lower a score."""
    if not name.startswith(("XC", "XI", "XA")) or name.startswith(("XAV", "XAC")):
        return
    scores = {
        reply: rate("CVSS_V3", rubric.vector({**answers, name: reply})).base for reply in "YNU"
    }

    assert scores["U"] >= max(scores["Y"], scores["N"])


def test_an_answer_to_a_question_nobody_asked_is_refused():
    """A misspelt letter would silently leave the worst in place, or the best."""
    with pytest.raises(Malformed, match="XAVX"):
        rubric.vector({"XAVX": "Y"})
