"""What the gate finds out by itself about an image, its way back, and the parts beside it."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from firmward.hospital.gate.here import Leaves
from firmward.hospital.gate.intake import Firmware, Missing, Verified
from firmward.hospital.gate.known import moment
from firmward.hospital.gate.listed import ComponentImage, Needed
from firmward.hospital.gate.readings import Origin
from firmward.proof import mcuboot
from firmward.terms.component import THE_IMAGE
from firmward.terms.image import ImageClaim

_BITS: Final = {"ecdsa-p256": 128, "ecdsa-p384": 192, "ed25519": 128}
"""Security strength in bits (NIST SP 800-57 part 1 r5, table 2)."""


def leaves(verified: Verified, now: datetime) -> Leaves:
    """Path -> value for release, signature and fallback."""
    return {
        **_release(verified, now),
        **_signature(verified, now),
        **_fallback(verified, now),
    }


def digest(data: bytes) -> str:
    """SHA-256 as the document writes it."""
    return f"sha256:{sha256(data).hexdigest()}"


def _release(verified: Verified, now: datetime) -> Leaves:
    firmware, claim = verified.firmware, verified.firmware.claim
    measured = Origin("measured", f"sha256:{firmware.sha256}", "", now)
    listing = _listing(verified, now)
    return {
        "release.id": listing(claim.release),
        "release.version": measured(firmware.image.version),
        "release.digest": measured(f"sha256:{firmware.sha256}"),
        "release.manifest_digest": listing(f"sha256:{firmware.manifest_sha256}"),
        "release.manifest_expires": listing(moment(verified.expires)),
        "release.security_version": measured(firmware.image.counter),
        # No signed downgrade authorisation exists yet; a way back is a fallback, not a downgrade.
        "release.downgrade_authorised": measured(False),
        "release.development_keys": listing(claim.development or _back_in_development(verified)),
        "release.safety_class": listing(claim.safety_class),
        "release.kind": listing(claim.kind),
        "release.integrity": listing(claim.integrity),
        # It came as files over the people plane or from a bundle; devices fetch it by network.
        "release.delivery": measured("network"),
        "release.supported_models": listing((verified.product.model,)),
        "release.supported_hw": listing(claim.hardware_ids),
        "release.upgrade_from": listing(claim.predecessors),
        "release.components": _came(verified, now)(tuple(_components(verified))),
        "release.requires": listing(tuple(_needed(claim))),
    }


def _came(verified: Verified, now: datetime) -> Origin:
    """The bundle as it came, as the origin of what was found in it."""
    return Origin("measured", f"sha256:{verified.bundle_sha256}", "", now)


def _components(verified: Verified) -> Iterator[ComponentImage]:
    """A release of several is its image and what was found beside it; one of one has no parts."""
    firmware = verified.firmware
    if not firmware.components:
        return
    yield ComponentImage(
        name=THE_IMAGE,
        kind="application",
        version=firmware.image.version,
        digest=f"sha256:{firmware.sha256}",
        claimed=f"sha256:{firmware.manifest_sha256}",
        verified=mcuboot.signed_by(firmware.image, verified.firmware_key),
    )
    for each in firmware.components:
        yield ComponentImage(
            name=each.claim.name,
            kind=each.claim.kind,
            version=each.claim.version,
            digest=f"sha256:{each.sha256}",
            claimed=f"sha256:{each.manifest_sha256}",
            verified=each.verified(verified.firmware_key),
        )


def _needed(claim: ImageClaim) -> Iterator[Needed]:
    """What the release and each of its components ask for, in one list: all of it has to hold."""
    for each in (*claim.requires, *(r for part in claim.components for r in part.requires)):
        yield Needed(name=each.name, since=each.since, until=each.until, optional=each.optional)


def _listing(verified: Verified, now: datetime) -> Origin:
    """The vendor's signed list of targets, as the origin of what stands in it."""
    return Origin("attested", digest(verified.metadata["targets"]), verified.vendor, now)


def _back_in_development(verified: Verified) -> bool:
    """Whether the way back, which comes in together with the release, is signed so."""
    way = verified.fallback
    return isinstance(way, Firmware) and way.claim.development


def _signature(verified: Verified, now: datetime) -> Leaves:
    firmware = verified.firmware
    measured = Origin("measured", f"sha256:{firmware.sha256}", "", now)
    genuine = mcuboot.signed_by(firmware.image, verified.firmware_key)
    algorithm = _algorithm(verified.firmware_key) if firmware.image.signature else "none"
    values: dict[str, Any] = {
        "signature.verified": genuine,
        "signature.algorithm": algorithm,
        "signature.security_bits": _BITS.get(algorithm, 0),
        "signature.hash": "sha256" if firmware.image.claimed else "none",
        # Without a signature the digest only tells accidents, which is all a CRC does.
        "signature.crc_only": not firmware.image.signature,
        # An MCUboot image has one signature, and no boot stage here knows a post-quantum one.
        "signature.pqc_algorithm": "none",
        "signature.covers": tuple(_covers(firmware)),
        "signature.signer_id": sha256(verified.firmware_key).hexdigest(),
        # The only key that is tried is the pinned one, so a signature that verifies is by it; a
        # vendor takes a key back by onboarding anew, which pins another.
        "signature.enrolled": genuine,
        "signature.revoked": False,
        # A raw key has no certificate: it is vouched for as long as the vendor's metadata is.
        "signature.cert_not_after": moment(verified.expires),
    }
    return {path: measured(value) for path, value in values.items()}


def _algorithm(public_pem: bytes) -> str:
    key = load_pem_public_key(public_pem)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}.get(key.curve.name, "unknown")
    return "ed25519" if isinstance(key, Ed25519PublicKey) else "unknown"


def _covers(firmware: Firmware) -> Iterator[str]:
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
    yield from (name for name, agrees in agreed.items() if agrees)


def _fallback(verified: Verified, now: datetime) -> Leaves:
    way = verified.fallback
    if isinstance(way, Missing):
        return {"fallback.verified": _came(verified, now)(False)}
    measured = Origin("measured", f"sha256:{way.sha256}", "", now)
    listing = _listing(verified, now)
    covered = {"digest", "version", "security_version", "target"} <= set(_covers(way))
    key = verified.firmware_key
    genuine = mcuboot.signed_by(way.image, key) and all(p.verified(key) for p in way.components)
    return {
        "fallback.verified": measured(covered and genuine),
        "fallback.version": measured(way.image.version),
        "fallback.security_version": measured(way.image.counter),
        "fallback.supported_hw": listing(way.claim.hardware_ids),
        "fallback.upgrade_from": listing(way.claim.predecessors),
    }
