"""Where a failure becomes "excepted": for exactly what was approved, and never more."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.grants import (
    CLASS,
    CVE,
    IMAGE,
    LATER,
    OTHER_CVE,
    OTHER_IMAGE,
    covered,
    facts,
    granted,
    request,
)

from firmward.hospital.gate.exceptions.judgement import Ask, Outcome, apply, named, valid

BOTH = request(rules=(covered("VUL-004", "high", CVE, OTHER_CVE),))
UNKNOWN = request(rules=(covered("VUL-004", "high", "indeterminate: scan.db_age_days"),))


def ask(**changes) -> Ask:
    """A failed ruling that the good grant covers."""
    values = {
        "rule": "VUL-004",
        "word": "fail",
        "waivable": True,
        "offenders": (CVE,),
        "image_sha256": IMAGE,
        "device_class": CLASS,
    }
    return Ask(**{**values, **changes})


def outcome(asked: Ask, *requests, now=LATER, **world) -> Outcome:
    """What becomes of a ruling with grants of these requests."""
    grants = [granted(each) for each in requests or (request(),)]
    bands = {
        (each.request.release, name): "medium" for each in grants for name in each.request.offenders
    }
    return apply(asked, valid(grants, now, facts(**{"bands": bands, **world})), now)


def test_what_was_approved_is_excepted_and_says_by_what():
    """Not passed: excepted."""
    assert outcome(ask()) == Outcome("excepted", "EX-1")
    assert outcome(ask(), BOTH) == Outcome("excepted", "EX-1")
    assert outcome(ask(offenders=(CVE, OTHER_CVE)), BOTH) == Outcome("excepted", "EX-1")


NOT_COVERED = {
    "another rule": {"rule": "VUL-006"},
    "a new offender": {"offenders": (CVE, OTHER_CVE)},
    "another offender": {"offenders": (OTHER_CVE,)},
    "no offender": {"offenders": ()},
    "an offender in other letters": {"offenders": (CVE.lower(),)},
    "an offender with a blank": {"offenders": (f"{CVE} ",)},
    "another image": {"image_sha256": OTHER_IMAGE},
    "another device class": {"device_class": "pump-200/PUMP-200-B/tier-2"},
    "other hardware": {"device_class": "pump-200/PUMP-200-C/tier-1"},
    "a rule that cannot be waived": {"waivable": False},
    "indeterminate instead of failed": {"word": "indeterminate"},
}


@pytest.mark.parametrize("difference", NOT_COVERED)
def test_what_was_not_approved_stays_as_it_is(difference):
    """One difference each, from a ruling that is excepted."""
    asked = ask(**NOT_COVERED[difference])
    assert outcome(asked) == Outcome(asked.word)


def test_an_indeterminate_ruling_is_excepted_only_by_the_path_that_is_lacking():
    """Approved ignorance of one thing is not that of another, and no failure."""
    offenders = named("indeterminate", (), {}, ["scan.db_age_days"])
    assert outcome(ask(word="indeterminate", offenders=offenders), UNKNOWN).word == "excepted"
    two = named("indeterminate", (), {}, ["scan.db_age_days", "scan.tools"])
    assert outcome(ask(word="indeterminate", offenders=two), UNKNOWN).word == "indeterminate"
    assert outcome(ask(), UNKNOWN).word == "fail"
    posing = ask(offenders=offenders)
    assert outcome(posing, UNKNOWN).word == "fail"
    nothing = named("indeterminate", (), {}, [])
    assert outcome(ask(word="indeterminate", offenders=nothing), UNKNOWN).word == "indeterminate"


def test_two_grants_do_not_add_up():
    """Their approvers never weighed both offenders together."""
    one, other = request(), request(id="EX-2", rules=(covered("VUL-004", "high", OTHER_CVE),))
    asked = ask(offenders=(CVE, OTHER_CVE))
    assert outcome(asked, one, other) == Outcome("fail")
    assert outcome(asked, one, other, BOTH).word == "excepted"


def test_a_grant_judged_at_another_moment_counts_for_nothing():
    """Who keeps yesterday's answer does not get through with it."""
    grants = valid([granted()], LATER, facts())
    assert apply(ask(), grants, LATER).word == "excepted"
    assert apply(ask(), grants, LATER + timedelta(seconds=1)).word == "fail"


def test_a_grant_with_anything_against_it_is_not_there():
    """Expired, triggered, not approved enough."""
    assert outcome(ask(), now=request().expires).word == "fail"
    assert outcome(ask(), exploited=frozenset({CVE})).word == "fail"
    some = valid([granted(roles=("sec", "biomed"))], LATER, facts())
    assert apply(ask(), some, LATER).word == "fail"


@pytest.mark.parametrize("word", ["pass", "not-applicable", "excepted"])
def test_what_does_not_block_is_left_alone(word):
    """There is nothing to except."""
    assert outcome(ask(word=word)) == Outcome(word)


def test_offenders_that_may_have_been_cut_are_never_covered():
    """A ruling shows 100 offenders of 160 characters; at the limit nobody knows what is missing."""
    many = tuple(f"CVE-2026-{n:05}" for n in range(100))
    for cut in (many, ("x" * 160,), ("which ones cannot be told",)):
        everything = request(rules=(covered("VUL-004", "high", *cut),))
        assert outcome(ask(offenders=cut), everything) == Outcome("fail")


def test_a_rule_without_offenders_is_about_the_values_that_it_saw():
    """Another value, or another source of it, is another failure."""
    seen = {"signature.key_custody": "software", "device.tier": 1}
    offenders = named("fail", (), seen, ())
    assert offenders == ("device.tier = 1", 'signature.key_custody = "software"')
    approved = request(rules=(covered("VUL-004", "high", *offenders),))
    assert outcome(ask(offenders=offenders), approved).word == "excepted"
    for tier in (2, "1", "1 " * 99, [1]):
        other = named("fail", (), seen | {"device.tier": tier}, ())
        assert outcome(ask(offenders=other), approved).word == "fail"
        assert all(len(name) < 160 and name.isprintable() for name in other)
    assert named("pass", ("x",), seen, ("y",)) == ()


NAMES = st.sampled_from(["CVE-1-1", "CVE-1-2", "CVE-1-3", "openssl 1.0"])
SETS = st.sets(NAMES, min_size=1)


@given(
    SETS,
    SETS,
    st.sampled_from(["fail", "indeterminate", "pass", "not-applicable"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_never_pass_and_excepted_only_when_everything_matches(
    approved, now, word, waivable, rule, image, device
):
    """Over all combinations of scope, word and offenders."""
    grants = _valid(tuple(sorted(approved)))
    asked = ask(
        word=word,
        waivable=waivable,
        offenders=tuple(sorted(now)),
        rule="VUL-004" if rule else "VUL-006",
        image_sha256=IMAGE if image else OTHER_IMAGE,
        device_class=CLASS if device else "pump-200/PUMP-200-B/tier-3",
    )
    found = apply(asked, grants, LATER)
    match = waivable and rule and image and device and now <= approved
    if word == "fail" and match:
        assert found == Outcome("excepted", "EX-1")
    else:
        assert found == Outcome(word)


def _valid(names: tuple[str, ...]):
    grant = granted(request(rules=(covered("VUL-004", "high", *names),)))
    bands = {(grant.request.release, name): "medium" for name in names}
    found = valid([grant], LATER, facts(bands=bands))
    assert len(found) == 1
    return found
