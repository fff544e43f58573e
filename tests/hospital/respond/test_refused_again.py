"""A refused release is judged again when the hospital's side has changed, and never by its name."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.wards import RELEASE, Ward, new_ward

from firmward.hospital import pipeline
from firmward.hospital.gate.here import Said
from firmward.lab import paper_vendor
from firmward.lab.paper_vendor import image
from firmward.terms.errors import NotTrusted, Refused


@pytest.fixture
def ward(tmp_path):
    """Four pumps at a site whose ward has not agreed to anything yet."""
    ward = new_ward(tmp_path, 4)
    recall(ward, [{"id": "Z-1", "class": "I", "versions": ["1.1.0"]}])
    yield ward
    ward.site.close()


def recall(ward: Ward, open_recalls: list[dict]) -> None:
    """The recalls that biomedical engineering knows of from now on."""
    said = Said(
        about="pump-200",
        role="biomed",
        person="bea",
        sections={"regulatory": {"open_recalls": open_recalls}},
        at=ward.now,
        until=ward.now + timedelta(days=30),
    )
    pipeline.declare(ward.site, said)


def hand_in(ward: Ward, **changes):
    """The good release handed in by its vendor, or one that is spoiled."""

    draft = replace(paper_vendor.draft(ward.vendor, ward.now), **changes)
    pack = paper_vendor.pack(ward.vendor, draft, ward.now)
    ward.vendor = pack.vendor
    return pipeline.take_bundle(ward.hospital, "acme", pack.bundle, "acme", ward.now)


def test_what_stood_in_the_way_is_gone_and_the_release_comes_in(ward):
    """Refused for a recall, judged again after it was closed: admitted, and rolled out."""
    refused = hand_in(ward)
    assert ["DEV-005"] == [r.rule for r in refused.judged[0].judgement.blocking]
    assert "refused" == ward.release(RELEASE).state
    recall(ward, [])

    again = pipeline.reconsider(ward.hospital, RELEASE, "bea", ward.now)

    assert again.admitted
    assert "admitted" == ward.release(RELEASE).state
    ward.all_say(4)
    ward.tick()
    assert ward.wave()
    assert 1 == len(ward.events("gate.refused"))
    assert 1 == len(ward.events("gate.admitted"))


def test_nothing_changed_and_it_is_refused_again_without_another_ticket(ward):
    """Asking twice is no way in, and no flood of tickets."""
    hand_in(ward)
    before = ward.tickets()

    again = pipeline.reconsider(ward.hospital, RELEASE, "bea", ward.now)

    assert not again.admitted
    assert "refused" == ward.release(RELEASE).state
    assert before == ward.tickets()


def test_another_image_under_a_refused_name_is_turned_away(ward):
    """A verdict is about an image; the name must not be moved to another one."""
    hand_in(ward)
    recall(ward, [])
    before = ward.release(RELEASE)

    with pytest.raises(NotTrusted, match="expected the image that was judged before"):
        hand_in(ward, image=image(ward.vendor.firmware, "1.1.0", 3, b"\x01" * 4096))

    assert before == ward.release(RELEASE)
    assert 1 == len(ward.events("intake.refused"))


@pytest.mark.parametrize("name", [RELEASE, "pump-200@9.9.9+99", "no release"])
def test_only_a_refused_release_is_judged_again(tmp_path, name):
    """An admitted one is judged at its moments; one that never came is not known."""
    ward = new_ward(tmp_path, 0)
    ward.admit()
    before = ward.release(RELEASE)

    with pytest.raises(Refused, match="expected a refused release"):
        pipeline.reconsider(ward.hospital, name, "bea", ward.now)

    assert before == ward.release(RELEASE)
    ward.site.close()
