"""Stores that a test of this folder opened are closed when it ends."""

from collections.abc import Iterator

import pytest
from tests.logs import OPEN


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Every store that a test opened is closed when it ends."""
    yield
    while OPEN:
        OPEN.pop().close()
