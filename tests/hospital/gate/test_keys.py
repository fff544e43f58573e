"""Which keys signed: of a hybrid vendor both kinds, and no development keys where patients are."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.spoiled_releases import against
from tests.wards import new_ward

from firmward.hospital import judging, pipeline
from firmward.hospital.gate.bundle import open_bundle
from firmward.hospital.gate.evidence import assemble, survey
from firmward.hospital.gate.here import Use
from firmward.hospital.gate.intake import Attested, Missing, anchors, verify
from firmward.hospital.gate.judge import judge
from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.records import devices, ledger, releases
from firmward.hospital.web.serve import open_hospital
from firmward.lab import paper_vendor
from firmward.lab.paper_vendor import Draft, draft, pack, sealed_evidence
from firmward.terms.errors import Malformed, Refused
from firmward.terms.onboarding import read_onboarding
from firmward.terms.wire import encode


@pytest.fixture(scope="module")
def hybrid(now):
    """A vendor with an ML-DSA key beside every ECDSA key of root, targets and evidence."""
    return paper_vendor.new_vendor(now, hybrid=True)


def test_a_hybrid_vendors_release_is_admitted_and_both_signers_are_named(
    hybrid, site, advisories, policy, engine, now
):
    """From the onboarding file as it is handed over, strings of 60 kB and all."""
    pinned = anchors(read_onboarding(encode(hybrid.onboarding)))
    bundle = open_bundle(pack(hybrid, draft(hybrid, now), now).bundle)
    seen = verify(bundle, pinned, {}, now)

    evidence = assemble(survey(seen, advisories, now), site, policy.parameters, now)

    assert judge(policy, evidence, engine, now).admitted
    ids = [signer.public_key.keyid for signer in (hybrid.evidence, *hybrid.evidence_pq)]
    assert {"+".join(ids)} == {piece.signer for piece in seen.evidence.values()}


def test_evidence_with_one_half_of_the_signatures_is_missing(hybrid, now):
    """ECDSA alone, or ML-DSA alone: what one broken kind can make says nothing."""
    release = draft(hybrid, now)
    pinned = anchors(hybrid.onboarding)
    halves = {
        "ECDSA": replace(hybrid, evidence_pq=()),
        "ML-DSA": replace(hybrid, evidence=hybrid.evidence_pq[0], evidence_pq=()),
    }
    for half in halves.values():
        sealed = sealed_evidence(half, release)
        seen = verify(
            open_bundle(pack(hybrid, release, now, evidence=sealed).bundle), pinned, {}, now
        )

        assert {Missing} == {type(piece) for piece in seen.evidence.values()}
        assert "too few valid signatures" in seen.evidence["scan"].reason
    whole = verify(open_bundle(pack(hybrid, release, now).bundle), pinned, {}, now)
    assert {Attested} == {type(piece) for piece in whole.evidence.values()}


def test_an_onboarding_file_with_one_evidence_key_twice_is_refused(hybrid):
    """It would look like a pair, and one theft would make both signatures."""
    [first, _] = hybrid.onboarding.evidence_keys
    twice = msgspec.structs.replace(
        hybrid.onboarding, evidence_keys=(first, first | {"keyid": "f" * 64})
    )
    none = encode(hybrid.onboarding).replace(encode(list(hybrid.onboarding.evidence_keys)), b"[]")

    with pytest.raises(Malformed, match="one key twice"):
        anchors(twice)
    with pytest.raises(Malformed):
        read_onboarding(none)


def marked(release: Draft, *, main: bool = True, back: bool = True) -> Draft:
    """The release as software keys make it."""
    return replace(
        release,
        claim=msgspec.structs.replace(release.claim, development=main),
        fallback_claim=msgspec.structs.replace(release.fallback_claim, development=back),
    )


@pytest.mark.parametrize("where", [{}, {"main": False}, {"back": False}])
def test_a_development_release_is_refused_where_nobody_allowed_it(vendor, good, judged, now, where):
    """The release or only its way back: a copied folder can make one as well."""
    judgement = judged(pack(vendor, marked(good, **where), now).bundle)

    assert {"SIG-010": "fail"} == against(judgement)
    assert not judgement.admitted


def test_a_production_site_takes_no_development_release_and_keeps_nothing_of_it(tmp_path):
    """It is refused with its reason; no device can get a byte."""
    ward = new_ward(tmp_path, 1)
    bundle = pack(ward.vendor, marked(draft(ward.vendor, ward.now)), ward.now).bundle
    judgement = pipeline.take_bundle(ward.hospital, "acme", bundle, "acme", ward.now)

    assert ["SIG-010"] == [each.rule for one in judgement.judged for each in one.judgement.blocking]
    told = [said for event in ward.events("policy.adopted") for said in event.detail["sets"]]
    assert not any("allow_development_keys" in said for said in told)
    with ward.site.store.reading() as connection:
        assert {"refused"} == {release.state for release in releases.every(connection)}
    ward.site.close()


def test_a_site_that_allows_them_says_so_on_the_ledger_and_in_each_verdict(tmp_path):
    """On only by an overlay that it signed, and in so many words; off again is an event too."""
    ward = new_ward(tmp_path, 1, allow_development_keys=True)
    bundle = pack(ward.vendor, marked(draft(ward.vendor, ward.now)), ward.now).bundle
    judgement = pipeline.take_bundle(ward.hospital, "acme", bundle, "acme", ward.now)
    home, name = ward.site.home, ward.site.settings.site

    assert judgement.admitted
    [admitted] = ward.events("gate.admitted")
    assert "development keys signed it" in admitted.says
    [told] = [e for e in ward.events("policy.adopted") if e.detail["name"].startswith("overlay")]
    assert "allow_development_keys = true" in told.detail["sets"]
    ward.site.close()

    year, month = ward.now.year, ward.now.month
    adopt.write_overlay(
        home,
        Overlay(
            overlay_schema="firmward.overlay/v1",
            id=name,
            version=f"{year}.{month}.1",
            scope="site",
            site=name,
            effective_from=ward.now,
            expires=ward.now + timedelta(days=365),
        ),
    )
    for _ in range(2):
        again = open_hospital(home)
        with again.site.store.reading() as connection:
            events = [e for _, e in ledger.events_about(connection, f"policy:overlay:{name}")]
        assert ["policy.adopted", "policy.changed"] == [event.kind for event in events]
        assert again.policy.parameters["allow_development_keys"] is False
        with again.site.store.writing() as connection:
            reached, stored = devices.every(connection), releases.every(connection)[0]
            found = judging.rejudge(again, connection, stored, Use(), reached, ward.now)
        assert ["SIG-010"] == [reason[:7] for reason in found]
        again.site.close()


def test_a_raw_image_is_refused_because_nothing_here_can_read_its_signature(
    vendor, good, verified, now
):
    """Whatever format it brings: unread is not verified."""
    raw = replace(good, image=b"hsqs" + bytes(4096))

    with pytest.raises(Malformed, match="the only format whose signature is checked here"):
        verified(pack(vendor, raw, now).bundle)


def test_a_mac_that_is_promised_and_not_there_is_refused(vendor, good, verified, now):
    """A claim must not promise more than is in the image."""
    claim = msgspec.structs.replace(good.claim, integrity="symmetric-mac")

    with pytest.raises(Refused, match="a MAC in the image, as its claim promises"):
        verified(pack(vendor, replace(good, claim=claim), now).bundle)


def test_a_root_that_is_no_root_is_not_pinned(hybrid):
    """However it is written."""
    spoilt = msgspec.structs.replace(hybrid.onboarding, root=b64encode(b"{}").decode())

    with pytest.raises(Refused):
        anchors(spoilt)
