"""Known vectors, written down once as data with their source."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], dict]:
    """Reads a file of tests/vectors."""
    folder = Path(__file__).resolve().parents[1] / "vectors"
    return lambda name: json.loads((folder / f"{name}.json").read_text())
