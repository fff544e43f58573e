"""A pack is data, whole and in force, or it judges nothing."""

import shutil
from datetime import timedelta

import pytest

from firmward.hospital.gate import lint, packs
from firmward.hospital.gate.judge import PackNotInForce, judge
from firmward.hospital.gate.packs import read_yaml
from firmward.terms.errors import Malformed, Unavailable


@pytest.fixture
def copy(pack_folder, tmp_path):
    """The shipped pack where it may be spoiled, under the folder names it has."""
    folder = tmp_path / "packs" / "hospital-baseline" / pack_folder.name
    shutil.copytree(pack_folder, folder)
    return folder


def sealed(folder):
    """The folder, with a manifest that matches what is in it."""
    (folder / packs.MANIFEST).write_bytes(packs.manifest(folder))
    return folder


def spoil(folder, name, old, new):
    """Replace a text in one file of a pack."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def test_the_shipped_manifest_is_up_to_date(pack_folder):
    """Whoever edits a pack seals it again."""
    assert packs.manifest(pack_folder) == (pack_folder / packs.MANIFEST).read_bytes()


def test_the_shipped_pack_has_nothing_to_object_to(pack_folder):
    """Every clause is cited, every parameter read, every rule tested."""
    assert [] == lint.lint(pack_folder)


def test_the_packs_own_tests_pass(policy, examples):
    """What `firmward policy test` runs."""
    results = lint.run_tests(policy, examples)

    assert [] == [problem for _, problem in results if problem]
    assert len(results) > len(policy.rules)


def test_no_clause_is_quoted_at_length(policy):
    """Clauses are in our own words, a sentence each: standards are not ours to copy."""
    assert {} == {
        name: clause.says
        for name, clause in policy.clauses.items()
        if len(clause.says) > 160 or not clause.says.endswith(".")
    }


def test_only_a_hospital_value_has_basis_hospital_and_thresholds_say_so(policy):
    """Numbers that no clause fixes are labelled as this hospital's own."""
    for asked in policy.rules:
        if any(name in asked.rule.condition for name in ("slsa_min", "max_age", "horizon")):
            assert "hospital" in f"{asked.rule.basis} {asked.rule.note}"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: spoil(folder, "params/default.yaml", "_days: 7", "_days: 700"),
        lambda folder: (folder / "rules" / "sbom.yaml").unlink(),
        lambda folder: (folder / "rules" / "extra.yaml").write_text("[]"),
        lambda folder: (folder / packs.MANIFEST).write_text('{"files":{}}'),
        lambda folder: (folder / packs.MANIFEST).write_text('{"files":{"../x":"00"}}'),
    ],
    ids=["edited", "removed", "added", "emptied", "outside"],
)
def test_a_file_that_is_not_the_manifests_is_refused(copy, change):
    """A loosened limit, a rule left out or slipped in: the manifest notices."""
    change(copy)
    with pytest.raises(Malformed):
        packs.load(copy)


def test_a_link_in_a_pack_is_refused(copy):
    """A pack does not reach outside its folder."""
    (copy / "rules" / "link.yaml").symlink_to("/etc/hostname")
    with pytest.raises(Malformed):
        packs.load(copy)


RULES = "rules/signing-provenance.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (RULES, "severity: critical", "severity: dreadful"),
        (RULES, "severity: critical", "severity: critical\n  warn_only: true"),
        (RULES, "waivable: false", "waivable: 'no'"),
        (RULES, "trust: measured", "trust: rumoured"),
        (RULES, "trust: measured\n", ""),
        (RULES, "evidence: [signature.verified]", "evidence: []"),
        (RULES, "id: SIG-001", "id: SIG-003"),
        (RULES, "id: SIG-001", "id: sig-1"),
        (RULES, "condition: signature.verified == true", "condition: ''"),
        (RULES, "condition: signature.verified == true", "condition: signature.verified =="),
        (RULES, "condition: signature.verified == true", "condition: 'true || release.kind == 1'"),
        (RULES, "sources: [fda-2026-app1-d,", "sources: [fda-1066-a,"),
        (RULES, "p.slsa_min[", "p.slsa_max["),
        (RULES, "remedy: Sign the image with", "remedy: !!python/object/apply:os.system [x] #"),
        ("params/default.yaml", "scan_max_age_days: 7", "scan_max_age_days: .inf"),
        ("params/default.yaml", "scan_max_age_days: 7", "scan_max_age_days: null"),
        ("params/default.yaml", "scan_max_age_days: 7", "scan_max_age_days: 2026-01-01"),
        ("params/default.yaml", "scan_max_age_days: 7", "eos_horizon_days: 7"),
        ("pack.yaml", "pack/v1", "pack/v2"),
        ("pack.yaml", "evidence/v1", "evidence/v2"),
        ("pack.yaml", "00:00:00Z", "00:00:00"),
        ("clauses.yaml", "confidence: medium", "confidence: total"),
    ],
)
def test_a_pack_that_is_not_exactly_one_is_malformed(copy, name, old, new):
    """Unknown words, missing members, wrong types and dangling names are refused at loading."""
    spoil(copy, name, old, new)
    with pytest.raises(Malformed):
        packs.load(sealed(copy))


def test_a_pack_without_rules_is_malformed(copy):
    """Nothing to ask would admit everything."""
    for path in (copy / "rules").iterdir():
        path.write_text("[]")
    with pytest.raises(Malformed):
        packs.load(sealed(copy))


BILLION = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    "text",
    [
        BILLION,
        "a: 1\na: 2\n",
        "a: null\n",
        "a:\n",
        "a: !!python/name:os.system\n",
        "a: !!binary aGk=\n",
        "a: 2026-11-21\n",
        "a: 99999999999999999999\n",
        "a: .nan\n",
        'a: "\\0"\n',
        "? [a, b]\n: c\n",
        "a: 1\n---\nb: 2\n",
        "a: [",
        "[" * 5000,
        "a: " + "[" * 50 + "]" * 50,
        "- a\n",
        "\ufffe",
        "",
        "a: " + "x" * 600_000,
    ],
)
def test_hostile_yaml_is_malformed(text):
    """Whatever YAML can do beyond plain data ends in the one error."""
    with pytest.raises(Malformed):
        read_yaml(text.encode("utf-8", "surrogatepass"), dict[str, object], "test")


def test_the_newest_version_is_the_highest_number(copy):
    """Versions are compared as numbers, and other folders are not versions."""
    for name in ("2026.9.0", "2026.11.10", "draft"):
        (copy.parent / name).mkdir()

    assert "2026.11.10" == packs.newest(copy.parents[1], "hospital-baseline").name


@pytest.mark.parametrize("name", ["nothing", "../hospital-baseline/rules"])
def test_a_pack_that_is_not_there_is_unavailable(copy, name):
    """No pack means no judgement, never an empty one."""
    with pytest.raises(Unavailable):
        packs.newest(copy.parents[1], name)
    with pytest.raises((Unavailable, Malformed)):
        packs.load(copy.parents[1] / name)


def test_a_pack_judges_neither_before_its_day_nor_after_its_end(policy, examples):
    """An old pack cannot be kept in use by leaving it there."""
    early = policy.effective_from - timedelta(seconds=1)
    for moment in (early, policy.expires):
        with pytest.raises(PackNotInForce):
            judge(policy, examples.passing, moment)


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("tests/fail.yaml", "SIG-001:", "SIG-999:", "SIG-001: no test makes it fail"),
        ("tests/fail.yaml", "SIG-001:", "SIG-999:", "SIG-999 is no rule of the pack"),
        (
            "params/default.yaml",
            "eos_horizon_days",
            "unread: 1\neos_horizon_days",
            "reads p.unread",
        ),
        ("pack.yaml", "version: 2026.11.0", "version: 2026.11.1", "hospital-baseline@2026.11.1"),
        (RULES, "[signature.verified]", "[signature.verified, sbom.author]", "sbom.author"),
        (
            "clauses.yaml",
            "fips-180-4:",
            "unused: {cite: A, says: B, confidence: low}\nfips-180-4:",
            "unused",
        ),
    ],
)
def test_lint_names_what_a_reader_would_object_to(copy, name, old, new, problem):
    """What can be loaded may still be wrong: untested, unread, misplaced."""
    spoil(copy, name, old, new)

    assert any(problem in said for said in lint.lint(sealed(copy)))


def test_a_test_that_no_longer_fails_is_reported(copy, examples):
    """A rule that was loosened is noticed by its own failing case."""
    spoil(copy, RULES, "signature.verified == true", "signature.verified in [true, false]")
    results = dict(lint.run_tests(packs.load(sealed(copy)), examples))

    assert "expected SIG-001 alone to fail, got nothing" == results["SIG-001 signature.verified"]
