"""Intake: what leads to the vendor's pinned keys is taken, all else is refused or named missing."""

import io
import tarfile
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.intake import Attested, Missing, anchors, verify
from firmward.lab import paper_vendor
from firmward.lab.paper_evidence import Predicate
from firmward.lab.paper_vendor import new_vendor, pack, publish, sealed_evidence, tar
from firmward.proof import keys
from firmward.proof.roles import RolesRefused
from firmward.terms.errors import Malformed, NotTrusted, Refused
from firmward.terms.image import evidence_path, image_path
from firmward.terms.report import Attack
from firmward.terms.wire import plain


def contents(bundle: bytes) -> dict[str, bytes]:
    """The members of a bundle by name."""
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def files_of(draft, vendor) -> dict[str, tuple[bytes, dict]]:
    """A draft's files with their `custom` members, to publish others beside or instead."""
    sealed = sealed_evidence(vendor, draft)
    evidence = {
        evidence_path(draft.release, name): (data, {"evidenceFor": draft.release})
        for name, data in sealed.items()
    }
    return {
        image_path(draft.release): (draft.image, plain(draft.claim)),
        image_path(draft.fallback): (draft.fallback_image, plain(draft.fallback_claim)),
        **evidence,
    }


def test_a_vendors_bundle_is_verified(verified, good, good_bundle, vendor):
    """Image, fallback and every piece of evidence of the one new release are there."""
    seen = verified(good_bundle)

    assert good.release == seen.release
    assert good.image == seen.firmware.data
    assert good.fallback_image == seen.fallback.data
    assert {True} == {isinstance(piece, Attested) for piece in seen.evidence.values()}
    assert ("acme", "PUMP-200") == (seen.vendor, seen.product.model)


def test_a_device_finds_the_published_files_under_the_names_it_asks_for(verified, good_bundle):
    """The hospital can hand on the vendor's metadata as it came."""
    sent = open_bundle(good_bundle).metadata

    assert sent == verified(good_bundle).published


def test_the_next_intake_starts_from_what_was_kept(vendor, good, good_bundle, verified, now):
    """A second publication verifies against the first one's metadata, roots included."""
    first = pack(vendor, good, now)
    second = paper_vendor.draft(first.vendor, now, "1.2.0", 5, (good.release,))
    seen = verify(
        open_bundle(pack(first.vendor, second, now).bundle),
        anchors(vendor.onboarding),
        verified(first.bundle).metadata,
        now,
        {good.release},
    )

    assert "pump-200@1.2.0+5" == seen.release
    assert {"1.root.json", "2.snapshot.json", "2.targets.json", "timestamp.json"} == set(
        seen.published
    )


STRANGER = keys.new_signer()
TOO_FEW = {
    "one of two": lambda vendor: vendor.targets[:1],
    "one twice": lambda vendor: vendor.targets[:1] * 2,
    "a stranger": lambda vendor: (vendor.targets[0], STRANGER),
    "nobody": lambda vendor: (),
}


@pytest.mark.parametrize("signers", TOO_FEW.values(), ids=TOO_FEW)
def test_too_few_signatures_on_the_listing_are_refused(verified, vendor, good, now, signers):
    """A thief of one key, or of none, publishes nothing."""
    bundle = pack(vendor, good, now, signers={"targets": signers(vendor)}).bundle
    with pytest.raises(RolesRefused) as refused:
        verified(bundle)

    assert Attack.TOO_FEW_SIGNATURES == refused.value.attack


def test_metadata_past_its_expiry_is_refused(verified, vendor, good, now):
    """Yesterday's bundle, kept back and handed over today, is a freeze."""
    with pytest.raises(RolesRefused) as refused:
        verified(pack(vendor, good, now - timedelta(days=2)).bundle)

    assert Attack.FROZEN == refused.value.attack


def test_another_vendors_repository_is_refused(verified, good, now):
    """Whoever is not pinned under this name is nobody, however well it signs."""
    with pytest.raises(RolesRefused):
        verified(pack(new_vendor(now), good, now).bundle)


SWAPS = {
    "another image": lambda vendor: paper_vendor.image(vendor.firmware, "1.1.0", 3, b"!"),
    "a byte more": lambda vendor: paper_vendor.image(vendor.firmware, "1.1.0", 3) + b"\0",
    "nothing": lambda vendor: b"",
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS)
def test_a_file_that_is_not_the_described_one_is_refused(verified, vendor, good, good_bundle, swap):
    """Even the vendor's own signature on other bytes does not make them this release."""
    name = f"targets/{image_path(good.release)}"
    with pytest.raises(NotTrusted, match="is not the file its metadata describes"):
        verified(tar({**contents(good_bundle), name: swap(vendor)}))


def test_a_file_that_nothing_describes_is_refused(verified, good_bundle):
    """A bundle brings nothing in beside what is signed for."""
    members = {**contents(good_bundle), "targets/pump-200/extra.bin": b"x"}
    with pytest.raises(NotTrusted, match=r"does not describe pump-200/extra\.bin"):
        verified(tar(members))


def test_an_older_publication_cannot_follow_a_newer_one(vendor, good, good_bundle, now):
    """Replaying last month's bundle is a rollback of the vendor's metadata."""
    first = pack(vendor, good, now)
    second = paper_vendor.draft(first.vendor, now, "1.2.0", 5, (good.release,))
    newer = open_bundle(pack(first.vendor, second, now).bundle)
    pinned = anchors(vendor.onboarding)
    kept = verify(newer, pinned, {}, now).metadata
    with pytest.raises(RolesRefused) as refused:
        verify(open_bundle(first.bundle), pinned, kept, now)

    assert Attack.REPLAYED_ORDER == refused.value.attack


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_a_bundle_without_a_metadata_file_is_malformed(verified, good_bundle, name):
    """There is nobody to ask for the rest of a bundle."""
    members = contents(good_bundle)
    del members[f"metadata/{name}"]
    with pytest.raises(Malformed, match=name):
        verified(tar(members))


def test_endless_metadata_is_malformed(verified, good_bundle):
    """A role's file has a length limit even where the bundle's own would let it through."""
    members = {**contents(good_bundle), "metadata/timestamp.json": b"{}" + b" " * 20_000}
    with pytest.raises(Malformed, match="at most 16384 bytes"):
        verified(tar(members))


def test_a_known_release_is_not_taken_again(vendor, good, good_bundle, now):
    """The same release cannot be judged twice by sending it twice."""
    bundle, pinned = open_bundle(good_bundle), anchors(vendor.onboarding)
    with pytest.raises(Malformed, match="exactly one new release, got none"):
        verify(bundle, pinned, {}, now, {good.release})


def test_two_new_releases_in_one_bundle_are_malformed(verified, vendor, good, now):
    """A judgement is about one release."""
    other = paper_vendor.draft(vendor, now, "1.2.0", 5, (good.release,))
    both = files_of(good, vendor) | files_of(other, vendor)
    with pytest.raises(Malformed, match="exactly one new release"):
        verified(publish(vendor, both, now).bundle)


CLAIMS = {
    "unknown field": {"approved": True},
    "wrong type": {"releaseCounter": "3"},
    "null": {"kind": None},
    "newline in the product": {"product": "pump-200\n"},
    "another release": {"version": "1.1.1"},
    "zero counter": {"releaseCounter": 0},
    "no hardware": {"hardwareIds": []},
    "unknown class": {"safetyClass": "D"},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_is_not_exactly_one_is_malformed(verified, vendor, good, now, changes):
    """Even properly signed, a claim must parse and sit at its own path."""
    spoiled = replace(good, claim=plain(good.claim) | changes)
    with pytest.raises(Malformed):
        verified(pack(vendor, spoiled, now).bundle)


@pytest.mark.parametrize("field", ["product", "releaseCounter", "predecessors", "integrity"])
def test_a_claim_that_leaves_something_out_is_malformed(verified, vendor, good, now, field):
    """Nothing is assumed on the vendor's behalf."""
    claim = plain(good.claim)
    del claim[field]
    with pytest.raises(Malformed):
        verified(pack(vendor, replace(good, claim=claim), now).bundle)


def test_a_product_that_was_not_onboarded_is_refused(vendor, good, now):
    """A vendor cannot add a product to a hospital by publishing it."""
    onboarding = vendor.onboarding
    [pump] = onboarding.products
    other = type(pump)(
        product="pump-300", model="x", hardware_ids=pump.hardware_ids, device_class="P"
    )
    pinned = replace(anchors(onboarding), products=(other,))
    with pytest.raises(NotTrusted, match="pump-200 is not one of its onboarded products"):
        verify(open_bundle(pack(vendor, good, now).bundle), pinned, {}, now)


def test_bytes_that_are_no_image_are_malformed(verified, vendor, good, now):
    """What the vendor signed as an image must be one."""
    spoiled = replace(good, image=good.image + b"\0")
    with pytest.raises(Malformed, match="image"):
        verified(pack(vendor, spoiled, now).bundle)


def test_evidence_that_does_not_count_is_missing_with_its_reason(verified, vendor, good, now):
    """Another image, another signer, another type, absence: each is named, none stops intake."""
    ours = sealed_evidence(vendor, good)
    theirs = sealed_evidence(vendor, good, signer=keys.new_signer())
    elsewhere = sealed_evidence(vendor, good, about=good.fallback_image)
    sbom = good.evidence["sbom"]
    retyped = sealed_evidence(
        vendor, replace(good, evidence={"sbom": Predicate("https://spdx.dev/Document", sbom.body)})
    )
    evidence = {
        "provenance": theirs["provenance"],
        "scan": elsewhere["scan"],
        "sbom": retyped["sbom"],
        "declaration": ours["declaration"][:-1],
    }
    seen = verified(pack(vendor, good, now, evidence=evidence).bundle).evidence

    assert {True} == {isinstance(piece, Missing) for piece in seen.values()}
    assert "too few valid signatures" in seen["provenance"].reason
    assert "about another image" in seen["scan"].reason
    assert "expected https://cyclonedx.org/bom" in seen["sbom"].reason
    assert "strict JSON" in seen["declaration"].reason
    assert "is not in the bundle" in seen["vulnerabilities"].reason


def test_evidence_filed_for_another_release_is_missing(verified, vendor, good, now):
    """The signed listing says which release a piece of evidence belongs to."""
    files = files_of(good, vendor)
    path = evidence_path(good.release, "scan")
    files[path] = (files[path][0], {"evidenceFor": "pump-200@1.0.0+1"})
    seen = verified(publish(vendor, files, now).bundle)

    assert Missing(f"{path} is filed as evidence for pump-200@1.0.0+1") == seen.evidence["scan"]


def test_a_bundle_without_a_way_back_is_verified_and_says_so(verified, vendor, good, now):
    """Its absence is for the gate to judge, with all other reasons."""
    files = files_of(good, vendor)
    del files[image_path(good.fallback)]
    seen = verified(publish(vendor, files, now).bundle)

    assert Missing(f"expected one fallback of {good.release} in the bundle, got 0") == seen.fallback


def test_two_ways_back_are_none(verified, vendor, good, now):
    """Which one a roll-back would take must not be a matter of luck."""
    other = paper_vendor.claim(vendor, "1.0.1", 4, (good.release,), good.release)
    data = paper_vendor.image(vendor.firmware, "1.0.1", 4)
    files = {**files_of(good, vendor), image_path(other.release): (data, plain(other))}
    seen = verified(publish(vendor, files, now).bundle)

    assert Missing(f"expected one fallback of {good.release} in the bundle, got 2") == seen.fallback


def test_a_way_back_that_is_no_image_is_none(verified, vendor, good, now):
    """Noise signed for as an image is missing, not an error."""
    spoiled = replace(good, fallback_image=b"noise")
    seen = verified(pack(vendor, spoiled, now).bundle)

    assert isinstance(seen.fallback, Missing)
    assert "is no image" in seen.fallback.reason


@pytest.mark.parametrize(
    "spoiled", [{"root": "bm90aGluZw=="}, {"root": "?"}, {"evidence_keys": ({"keyid": "x"},)}]
)
def test_an_onboarding_file_without_usable_anchors_is_refused(vendor, spoiled):
    """What cannot verify anything later is turned away when it is pinned."""
    members = {
        name: getattr(vendor.onboarding, name) for name in vendor.onboarding.__struct_fields__
    }
    with pytest.raises(Refused):
        anchors(type(vendor.onboarding)(**(members | spoiled)))


@settings(max_examples=150)
@given(data=st.data())
def test_no_single_changed_byte_is_taken(vendor, good, good_bundle, now, data):
    """Every byte of a bundle is covered by a checksum, a digest or a signature."""
    at = data.draw(st.integers(0, len(good_bundle) - 1))
    flipped = bytearray(good_bundle)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        seen = verify(open_bundle(bytes(flipped)), anchors(vendor.onboarding), {}, now)
    except Refused:
        return

    # A signature too many may be spoiled; the release itself may not differ in anything.
    assert good.image == seen.firmware.data
    assert good.claim == seen.firmware.claim
