"""Every shipped rule: passes, fails alone, never passes unseen, means the same to two engines."""

import re

import pytest
from tests import shipped

from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.known import MOMENTS, TRUST
from firmward.hospital.gate.packs.examples import at_moment, changed
from firmward.hospital.gate.policy import Adopted
from firmward.hospital.gate.rules import reads
from firmward.hospital.gate.rulings import BLOCKING
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert, encode, parse

RULES = (
    *("CRY-001", "CRY-002", "CRY-003", "CRY-004", "CRY-005", "CRY-006"),
    *("DEV-001", "DEV-002", "DEV-003", "DEV-004", "DEV-005", "DEV-006", "DEV-007", "DEV-008"),
    *("DEV-009", "DEV-010", "DEV-011"),
    *("DOC-001", "DOC-002", "DOC-003", "DOC-004", "DOC-005", "DOC-006", "DOC-007"),
    *("LIF-001", "LIF-002", "LIF-003", "LIF-004", "LIF-005", "LIF-006", "LIF-007", "LIF-008"),
    *("LIF-009", "LIF-010", "LIF-011", "LIF-012"),
    *("PMR-001", "PMR-002", "PMR-003", "PMR-004", "PMR-005", "PMR-006", "PMR-007", "PMR-008"),
    *("PRV-001", "PRV-002", "PRV-003", "PRV-004", "PRV-005", "PRV-006"),
    *("RSK-001", "RSK-002", "RSK-003", "RSK-004", "RSK-005", "RSK-006", "RSK-007", "RSK-010"),
    *("SBM-001", "SBM-002", "SBM-003", "SBM-004", "SBM-005", "SBM-006", "SBM-007", "SBM-008"),
    *("SBM-009",),
    *("SIG-001", "SIG-002", "SIG-003", "SIG-004", "SIG-005", "SIG-006", "SIG-007", "SIG-008"),
    *("SIG-010",),
    *("VUL-001", "VUL-002", "VUL-003", "VUL-004", "VUL-005", "VUL-006", "VUL-007", "VUL-008"),
    *("VUL-009", "VUL-010", "VUL-011", "VUL-012", "VUL-020", "VUL-021"),
)

TOGETHER = (
    {"DEV-001", "PMR-001"},
    {"DEV-005", "DEV-011", "DOC-004", "LIF-006", "RSK-001", "RSK-004", "VUL-010"},
    {"SBM-002", "SBM-007"},
    {"SBM-005", "SIG-003"},
    {"VUL-001", "VUL-006"},
    {"VUL-002", "VUL-003", "VUL-007"},
    {"VUL-004", "VUL-009"},
)
"""Rules that ask for one value from several sides: what breaks one may break its companions."""

OTHER_TYPES = (None, True, 1, 1.5, "x", "", [], [1], ["x"], [[]], [{}], {}, {"value": True})


@pytest.fixture(scope="module")
def cpp() -> Direct:
    """The default engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="module")
def rust() -> Direct:
    """The other engine."""
    return direct("cel-rust")


@pytest.fixture(scope="module")
def passing() -> Evidence:
    """The one document that passes every rule."""
    return shipped.whole()


@pytest.fixture(params=RULES)
def asked(request) -> Adopted:
    """Each rule."""
    found = shipped.policy().rule(request.param)
    assert found is not None
    return found


def paths(asked: Adopted) -> list[str]:
    """The values that a rule must have."""
    return [path for path in asked.rule.evidence if path in document.PATHS]


def scope(asked: Adopted) -> set[str]:
    """Further values on which it depends whether the rule asks."""
    return (reads(asked.rule.applies_to.when) & document.PATHS) - set(asked.rule.evidence)


def gist(asked: Adopted, evidence: Evidence, engine: Direct) -> tuple[object, ...]:
    """What a rule says by an engine, without the engine's own words for what went wrong."""
    said = shipped.ruling(asked, evidence, engine)
    return said.word, re.split(": ", said.reason)[0], said.offenders


def together(rule: str) -> set[str]:
    """The rule and its companions."""
    return next((group for group in TOGETHER if rule in group), {rule})


def lower(asked: Adopted, path: str) -> str | None:
    """The best way of knowing a value that is not good enough for the rule; None where any is."""
    least = asked.rule.trusts.get(path, asked.rule.trust)
    return {1: "declared", 2: "attested"}.get(TRUST[least])


def test_the_packs_hold_exactly_these_rules():
    """The list the tests below run through is the packs' own; an id is never given away again."""
    assert RULES == tuple(each.rule.id for each in shipped.policy().rules)
    assert 90 == len(RULES)


def test_the_packs_passing_documents_are_about_one_release(passing):
    """They say the same of every value but the tier, so that one document can pass every rule."""
    for name, each in shipped.examples().items():
        for path, leaf in document.leaves(each.passing).items():
            assert path == "device.tier" or leaf == document.leaves(passing)[path], (name, path)


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_passing_document_passes_every_rule_that_asks(passing, cpp, moment):
    """At each moment, by the whole policy; a rule that is silent says that it asks elsewhere."""
    policy = shipped.policy()
    judgement = judge(policy, at_moment(passing, moment), cpp, passing.at)
    silent = {each.rule for each in judgement.rulings if each.word == "not-applicable"}

    assert judgement.admitted
    assert {"pass", "not-applicable"} >= {each.word for each in judgement.rulings}
    assert silent == {each.rule.id for each in policy.rules if moment not in each.rule.asked}


def test_it_passes_its_own_document_and_says_what_it_saw(asked, passing, cpp):
    """Every value that it read is shown with its origin."""
    said = shipped.ruling(asked, passing, cpp)

    assert "pass" == said.word
    assert paths(asked) == [seen.path for seen in said.seen]
    assert "" == said.remedy


def test_each_failing_edit_fails_it_and_none_but_its_companions(asked, passing, cpp):
    """A reason names its rule, by the whole policy; no stranger answers for it."""
    rule, edits = asked.rule, list(shipped.failing(asked.rule.id))
    assert edits
    for edit in edits:
        spoiled = at_moment(changed(passing, edit), shipped.moment_of(asked))
        judgement = judge(shipped.policy(), spoiled, cpp, passing.at)
        against = {each.rule: each for each in judgement.rulings if each.word in BLOCKING}

        # A rule that does not bind yet warns, and lets the release in.
        assert judgement.admitted == (not asked.binds(passing.at)), edit.path
        assert {rule.id} <= against.keys() <= together(rule.id), edit.path
        said = against[rule.id]
        assert ("fail", rule.remedy) == (said.word, said.remedy), edit.path
        assert bool(said.offenders) == bool(rule.offenders), edit.path


def test_it_never_passes_without_a_value_that_it_reads(asked, passing, cpp):
    """Taking away any declared value, even one that its condition would not reach, blocks."""
    for path in paths(asked):
        said = shipped.ruling(asked, shipped.without(passing, path), cpp)

        assert "indeterminate" == said.word, path
        assert path in said.reason or asked.rule.applies_to.when, path


def test_it_does_not_fall_silent_where_it_is_not_known_whether_it_asks(asked, passing, cpp):
    """Without a value that only its scope reads, it blocks."""
    for path in scope(asked):
        said = shipped.ruling(asked, shipped.without(passing, path), cpp)

        assert "indeterminate" == said.word, path


def test_it_never_passes_on_a_value_known_less_well_than_it_asks(asked, passing, cpp):
    """A vendor's word does not do where a signed statement or the gate's own measuring must."""
    for path in paths(asked):
        trust = lower(asked, path)
        if trust is not None:
            weak = shipped.with_envelope(passing, path, trust=trust)

            assert "indeterminate" == shipped.ruling(asked, weak, cpp).word, path


def test_it_never_passes_on_a_value_whose_time_is_over(asked, passing, cpp):
    """From the second at which it runs out; until then it does."""
    until = passing.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for path in paths(asked):
        old = shipped.with_envelope(passing, path, validUntil=until)

        assert "indeterminate" == shipped.ruling(asked, old, cpp).word, path


def kind(value: object) -> str:
    """The JSON type of a value; a number is a number with or without a point."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_a_value_of_another_type_is_no_document_or_does_not_pass(asked, passing, cpp):
    """Neither `"false"` nor `1` nor an empty list is ever taken for what a rule reads."""
    document_as_json = parse(encode(passing), "evidence")
    for path in {*paths(asked), *scope(asked)}:
        section, _, field = path.partition(".")
        leaf = document_as_json[section][field] if field else document_as_json[section]
        good = leaf["value"]
        for other in OTHER_TYPES:
            if kind(other) == kind(good):
                continue
            leaf["value"] = other
            try:
                read = convert(document_as_json, Evidence, "evidence")
            except Malformed:
                continue
            assert "pass" != shipped.ruling(asked, read, cpp).word, (path, other)
        leaf["value"] = good


def test_both_engines_say_the_same_of_it(asked, passing, cpp, rust):
    """Word, kind of reason and offenders: passing, failing, and with each value gone."""
    documents = [
        passing,
        *(changed(passing, edit) for edit in shipped.failing(asked.rule.id)),
        *(shipped.without(passing, path) for path in {*paths(asked), *scope(asked)}),
    ]
    for evidence in documents:
        assert gist(asked, evidence, cpp) == gist(asked, evidence, rust)


def test_every_known_value_may_be_missing_and_nothing_breaks(passing, cpp):
    """Deleting each value in turn makes some rule indeterminate, or none: never another word."""
    order = at_moment(passing, "order")
    for path in document.leaves(passing):
        judgement = judge(shipped.policy(), shipped.without(order, path), cpp, passing.at)

        assert {"pass", "indeterminate"} >= {each.word for each in judgement.rulings}, path


def test_an_empty_document_passes_nothing(passing, cpp):
    """Where nothing is known no rule passes, and none counts as not applying but by its moment."""
    bare = document.with_leaves(passing, dict.fromkeys(document.leaves(passing), document.UNSET))
    judgement = judge(shipped.policy(), at_moment(bare, "order"), cpp, passing.at)
    words = {each.rule: each.word for each in judgement.rulings}

    assert not judgement.admitted
    # Whether a post-quantum signature or a FIPS module is asked for at all is a parameter.
    elsewhere = {rule for rule, word in words.items() if word == "not-applicable"}
    assert {"indeterminate", "not-applicable"} >= set(words.values())
    assert all("p.require" in shipped.policy().rule(r).rule.applies_to.when for r in elsewhere)
