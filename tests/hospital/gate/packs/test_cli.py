"""`firmward policy`, as a person types it."""

import json
import shutil

import pytest
import yaml
from tests.made_packs import NOW
from typer.testing import CliRunner

from firmward.hospital.cli import app as hospital
from firmward.hospital.gate.cli import app
from firmward.hospital.gate.packs.adopted import load
from firmward.hospital.records.site import load_settings
from firmward.terms.errors import Misuse


def run(*words):
    """Exit code and output of one command."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_lint_names_every_pack_and_what_is_wrong(made, another):
    """Exit 0 where nothing is, 1 with the fix where something is."""
    packs = made().folder
    made().write()
    another().write()
    good = "made@2026.11.0: nothing to object to\nother@2026.11.0: nothing to object to\n"
    assert (0, good) == run("lint", "--packs", packs)

    made(failing={}).write()
    wrong = "made@2026.11.0 MAD-001: no test makes it fail; add an edit to tests/fail.yaml\n"
    code, output = run("lint", "--packs", packs)
    assert (1, True) == (code, output.startswith(wrong))
    assert 0 == run("lint", "--packs", packs, "--pack", "other")[0]
    code, output = run("lint", "--packs", packs, "--json")
    assert (1, "MAD-001") == (code, json.loads(output)[0]["place"])


def test_test_accepts_the_words_and_then_holds_the_pack_to_them(made):
    """--accept writes them with the manifest; a change of a word fails from then on."""
    made().write()
    packs = made().folder
    code, output = run("test", "--packs", packs)
    assert (1, True) == (code, "made@2026.11.0 golden.json: expected the words" in output)
    assert 0 == run("test", "--packs", packs, "--accept")[0]
    code, output = run("test", "--packs", packs)
    assert (0, True) == (code, output.endswith("passed, 0 failed\n"))

    golden = (made().path / "tests" / "golden.json").read_text()
    pack = made(files={"tests/golden.json": golden})
    pack.rules[1]["condition"] = pack.rules[1]["condition"].replace("30", "40")
    pack.write()
    code, output = run("test", "--packs", packs, "--json")
    failed = [one["case"] for one in json.loads(output) if one["problem"]]
    assert (1, ["golden MAD-002 provenance.slsa_build_level"]) == (code, failed)


def test_both_engines_run_a_packs_tests(made):
    """The words are the same."""
    made().write()
    run("test", "--packs", made().folder, "--accept")

    assert 0 == run("test", "--packs", made().folder, "--engine", "cel-rust")[0]


def test_coverage_is_told(made):
    """By rule, and in all."""
    made(failing={"MAD-001": made().failing["MAD-001"][:1]}).write()
    code, output = run("coverage", "--packs", made().folder)

    assert 0 == code
    assert "made@2026.11.0 MAD-001: no test varies sbom.format" in output
    assert output.endswith("1 of 3 paths varied, 33%\n")


def test_explain_tells_what_a_rule_asks_and_how_it_is_met(made, another):
    """Of any pack: condition, evidence, parameters with bounds, clauses, remedy, an example."""
    made().write()
    another().write()
    code, output = run("explain", "mad-002", "--packs", made().folder)

    assert 0 == code
    for part in (
        "MAD-002  Whether MAD-002 holds",
        "made@2026.11.0, medium, can be waived, basis: hospital",
        "binds: a failure refuses",
        "provenance.slsa_build_level (attested at least)",
        "p.days = 7 (tighter: lower, at most 30)",
        "p.levels =",
        "Made 1",
        "Do it well.",
        "Do what the rule asks for",
        "provenance.slsa_build_level = 1",
    ):
        assert part in output
    code, output = run("explain", "OTH-001", "--packs", made().folder, "--json")
    assert "other@2026.11.0" == json.loads(output)["pack"]


def test_explain_names_the_rules_there_are(made):
    """A mistyped rule is a mistake in the asking."""
    made().write()
    result = CliRunner().invoke(app, ["explain", "MAD-999", "--packs", str(made().folder)])

    assert isinstance(result.exception, Misuse)
    assert "expected a rule of made@2026.11.0 (MAD-001, MAD-002)" in str(result.exception)


def test_diff_tells_versions_apart(made):
    """As text and for machines."""
    before = made().write()
    after = made(version="2026.12.0", parameters={**made().parameters, "days": 9}).write()
    code, output = run("diff", before, after)

    assert (0, "major  parameter days loosened: 7 -> 9\n1 differences, major\n") == (code, output)
    assert "major" == json.loads(run("diff", before, after, "--json")[1])["weight"]
    assert (0, "0 differences, none\n") == run("diff", made().folder, made().folder)


@pytest.fixture
def written(tmp_path, overlay):
    """An overlay as a person writes it."""

    def written(**members):
        text = {
            "overlay_schema": "firmward.overlay/v1",
            "id": "st-made",
            "version": "2026.11.0",
            "scope": "hospital",
            "effective_from": "2026-11-01T00:00:00Z",
            "expires": "2027-11-01T00:00:00Z",
        }
        path = tmp_path / "overlay.yaml"
        path.write_text(yaml.safe_dump(text | members))
        return path

    return written


def test_a_site_adopts_packs_and_an_overlay(home, made, written):
    """From then on it judges by them, and explains a rule as it asks it."""
    made().write()
    code, output = run("adopt", "--site", home, "--packs", made().folder)
    assert (0, "made@2026.11.0: adopted by st-made\n") == (code, output)
    warn = {"MAD-001": "2027-01-01T00:00:00Z"}
    path = written(parameters={"days": 3}, warn=warn)
    assert 0 == run("adopt", "--site", home, "--overlay", path)[0]

    assert 3 == load(home, load_settings(home), NOW, {}).policy.parameters["days"]
    code, output = run("explain", "MAD-001", "--site", home)
    assert (0, True) == (code, "binds from 2027-01-01T00:00:00Z; until then" in output)


def test_keys_that_lie_apart_sign_one_after_the_other(home, made, tmp_path):
    """`sign` where the pack lies, then `adopt` without a key."""
    path = made().write()
    for number in (1, 2):
        folder = tmp_path / f"person-{number}"
        folder.mkdir()
        shutil.move(home / "keys" / "offline" / f"policy-{number}.key", folder)
        assert (0, "made@2026.11.0: signed\n") == run("sign", path, "--keys", folder)
    (home / "keys" / "offline" / "policy-3.key").unlink()

    assert 0 == run("adopt", "--site", home, "--packs", made().folder)[0]


@pytest.mark.parametrize("asked", [True, False])
def test_founding_a_site_allows_development_keys_only_when_it_is_told_to(tmp_path, made, asked):
    """A site that was set up in a hurry is a strict one."""
    parameters = {**made().parameters, "allow_development_keys": False}
    flag = {"type": "boolean", "enum": [False, True], "x-tighter": "false"}
    made(parameters=parameters, bounds={**made().bounds, "allow_development_keys": flag}).write()
    home = tmp_path / "site"
    words = ["init", str(home), "--site", "st-test", "--packs", str(made().folder)]
    done = CliRunner().invoke(hospital, [*words, *["--allow-development-keys"][: int(asked)]])

    assert 0 == done.exit_code, done.output
    assert "judges by made@2026.11.0" in done.output
    policy = load(home, load_settings(home), NOW.replace(year=2027, month=3), {}).policy
    assert asked == policy.parameters["allow_development_keys"]
