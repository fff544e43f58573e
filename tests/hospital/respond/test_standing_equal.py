"""Judged again is judged as a whole: what is saved is work, never an answer."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.standings import CLASS, town_of
from tests.wards import RELEASE

from firmward.hospital import judging, standing, triggers
from firmward.hospital.gate import document, judge
from firmward.hospital.gate.judge import Judgement
from firmward.hospital.records.watched import Due
from firmward.lab import advisories
from firmward.terms.wire import encode


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """One site that everything happens to, one thing after the other."""
    town = town_of(tmp_path_factory.mktemp("equal"), 2)
    town.ward.tick()
    town.over()
    yield town
    town.ward.site.close()


RECALL = {"id": "R-7", "class": "I", "versions": ["1.1.0"]}
CHANGES = st.one_of(
    st.tuples(st.just("kev"), st.booleans()),
    st.tuples(st.just("epss"), st.sampled_from([0.0001, 0.09, 0.1, 0.3, 0.6, 0.99])),
    st.tuples(st.just("record"), st.sampled_from(["tinyframe", "ringlog", "unheard-of"])),
    st.tuples(st.just("exposure"), st.sampled_from(["isolated", "segmented", "flat", "internet"])),
    st.tuples(st.just("recalls"), st.booleans()),
    st.tuples(st.just("hours"), st.integers(1, 30)),
    st.tuples(st.just("renewed"), st.none()),
)


def happen(town, kind: str, what) -> None:
    """One change, by the door through which it comes."""
    town.ward.wait(1)
    if kind == "kev":
        town.exploit(what)
    elif kind == "epss":
        town.score(what)
    elif kind == "record":
        town.write(f"CVE-2026-99{500 + len(what)}", what)
    elif kind == "exposure":
        said = {"device": {"exposure": what}, "net": {"zone_controls": ["firewall", "nac", "vlan"]}}
        said["privacy"] = {"baa": False, "risk_analysis_updated": True}
        town.say("sec", said, 1000, "site")
    elif kind == "recalls":
        town.say("biomed", {"regulatory": {"open_recalls": [RECALL] if what else []}}, 1000)
    elif kind == "hours":
        town.ward.wait(3600 * what)
    else:
        town.ward.renew()
    town.follow()


def gist(judgement: Judgement) -> list[tuple]:
    """All that a judgement says, but for the digest of the class's facts."""
    return [
        (
            *(getattr(one, name) for name in one.__struct_fields__ if name != "seen"),
            [(seen.path, seen.value, seen.trust, seen.signer) for seen in one.seen],
        )
        for one in judgement.rulings
    ]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_again_says_what_a_whole_judgement_says(town, changes):
    """Of the same document, and of the bundle opened anew: after any news, in any order."""
    ward = town.ward
    for change in changes:
        happen(town, *change)
    hospital, now = ward.hospital, ward.now
    with ward.site.store.writing() as connection:
        triggers.look(connection, hospital.policy, hospital.advisories, now)
        turn = standing.Turn(hospital, connection, now)
        due = Due(RELEASE, CLASS, ())
        turn.expect([due])
        found = turn.judge(due, turn.last(due))
        whole = judge.judge(hospital.policy, found.evidence, hospital.engine, now)
        assert encode(found.judgement) == encode(whole)
        pieces = document.digests(document.parts(found.evidence))
        assert pieces == found.pieces
        bundle = ward.site.unseal(
            ward.site.blobs.get(ward.release(RELEASE).bundle), f"bundle of {ward.vendor.label}"
        )
        try:
            opened = judging.examine(
                hospital,
                connection,
                ward.vendor.label,
                bundle,
                now,
                again=ward.release(RELEASE),
                asked_at="standing",
            )
        except judging.RolesRefused:
            # Its metadata has run out: nothing opens, no order is made, and what runs may run.
            assert "SIG-008" in {
                one.rule for one in found.judgement.rulings if one.word == "not-applicable"
            }
        else:
            [each] = opened.judged
            assert gist(found.judgement) == gist(each.judgement)
    ward.tick()


def test_what_the_triggers_find_is_all_that_would_turn(town):
    """After each change the row says what a judgement of everything would say."""
    for change in (("kev", True), ("kev", False), ("epss", 0.99), ("epss", 0.0001)):
        town.ward.renew()
        town.list_(advisories.CVE)
        happen(town, *change)
        town.ward.tick()
        with town.ward.site.store.writing() as connection:
            turn = standing.Turn(town.ward.hospital, connection, town.ward.now)
            row = town.standing_in(connection)
            due = Due(RELEASE, CLASS, ())
            turn.expect([due])
            admitted = turn.judge(due, turn.last(due)).judgement.admitted
        assert (row.state == "eligible") == admitted, change
