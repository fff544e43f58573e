"""Python, shell and container files; what a tree says to silence a scanner is not heard."""

import pytest
from tests.vendor.scan.conftest import found, notes

from firmward.terms.errors import Unavailable
from firmward.vendor.scan import classes, hadolint, ruff, shellcheck

PYTHON = 'import hashlib\nimport subprocess\npassword = "hunter22"  # noqa\n\
subprocess.run("ls " + password, shell=True)\nhashlib.md5(b"")\n'
SCRIPT = '#!/bin/sh\nrm -rf "$1"/*\n'
CONTAINER = "FROM debian\n# hadolint ignore=DL3002\nUSER root\n"


def test_ruff_finds_what_python_gets_wrong(laid_out, shelf):
    """Comments and the tree's own settings switch nothing off; broken Python is told."""
    settings = "[lint]\nignore = ['ALL']\n"
    tree = laid_out({"build/x.py": PYTHON, "bad.py": "def f(\n", "ruff.toml": settings})
    run = ruff.scan(tree, shelf)
    seen = {(each.path, each.line, each.rule) for each in found(run)}

    assert {("build/x.py", 3, "S105"), ("build/x.py", 4, "S602"), ("build/x.py", 5, "S324")} <= seen
    assert "bad.py" in {path for path, _, _ in seen}
    assert {"warning"} == {each.level for each in found(run)}
    assert 798 == classes.weaknesses(run)["S105"]


def test_shellcheck_reads_scripts_by_name_and_by_first_line(laid_out, shelf):
    """A script on a device often has no ending."""
    files = {"init": "#!/bin/sh\necho $1\n", "a.sh": SCRIPT, "x": "no script $1\n"}
    run = shellcheck.scan(laid_out({**files, ".shellcheckrc": "disable=all\n"}), shelf)
    seen = {(each.path, each.rule) for each in found(run)}

    assert {("init", "SC2086"), ("a.sh", "SC2115")} == seen


def test_hadolint_reads_dockerfiles(laid_out, shelf):
    """A pragma and a settings file are not heard."""
    files = {"ci/Dockerfile": CONTAINER, ".hadolint.yaml": "ignored: [DL3006, DL3002]\n"}
    run = hadolint.scan(laid_out(files), shelf)
    seen = {(each.path, each.line, each.rule) for each in found(run)}

    assert {("ci/Dockerfile", 1, "DL3006"), ("ci/Dockerfile", 3, "DL3002")} <= seen
    assert 250 == classes.weaknesses(run)["DL3002"]


@pytest.mark.parametrize(
    ("scanner", "says"),
    [(ruff, "no Python"), (shellcheck, "no shell scripts"), (hadolint, "no Dockerfiles")],
)
def test_nothing_to_scan_is_an_answer_that_says_so(laid_out, shelf, scanner, says):
    """It is neither missing evidence nor a clean scan; a folder that is not there is the former."""
    run = scanner.scan(laid_out({"a.c": "int a;\n"}), shelf)

    assert [] == run["results"]
    assert says in notes(run)
    with pytest.raises(Unavailable, match="nothing to scan at absent"):
        scanner.scan(laid_out({"a.c": "int a;\n"}, 'sources = ["absent"]'), shelf)


def test_what_is_excluded_or_a_link_is_not_read(laid_out, shelf):
    """A link could lead to a file of the machine that scans."""
    tree = laid_out({"a.py": PYTHON, "old/b.py": PYTHON}, 'sources = ["."]\nexclude = ["old/*"]')
    (tree.root / "c.py").symlink_to("/etc/passwd")

    assert {"a.py"} == {each.path for each in found(ruff.scan(tree, shelf))}
