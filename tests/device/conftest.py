"""A factory that builds each firmware once, and a device at a paper hospital for every test."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmward.lab.bedside import Bedside, bedside
from firmward.lab.factory import Factory

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    """When the tests play."""
    return NOW


@pytest.fixture(scope="session")
def factory() -> Factory:
    """One vendor's firmware, compiled on first use."""
    return Factory()


@pytest.fixture
def bed(tmp_path: Path, factory: Factory) -> Iterator[Bedside]:
    """An enrolled device on its factory release, never started."""
    with bedside(tmp_path, factory, NOW) as here:
        yield here
