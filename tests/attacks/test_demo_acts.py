"""The demo as a person starts it, and the proof that it can fail."""

import html
import re
import subprocess
import sys

import pytest

from firmward.lab import demo
from firmward.lab.scenario import Stage


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """`firmward lab demo`, once: what it said and the report it wrote."""
    folder = tmp_path_factory.mktemp("demo")
    report = folder / "report.html"
    command = [sys.executable, "-m", "firmward", "lab", "demo"]
    command += ["--out", str(folder / "play"), "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    return done, report


def test_the_demo_ends_as_expected(played):
    """Exit 0, and every check of the table as expected."""
    done, _ = played

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "FAIL" not in done.stdout
    assert "nobody staged" not in done.stdout


def seen_as_expected(said: str) -> list[tuple[str, str, str]]:
    """Act, check and what was seen, of every line that the demo said while it went on."""
    return re.findall(r"^ *[0-9.]+ ok +([a-z]) +(.+?): (.+)  \([0-9.]+ s\)$", said, re.MULTILINE)


def test_every_act_is_played_and_each_of_its_attacks_is_refused(played):
    """The seven acts of the issue, with act c's eight attacks at the least."""
    done, _ = played
    checks = seen_as_expected(done.stdout)

    assert set("abcdefg") == {act for act, _, _ in checks}
    assert len([seen for act, _, seen in checks if act == "c" and "nothing moved" in seen]) >= 8
    assert len(checks) >= 30


def test_the_report_is_one_file_that_tells_every_check(played):
    """Self-contained: it asks no other server for anything."""
    done, report = played
    page = html.unescape(report.read_text(encoding="utf-8"))

    assert str(report) in done.stdout
    assert [] == [what for _, what, _ in seen_as_expected(done.stdout) if what not in page]
    for fetched in ('src="http', "url(http", "<link", "@import"):
        assert fetched not in page


def wrong(stage: Stage) -> None:
    """An act that expects what is not so."""
    with stage.check("x", "the hospital serves unicorns", "12 unicorns") as seen:
        seen.text = f"{len(stage.devices())} devices"


def breaks(stage: Stage) -> None:
    """An act that cannot be played to its end."""
    raise RuntimeError(f"{len(stage.acme.made)} release made, the stage fell down")


def fails_unseen(stage: Stage) -> None:
    """An act after which a device failed in a way nobody staged."""
    stage.fleet.failures.append("P001: RuntimeError: the lid came off")


@pytest.fixture(scope="module")
def small_stage(tmp_path_factory):
    """A real stage with six devices, on which acts can be played and taken back."""
    said: list[str] = []
    stage = demo.set_up(tmp_path_factory.mktemp("small"), said.append, per_ward=1)
    yield stage, said
    demo.close(stage)


@pytest.mark.parametrize("act", [wrong, breaks, fails_unseen])
def test_an_act_that_goes_wrong_makes_the_whole_play_fail(small_stage, act):
    """A demo that cannot fail shows nothing."""
    stage, said = small_stage
    stage.checks.clear()
    stage.fleet.failures.clear()
    assert demo.Played(stage, 1.0).ok

    demo.play_acts(stage, [(f"x. {act.__name__}", act)])

    assert not demo.Played(stage, 1.0).ok
    if act is not fails_unseen:
        assert any(line.startswith("FAIL x") for line in said)
