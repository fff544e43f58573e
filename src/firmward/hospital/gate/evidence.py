"""From a verified bundle to the evidence document: what is known, and how.

The gate computes itself whatever it can: the image's signature, its digest, the way back, the
match of the SBOM against the hospital's own advisories.  What the vendor says is taken with the
vendor's name on it.  What does not count stays absent, with a gap that says why.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta

from firmward.advisories.index import Index
from firmward.hospital.gate import document
from firmward.hospital.gate.document import Evidence, moment
from firmward.hospital.gate.intake import Attested, Firmware, Missing, Verified
from firmward.hospital.gate.readings import Origin, Readings
from firmward.proof import mcuboot
from firmward.terms.names import HardwareId, Label, ReleaseId
from firmward.terms.wire import MIB, Wire, decode, encode

LIMIT: Final = 16 * MIB


class SiteFacts(Wire, frozen=True, kw_only=True):
    """What the hospital itself knows about the devices that would receive a release.

    tier             1 life-supporting to 4 workflow: the gravest among them
    jurisdictions    whose law applies; empty means not stated, and then every rule applies
    hardware_ids     every board among them
    releases         every release they run; empty where there is no device yet
    highest_counter  the highest security counter that any of them enforces, 0 without devices
    """

    site: Label
    product: Label
    model: Annotated[str, Meta(max_length=64)]
    tier: Annotated[int, Meta(ge=1, le=4)]
    jurisdictions: tuple[str, ...]
    hardware_ids: tuple[HardwareId, ...]
    releases: tuple[ReleaseId, ...]
    highest_counter: Annotated[int, Meta(ge=0)]
    observed_at: datetime


def assemble(
    verified: Verified, site: SiteFacts, advisories: Index | None, now: datetime
) -> Evidence:
    """Everything known about the release for this site, as a document that parses strictly.

    advisories  the hospital's own; None when it has none, and then nothing about vulnerabilities
                is known
    raises      Malformed when the pieces do not make a document
    """
    readings = Readings(verified, now)
    evidence = Evidence(
        subject=verified.release,
        image_sha256=verified.firmware.sha256,
        vendor=verified.vendor,
        site=site.site,
        at=now,
        release=_release(verified, now),
        signature=_signature(verified, now),
        provenance=readings.provenance(),
        sbom=readings.sbom(),
        vulns=readings.vulns(advisories),
        scan=readings.scan(advisories),
        lifecycle=readings.lifecycle(),
        fallback=_fallback(verified, now),
        device=_device(site),
        regulatory=_regulatory(site),
        privacy=readings.privacy(),
        risk=readings.risk(),
        testing=readings.testing(),
        sources=dict(_sources(verified)),
        gaps=tuple(readings.gaps),
    )
    # What is judged is what can be parsed again later, byte for byte.
    return decode(encode(evidence), Evidence, "evidence", limit=LIMIT)


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def _sources(verified: Verified) -> Iterator[tuple[str, str]]:
    yield "bundle", f"sha256:{verified.bundle_sha256}"
    yield "image", f"sha256:{verified.firmware.sha256}"
    for name, piece in verified.evidence.items():
        if isinstance(piece, Attested):
            yield name, f"sha256:{piece.sha256}"


def _here(site: SiteFacts) -> Origin:
    return Origin("measured", _digest(encode(site)), "", site.observed_at)


def _device(site: SiteFacts) -> document.Device:
    here = _here(site)
    return document.Device(
        hw_revs=here(site.hardware_ids),
        releases=here(site.releases),
        security_version=here(site.highest_counter),
        tier=here(site.tier),
    )


def _regulatory(site: SiteFacts) -> document.Regulatory:
    return document.Regulatory(jurisdictions=_here(site).if_given(site.jurisdictions or None))


def _release(verified: Verified, now: datetime) -> document.Release:
    firmware, claim = verified.firmware, verified.firmware.claim
    measured = Origin("measured", f"sha256:{firmware.sha256}", "", now)
    listing = Origin("attested", _digest(verified.metadata["targets"]), verified.vendor, now)
    return document.Release(
        id=listing(claim.release),
        version=measured(firmware.image.version),
        digest=measured(f"sha256:{firmware.sha256}"),
        manifest_digest=listing(f"sha256:{firmware.manifest_sha256}"),
        manifest_expires=listing(moment(verified.expires)),
        security_version=measured(firmware.image.counter),
        # No signed downgrade authorisation exists yet; a way back is a fallback, not a downgrade.
        downgrade_authorised=measured(False),
        development_keys=listing(claim.development or _back_in_development(verified)),
        safety_class=listing(claim.safety_class),
        kind=listing(claim.kind),
        supported_hw=listing(claim.hardware_ids),
        upgrade_from=listing(claim.predecessors),
    )


def _back_in_development(verified: Verified) -> bool:
    """Whether the way back, which comes in together with the release, is signed so."""
    way = verified.fallback
    return isinstance(way, Firmware) and way.claim.development


def _signature(verified: Verified, now: datetime) -> document.Signature:
    firmware = verified.firmware
    measured = Origin("measured", f"sha256:{firmware.sha256}", "", now)
    signed = bool(firmware.image.signature)
    return document.Signature(
        verified=measured(mcuboot.signed_by(firmware.image, verified.firmware_key)),
        algorithm=measured(_algorithm(verified.firmware_key) if signed else "none"),
        hash=measured("sha256" if firmware.image.claimed else "none"),
        # Without a signature the digest only tells accidents, which is all a CRC does.
        crc_only=measured(not signed),
        covers=measured(_covers(firmware)),
    )


def _algorithm(public_pem: bytes) -> str:
    key = load_pem_public_key(public_pem)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}.get(key.curve.name, "unknown")
    return "ed25519" if isinstance(key, Ed25519PublicKey) else "unknown"


def _covers(firmware: Firmware) -> tuple[str, ...]:
    """What is inside signed bytes and agrees with the vendor's claim about the image.

    Digest, version and counter are in the image's header and protected TLVs; the hardware it is
    for is in the vendor's signed metadata, beside the image's digest.
    """
    image, claim = firmware.image, firmware.claim
    agreed = {
        "digest": image.claimed == image.digest,
        "version": (image.version, image.build) == (claim.version, claim.release_counter),
        "security_version": image.counter == claim.release_counter,
        "target": firmware.sha256 == firmware.manifest_sha256,
    }
    return tuple(name for name, agrees in agreed.items() if agrees)


def _fallback(verified: Verified, now: datetime) -> document.Fallback:
    way = verified.fallback
    if isinstance(way, Missing):
        absent = Origin("measured", f"sha256:{verified.bundle_sha256}", "", now)
        return document.Fallback(verified=absent(False))
    measured = Origin("measured", f"sha256:{way.sha256}", "", now)
    listing = Origin("attested", _digest(verified.metadata["targets"]), verified.vendor, now)
    covered = {"digest", "version", "security_version", "target"} <= set(_covers(way))
    return document.Fallback(
        verified=measured(covered and mcuboot.signed_by(way.image, verified.firmware_key)),
        version=measured(way.image.version),
        security_version=measured(way.image.counter),
        supported_hw=listing(way.claim.hardware_ids),
        upgrade_from=listing(way.claim.predecessors),
    )
