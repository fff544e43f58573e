"""A site takes in a release of several parts, and knows what its devices need of each other."""

from datetime import UTC, datetime

import pytest
from msgspec import structs
from tests.wards import FACTORY, RELEASE, Ward, new_ward

from firmward.hospital import pipeline
from firmward.hospital.gate import bundle, fleet_facts
from firmward.hospital.gate.listed import Compatible
from firmward.hospital.records import releases
from firmward.hospital.records.releases import Release
from firmward.lab import paper_vendor
from firmward.lab.paper_components import drug_library, of_several, radio
from firmward.terms.component import Requirement, component_path
from firmward.terms.onboarding import Product
from firmward.terms.wire import encode

MONITOR = Product(
    product="monitor-7", model="MON-7", hardware_ids=("MON-7-A",), device_class="MON7"
)
PUMP_NEEDS = Requirement(name="monitor-7", since="2.0.0", until="3.0.0")


@pytest.fixture
def ward(tmp_path) -> Ward:
    """A site with one pump."""
    return new_ward(tmp_path, 1)


def taken(ward: Ward, *parts, needs=()):
    """The gate's word on a release of these parts."""
    draft = of_several(paper_vendor.draft(ward.vendor, ward.now), parts, needs)
    pack = paper_vendor.pack(ward.vendor, draft, ward.now)
    label = ward.vendor.label
    return draft, pipeline.take_bundle(ward.hospital, label, pack.bundle, label, ward.now)


def test_a_release_of_several_parts_comes_in_and_its_parts_are_kept(ward):
    """Claimed in its row; the parts lie sealed in the bundle, for whoever delivers them."""
    parts = (radio(ward.vendor.firmware, "2.1.0", 3), drug_library("5.0.0"))
    _, judged = taken(ward, *parts)
    row = ward.release(RELEASE)
    kept = ward.site.unseal(ward.site.blobs.get(row.bundle), f"bundle of {ward.vendor.label}")

    assert judged.admitted
    assert [part.claim for part in parts] == list(row.image_claim.components)
    for part in parts:
        path = component_path(RELEASE, part.name)
        assert part.data == bundle.open_bundle(kept).targets[path]


def test_a_release_with_an_unsigned_radio_gives_no_device_a_byte(ward):
    """Refused with the reason, and nothing of it can be delivered."""
    _, judged = taken(ward, radio(None, "2.1.0", 3))

    assert not judged.admitted
    assert any("radio 2.1.0" in reason for reason in judged.reasons)
    assert "" == ward.release(RELEASE).ciphertext_sha256


def test_a_release_that_needs_what_is_not_here_is_refused(ward):
    """There are no monitors at this site."""
    _, judged = taken(ward, drug_library("5.0.0"), needs=[PUMP_NEEDS])

    assert not judged.admitted
    assert any("monitor-7 is not here" in reason for reason in judged.reasons)


def test_what_runs_here_says_what_it_needs_of_another_product(ward):
    """From the vendor's signed claim of the release that the pump reports, by name and range."""
    claim = paper_vendor.claim(ward.vendor, "1.0.0", 1)
    said = structs.replace(
        claim,
        requires=(PUMP_NEEDS, Requirement(name="gateway-2")),
        components=(drug_library("5.0.0", Requirement(name="monitor-7", since="2.2.0")).claim,),
    )
    with ward.site.store.writing() as connection:
        before = facts(ward, connection)
        releases.add(connection, judged_before(ward, encode(said)))
        after = facts(ward, connection)

    assert (Compatible(name="pump-200", since="1.0.0", until=""),) == before.peers == after.peers
    assert () == before.needed_by
    assert (
        Compatible(name=FACTORY, since="2.0.0", until="3.0.0"),
        Compatible(name=FACTORY, since="2.2.0", until=""),
    ) == after.needed_by


def facts(ward: Ward, connection):
    """What the records say of monitors here."""
    [only] = fleet_facts.classes(connection, ward.site, MONITOR, "", datetime.now(UTC))
    return only


def judged_before(ward: Ward, claim: bytes) -> Release:
    """The row of the release that the pump runs."""
    return Release(
        release=FACTORY,
        vendor=ward.vendor.label,
        product="pump-200",
        counter=1,
        state="admitted",
        claim=claim,
        fallback="",
        image_sha256="0" * 64,
        image_length=1,
        ciphertext_sha256="",
        ciphertext_length=0,
        sealed_key=b"",
        bundle="",
        at=0.0,
    )
