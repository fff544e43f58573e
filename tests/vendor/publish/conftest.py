"""A vendor's home without source or build: enough to publish from."""

import subprocess
from datetime import UTC, datetime

import pytest
from tests.tokens import software

from firmward.vendor import onboard


@pytest.fixture(scope="session")
def _home(tmp_path_factory):
    made = tmp_path_factory.mktemp("made") / "home"
    return onboard.start(made, [software()], 32473, datetime.now(UTC))


@pytest.fixture
def home(_home, tmp_path):
    """A vendor's home, with an empty repository."""
    subprocess.run(["cp", "-a", _home.folder, tmp_path / "home"], check=True)
    return onboard.open_home(tmp_path / "home")
