"""What every test shares: no hypothesis deadline on busy machines, and a plain closing line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Two workers share two cores with real servers and devices; a slow example is not a failure.
settings.register_profile("firmward", deadline=None, print_blob=True)
settings.load_profile("firmward")


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], dict]:
    """Reads a file of tests/vectors: known answers and schemas, each with its source in it."""
    folder = Path(__file__).resolve().parent / "vectors"
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with `N passed, N failed`, which a person and a CI both read."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(config, "workerinput"):
        return
    seen = {
        outcome: len(terminal.stats.get(outcome, []))
        for outcome in ("passed", "xpassed", "failed", "error", "skipped", "xfailed")
    }
    line = f"{seen['passed']} passed, {seen['failed'] + seen['error'] + seen['xpassed']} failed"
    skipped = seen["skipped"] + seen["xfailed"]
    print(line + (f", {skipped} skipped" if skipped else ""))
