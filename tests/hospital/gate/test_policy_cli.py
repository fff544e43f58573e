"""`firmward policy`, as a person types it."""

import shutil

import pytest
from typer.testing import CliRunner

from firmward.hospital.gate import packs
from firmward.hospital.gate.cli import app


def run(*words):
    """Exit code and output of one command."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


@pytest.fixture
def folder(pack_folder, tmp_path):
    """A folder of packs with one untested rule in it."""
    copy = tmp_path / "hospital-baseline" / pack_folder.name
    shutil.copytree(pack_folder, copy)
    cases = (copy / "tests" / "fail.yaml").read_text()
    text = cases.replace("SIG-001:\n  - {path: signature.verified, value: false}\n", "")
    assert text != cases
    (copy / "tests" / "fail.yaml").write_text(text)
    return tmp_path


def seal(folder):
    """Make the manifest match again."""
    [copy] = (folder / "hospital-baseline").iterdir()
    (copy / packs.MANIFEST).write_bytes(packs.manifest(copy))
    return copy


def test_lint_and_test_are_content_with_the_shipped_pack():
    """Both exit with success on what we ship."""
    assert (0, "hospital-baseline: nothing to object to\n") == run("lint")
    code, output = run("test")

    assert 0 == code
    assert output.endswith("passed, 0 failed\n")


def test_lint_fails_on_an_untested_rule(folder):
    """A rule nobody has seen fail is not done."""
    seal(folder)

    assert (1, "SIG-001: no test makes it fail\n") == run("lint", "--packs", folder)


def test_test_fails_where_a_rule_was_loosened(folder):
    """The pack's own cases notice."""
    [copy] = (folder / "hospital-baseline").iterdir()
    rules = copy / "rules" / "sbom.yaml"
    rules.write_text(rules.read_text().replace("sbom.present &&", "sbom.present != 1 &&"))
    seal(folder)
    code, output = run("test", "--packs", folder)

    assert 1 == code
    assert "SBM-001 sbom.present: expected SBM-001 alone to fail, got nothing" in output


def test_explain_tells_what_a_rule_asks_for_and_on_whose_authority():
    """Condition, evidence, clauses in our words, and the remedy."""
    code, output = run("explain", "vul-001")

    assert 0 == code
    for part in ("VUL-001", "vulns.all(", "attested at least", "V.A.2", "designed out", "Replace"):
        assert part in output


def test_explain_names_the_rules_there_are():
    """A mistyped rule is a mistake in the asking."""
    code, output = run("explain", "VUL-999")

    assert 2 == code
    assert "expected a rule of hospital-baseline@2026.11.0 (CRY-001," in output
