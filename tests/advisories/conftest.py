"""Real advisories beside the checkout, where they are."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.advisory_services import Desk, Site, serving
from tests.made_advisories import REAL

from firmward.advisories.inputs import jobs
from firmward.advisories.line import Line


@pytest.fixture
def unpacked() -> Callable[[str], Iterator[tuple[str, bytes]]]:
    """The files of a pack of real data."""

    def files(name: str) -> Iterator[tuple[str, bytes]]:
        with ExitStack() as stack:
            for job in jobs(REAL / name, stack):
                yield from job.files()

    return files


@pytest.fixture
def site() -> Iterator[Site]:
    """The services."""
    with serving() as serves:
        yield serves


@pytest.fixture(scope="package")
def line() -> Iterator[Line]:
    """A line that does not wait long."""
    with Line(tries=2, pause_s=0, read_s=0.5, progress=lambda size: None) as opened:
        yield opened


@pytest.fixture
def desk(site, line, tmp_path) -> Desk:
    """An empty index before the services."""
    return Desk(site, line, tmp_path)
