"""Both engines, in this process and in one of their own."""

from collections.abc import Iterator

import pytest

from firmward.hospital.gate.engines.direct import ENGINES, Direct, direct
from firmward.hospital.gate.engines.worker import Worker


@pytest.fixture(scope="session")
def cpp() -> Direct:
    """The C++ engine, in this process."""
    return direct("cel-cpp")


@pytest.fixture(scope="session")
def rust() -> Direct:
    """The Rust engine, in this process."""
    return direct("cel-rust")


@pytest.fixture(scope="session", params=ENGINES)
def name(request) -> str:
    """Each engine by name."""
    return request.param


@pytest.fixture(scope="session", params=["direct", "worker"])
def engine(request, name) -> Iterator[Direct | Worker]:
    """Each engine, in each kind of process."""
    if request.param == "direct":
        yield direct(name)
        return
    worker = Worker(name, deadline_s=60)
    yield worker
    worker.close()
