"""Factories and boards for the lab's tests; each firmware is built once per session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmward.lab.board import Board
from firmward.lab.factory import Factory


@pytest.fixture(scope="session")
def pumps() -> Factory:
    """The infusion pump's factory."""
    return Factory("pump")


@pytest.fixture(scope="session")
def monitors(pumps: Factory) -> Factory:
    """The monitor's factory; with the pump's key, so that either image verifies on either board."""
    return Factory("monitor", keys=pumps.keys)


@pytest.fixture
def board(pumps: Factory, tmp_path: Path) -> Iterator[Board]:
    """A new pump with 1.0.0+1 kept in slot 0, without power."""
    with pumps.board(tmp_path / "board") as made:
        yield made
