"""Ledgers on a real disk for the auditor to judge."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ledgers import Ledger, event


@pytest.fixture
def ledger_of(tmp_path: Path) -> Callable[[int], Ledger]:
    """Makes a ledger of so many events, each in a folder of its own."""
    made = 0

    def make(size: int, **settings) -> Ledger:
        nonlocal made
        made += 1
        folder = tmp_path / f"ledger-{made}"
        return Ledger(folder, **settings).grow([event(number) for number in range(size)])

    return make
