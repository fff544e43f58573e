"""Judged again: only what read a change is asked, and the answer is that of asking everything."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import shipped
from tests.waived import Waived

from firmward.hospital.gate import document
from firmward.hospital.gate.again import Again
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.judge import judge, judge_again
from firmward.hospital.gate.known import MOMENTS
from firmward.hospital.gate.packs.examples import changed
from firmward.terms.errors import Malformed


@pytest.fixture(scope="module")
def cpp() -> Direct:
    """The default engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="module")
def passing() -> Evidence:
    """A document that passes every shipped rule."""
    return shipped.whole()


PATHS = sorted(document.leaves(shipped.whole()))
EDITS = [edit for asked in shipped.policy().rules for edit in shipped.failing(asked.rule.id)]
TRUSTS = st.sampled_from(["declared", "attested", "measured"])
ENDS = st.sampled_from(["2026-11-21T12:00:00Z", "2026-11-23T12:00:00Z", "2027-11-21T12:00:00Z"])
CHANGES = st.fixed_dictionaries(
    {
        "gone": st.lists(st.sampled_from(PATHS), max_size=3),
        "edits": st.lists(st.sampled_from(EDITS), max_size=3),
        "trust": st.dictionaries(st.sampled_from(PATHS), TRUSTS, max_size=3),
        "until": st.dictionaries(st.sampled_from(PATHS), ENDS, max_size=3),
    }
)


def altered(evidence: Evidence, changes) -> Evidence:
    """The document with these edits, envelopes and absences; an edit that does not fit is not."""
    for edit in changes["edits"]:
        try:
            evidence = changed(evidence, edit)
        except Malformed:
            continue
    for path, trust in changes["trust"].items():
        evidence = shipped.with_envelope(evidence, path, trust=trust)
    for path, until in changes["until"].items():
        evidence = shipped.with_envelope(evidence, path, validUntil=until)
    for path in changes["gone"]:
        evidence = shipped.without(evidence, path)
    return evidence


def differences(before: Evidence, after: Evidence) -> frozenset[str]:
    """Every path whose value, envelope or absence differs; and the moment, where it does."""
    old, new = document.leaves(before), document.leaves(after)
    paths = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    return frozenset(paths | ({"moment"} if before.moment != after.moment else set()))


@settings(max_examples=60)
@given(
    first=CHANGES,
    second=CHANGES,
    moments=st.tuples(st.sampled_from(MOMENTS), st.sampled_from(MOMENTS)),
    days=st.sampled_from([0, 1, 2, 30, 300]),
    excepted=st.lists(st.sampled_from([a.rule.id for a in shipped.policy().rules]), max_size=4),
)
def test_judging_again_what_changed_is_judging_anew(
    policy, passing, cpp, first, second, moments, days, excepted
):
    """Whatever changed of the document, the clock, the moment and the exceptions."""
    before, after = altered(passing, first), altered(passing, second)
    before = msgspec.structs.replace(before, moment=moments[0])
    after = msgspec.structs.replace(after, moment=moments[1])
    grants, later = Waived(tuple(excepted)), passing.at + timedelta(days=days)
    old = judge(policy, before, cpp, passing.at, grants)
    apart = differences(before, after)
    anew = judge(policy, after, cpp, later, grants)

    assert anew == judge_again(policy, after, cpp, later, old.rulings, apart, grants)
    assert anew == Again(policy, cpp, later).judge(after, old.rulings, apart, grants)


def test_judging_again_asks_only_what_read_the_change(policy, passing, cpp):
    """The rest is kept word for word."""
    before = judge(policy, passing, cpp, passing.at)
    after = changed(passing, next(shipped.failing("SBM-003")))
    asked = []

    class Listening:
        name = cpp.name
        check = cpp.check

        def ask(self, questions, data):
            asked.extend(each.rule for each in questions)
            return cpp.ask(questions, data)

    again = judge_again(
        policy, after, Listening(), passing.at, before.rulings, differences(passing, after)
    )

    assert ["SBM-003"] == [each.rule for each in again.blocking]
    lists = {a.rule.id for a in policy.rules if {"sbom.components", "now"} & {*a.rule.evidence}}
    assert lists == set(asked)
    assert len(asked) < len(policy.rules) / 2
