"""What a pack's writer is told: by its own tests, by reading it, and about what changed."""

import re
from datetime import UTC, datetime

import pytest
from tests.made_packs import rule

from firmward.hospital.gate import rules
from firmward.hospital.gate.cli import CHECKOUT
from firmward.hospital.gate.packs.combine import combine
from firmward.hospital.gate.packs.coverage import coverage, share
from firmward.hospital.gate.packs.diff import diff, side, weight
from firmward.hospital.gate.packs.examples import Change, changed, load_examples
from firmward.hospital.gate.packs.folder import MANIFEST, manifest_of, named, newest
from firmward.hospital.gate.packs.lint import lint
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.gate.packs.proving import alone, prove, told
from firmward.hospital.gate.packs.read import load
from firmward.hospital.gate.packs.strict import read_yaml
from firmward.hospital.gate.rules import Rule
from firmward.terms.errors import Malformed
from firmward.terms.wire import encode

SHIPPED = named(CHECKOUT)


def read(made):
    """A made pack and its tests."""
    path = made.write()
    return load(path), load_examples(path)


def with_golden(made, engine):
    """A made pack whose golden words are what its rules say."""
    pack, examples = read(made)
    made.files["tests/golden.json"] = encode(told(alone(pack, {}), examples, engine)).decode()
    return made


def problems(made, engine):
    """What goes wrong with a made pack's tests."""
    return {one.case: one.problem for one in prove(*read(made), engine) if one.problem}


def test_a_good_pack_passes_its_own_tests(made, engine):
    """Each rule seen to pass, seen to fail alone, in the words that are written down."""
    pack = with_golden(made(), engine)
    outcomes = prove(*read(pack), engine)

    assert {} == problems(pack, engine)
    assert {"MAD-001 pass.json", "MAD-001 sbom.present", "golden pass.json"} <= {
        one.case for one in outcomes
    }


def test_a_rule_that_was_loosened_is_noticed_by_its_failing_test(made, engine):
    """And by the golden words."""
    pack = with_golden(made(), engine)
    pack.rules[1]["condition"] = "provenance.slsa_build_level >= 0 && p.days <= 30"
    found = problems(pack, engine)

    case = "MAD-002 provenance.slsa_build_level"
    assert "expected MAD-002 alone to fail, got nothing" == found[case]
    assert found[f"golden {case}"].startswith("MAD-002: expected fail: the condition does not")


def test_a_rule_that_nothing_passes_is_noticed(made, engine):
    """A rule that only ever fails refuses everybody."""
    pack = made()
    pack.rules[0]["condition"] = "sbom.present && sbom.format == 'none'"

    assert problems(pack, engine)["MAD-001 pass.json"].startswith("expected pass, got fail")


def test_an_edit_that_fails_another_rule_as_well_is_noticed(made, engine):
    """What fails two rules shows of neither that it works."""
    pack = made()
    pack.rules.append(rule("MAD-003", "sbom.present", ["sbom.present"]))

    found = problems(pack, engine)["MAD-001 sbom.present"]
    assert "expected MAD-001 alone to fail, got MAD-001 fail, MAD-003 fail" == found


def test_an_edit_that_makes_no_document_is_noticed(made, engine):
    """A test of a misspelt path would pass for the wrong reason."""
    failing = {"MAD-001": [{"path": "sbom.presence", "value": False}]}

    found = problems(made(failing=failing), engine)["MAD-001 sbom.presence"]
    assert found.startswith("the edit makes no document: ")


def test_a_rule_asked_at_one_moment_is_tested_at_that_moment(made, engine):
    """The passing document's own moment is not the one at which it asks."""
    pack = made()
    pack.rules[0]["asked"] = ["wave", "order"]

    assert {} == problems(with_golden(pack, engine), engine)


def test_golden_words_that_are_missing_or_of_other_cases_are_noticed(made, engine):
    """A case that was renamed is not silently no longer compared."""
    assert "--accept" in problems(made(), engine)["golden.json"]
    pack = with_golden(made(), engine)
    pack.failing["MAD-002"] = [
        {"path": "provenance.slsa_build_level", "value": level} for level in (0, 1)
    ]
    found = problems(pack, engine)

    assert (
        "expected no such case, got a case" == found["golden MAD-002 provenance.slsa_build_level 2"]
    )
    assert (
        "expected a case, got no such case" == found["golden MAD-002 provenance.slsa_build_level"]
    )


@pytest.mark.parametrize("path", ["sbom", "sbom.format.0.1", "nothing.at", "sbom.format.value", ""])
def test_an_edit_of_what_is_not_there_is_malformed(made, path):
    """Whatever is wrong with it, it is the one error."""
    _, examples = read(made())
    with pytest.raises(Malformed):
        changed(examples.passing, Change(path=path, value=[1]))


def test_an_edit_can_lower_how_well_a_value_is_known(made):
    """A rule that asks for attested evidence is tested with a declared value."""
    _, examples = read(made())
    edited = changed(examples.passing, Change(path="sbom.present", trust="declared"))

    assert "declared" == edited.sbom.present.trust


def test_coverage_names_the_evidence_that_no_test_varies(made):
    """A path that is read and never varied could be read wrongly."""
    pack, examples = read(made(failing={"MAD-001": [{"path": "sbom.present", "value": False}]}))
    first, second = coverage(pack, examples)

    assert (("sbom.format",), ("sbom.present",)) == (first.unvaried, first.varied)
    assert ("provenance.slsa_build_level",) == second.unvaried
    assert 1 / 3 == share([first, second])


def objections(*made):
    """What lint says of made packs, a line each."""
    return [str(one) for one in lint([read(one) for one in made])]


def test_a_good_pack_has_nothing_to_object_to(made, another):
    """Alone and beside another."""
    assert [] == objections(made())
    assert [] == objections(made(), another())


def spoilt(made, **changes):
    """A pack with members of its first rule changed."""
    pack = made()
    pack.rules[0] |= changes
    return pack


BEFORE = "2026-10-01T00:00:00Z"


@pytest.mark.parametrize(
    ("spoil", "objection"),
    [
        (lambda made: spoilt(made, remedy="Fix it"), "MAD-001: its remedy tells nobody what to do"),
        (lambda made: spoilt(made, asked=[]), "MAD-001: it is asked at no moment"),
        (
            lambda made: spoilt(made, evidence=["sbom.present", "sbom.format", "sbom.author"]),
            "MAD-001: declares sbom.author and does not read it; drop it",
        ),
        (
            lambda made: spoilt(made, trusts={"sbom.author": "measured"}),
            "MAD-001: sets the trust of sbom.author, which it does not declare",
        ),
        (
            lambda made: spoilt(made, effective_from=BEFORE),
            "MAD-001: its effective_from is not after the pack's, and gives nobody time",
        ),
        (
            lambda made: spoilt(made, condition="sbom.present && sbom.format in p.formatz"),
            "MAD-001: reads p.formatz, which no pack sets; set it in params/default.yaml",
        ),
        (lambda made: made(failing={}), "MAD-001: no test makes it fail"),
        (
            lambda made: made(failing={**made().failing, "MAD-009": []}),
            "tests/fail.yaml MAD-009: it is no rule of the pack",
        ),
        (
            lambda made: made(
                parameters={**made().parameters, "unread": 1},
                bounds={**made().bounds, "unread": {"type": "integer"}},
            ),
            "params/default.yaml unread: no rule reads it",
        ),
        (
            lambda made: made(bounds={**made().bounds, "days": {"type": "integer"}}),
            "params/schema.json days: no x-tighter says which way is tighter",
        ),
        (
            lambda made: made(
                bounds={**made().bounds, "days": {"type": "integer", "x-tighter": "lower"}}
            ),
            "params/schema.json days: nothing says how far it may be loosened",
        ),
        (
            lambda made: made(
                bounds={**made().bounds, "days": {"type": "integer", "x-tighter": "fewer"}}
            ),
            "params/schema.json days: x-tighter fewer says nothing of a value of type integer",
        ),
        (
            lambda made: made(
                clauses={
                    **made().clauses,
                    "made-2": {"cite": "Made 2", "says": "So.", "confidence": "low"},
                }
            ),
            "clauses.yaml made-2: no rule cites it; cite it or drop it",
        ),
        (
            lambda made: made(
                clauses={"made-1": {"cite": "Made 1", "says": "x" * 200, "confidence": "low"}}
            ),
            "clauses.yaml made-1: longer than one sentence of our own words",
        ),
    ],
)
def test_lint_names_what_a_reader_would_object_to(made, spoil, objection):
    """What can be loaded may still be wrong: pack, place, what is wrong, and the fix."""
    assert any(f"made@2026.11.0 {objection}" in said for said in objections(spoil(made)))


def test_lint_sees_what_two_packs_cannot_both_have(made, another):
    """Before a site adopts them and is told."""
    twice = another(
        rules=made().rules,
        clauses={"made-1": {"cite": "Made 1", "says": "Do less.", "confidence": "high"}},
    )
    found = objections(made(), twice)

    assert any("MAD-001: also in made@2026.11.0" in said for said in found)
    assert any("clauses.yaml made-1: says otherwise than in made@" in said for said in found)


def differences(before, after):
    """What two made packs have differently, a line each, and how weighty that is."""
    found = diff(side([before.load()]), side([after.load()]))
    return weight(found), [f"{one.weight} {one.what} {one.name} {one.change}" for one in found]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda pack: pack.rules[0].update(remedy="Do what it asks."),
            "patch rule MAD-001 changed",
        ),
        (
            lambda pack: pack.clauses["made-1"].update(says="Do it very well."),
            "patch clause made-1 changed",
        ),
        (
            lambda pack: pack.rules.append(
                rule(
                    "MAD-003",
                    "sbom.present",
                    ["sbom.present"],
                    effective_from="2027-01-01T00:00:00Z",
                )
            ),
            "minor rule MAD-003 added",
        ),
        (
            lambda pack: pack.rules.append(rule("MAD-003", "sbom.present", ["sbom.present"])),
            "major rule MAD-003 added",
        ),
        (lambda pack: pack.rules.pop(), "major rule MAD-002 removed"),
        (lambda pack: pack.rules[0].update(trust="declared"), "major rule MAD-001 changed"),
        (lambda pack: pack.rules[0].update(waivable=False), "major rule MAD-001 changed"),
        (lambda pack: pack.parameters.update(days=6), "major parameter days tightened"),
        (lambda pack: pack.parameters.update(days=8), "major parameter days loosened"),
        (
            lambda pack: pack.parameters.update(levels={"1": 3, "2": 1}),
            "major parameter levels.1 tightened",
        ),
        (lambda pack: pack.bounds["days"].update(maximum=60), "major bound days changed"),
    ],
)
def test_diff_says_what_changed_and_how_weighty_it_is(made, change, expected):
    """Patch is words, minor warns at first, major moves verdicts."""
    after = made(version="2026.12.0")
    change(after)
    kind, found = differences(made(), after)

    assert [expected] == found
    assert expected.split()[0] == kind


def test_diff_of_the_same_is_nothing(made):
    """Another number alone changes nothing."""
    assert (None, []) == differences(made(), made(version="2026.12.0"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_passes_its_own_tests(name, engine):
    """Its manifest is up to date, and every rule of it is seen to pass and to fail."""
    path = newest(CHECKOUT, name)
    parameters = combine(load(newest(CHECKOUT, one)) for one in SHIPPED).parameters
    outcomes = prove(load(path), load_examples(path), engine, parameters)

    assert manifest_of(path) == (path / MANIFEST).read_bytes()
    assert {} == {one.case: one.problem for one in outcomes if one.problem}


def test_the_shipped_packs_have_nothing_to_object_to():
    """Each and all together."""
    paths = [newest(CHECKOUT, name) for name in SHIPPED]

    assert [] == [str(one) for one in lint([(load(path), load_examples(path)) for path in paths])]


def test_the_shipped_packs_are_in_force_together():
    """One policy, in which a rule has one id and a parameter one owner."""
    policy = combine(load(newest(CHECKOUT, name)) for name in SHIPPED)

    policy.in_force(datetime(2026, 11, 22, tzinfo=UTC))
    assert len(policy.rules) == len({asked.rule.id for asked in policy.rules})


def test_the_examples_in_the_documents_are_a_rule_and_an_overlay():
    """What docs/policy.md shows can be copied: it is read, and fits the shipped packs."""
    text = (CHECKOUT.parent / "docs" / "policy.md").read_text()
    shown, laid_over = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [example] = read_yaml(shown.encode(), tuple[Rule, ...], "docs/policy.md")
    overlay = read_yaml(laid_over.encode(), Overlay, "docs/policy.md")
    packs = [load(newest(CHECKOUT, name)) for name in SHIPPED]
    policy = combine(packs, [(overlay, overlay.source("0" * 64))])

    rules.compiled(example)
    assert 3 == policy.parameters["scan_max_age_days"]
    assert policy.rule("SBM-001").rule.trust == "measured"
    assert policy.rule("SIG-006").binds_from == overlay.warn["SIG-006"]
