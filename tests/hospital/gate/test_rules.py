"""What any rule is held to: the type of its answer, where it asks, from when, and how it knows."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import shipped

from firmward.hospital.gate.engines.direct import Direct, direct
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.known import MOMENTS
from firmward.hospital.gate.packs.examples import at_moment
from firmward.hospital.gate.policy import Adopted
from firmward.hospital.gate.rules import AppliesTo, compiled
from firmward.hospital.gate.rulings import Ruling
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert, encode, parse

LATER = timedelta(days=90)


@pytest.fixture(scope="module")
def cpp() -> Direct:
    """The default engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="module")
def passing():
    """A document that passes every shipped rule."""
    return shipped.whole()


def made(**changes) -> Adopted:
    """A shipped rule, SIG-004, with some members changed."""
    held = shipped.policy().rule("SIG-004")
    return msgspec.structs.replace(held, rule=msgspec.structs.replace(held.rule, **changes))


def scoped(**changes) -> Adopted:
    """A rule for some releases only."""
    return made(applies_to=msgspec.structs.replace(made().rule.applies_to, **changes))


def says(asked: Adopted, evidence, engine) -> Ruling:
    """What the rule says."""
    return shipped.ruling(asked, evidence, engine)


@pytest.mark.parametrize(
    "condition",
    [
        "release.security_version",
        "[release.security_version >= device.security_version]",
        "release.security_version / 0 == 1 || release.security_version / 0 == 2",
        "release.security_version > release.downgrade_authorised",
        "release.security_version.size() > 0",
        "p.nothing == 1",
        "duration('x') == duration('1h')",
        "'true'",
    ],
)
def test_a_condition_that_is_not_true_or_false_is_indeterminate(passing, cpp, condition):
    """Errors come back from the engine as values, and must not be taken for truth."""
    said = says(made(condition=condition), passing, cpp)

    assert "indeterminate" == said.word
    assert said.reason.startswith("the condition has no answer: ")
    assert said.blocks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"condition": "release.security_version >="}, "a CEL expression"),
        ({"condition": "os.system('x')"}, "a CEL expression"),
        ({"offenders": "[nothing.here]"}, "a CEL expression"),
        ({"condition": "release.digest != ''"}, "release.digest"),
        ({"condition": "vulns.all(v, !v.kev)"}, "vulns"),
        ({"condition": "timestamp(now) > timestamp(now)"}, "now"),
        ({"condition": "moment == 'wave'"}, "moment"),
        ({"condition": "release == device"}, "device, release"),
        ({"condition": "release['digest'] != ''"}, "release"),
        ({"offenders": "sbom.components"}, "sbom.components"),
        ({"evidence": ("release.colour",)}, "release.colour"),
        ({"evidence": ("release",)}, "release"),
    ],
)
def test_a_rule_that_reads_what_it_does_not_declare_is_refused(changes, message):
    """Undeclared evidence would escape the presence check."""
    with pytest.raises(Malformed, match=message):
        compiled(made(**changes).rule)


@pytest.mark.parametrize(
    ("scope", "word"),
    [
        ({"tiers": (2, 3, 4)}, "not-applicable"),
        ({"safety_class": ("A", "B")}, "not-applicable"),
        ({"jurisdictions": ("UK",)}, "not-applicable"),
        ({"jurisdictions": ("UK", "EU")}, "pass"),
        ({"when": "device.tier > 1"}, "not-applicable"),
        ({"when": "device.tier == 1"}, "pass"),
        ({"when": "device.tier == 'one' || device.tier / 0 == 1"}, "indeterminate"),
        ({"when": "device.tier"}, "indeterminate"),
        ({"when": "device.missing"}, "indeterminate"),
    ],
)
def test_a_rule_that_is_not_for_this_release_says_so(passing, cpp, scope, word):
    """Scope is judged first, and a scope without an answer blocks."""
    assert word == says(scoped(**scope), passing, cpp).word


@pytest.mark.parametrize(
    "path", ["device.tier", "release.safety_class", "regulatory.jurisdictions"]
)
def test_what_decides_the_scope_and_is_not_known_lets_the_rule_apply(passing, cpp, path):
    """Nobody escapes a rule by leaving out where it belongs, or by letting it run out."""
    only = {
        "device.tier": {"tiers": (2,)},
        "release.safety_class": {"safety_class": ("A",)},
        "regulatory.jurisdictions": {"jurisdictions": ("UK",)},
    }[path]
    old = shipped.with_envelope(passing, path, validUntil="2026-11-21T12:00:00Z")

    assert "not-applicable" == says(scoped(**only), passing, cpp).word
    assert "pass" == says(scoped(**only), shipped.without(passing, path), cpp).word
    assert "pass" == says(scoped(**only), old, cpp).word


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rule_asks_at_its_own_moments_only(passing, cpp, moment):
    """A pilot's hours are not asked for before there is a pilot; the condition is left alone."""
    asked = made(asked=("wave", "order"), condition="release.security_version < 0")
    alone = replace(shipped.policy(), rules=(asked,))
    [said] = judge(alone, at_moment(passing, moment), cpp, passing.at).rulings

    if moment in ("wave", "order"):
        assert "fail" == said.word
    else:
        assert ("not-applicable", "asked at wave, order", ()) == (said.word, said.reason, said.seen)


def test_a_rule_can_read_the_moment_once_it_declares_it(passing, cpp):
    """As one more value; it is always known."""
    asked = made(condition="moment == 'order'", evidence=("moment",))
    alone = replace(shipped.policy(), rules=(asked,))
    words = {
        moment: judge(alone, at_moment(passing, moment), cpp, passing.at).rulings[0].word
        for moment in MOMENTS
    }

    assert {"order": "pass", "intake": "fail", "wave": "fail", "standing": "fail"} == words


# ---- trust ----


@pytest.mark.parametrize(
    ("least", "known", "word"),
    [
        (least, known, "pass" if known in good else "indeterminate")
        for least, good in {
            "declared": ("declared", "attested", "measured"),
            "attested": ("attested", "measured"),
            "measured": ("measured",),
        }.items()
        for known in ("declared", "attested", "measured")
    ],
)
def test_a_value_must_be_known_as_well_as_its_rule_asks(passing, cpp, least, known, word):
    """Measured is better than attested, and attested than declared."""
    path = "device.security_version"
    asked = made(evidence=(path,), condition=f"{path} >= 0", trust=least, trusts={})
    said = says(asked, shipped.with_envelope(passing, path, trust=known), cpp)

    assert word == said.word
    if word == "indeterminate":
        assert f"{path} must be at least {least} and is {known}" == said.reason


@pytest.mark.parametrize(
    ("trusts", "word"),
    [
        ({}, "indeterminate"),
        ({"docs.mds2_version": "declared"}, "pass"),
        ({"docs.mds2_version": "attested"}, "indeterminate"),
        ({"docs.mds2_version": "declared", "release.version": "measured"}, "indeterminate"),
    ],
)
def test_one_value_can_ask_for_more_or_less_than_its_rule(passing, cpp, trusts, word):
    """Each value by its own minimum; the others by the rule's."""
    paths = ("docs.mds2_version", "release.version")
    asked = made(
        evidence=paths,
        condition="docs.mds2_version != '' && release.version != ''",
        trust="attested",
        trusts=trusts,
    )
    known = shipped.with_envelope(passing, "docs.mds2_version", trust="declared")
    known = shipped.with_envelope(known, "release.version", trust="attested")

    assert word == says(asked, known, cpp).word


# ---- time ----


@pytest.mark.parametrize(
    ("seconds", "word"), [(-1, "indeterminate"), (0, "indeterminate"), (1, "pass")]
)
def test_a_value_is_known_until_its_end_and_not_at_it(passing, cpp, seconds, word):
    """What was good until now is not good now."""
    path = "device.security_version"
    until = (passing.at + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = says(made(), shipped.with_envelope(passing, path, validUntil=until), cpp)

    assert word == said.word
    assert (word == "pass") or f"{path} was good until" in said.reason


def test_a_condition_cannot_read_a_value_whose_time_is_over(passing, cpp):
    """Not even where its scope alone does: what ran out is absent to every formula."""
    asked = scoped(when="has(device.tier) ? false : true")
    old = shipped.with_envelope(passing, "device.tier", validUntil="2026-11-21T12:00:00Z")

    assert "not-applicable" == says(asked, passing, cpp).word
    assert "pass" == says(asked, old, cpp).word


# ---- warning first ----


def warning(passing, condition: str) -> Adopted:
    """A rule that binds in ninety days."""
    return msgspec.structs.replace(made(condition=condition), binds_from=passing.at + LATER)


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("release.security_version < 0", "fail"),
        ("release.security_version / 0 > 1", "indeterminate"),
    ],
)
def test_a_rule_that_does_not_bind_yet_warns_and_never_blocks(passing, cpp, condition, word):
    """With its date; everything else about it is said as if it did."""
    policy = shipped.policy()
    asked = warning(passing, condition)
    rules = tuple(asked if each.rule.id == "SIG-004" else each for each in policy.rules)
    judgement = judge(replace(policy, rules=rules), passing, cpp, passing.at)
    [said] = judgement.warnings

    assert judgement.admitted
    assert () == judgement.blocking
    assert ("SIG-004", word, False) == (said.rule, said.word, said.binds)
    assert "2027-02-19T12:00:00Z" == said.binds_from
    assert said.remedy


@pytest.mark.parametrize(("seconds", "admitted"), [(-1, True), (0, False), (1, False)])
def test_it_binds_from_its_day_on(passing, cpp, seconds, admitted):
    """From the first second of it, without anybody's doing."""
    asked = warning(passing, "release.security_version < 0")
    sure = msgspec.structs.replace(made(condition="release.security_version >= 0"), binds_from=None)
    alone = replace(shipped.policy(), rules=(sure, asked))
    judgement = judge(alone, passing, cpp, passing.at + LATER + timedelta(seconds=seconds))

    assert admitted == judgement.admitted
    assert admitted == (not judgement.blocking)
    assert admitted == bool(judgement.warnings)
    assert "" == judgement.rulings[1].binds_from or admitted


def test_a_warning_alone_admits_nothing(passing, cpp):
    """At least one rule has to pass: a policy that only warns has no opinion."""
    asked = warning(passing, "release.security_version < 0")
    judgement = judge(replace(shipped.policy(), rules=(asked,)), passing, cpp, passing.at)

    assert not judgement.admitted
    assert () == judgement.blocking


# ---- both engines on lists of any make-up ----

LEVELS = st.sampled_from(["maintained", "not_maintained", "abandoned", ""])
TIMES = st.sampled_from(["", "2026-12-01T00:00:00Z", "2031-01-01T00:00:00Z"])
TEXTS = st.sampled_from(["", "x", "1.4.2", "pkg:generic/x@1"])
PARTS = st.lists(
    st.fixed_dictionaries(
        {
            "name": TEXTS,
            "version": TEXTS,
            "supplier": TEXTS,
            "ids": st.lists(TEXTS, max_size=2),
            "dependency_declared": st.booleans(),
            "support_level": LEVELS,
            "end_of_support": TIMES,
            "replacement_plan": st.booleans(),
            "soup": st.booleans(),
            "soup_requirements": st.booleans(),
            "anomaly_list_evaluated": st.booleans(),
        }
    ),
    max_size=4,
)
FLAWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["CVE-2026-1", "CVE-2026-2"]),
            "component": TEXTS,
            "status": st.sampled_from(["not_affected", "affected", "fixed", "under_investigation"]),
            "matched": st.sampled_from(["affected", "not_affected", "unknown", ""]),
            "justification": TEXTS,
            "kev": st.booleans(),
            "risk_state": st.sampled_from(["controlled", "uncontrolled", ""]),
            "reason": TEXTS,
        },
        optional={
            "cvss": st.sampled_from([0.0, 6.9, 7.0, 9.0, 10.0]),
            "epss": st.sampled_from([0.0, 0.1, 0.5, 1.0]),
            "cvss_version": st.sampled_from(["", "2.0", "3.1", "4.0"]),
            "cvss_vector": TEXTS,
            "rubric": st.booleans(),
            "exploitability": st.integers(1, 5),
            "harm_severity": st.integers(1, 5),
            "band": st.sampled_from(["low", "medium", "high", "critical"]),
            "control_verified": st.booleans(),
            "fix_by": TIMES,
        },
    ),
    max_size=4,
)


def lists_rules():
    """The rules that read either list."""
    policy = shipped.policy()
    lists = frozenset({"sbom.components", "vulns"})
    return replace(policy, rules=tuple(a for a in policy.rules if lists & {*a.rule.evidence}))


@given(parts=PARTS, flaws=FLAWS)
def test_both_engines_agree_on_generated_lists(cpp, rust, passing, parts, flaws):
    """Word, kind of reason and offenders; and no list stops a judgement."""
    edited = parse(encode(passing), "evidence")
    edited["sbom"]["components"]["value"] = parts
    edited["vulns"]["value"] = flaws
    evidence = convert(edited, type(passing), "evidence")
    told = [
        [
            (each.rule, each.word, each.reason.partition(": ")[0], each.offenders)
            for each in judge(lists_rules(), evidence, engine, evidence.at).rulings
        ]
        for engine in (cpp, rust)
    ]

    assert told[0] == told[1]


@pytest.fixture(scope="module")
def rust() -> Direct:
    """The other engine."""
    return direct("cel-rust")


def test_a_scope_says_where_it_is_meant():
    """No rule can be written that is for nowhere."""
    with pytest.raises(Malformed):
        convert({"safety_class": ["A"], "tiers": [1], "jurisdictions": []}, AppliesTo, "scope")
