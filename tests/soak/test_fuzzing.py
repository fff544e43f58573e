"""Every input of the gate under a coverage-guided fuzzer, each in a process of its own."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.hostile import TARGETS

SECONDS = int(os.environ.get("FIRMWARD_FUZZ_SECONDS", "300"))
FUZZ = Path(__file__).with_name("fuzz.py")


@pytest.mark.soak
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not made for this machine")
@pytest.mark.timeout(SECONDS + 900)
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_makes_the_gate_crash_hang_or_let_it_pass(name, tmp_path):
    """A finding stays in the folder that the message names."""
    done = subprocess.run(
        [sys.executable, str(FUZZ), name, str(SECONDS), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS + 600,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    found = [path.name for path in tmp_path.iterdir() if path.is_file()]

    assert (0, []) == (done.returncode, found), f"{tmp_path}: {found}\n{said[-4000:]}"
    tried = re.search(r"number_of_executed_units: (\d+)", said)
    assert tried, said[-2000:]
    assert int(tried[1]) > SECONDS, "too slow to find anything"
