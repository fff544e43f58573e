"""Each kind of change finds what it concerns, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.standings import CLASS, CVE, town_of
from tests.wards import RELEASE

from firmward.hospital.gate import again
from firmward.hospital.records import watched
from firmward.lab import advisories


@pytest.fixture
def town(tmp_path):
    """A ward whose release contains what is known to be vulnerable."""
    town = town_of(tmp_path, 2)
    town.ward.tick()
    yield town
    town.ward.site.close()


def other_rule(town, rule: str, binds_from=None, **changes) -> None:
    """The policy with one rule changed, as the server has it after an adoption."""
    policy = town.ward.hospital.policy
    rules = tuple(
        msgspec.structs.replace(
            each, rule=msgspec.structs.replace(each.rule, **changes), binds_from=binds_from
        )
        if each.rule.id == rule
        else each
        for each in policy.rules
    )
    town.ward.hospital.policy = replace(policy, rules=rules)


def test_a_policy_that_asks_for_more_revokes(town):
    """As soon as it is in force; the event names the policy."""
    other_rule(town, "SBM-001", condition="sbom.present == false", offenders="")
    town.ward.tick()

    assert town.state() == "revoked"
    [event] = town.ward.events("gate.rejudged")
    assert event.detail["triggers"][0].startswith("policy:")


def test_a_policy_that_asks_the_same_concerns_nobody(town):
    """Another text, or a rule of other tiers, asks nothing of this class."""
    before = len(town.verdicts())
    policy = town.ward.hospital.policy
    town.ward.hospital.policy = replace(policy, clauses={})
    town.ward.tick()

    assert len(town.verdicts()) == before
    with town.ward.site.store.reading() as connection:
        assert watched.noted(connection, "policy") == town.ward.hospital.policy.sha256


def test_a_warning_binds_on_its_day(town):
    """Nothing else happens on that day, and nobody has to remember it."""
    until = town.ward.now + timedelta(hours=1)
    other_rule(town, "SBM-001", until, condition="sbom.present == false", offenders="")
    town.ward.tick()
    assert town.state() == "eligible"
    assert "SBM-001" in [each.rule for each in town.judgement().warnings]

    town.ward.wait(3599)
    town.ward.tick()
    assert town.state() == "eligible"
    town.ward.wait(2)
    town.ward.tick()
    assert town.state() == "revoked"


def test_only_rules_that_read_the_same_keep_their_word(town):
    """A rule, its date and its parameters are all of what it asks."""
    old = town.ward.hospital.policy
    every = {each.rule.id for each in old.rules}
    other_rule(town, "SBM-001", town.ward.now)
    assert every - again.unchanged(old, town.ward.hospital.policy) == {"SBM-001"}
    stricter = replace(old, parameters={**old.parameters, "epss_limit": 0.01})
    assert "VUL-007" not in again.unchanged(old, stricter) or "epss" not in str(
        next(a.rule.condition for a in old.rules if a.rule.id == "VUL-007")
    )
    assert every - again.unchanged(old, stricter)


def test_a_score_below_every_limit_concerns_nobody(town):
    """EPSS moves every day; only the passing of a limit can turn an answer."""
    town.ward.wait(1)
    town.score(0.002)
    town.follow()
    with town.ward.site.store.reading() as connection:
        assert watched.count(connection) == 0
    town.score(0.97)
    town.ward.wait(1)
    town.follow()
    with town.ward.site.store.reading() as connection:
        [due] = watched.waiting(connection)
    assert due.causes == (f"epss:{CVE}",)


def test_a_new_record_about_a_component_is_found_by_the_components_key(town):
    """A vulnerability that nobody had heard of when the release came in."""
    town.ward.wait(1)
    town.write("CVE-2026-99555", "tinyframe")
    town.follow()
    town.ward.tick()

    assert town.state() == "revoked"
    [event] = town.ward.events("gate.rejudged")
    assert any("tinyframe" in cause for cause in event.detail["triggers"])
    assert "CVE-2026-99555" in " ".join(event.detail["reasons"])


def test_a_declaration_about_another_product_concerns_nobody(town):
    """The nearest word counts, and a word about something else does not."""
    before = len(town.verdicts())
    recall = {"id": "R-1", "class": "I", "versions": ["1.1.0"]}
    town.say("biomed", {"regulatory": {"open_recalls": [recall]}}, about="monitor-7")
    town.ward.tick()
    assert len(town.verdicts()) == before
    assert town.state() == "eligible"


def test_what_cannot_be_judged_keeps_its_place_and_is_told_once(town):
    """A policy that is over decides nothing; what was decided last goes on holding."""
    town.exploit()
    policy = town.ward.hospital.policy
    over = tuple(
        msgspec.structs.replace(each, expires=town.ward.now - timedelta(days=1))
        for each in policy.packs
    )
    town.ward.hospital.policy = replace(policy, packs=over)
    for _ in range(3):
        town.ward.tick()
    assert town.state() == "eligible"
    told = [t for t in town.ward.tickets() if t.cause.startswith("not-judged-again")]
    assert len(told) == 1
    with town.ward.site.store.reading() as connection:
        assert watched.count(connection) == 1

    town.ward.hospital.policy = policy
    town.ward.tick()
    assert town.state() == "revoked"


def test_every_verdict_is_filed_under_what_it_rests_on(town):
    """Components by their keys, vulnerabilities by their ids."""
    with town.ward.site.store.reading() as connection:
        assert watched.releases_under(connection, "purl:generic/tinyframe") == [RELEASE]
        assert watched.releases_under(connection, f"id:{CVE}") == [RELEASE]
        assert watched.releases_under(connection, f"id:{advisories.CVE}") == []
        assert watched.lasts(connection, [RELEASE]).keys() == {(RELEASE, CLASS)}
