"""The components of a release: known to be those that its claim names, all of them and no others.

A component is described twice: by the TUF listing, which says what file lies at its path, and by
the claim of the release's image, which says what the release is made of.  Both are signed by the
vendor; an attacker with one file that the vendor once signed gains nothing, because only the claim
of this very release can make it a part.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tuf.api.metadata import TargetFile

from firmward.proof import mcuboot, repository
from firmward.terms.component import (
    Belongs,
    ComponentClaim,
    component_path,
    components_folder,
)
from firmward.terms.errors import Malformed, NotTrusted
from firmward.terms.image import ImageClaim
from firmward.terms.wire import convert


@dataclass(frozen=True)
class Component:
    """A component whose length and digest both the repository and the release's claim give.

    manifest_sha256  the digest that they give; `sha256` is computed from `data`
    image            what an mcuboot component's bytes say; None for a raw one
    """

    claim: ComponentClaim
    data: bytes = field(repr=False)
    sha256: str
    manifest_sha256: str
    image: mcuboot.Image | None

    def verified(self, firmware_key: bytes) -> bool:
        """Whether it is genuine, by its own signature where its format has one.

        Of a raw component the digest is all there is to check: it came here described by metadata
        that a threshold of the vendor's targets keys signed, or it would not be a `Component`.
        """
        return self.image is None or mcuboot.signed_by(self.image, firmware_key)


def refuse_unclaimed(targets: Iterable[str], claims: Iterable[ImageClaim], vendor: str) -> None:
    """Refuse files among components that no release in the bundle names.  Raises NotTrusted."""
    named = {
        component_path(claim.release, each.name) for claim in claims for each in claim.components
    }
    for path in targets:
        if "components" in path.split("/")[:-1] and path not in named:
            raise NotTrusted(vendor, f"no release in the bundle has the component {path}")


def verified(
    targets: Mapping[str, bytes], listing: Mapping[str, TargetFile], claim: ImageClaim
) -> tuple[Component, ...]:
    """The components of a release, in its claim's order.

    targets  path -> bytes that the listing describes
    raises   Malformed for names that do not tell components apart, and for an mcuboot component
             that is no image of its version; NotTrusted for one that is missing, is another
             release's, or is not the one claimed
    """
    names = [each.name for each in claim.components]
    if len(set(names)) != len(names) or claim.product in names:
        raise Malformed(claim.release, "components with names of their own", ", ".join(names))
    _refuse_more_listed(listing, claim)
    return tuple(_component(targets, listing, claim, each) for each in claim.components)


def _refuse_more_listed(listing: Mapping[str, TargetFile], claim: ImageClaim) -> None:
    """What is published among a release's components is part of it, in the bundle or not."""
    folder = components_folder(claim.release)
    named = {component_path(claim.release, each.name) for each in claim.components}
    for path in listing:
        if path.startswith(folder) and path not in named:
            raise NotTrusted(claim.release, f"{path} is published and its claim does not name it")


def _component(
    targets: Mapping[str, bytes],
    listing: Mapping[str, TargetFile],
    release: ImageClaim,
    claim: ComponentClaim,
) -> Component:
    path = component_path(release.release, claim.name)
    data = targets.get(path)
    if data is None:
        raise NotTrusted(release.release, f"its component {claim.name} is not in the bundle")
    entry = listing[path]
    belongs = convert(repository.custom(entry), Belongs, path)
    if belongs.component_of != release.release:
        raise NotTrusted(path, f"it is a component of {belongs.component_of}")
    given = entry.hashes.get("sha256", "")
    if (entry.length, given) != (claim.length, claim.sha256):
        raise NotTrusted(path, f"the claim of {release.release} is about another file")
    return Component(
        claim=claim,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        manifest_sha256=given,
        image=_image(path, data, claim, release) if claim.format == "mcuboot" else None,
    )


def _image(path: str, data: bytes, claim: ComponentClaim, release: ImageClaim) -> mcuboot.Image:
    """What an mcuboot component says of itself, which has to be what is claimed of it."""
    image = mcuboot.parse(data)
    counter = release.release_counter
    expected, got = (claim.version, counter, counter), (image.version, image.build, image.counter)
    if got != expected:
        # A component of an earlier release, signed then, would take its radio back to it.
        raise Malformed(path, f"version, build and counter {expected}", f"{got}")
    if release.integrity == "symmetric-mac" and not image.mac:
        raise Malformed(path, "a MAC in the image, as the claim promises", "none")
    return image
