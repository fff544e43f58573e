"""A bundle holds its images in clear, so the hospital keeps it sealed."""

from datetime import UTC, datetime

import pytest
from tests.wards import RELEASE, new_ward

from firmward.hospital import judging, pipeline
from firmward.hospital.gate.here import Use
from firmward.lab import paper_vendor
from firmward.terms.errors import NotTrusted


@pytest.fixture
def kept(tmp_path):
    """A ward, the bundle it admitted, and the blob that it keeps of it."""
    ward = new_ward(tmp_path, 1)
    draft = paper_vendor.draft(ward.vendor, datetime.now(UTC))
    pack = paper_vendor.pack(ward.vendor, draft, ward.now)
    pipeline.take_bundle(ward.hospital, "acme", pack.bundle, "acme", ward.now)
    yield ward, pack.bundle, ward.site.blobs.get(ward.release(RELEASE).bundle)
    ward.site.close()


def test_no_blob_holds_a_bundle_or_a_piece_of_its_image(kept):
    """Whoever copies the blobs reads no image."""
    ward, bundle, blob = kept
    image = bundle.index(b"image.bin") + 1024

    assert bundle[image : image + 64] not in blob
    for path in (ward.site.home / "blobs" / "sha256").iterdir():
        assert bundle[image : image + 64] not in path.read_bytes()


def test_the_gate_can_read_it_again_and_nothing_else_in_its_place(kept):
    """Sealed to its vendor: another's bundle in its row is refused."""
    ward, bundle, blob = kept

    assert ward.site.unseal(blob, "bundle of acme") == bundle
    with pytest.raises(NotTrusted, match="what this site sealed"):
        ward.site.unseal(blob, "bundle of borealis")
    reached = [ward.row(device) for device in ward.fleet]
    with ward.site.store.writing() as connection:
        release = ward.release(RELEASE)
        found = judging.rejudge(ward.hospital, connection, release, Use(), reached, ward.now)
        assert found == []
