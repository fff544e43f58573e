"""EXC-001 to EXC-007: each passes for a good grant, and each way to break one is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.grants import (
    CVE,
    EVIDENCE,
    IMAGE,
    LATER,
    NOW,
    OTHER_CVE,
    OTHER_IMAGE,
    RELEASE,
    changed,
    covered,
    emergency,
    facts,
    granted,
    request,
    verified,
)

from firmward.hospital.gate.exceptions.grant import Grant, Limits, Measurement, RuleFacts, limits
from firmward.hospital.gate.exceptions.judgement import judge_grant, valid
from firmward.hospital.gate.exceptions.request import Control, Standing
from firmward.hospital.gate.exceptions.words import explain, pending, state
from firmward.terms.errors import Misuse

DEMANDS = [f"EXC-00{n}" for n in range(1, 8)]


def against(grant: Grant, now=LATER, **world) -> dict[str, str]:
    """The rules that speak against a grant, and what they say."""
    answers = judge_grant(grant, now, facts(**world))
    assert [each.rule for each in answers] == DEMANDS
    assert all(each.cites and each.title for each in answers)
    return {each.rule: "; ".join(each.reasons) for each in answers if not each.passed}


def broken(**changes) -> Grant:
    """A grant whose request was made with one thing wrong, approved all the same."""
    return granted(request(**changes))


def with_control(**changes) -> tuple[Control, ...]:
    """A control that differs in one thing."""
    values = {"id": "segment-icu", "owner": "noor", "evidence_sha256": EVIDENCE}
    return (Control(**{**values, **changes}),)


def test_a_good_grant_satisfies_all_seven():
    """And is told so, with its text, its signers and each rule's word."""
    grant = granted()
    assert against(grant) == {}
    assert len(valid([grant], LATER, facts())) == 1
    said = explain(grant, LATER, facts())
    for word in ("sam as sec", "ben as biomed", "cleo as clin", CVE, IMAGE, "valid", *DEMANDS):
        assert word in said
    assert "FAIL" not in said


@pytest.mark.parametrize(
    ("severity", "days", "roles"),
    [
        ("critical", 7, ("sec", "biomed", "clin")),
        ("high", 30, ("sec", "biomed", "clin")),
        ("medium", 90, ("sec", "biomed")),
        ("low", 180, ("biomed",)),
    ],
)
def test_each_severity_has_its_life_and_its_signers(severity, days, roles):
    """To the second; a second more is refused, and so is a signer less."""
    rule = {"critical": "VUL-001", "high": "VUL-004", "medium": "VUL-006", "low": "VUL-005"}
    asked = request(
        severity, rules=(covered(rule[severity], severity),), expires=NOW + timedelta(days=days)
    )
    assert against(granted(asked, roles)) == {}
    longer = changed(asked, expires=asked.expires + timedelta(seconds=1))
    assert set(against(granted(longer, roles))) == {"EXC-003"}
    for left_out in roles:
        fewer = tuple(role for role in roles if role != left_out)
        assert left_out in against(granted(asked, fewer))["EXC-004"]


BROKEN = {
    "a rule that cannot be waived": ({"rules": (covered("VUL-007", "critical"),)}, "EXC-001"),
    "a rule that nobody knows": ({"rules": (covered("VUL-099"),)}, "EXC-001"),
    "another image": ({"image_sha256": OTHER_IMAGE}, "EXC-002"),
    "another release": ({"release": "pump-200@1.2.0+5"}, "EXC-002"),
    "every device": ({"devices": ("*",)}, "EXC-002"),
    "every hardware": ({"devices": ("pump-200/*/tier-1",)}, "EXC-002"),
    "a class with a line after it": ({"devices": ("pump-200/PUMP-200-B/tier-1\n",)}, "EXC-002"),
    "a tier that is none": ({"devices": ("pump-200/PUMP-200-B/tier-5",)}, "EXC-002"),
    "no device": ({"devices": ()}, "EXC-002"),
    "every offender": ({"rules": (covered("VUL-004", "high", "*"),)}, "EXC-002"),
    "an offender without a name": ({"rules": (covered("VUL-004", "high", " "),)}, "EXC-002"),
    "all offenders in a word": ({"rules": (covered("VUL-004", "high", " ANY "),)}, "EXC-002"),
    "some offenders by pattern": ({"rules": (covered("VUL-004", "high", "CVE-*"),)}, "EXC-002"),
    "an offender twice": ({"rules": (covered("VUL-004", "high", CVE, CVE),)}, "EXC-002"),
    "a rule twice": ({"rules": (covered("VUL-004"), covered("VUL-004"))}, "EXC-002"),
    "too long": ({"expires": NOW + timedelta(days=31)}, "EXC-003"),
    "no life at all": ({"expires": NOW}, "EXC-003"),
    "a severity below its rule's": ({"severity": "medium"}, "EXC-003"),
    "opened in the future": ({"opened_at": LATER + timedelta(days=1)}, "EXC-003"),
    "no control": ({"controls": ()}, "EXC-005"),
    "a control twice": ({"controls": with_control() * 2}, "EXC-005"),
    "a control that nobody owns": ({"controls": with_control(owner=" ")}, "EXC-005"),
    "a control never measured": ({"controls": with_control(id="watch-icu")}, "EXC-005"),
    "other evidence": ({"controls": with_control(evidence_sha256="d" * 64)}, "EXC-005"),
    "a trigger left out": ({"triggers": ("image", "band", "control")}, "EXC-006"),
    "no trigger": ({"triggers": ()}, "EXC-006"),
    "no rationale": ({"rationale": " "}, "EXC-007"),
    "an unacceptable residual risk": ({"residual_risk": "U"}, "EXC-007"),
    "no residual risk": ({"residual_risk": ""}, "EXC-007"),
    "kept five years": ({"retain_years": 5}, "EXC-007"),
}


@pytest.mark.parametrize("attack", BROKEN)
def test_what_is_wrong_with_a_request_is_named_by_its_rule(attack):
    """Whoever approved it, it is never valid."""
    changes, rule = BROKEN[attack]
    asked = request(**changes)
    # A text that does not show cannot be signed at all, so such a one is judged unsigned.
    shows = all(device.isprintable() for device in asked.devices)
    grant = granted(asked) if shows else Grant(asked)
    assert rule in against(grant)
    assert valid([grant], LATER, facts()) == ()


def test_no_offender_is_not_all_offenders():
    """A rule without a name excepts nothing."""
    nameless = covered("VUL-004")
    nameless = type(nameless)(rule="VUL-004", severity="high", offenders=())
    assert set(against(broken(rules=(nameless,)))) == {"EXC-002"}


def test_one_bad_rule_among_good_ones_spoils_the_grant():
    """Nothing rides along."""
    rules = (covered("VUL-004"), covered("VUL-007", "critical"))
    assert "VUL-007" in against(broken(rules=rules, severity="critical"))["EXC-001"]


WORLDS = {
    "an offender newly exploited": ({"exploited": frozenset({CVE})}, "EXC-006"),
    "no catalogue to ask": ({"exploited": None}, "EXC-006"),
    "a higher band": ({"bands": {(RELEASE, CVE): "high"}}, "EXC-006"),
    "a band that cannot be told": ({"bands": {}}, "EXC-006"),
    "another image": ({"images": {RELEASE: OTHER_IMAGE}}, "EXC-006"),
    "no such release": ({"images": {}}, "EXC-006"),
    "a rule that is not waivable any more": (
        {"rules": {"VUL-004": RuleFacts("high", False)}},
        "EXC-001",
    ),
    "a rule that is graver now": ({"rules": {"VUL-004": RuleFacts("critical", True)}}, "EXC-003"),
    "no control measured": ({"controls": {}}, "EXC-005"),
    "shorter limits": (
        {"limits": limits({"exception_days": {"critical": 1, "high": 6, "medium": 9, "low": 9}})},
        "EXC-003",
    ),
    "more signers": (
        {"limits": Limits(roles={"critical": ("sec",), "high": ("sec", "biomed", "clin", "risk")})},
        "EXC-004",
    ),
}


@pytest.mark.parametrize("change", WORLDS)
def test_a_grant_ends_when_the_world_changes(change):
    """The same grant, valid a moment ago."""
    world, rule = WORLDS[change]
    grant = granted()
    assert against(grant) == {}
    assert rule in against(grant, **world)
    assert valid([grant], LATER, facts(**world)) == ()


def test_what_gets_better_ends_nothing():
    """A lower band, one more KEV entry elsewhere, a milder rule."""
    world = {
        "bands": {(RELEASE, CVE): "low"},
        "exploited": frozenset({OTHER_CVE}),
        "rules": {"VUL-004": RuleFacts("medium", True)},
    }
    assert against(granted(), **world) == {}


def test_an_offender_that_was_exploited_when_it_was_approved_is_no_trigger():
    """Its approvers saw it in the text."""
    listed = Standing(offender=CVE, exploited=True, band="medium")
    rule = type(covered("VUL-001"))(rule="VUL-001", severity="critical", offenders=(listed,))
    asked = request("critical", rules=(rule,))
    assert "listed as exploited, risk band medium" in explain(Grant(asked), LATER, facts())
    assert against(granted(asked), exploited=frozenset({CVE})) == {}


def measured(verified: bool, hours: float, days: float = 60, **changes) -> Measurement:
    """A control as it was found some hours after NOW."""
    at = NOW + timedelta(hours=hours)
    return Measurement(verified, EVIDENCE, "sam", at, at + timedelta(days=days), **changes)


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        ((measured(True, -1), measured(False, 0.5)), {"EXC-005", "EXC-006"}),
        # Lost and restored: nobody knows what happened in between.
        ((measured(True, -1), measured(False, 0.5), measured(True, 0.6)), {"EXC-006"}),
        # Lost before it was opened is history.
        ((measured(False, -2), measured(True, -1)), set()),
        # Its evidence ran out, which measuring again cures.
        ((measured(True, -48, days=1),), {"EXC-005"}),
        ((measured(True, -48, days=1), measured(True, 0.5)), set()),
        # What somebody declares, and what was found only later, is nothing.
        ((measured(True, -1, measured=False),), {"EXC-005"}),
        ((measured(True, 5),), {"EXC-005"}),
        ((measured(False, -1),), {"EXC-005"}),
    ],
)
def test_a_control_counts_while_it_is_measured_to_be_there(found, rules):
    """The request's own evidence must have been measured, and the newest must still say so."""
    assert set(against(granted(), controls={"segment-icu": found})) == rules


def test_expiry_is_to_the_second():
    """At the very moment it is over."""
    grant = granted()
    end = grant.request.expires
    assert against(grant, end - timedelta(seconds=1)) == {}
    assert "EXC-003" in against(grant, end)
    assert state(grant, end, facts()) == "expired"


def test_the_requester_approves_nothing():
    """In no role, of no request."""
    asked = request(requester="sam")
    assert "sam asked for it" in against(granted(asked))["EXC-004"]


def test_one_person_is_one_approval():
    """Twice under two roles, though each signature is good."""
    asked = request()
    grant = granted(asked, ("sec", "biomed"))
    twice = replace(grant, approvals=(*grant.approvals, verified(asked, "sam", "clin")))
    assert "sam approved more than once" in against(twice)["EXC-004"]


def test_an_approval_before_the_opening_or_after_the_end_counts_for_nothing():
    """A signature given in advance, or after the fact."""
    asked = request()
    for at in (NOW - timedelta(minutes=6), asked.expires):
        early = replace(granted(asked).approvals[0], signed_at=at)
        grant = replace(granted(asked), approvals=(early, *granted(asked).approvals[1:]))
        assert "sam signed" in against(grant)["EXC-004"]


def test_a_voided_or_tampered_grant_is_never_valid():
    """Whatever the facts say now."""
    void = replace(granted(), voided=("void since yesterday: revoked by sam",))
    assert "EXC-006" in against(void)
    assert state(void, LATER, facts()) == "void"
    assert "EXC-004" in against(replace(granted(), faults=("a row was changed",)))


def test_a_request_says_whom_it_waits_for():
    """In one line, for people."""
    asked = request()
    assert pending(Grant(asked), facts()).endswith("sec, biomed, clin; approved by nobody yet")
    assert pending(granted(asked, ("sec",)), facts()).endswith(
        "biomed, clin; approved by sam (sec)"
    )
    assert pending(granted(asked), facts()) == ""
    assert state(Grant(asked), LATER, facts()) == "pending"
    assert state(Grant(asked), LATER, facts(controls={})) == "suspended"


def test_break_glass_is_two_people_of_two_roles():
    """Any two but the requester; two of one role are one view of it."""
    asked = emergency()
    assert against(granted(asked, ("sec", "clin"))) == {}
    assert "EXC-004" in against(granted(asked, ("sec",)))
    alike = Grant(asked, (verified(asked, "sam", "sec"), verified(asked, "sue", "sec")))
    assert "EXC-004" in against(alike)
    own = Grant(asked, (verified(asked, "sam", "sec"), verified(asked, "bea", "biomed")))
    assert "bea asked for it" in against(own)["EXC-004"]


def test_break_glass_lives_72_hours_and_not_one_more():
    """73 hours are refused, and limits that are shorter than 72 hours hold too."""
    longer = changed(emergency(), expires=NOW + timedelta(hours=73))
    assert "73 hours" in against(granted(longer))["EXC-003"]
    short = limits({"exception_days": {"critical": 1, "high": 1, "medium": 1, "low": 1}})
    assert "EXC-003" in against(granted(emergency()), limits=short)


@pytest.mark.parametrize("rule", ["SIG-005", "SIG-007", "DEV-006", "PMR-001"])
def test_break_glass_never_reaches_signature_target_or_way_back(rule):
    """Though the same rules can be excepted by the long way round."""
    severity = facts().rules[rule].severity
    asked = emergency(severity=severity, rules=(covered(rule, severity),))
    assert "out of reach of a break-glass" in against(granted(asked))["EXC-001"]
    slow = request(severity, rules=(covered(rule, severity),))
    assert against(granted(slow)) == {}


def test_break_glass_never_reaches_what_cannot_be_waived_or_what_the_hospital_keeps_from_it():
    """An emergency is no reason, and a hospital can only add to what is out of reach."""
    asked = emergency(severity="critical", rules=(covered("VUL-007", "critical"),))
    assert "VUL-007 cannot be waived" in against(granted(asked))["EXC-001"]
    never = limits({"exception_never": ["VUL-004"]})
    assert "the hospital says so" in against(granted(emergency()), limits=never)["EXC-001"]


def test_an_overdue_review_blocks_the_next_break_glass_of_that_release():
    """Not itself, not an exception, not another release."""
    late = {RELEASE: ("BG-9",)}
    assert "BG-9" in against(granted(emergency()), overdue=late)["EXC-007"]
    assert against(granted(emergency()), overdue={RELEASE: ("BG-1",)}) == {}
    assert against(granted(emergency()), overdue={"pump-200@1.0.0+1": ("BG-9",)}) == {}
    assert against(granted(), overdue=late) == {}


@pytest.mark.parametrize(
    "parameters",
    [
        {"exception_days": {"high": 30}},
        {"exception_days": {"critical": 0, "high": 1, "medium": 1, "low": 1}},
        {"exception_roles": {"critical": [], "high": ["sec"], "medium": ["sec"], "low": ["sec"]}},
        {"exception_days": "forever"},
    ],
)
def test_limits_that_make_no_sense_stop_the_judging(parameters):
    """A severity without a limit would be one without an end."""
    with pytest.raises(Misuse):
        limits(parameters)
