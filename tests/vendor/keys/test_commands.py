"""`firmward vendor keys`: made, shown and added to, and never with a wrong PIN."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tokens import MODULE, PIN, PIN_ENV, PROJECT
from typer.testing import CliRunner

from firmward.terms.errors import Unavailable
from firmward.vendor.keys import book, opening
from firmward.vendor.keys.cli import app
from firmward.vendor.keys.hsm import open_token


def folder(path: Path, keys: str, **settings: str) -> Path:
    """A folder with a project file."""
    said = {"integrity": "public-key-signature", "development": "false", "format": "mcuboot"}
    path.mkdir(exist_ok=True)
    (path / "firmward.toml").write_text(PROJECT.format(keys=keys, **(said | settings)))
    return path


def run(*words: object) -> tuple[int, dict]:
    """Exit code and what a program reads."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_keys_are_made_in_the_token_shown_and_added_to(tokens, tmp_path):
    """By role, with the place of each; nothing but public halves is printed."""
    label, home = tokens.take(), tmp_path / "home"
    project = folder(tmp_path / "pump", tokens.keys(label))
    code, made = run("create", project, "--home", home)

    assert (0, 10) == (code, len(made["made"]))
    assert {f"pkcs11 {label}"} == {row["where"] for row in made["keys"]}
    _, shown = run("show", "--home", home)
    assert made["keys"] == shown["keys"]
    needed = {row["role"]: (row["algorithm"], row["signatures"]) for row in shown["keys"]}
    assert ("ecdsa-p384", "2 of 3") == needed["root"]
    assert ("ed25519", "1 of 1") == needed["timestamp"]
    assert not shown["development"]

    assert (0, []) == (lambda again: (again[0], again[1]["made"]))(
        run("create", project, "--home", home)
    )
    folder(project, tokens.keys(label), integrity="symmetric-mac")
    assert ["mac-PUMP200"] == run("create", project, "--home", home)[1]["made"]


def test_a_person_reads_a_table(tmp_path):
    """Software keys are called what they are."""
    project = folder(tmp_path / "pump", "", development="true")
    CliRunner().invoke(app, ["create", str(project), "--home", str(tmp_path / "home")])
    done = CliRunner().invoke(app, ["show", "--home", str(tmp_path / "home")])

    assert 0 == done.exit_code
    assert "whoever copies them is you" in done.output
    assert 10 == done.output.count("unsafe-software")


def test_software_keys_for_a_production_project_are_a_mistake_in_the_asking(tmp_path):
    """Exit 2, and no home."""
    project = folder(tmp_path / "pump", "")
    code, said = run("create", project, "--home", tmp_path / "home")

    assert (2, "Misuse") == (code, said["error"]["kind"])
    assert not (tmp_path / "home").exists()
    assert 3 == run("show", "--home", tmp_path / "home")[0]


def test_a_wrong_pin_opens_nothing_and_the_right_one_still_does(tokens, tmp_path):
    """In a process that never logged in: the token judges the PIN, not we."""
    label, home = tokens.take(), tmp_path / "home"
    project = folder(tmp_path / "pump", tokens.keys(label))
    command = "import sys; from firmward.vendor.keys.cli import app; app()"
    words = ["create", str(project), "--home", str(home)]
    subprocess.run([sys.executable, "-c", command, *words], check=True, capture_output=True)
    wrong = {**os.environ, PIN_ENV: "1111"}
    code = (
        "import sys; from pathlib import Path; from firmward.vendor.keys import opening;"
        "opening.load(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], env=wrong, capture_output=True, text=True
    )

    assert f"Unavailable: token {label}: the PIN in ${PIN_ENV} is wrong" in done.stderr
    with pytest.raises(Unavailable, match="is wrong"):
        open_token(MODULE, label, "1111", PIN_ENV)
    assert open_token(MODULE, label, PIN, PIN_ENV)
    assert book.read(home) == opening.load(home).book
