"""The parameters that the packs propose."""

from typing import Any

import pytest
from tests.hospital.gate.risk.drawn import PROPOSED

from firmward.hospital.gate.risk.facts import Parameters, parameters_of


@pytest.fixture(scope="session")
def proposed() -> dict[str, Any]:
    """The parameters as a policy carries them, among others that risk does not read."""
    return {"epss_limit": 0.1, **PROPOSED}


@pytest.fixture(scope="session")
def parameters() -> Parameters:
    """The parameters as risk reads them."""
    return parameters_of(PROPOSED)
