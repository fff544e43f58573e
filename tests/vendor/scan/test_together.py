"""Scanners at once, and one that gives no answer is never taken for a clean one."""

import json
import sys
from datetime import UTC, datetime

import pytest

from firmward.terms.errors import Unavailable
from firmward.vendor.build.command import build
from firmward.vendor.judge import complete
from firmward.vendor.scan import cppcheck
from firmward.vendor.scan.sarif import findings
from firmward.vendor.scan.together import Scanning
from firmward.vendor.source.checkout import checked_out
from firmward.vendor.source.commit import take

OURS = ("firmward-secrets", "firmward-pins", "firmward-crypto")


def scan_tree(tree, shelf, said=None):
    """All findings for HEAD, the binary's too."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        told = [] if said is None else said
        scanning = Scanning(checkout, shelf, lambda name, says: told.append((name, says)))
        artifact = build(checkout, ("1.0.0", 1), shelf, lambda: datetime.now(UTC))
        return scanning.finish(artifact)


def errors(found) -> list:
    """What of it would stop a release."""
    return [each for each in findings(found.log) if each.level == "error"]


def set_scan(tree, line: str) -> None:
    """A line more under [scan], committed."""
    tree.edit("pump/firmward.toml", "[scan]", f"[scan]\n{line}")


def test_the_real_tree_has_no_error_and_every_tool_has_its_run(tree, shelf):
    """One log, a run for each scanner of source and binary, SARIF 2.1.0; each one is told live."""
    said = []
    found = scan_tree(tree, shelf, said)

    assert [] == errors(found)
    assert {} == found.missing
    names = [run["tool"]["driver"]["name"] for run in found.log["runs"]]
    binary = ["firmward-binary", "firmward-crypto", "firmward-secrets"]
    assert sorted(["cppcheck", *OURS, *binary]) == sorted(names)
    assert "2.1.0" == found.log["version"]
    assert found.log == json.loads(json.dumps(found.log))
    assert {"cppcheck", "secrets", "pins", "crypto", "binary"} <= {name for name, _ in said}


def test_planted_defects_are_found_in_the_real_tree(tree, shelf):
    """A defect that cppcheck knows, and a password, each with file and line."""
    bad = "int planted(void)\n{\n    int a[2] = {0, 0};\n    int n = 4;\n    return a[n];\n}\n"
    header = tree.read("pump/config.h") + '#define SERVICE_PASSWORD "letmein1"\n'
    tree.commit({"pump/planted.c": bad, "pump/config.h": header})

    found = {(finding.path, finding.rule) for finding in errors(scan_tree(tree, shelf))}
    assert "pump/config.h" in {path for path, _ in found}
    assert any(path == "pump/planted.c" and "ounds" in rule for path, rule in found)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/no/such/cppcheck", "cppcheck: "),
        ("/bin/false", "ended with 1"),
        ("/bin/true", "expected its report"),
    ],
)
def test_an_absent_or_dead_scanner_is_missing_evidence(tree, shelf, command, why):
    """Its silence is not a clean run; the others still report."""
    set_scan(tree, f'cppcheck = "{command}"')
    found = scan_tree(tree, shelf)

    assert ["cppcheck"] == list(found.missing)
    assert why in found.missing["cppcheck"]
    assert 6 == len(found.log["runs"])
    with pytest.raises(Unavailable, match="evidence is missing: cppcheck"):
        complete("scan", found.missing)


def test_a_scanner_that_does_not_end_is_missing_evidence(tree, shelf, tmp_path):
    """It is killed at its limit, and the release does not wait for it."""
    slow = tmp_path / "slow"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    text = tree.read("pump/firmward.toml").replace("timeout_s = 60", "timeout_s = 1")
    tree.commit({"pump/firmward.toml": text.replace("[scan]", f'[scan]\ncppcheck = "{slow}"')})

    assert "not done within 1 s" in scan_tree(tree, shelf).missing["cppcheck"]


def test_a_scanner_that_is_not_installed_is_missing_evidence(tree, shelf, tmp_path):
    """A scan installs nothing; it says what would."""
    set_scan(tree, 'scanners = ["semgrep", "clang-tidy", "ruff", "shellcheck", "hadolint"]')
    missing = scan_tree(tree, type(shelf)(tmp_path / "empty")).missing

    assert {"semgrep", "clang-tidy", "ruff", "shellcheck", "hadolint"} == set(missing)
    assert all(f"firmward vendor scanners install {name}" in missing[name] for name in missing)
    assert not (tmp_path / "empty" / "tools").exists()


def test_a_standard_that_no_chosen_scanner_checks_is_missing_evidence(tree, shelf):
    """Asked for CERT C without clang-tidy, a scan must not look as if it had been checked."""
    set_scan(tree, 'profiles = ["cert-c", "misra-c-2012"]')
    found = scan_tree(tree, shelf)

    assert ["cert-c"] == list(found.missing)
    assert "clang-tidy checks it" in found.missing["cert-c"]
    [run] = [each for each in found.log["runs"] if each["tool"]["driver"]["name"] == "cppcheck"]
    assert "texts are MISRA's" in json.dumps(run["invocations"])


def test_a_folder_that_is_not_there_cannot_be_scanned(tree, shelf):
    """A renamed folder must not become a clean scan of nothing."""
    tree.edit("pump/firmward.toml", 'sources = ["board", "pump"]', 'sources = ["board", "pmup"]')

    assert "nothing to scan at pmup" in scan_tree(tree, shelf).missing["cppcheck"]


def test_cppcheck_runs_once_for_one_tree(tree, shelf):
    """The same tree and options come off the shelf."""
    with checked_out(take(tree.folder / "pump", "HEAD")) as checkout:
        first = cppcheck.scan(checkout, shelf)
        kept = {path for path in shelf.folder.rglob("*") if path.is_file()}

        assert first == cppcheck.scan(checkout, shelf)
        assert kept == {path for path in shelf.folder.rglob("*") if path.is_file()}
