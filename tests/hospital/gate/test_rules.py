"""Every shipped rule: passes, fails alone, never passes unseen, means the same to two engines."""

import cel
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmward.hospital.gate import document, packs
from firmward.hospital.gate.document import Evidence
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.rules import compiled
from firmward.hospital.gate.rulings import facts, ruling
from firmward.terms.errors import Malformed
from firmward.terms.wire import convert, encode, parse

RULES = (
    *("CRY-001", "CRY-003", "DEV-001", "LIF-001", "LIF-006", "LIF-008", "PMR-001", "PRV-002"),
    *("RSK-004", "RSK-010"),
    *("SBM-001", "SBM-002", "SBM-004", "SBM-005"),
    *("SIG-001", "SIG-003", "SIG-004", "SIG-006", "SIG-008", "SIG-010"),
    *("VUL-001", "VUL-002", "VUL-003", "VUL-008", "VUL-020"),
)


def without(evidence: Evidence, path: str) -> Evidence:
    """The document with one value no longer known."""
    edited = parse(encode(evidence), "evidence")
    section, _, field = path.partition(".")
    if field:
        del edited[section][field]
    else:
        del edited[section]
    return convert(edited, Evidence, "evidence")


def weakened(evidence: Evidence, path: str, trust: str) -> Evidence:
    """The document with one value known less well."""
    edited = parse(encode(evidence), "evidence")
    section, _, field = path.partition(".")
    (edited[section][field] if field else edited[section])["trust"] = trust
    return convert(edited, Evidence, "evidence")


def words(policy, evidence) -> dict[str, str]:
    """Rule -> what it says of the document."""
    judgement = judge(policy, evidence, evidence.at)
    return {each.rule: each.word for each in judgement.rulings}


def test_the_pack_holds_exactly_these_rules(policy, examples):
    """The list the tests below run through is the pack's own, and each has a failing case."""
    assert RULES == tuple(asked.rule.id for asked in policy.rules)
    assert set(RULES) == set(examples.failing)


def test_the_passing_document_passes_every_rule(policy, examples):
    """No rule asks for what its own example does not have."""
    assert dict.fromkeys(RULES, "pass") == words(policy, examples.passing)


@pytest.mark.parametrize("rule", RULES)
def test_each_failing_edit_fails_that_rule_alone(policy, examples, rule):
    """A reason names its rule, and no other rule answers for it."""
    for change in examples.failing[rule]:
        seen = words(policy, packs.changed(examples.passing, change))

        assert {rule: "fail"} == {name: word for name, word in seen.items() if word != "pass"}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_never_passes_without_a_value_it_reads(policy, examples, rule):
    """Taking away any declared value, even one a condition would not reach, blocks."""
    for path in policy.rule(rule).rule.evidence:
        if path == "now":
            continue

        assert "indeterminate" == words(policy, without(examples.passing, path))[rule]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_never_passes_on_a_value_known_less_well_than_it_asks(policy, examples, rule):
    """A vendor's word does not do where the gate must measure."""
    asked = policy.rule(rule).rule
    lower = {"measured": "attested", "attested": "declared"}.get(asked.trust)
    for path in asked.evidence if lower else ():
        if path == "now":
            continue

        assert "indeterminate" == words(policy, weakened(examples.passing, path, lower))[rule]


def test_every_known_value_may_be_missing_and_nothing_breaks(policy, examples):
    """Deleting each value of the document in turn changes some answer to `indeterminate` only."""
    for path in document.leaves(examples.passing):
        seen = words(policy, without(examples.passing, path))

        assert set(seen.values()) <= {"pass", "indeterminate"}


def test_an_empty_document_passes_nothing(policy, examples):
    """Where nothing is known, no rule passes and no rule counts as not applying."""
    passing = examples.passing
    bare = Evidence(
        subject=passing.subject,
        image_sha256=passing.image_sha256,
        vendor=passing.vendor,
        site=passing.site,
        at=passing.at,
    )
    judgement = judge(policy, bare, bare.at)

    assert {"indeterminate"} == {each.word for each in judgement.rulings}
    assert not judgement.admitted


def other_engine(formula: str, data: dict) -> bool | None:
    """What the Rust engine says of a formula: true, false, or nothing."""
    try:
        answer = cel.evaluate(formula, data)
    except (ValueError, TypeError, KeyError, RuntimeError):
        return None
    return answer if isinstance(answer, bool) else None


def documents(policy, examples) -> list[Evidence]:
    """Every document the pack's tests make, and every one with a value less."""
    passing = examples.passing
    edits = [change for changes in examples.failing.values() for change in changes]
    return [
        passing,
        *(packs.changed(passing, change) for change in edits),
        *(without(passing, path) for path in document.leaves(passing)),
    ]


def disagreements(policy, evidence: Evidence) -> list[str]:
    """Rules on which the two engines differ about this document."""
    data = document.values(evidence) | {
        "p": dict(policy.parameters),
        "now": document.moment(evidence.at),
    }
    known = facts(evidence, policy.parameters, evidence.at)
    differing = []
    for asked in policy.rules:
        value = asked.condition.eval(known.activation)
        ours = value.plain_value() if value.type().name() == "BOOL" else None
        if ours != other_engine(asked.rule.condition, data):
            differing.append(asked.rule.id)
    return differing


def test_both_engines_agree_on_every_test_of_the_pack(policy, examples):
    """C++ and Rust give the same answer for each rule on each document, missing values included."""
    for evidence in documents(policy, examples):
        assert [] == disagreements(policy, evidence)


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
        }
    ),
    max_size=4,
)


@given(parts=PARTS, flaws=FLAWS)
def test_both_engines_agree_on_generated_documents(policy, examples, parts, flaws):
    """Lists of any make-up mean the same to both, and never stop a judgement."""
    edited = parse(encode(examples.passing), "evidence")
    edited["sbom"]["components"]["value"] = parts
    edited["vulns"]["value"] = flaws
    evidence = convert(edited, Evidence, "evidence")

    assert [] == disagreements(policy, evidence)
    assert judge(policy, evidence, evidence.at).rulings


def asked(policy, **changes):
    """A shipped rule with some members changed, compiled."""
    return compiled(msgspec.structs.replace(policy.rule("SIG-004").rule, **changes))


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
    ],
)
def test_a_condition_that_is_not_true_or_false_is_indeterminate(policy, examples, condition):
    """Errors come back from the engine as values, and must not be taken for truth."""
    known = facts(examples.passing, policy.parameters, examples.passing.at)

    assert "indeterminate" == ruling(asked(policy, condition=condition), known, ()).word


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"condition": "release.security_version >="}, "a CEL expression"),
        ({"condition": "os.system('x')"}, "a CEL expression"),
        ({"offenders": "[nothing.here]"}, "a CEL expression"),
        ({"condition": "release.digest != ''"}, "release.digest"),
        ({"condition": "vulns.all(v, !v.kev)"}, "vulns"),
        ({"condition": "timestamp(now) > timestamp(now)"}, "now"),
        ({"condition": "release == device"}, "device, release"),
        ({"condition": "release['digest'] != ''"}, "release"),
        ({"offenders": "sbom.components"}, "sbom.components"),
        ({"evidence": ("release.colour",)}, "release.colour"),
        ({"evidence": ("release",)}, "release"),
    ],
)
def test_a_rule_that_reads_what_it_does_not_declare_is_refused(policy, changes, message):
    """Undeclared evidence would escape the presence check."""
    with pytest.raises(Malformed, match=message):
        asked(policy, **changes)


def scoped(policy, **scope):
    """A rule for some releases only."""
    everywhere = policy.rule("SIG-004").rule.applies_to
    return asked(policy, applies_to=msgspec.structs.replace(everywhere, **scope))


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
    ],
)
def test_a_rule_that_is_not_for_this_release_says_so(policy, examples, scope, word):
    """Scope is judged first, and a scope without an answer blocks."""
    known = facts(examples.passing, policy.parameters, examples.passing.at)

    assert word == ruling(scoped(policy, **scope), known, ()).word


@pytest.mark.parametrize(
    "path", ["device.tier", "release.safety_class", "regulatory.jurisdictions"]
)
def test_what_decides_the_scope_and_is_not_known_lets_the_rule_apply(policy, examples, path):
    """Nobody escapes a rule by leaving out where it belongs."""
    rule = scoped(policy, tiers=(1,), safety_class=("C",), jurisdictions=("EU",))
    evidence = without(examples.passing, path)

    assert "pass" == ruling(rule, facts(evidence, policy.parameters, evidence.at), ()).word
