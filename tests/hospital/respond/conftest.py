"""A ward that a roll-out can begin in."""

import pytest
from tests.wards import Ward, new_ward


@pytest.fixture
def ward(tmp_path) -> Ward:
    """Six devices on the factory's release that have been well for a while."""
    ward = new_ward(tmp_path, 6, looks_s=(10.0, 20.0), settle_s=100.0)
    ward.all_say(4)
    ward.wait(5)
    yield ward
    ward.site.close()
