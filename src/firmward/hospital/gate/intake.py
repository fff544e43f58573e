"""What a bundle is worth: everything in it that leads to the keys pinned at onboarding.

Two kinds of shortcoming are told apart.  A repository that does not verify is refused at once and
nothing changes.  Evidence that is missing or does not verify is carried along as `Missing` with
its reason, because the gate shows every reason and not just the first.
"""

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from securesystemslib.signer import Key
from tuf.api.metadata import TargetFile

from firmward.hospital.gate import components
from firmward.hospital.gate.bundle import Bundle
from firmward.hospital.gate.components import Component
from firmward.proof import envelope, keys, mcuboot, repository, roles
from firmward.terms.errors import Malformed, NotTrusted, Refused, Unavailable
from firmward.terms.image import ImageClaim, evidence_path, image_path
from firmward.terms.names import ReleaseId
from firmward.terms.onboarding import Onboarding, Product
from firmward.terms.statement import (
    CYCLONEDX,
    DECLARATION,
    PROVENANCE,
    SARIF,
    TEST_RESULT,
    THREAT_MODEL,
    VULNERABILITIES,
    Statement,
)
from firmward.terms.wire import Wire, convert

EVIDENCE: Final[Mapping[str, str]] = {
    "provenance": PROVENANCE,
    "sbom": CYCLONEDX,
    "scan": SARIF,
    "vulnerabilities": VULNERABILITIES,
    "threats": THREAT_MODEL,
    "blackbox": TEST_RESULT,
    "declaration": DECLARATION,
}
"""The evidence of a release: its name, and the predicate type it must have."""


class _Filed(Wire, frozen=True, kw_only=True):
    """The `custom` member of an evidence target."""

    evidence_for: ReleaseId


@dataclass(frozen=True)
class VendorAnchors:
    """What was pinned of a vendor, ready to verify with."""

    vendor: str
    root: bytes = field(repr=False)
    evidence_keys: tuple[Key, ...]
    firmware_key: bytes = field(repr=False)
    products: tuple[Product, ...]

    def product(self, name: str) -> Product:
        """The onboarded product of that name.  Raises NotTrusted."""
        for product in self.products:
            if product.product == name:
                return product
        raise NotTrusted(self.vendor, f"{name} is not one of its onboarded products")


@dataclass(frozen=True)
class Attested:
    """A statement that all of the vendor's evidence keys signed about this very image.

    sha256  digest of the envelope, so that a judgement can name what it read
    signer  the ids of those keys, joined by +
    """

    statement: Statement
    sha256: str
    signer: str


@dataclass(frozen=True)
class Missing:
    """Evidence that is not there or does not count, and why."""

    reason: str


@dataclass(frozen=True)
class Firmware:
    """An image whose length and digest the vendor's repository vouches for.

    manifest_sha256  the digest the repository gives; `sha256` is computed from `data`
    components       exactly those that its claim names
    """

    claim: ImageClaim
    data: bytes = field(repr=False)
    image: mcuboot.Image
    sha256: str
    manifest_sha256: str
    components: tuple[Component, ...] = ()


@dataclass(frozen=True)
class Verified:
    """A bundle that is the vendor's own.  Whether it may come in is for the gate to say.

    fallback_sbom  what the way back is made of: it is what devices run today, signed again
    metadata   role -> bytes to keep for the next intake of this vendor
    published  file name -> bytes, as a device will ask for them
    expires    when the vendor's metadata runs out, and with it what devices will accept
    """

    vendor: str
    bundle_sha256: str
    product: Product
    firmware: Firmware
    fallback: Firmware | Missing
    evidence: Mapping[str, Attested | Missing]
    fallback_sbom: Attested | Missing
    firmware_key: bytes = field(repr=False)
    metadata: Mapping[str, bytes] = field(repr=False)
    published: Mapping[str, bytes] = field(repr=False)
    expires: datetime

    @property
    def release(self) -> str:
        """The release id of what wants to come in."""
        return self.firmware.claim.release


def anchors(onboarding: Onboarding) -> VendorAnchors:
    """The anchors in an onboarding file.  Raises Malformed, NotTrusted."""
    who = f"{onboarding.vendor} onboarding"
    try:
        root = b64decode(onboarding.root, validate=True)
    except ValueError as error:
        raise Malformed(who, "a root file in base64", str(error)[:120]) from error
    roles.root_keys(root, who)
    return VendorAnchors(
        vendor=onboarding.vendor,
        root=root,
        evidence_keys=_evidence_keys(onboarding, who),
        firmware_key=onboarding.firmware_key.encode(),
        products=onboarding.products,
    )


def _evidence_keys(onboarding: Onboarding, who: str) -> tuple[Key, ...]:
    """Keys of which every one has to sign.  One listed twice would be a pair in name only."""
    found = tuple(
        keys.public_key(document, f"{who} evidence key") for document in onboarding.evidence_keys
    )
    if len({keys.material(key) for key in found}) != len(found):
        raise Malformed(who, "evidence keys that differ", "one key twice")
    return found


def verify(
    bundle: Bundle,
    anchors: VendorAnchors,
    kept: Mapping[str, bytes],
    now: datetime,
    known: Set[str] = frozenset(),
) -> Verified:
    """The one new release in the bundle, known to be the vendor's.

    1. the vendor's metadata leads from what was kept (or pinned) to now
    2. every file is one that the metadata describes, with its length and digest
    3. exactly one image is a release that is neither a fallback nor in `known`
    4. its claim parses, is about an onboarded product, and sits at its own path
    5. its components are those that the claim names, no more and no fewer
    6. its fallback and its evidence are sought; what fails there is carried as Missing

    kept    role -> bytes from the last `Verified.metadata`, or empty on the first intake
    raises  Malformed, NotTrusted; the caller then keeps nothing
    """
    trusted, published = _refreshed(bundle, anchors, kept, now)
    digests = _described(bundle, trusted, anchors.vendor)
    claims = _claims(bundle, trusted)
    components.refuse_unclaimed(bundle.targets, claims.values(), anchors.vendor)
    new = [
        claim for claim in claims.values() if not claim.fallback_of and claim.release not in known
    ]
    if len(new) != 1:
        found = ", ".join(sorted(claim.release for claim in new)) or "none"
        raise Malformed("bundle", "exactly one new release", found)
    claim = new[0]
    product = anchors.product(claim.product)
    listing = trusted.targets
    firmware = _firmware(bundle, listing, digests, claim)
    fallback = _fallback(bundle, listing, digests, claims, claim)
    return Verified(
        vendor=anchors.vendor,
        bundle_sha256=bundle.sha256,
        product=product,
        firmware=firmware,
        fallback=fallback,
        evidence={
            name: _evidence(bundle, trusted, anchors, firmware, name, kind)
            for name, kind in EVIDENCE.items()
        },
        fallback_sbom=Missing("there is no fallback")
        if isinstance(fallback, Missing)
        else _evidence(bundle, trusted, anchors, fallback, "sbom", CYCLONEDX),
        firmware_key=anchors.firmware_key,
        metadata=trusted.files,
        published=published,
        expires=trusted.expires,
    )


@dataclass(frozen=True)
class Renewal:
    """A vendor's metadata with a later expiry and nothing new in it."""

    metadata: Mapping[str, bytes] = field(repr=False)
    published: Mapping[str, bytes] = field(repr=False)
    expires: datetime


def renew(
    bundle: Bundle, anchors: VendorAnchors, kept: Mapping[str, bytes], now: datetime
) -> Renewal:
    """A bundle without files, which keeps what was published before alive.

    raises  Malformed for one with files: those go through the gate; NotTrusted
    """
    if bundle.targets:
        raise Malformed("renewal", "metadata only", f"{len(bundle.targets)} files")
    trusted, published = _refreshed(bundle, anchors, kept, now)
    return Renewal(trusted.files, published, trusted.expires)


def _refreshed(
    bundle: Bundle, anchors: VendorAnchors, kept: Mapping[str, bytes], now: datetime
) -> tuple[roles.Trusted, dict[str, bytes]]:
    """The vendor's repository as of now, and its files under the names a device asks for."""
    roots: dict[str, bytes] = {}

    def fetch(name: str, limit: int) -> bytes | None:
        data = bundle.metadata.get(name)
        if data is not None and len(data) > limit:
            raise Malformed(f"{anchors.vendor} {name}", f"at most {limit} bytes", str(len(data)))
        if data is not None and name.endswith("root.json"):
            roots[name] = data
        return data

    try:
        trusted = roles.refresh(kept or {"root": anchors.root}, fetch, now, anchors.vendor)
    except Unavailable as error:
        # A bundle is all there will ever be of it: asking again cannot help.
        raise Malformed("bundle", "the vendor's complete metadata", str(error)) from error
    versions = trusted.versions
    published = {
        **roots,
        f"{versions['root']}.root.json": trusted.files["root"],
        f"{versions['snapshot']}.snapshot.json": trusted.files["snapshot"],
        f"{versions['targets']}.targets.json": trusted.files["targets"],
        "timestamp.json": trusted.files["timestamp"],
    }
    return trusted, published


def _described(bundle: Bundle, trusted: roles.Trusted, vendor: str) -> dict[str, str]:
    """Path -> the digest the repository gives, for files that have it."""
    digests: dict[str, str] = {}
    for path, data in bundle.targets.items():
        entry = trusted.targets.get(path)
        if entry is None:
            raise NotTrusted(vendor, f"its metadata does not describe {path}")
        expected = entry.hashes.get("sha256", "")
        if len(data) != entry.length or hashlib.sha256(data).hexdigest() != expected:
            raise NotTrusted(vendor, f"{path} is not the file its metadata describes")
        digests[path] = expected
    return digests


def _claims(bundle: Bundle, trusted: roles.Trusted) -> dict[str, ImageClaim]:
    """Path -> claim, for every image in the bundle."""
    found: dict[str, ImageClaim] = {}
    for path in (path for path in bundle.targets if path.endswith("/image.bin")):
        who = f"claim of {path}"
        claim = convert(repository.custom(trusted.targets[path]), ImageClaim, who)
        if image_path(claim.release) != path:
            # Otherwise one release could stand where another is looked for.
            raise Malformed(who, image_path(claim.release), path)
        found[path] = claim
    return found


def _firmware(
    bundle: Bundle,
    listing: Mapping[str, TargetFile],
    digests: Mapping[str, str],
    claim: ImageClaim,
) -> Firmware:
    path = image_path(claim.release)
    data = bundle.targets[path]
    image = _image(path, data)
    if claim.integrity == "symmetric-mac" and not image.mac:
        raise Malformed(path, "a MAC in the image, as its claim promises", "none")
    return Firmware(
        claim=claim,
        data=data,
        image=image,
        sha256=hashlib.sha256(data).hexdigest(),
        manifest_sha256=digests[path],
        components=components.verified(bundle.targets, listing, claim),
    )


def _image(path: str, data: bytes) -> mcuboot.Image:
    """An image of another format may be signed or not: nothing here could tell."""
    try:
        return mcuboot.parse(data)
    except Malformed as error:
        expected = "an MCUboot image, the only format whose signature is checked here"
        raise Malformed(path, expected, f"another ({error})") from error


def _fallback(
    bundle: Bundle,
    listing: Mapping[str, TargetFile],
    digests: Mapping[str, str],
    claims: Mapping[str, ImageClaim],
    claim: ImageClaim,
) -> Firmware | Missing:
    ways = [other for other in claims.values() if other.fallback_of == claim.release]
    if len(ways) != 1:
        return Missing(f"expected one fallback of {claim.release} in the bundle, got {len(ways)}")
    way = ways[0]
    if way.product != claim.product:
        return Missing(f"the fallback is for {way.product}, not {claim.product}")
    try:
        return _firmware(bundle, listing, digests, way)
    except (Malformed, NotTrusted) as error:
        return Missing(f"the fallback is no image, or not whole: {error}")


def _evidence(
    bundle: Bundle,
    trusted: roles.Trusted,
    anchors: VendorAnchors,
    firmware: Firmware,
    name: str,
    kind: str,
) -> Attested | Missing:
    release = firmware.claim.release
    path = evidence_path(release, name)
    data = bundle.targets.get(path)
    if data is None:
        return Missing(f"{path} is not in the bundle")
    who = f"{anchors.vendor} {name}"
    try:
        filed = convert(repository.custom(trusted.targets[path]), _Filed, who)
        if filed.evidence_for != release:
            return Missing(f"{path} is filed as evidence for {filed.evidence_for}")
        statement = envelope.unseal_statement(
            data, anchors.evidence_keys, who, sha256=firmware.sha256, predicate_type=kind
        )
    except Refused as error:
        return Missing(str(error))
    signer = "+".join(key.keyid for key in anchors.evidence_keys)
    return Attested(statement, hashlib.sha256(data).hexdigest(), signer)
