"""Our own rules: each finds what it names in a line that shows it, and leaves a sound one alone."""

import re
import shutil
from pathlib import Path

import pytest
from tests.vendor.scan.conftest import found

from firmward.terms.errors import Unavailable
from firmward.vendor.scan import classes, semgrep

SHOWN = Path(__file__).parent / "rules"
# `/* finds: rule */` stands above the line that the rule must speak of, `leaves: rule` above one
# that it must not.
MARK = re.compile(r"\b(finds|leaves): ([a-z-]+)")


def marks(kind: str) -> set[tuple[str, int, str]]:
    """File, line and rule of every mark of one kind."""
    return {
        (path.name, number + 1, rule)
        for path in SHOWN.glob("*.c")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for which, rule in MARK.findall(line)
        if which == kind
    }


def test_every_rule_has_a_line_that_it_finds_and_one_that_it_leaves():
    """A rule without both is a guess."""
    assert set(semgrep.rules()) == {rule for _, _, rule in marks("finds")}
    assert set(semgrep.rules()) == {rule for _, _, rule in marks("leaves")}
    assert 25 <= len(semgrep.rules())


def test_every_rule_names_a_weakness_that_correlation_knows():
    """A CWE that no class holds would never meet another tool's finding."""
    for rule in semgrep.rules().values():
        assert rule.cwe, rule.id
        assert len(rule.says) > 40, rule.id


def test_the_rules_find_what_is_marked_and_nothing_else(laid_out, shelf):
    """All in one run, with comments and a settings file of the tree's that would silence it."""
    files = {path.name: path.read_text() for path in SHOWN.glob("*.c")}
    silenced = "int main(void)\n{\n    gets(line); /* nosemgrep */\n    return 0;\n}\n"
    broken = "int f(\n{\n    = 3;\n"
    tree = laid_out(
        {**files, "tests/quiet.c": silenced, "broken.c": broken, ".semgrepignore": "*.c\ntests/\n"}
    )
    run = semgrep.scan(tree, shelf)
    seen = {(each.path, each.line, each.rule) for each in found(run)}
    shown = {each for each in seen if each[0] in files}

    assert marks("finds") == shown
    assert set() == shown & marks("leaves")
    assert ("tests/quiet.c", 3, "string-read-without-bound") in seen
    assert any(path == "broken.c" and rule == "not-parsed" for path, _, rule in seen)
    assert all("requires login" not in str(each) for each in run["results"])
    assert classes.weaknesses(run)["cipher-ecb"] == 327
    assert "1.182.0" == run["tool"]["driver"]["semanticVersion"]


def test_a_tree_without_c_says_so(laid_out, shelf):
    """Nothing to scan is an answer, and not the same as a clean scan."""
    run = semgrep.scan(laid_out({"a.py": "x = 1\n"}), shelf)

    assert [] == run["results"]
    assert "no C or C++ files" in str(run["invocations"])


def test_a_semgrep_that_lost_its_engine_is_missing_evidence(laid_out, shelf, tmp_path):
    """An environment that somebody cleaned up gives no clean run."""
    from firmward.vendor.scan.tools.environments import installed

    tool = installed("semgrep", shelf.folder)
    hollow = tmp_path / "hollow" / "tools" / tool.path.name
    (hollow / "bin").mkdir(parents=True)
    shutil.copy(tool.path / "bin" / "pysemgrep", hollow / "bin")
    (hollow / "bin" / "python").symlink_to("/usr/bin/false")

    with pytest.raises(Unavailable, match="semgrep: ended with 1"):
        semgrep.scan(laid_out({"a.c": "int a;\n"}), type(shelf)(tmp_path / "hollow"))
