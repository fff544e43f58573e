"""A site adopts a policy while it is served: it is judged by from then on, or refused whole."""

from datetime import timedelta

import pytest
from tests.wards import RELEASE, new_ward

from firmward.hospital.following import Followed, follow
from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.overlay import Overlay


@pytest.fixture
def ward(tmp_path):
    """Three pumps, and a release that may come in."""
    ward = new_ward(tmp_path, 3)
    ward.admit()
    yield ward
    ward.site.close()


def overlay(ward, version: str, **more) -> Overlay:
    """The site's overlay in a later version, in force at once."""
    return Overlay(
        overlay_schema="firmward.overlay/v1",
        id=ward.site.settings.site,
        version=version,
        scope="site",
        site=ward.site.settings.site,
        effective_from=ward.now - timedelta(minutes=1),
        expires=ward.now + timedelta(days=300),
        **more,
    )


def test_a_stricter_overlay_is_judged_by_and_what_stood_is_judged_again(ward):
    """The release loses its standing without a restart, by the rule that became stricter."""
    followed = Followed()
    follow(ward.hospital, followed, ward.now)
    before = ward.hospital.policy.sha256
    adopt.write_overlay(
        ward.site.home, overlay(ward, "2027.1.0", parameters={"eos_horizon_days": 3000})
    )

    [said] = follow(ward.hospital, followed, ward.now)
    ward.tick()

    assert said.startswith("judging by ")
    assert before != ward.hospital.policy.sha256
    [event] = ward.events("gate.rejudged")
    assert RELEASE in event.subjects
    assert follow(ward.hospital, followed, ward.now) == []


def test_a_file_that_nobody_signed_changes_nothing_and_is_told_once(ward):
    """Whoever can write into the folder can stop the policy from changing, and nothing else."""
    followed = Followed()
    follow(ward.hospital, followed, ward.now)
    before, standing = ward.hospital.policy, ward.release(RELEASE)
    folder = ward.site.home / "policy" / "packs" / "nist-crypto" / "2026.11.0"
    (folder / "params" / "default.yaml").write_text("sig_algs: [none]\n")

    for _ in range(2):
        follow(ward.hospital, followed, ward.now)
        ward.wait(400)

    assert before is ward.hospital.policy
    assert standing == ward.release(RELEASE)
    assert 1 == len(ward.events("policy.refused"))
