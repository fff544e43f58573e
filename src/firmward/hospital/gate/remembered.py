"""What a bundle said that its release is judged again by: the bundle itself is opened once."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tuf.api.metadata import Metadata

from firmward.hospital.gate.evidence import Surveyed
from firmward.hospital.gate.intake import Firmware
from firmward.hospital.gate.predicates import Assessed
from firmward.terms.image import image_path
from firmward.terms.wire import MIB, Wire, decode, encode


class Remembered(Wire, frozen=True, kw_only=True):
    """The vendor's word on vulnerabilities, and what its metadata said of the release.

    sbom        where the list of components comes from; None where there was none
    assessment  where `said` comes from
    fallback    the way back, whose SBOM speaks for a release of that version
    listing     digest of all that the vendor's list of targets says of the release
    """

    sbom: str = ""
    assessment: str = ""
    signer: str = ""
    said: tuple[Assessed, ...] = ()
    fallback: str = ""
    listing: str = ""


def remembered(surveyed: Surveyed) -> Remembered:
    """What is to be kept of a bundle."""
    verified, readings = surveyed.verified, surveyed.readings
    bom, assessment = readings.bom, readings.assessment
    way = verified.fallback
    fallback = way.claim.release if isinstance(way, Firmware) else ""
    return Remembered(
        sbom=bom.shows().source_digest if bom else "",
        assessment=assessment.says().source_digest if assessment else "",
        signer=assessment.says().signer if assessment else "",
        said=assessment.content.result if assessment else (),
        fallback=fallback,
        listing=listing(told(verified.metadata["targets"]), verified.release, fallback),
    )


def told(targets: bytes) -> dict[str, Any]:
    """Path -> what a vendor's list of targets, once verified, says of it."""
    kept: Metadata[Any] = Metadata.from_bytes(targets)
    return {path: entry.to_dict() for path, entry in kept.signed.targets.items()}


def listing(said: Mapping[str, Any], release: str, fallback: str) -> str:
    """Digest of what a vendor's list says of a release and its way back."""
    ours = tuple(image_path(name).removesuffix("image.bin") for name in (release, fallback) if name)
    found = {path: entry for path, entry in sorted(said.items()) if path.startswith(ours)}
    return sha256(encode(found)).hexdigest()


def reopened(data: bytes) -> Remembered | None:
    """What was kept; None where nothing was.  Raises Malformed."""
    return decode(data, Remembered, "remembered bundle", limit=16 * MIB) if data else None
