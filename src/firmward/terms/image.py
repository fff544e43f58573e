"""What a vendor says about one image: the `custom` member of its TUF target."""

from typing import Annotated, Literal

from msgspec import Meta

from firmward.terms.component import Components, Requirements
from firmward.terms.names import Counter, HardwareId, Label, ReleaseId, Version, release_id
from firmward.terms.wire import Wire

IntegrityMethod = Literal["public-key-signature", "symmetric-mac", "hardware-rooted-boot"]
"""MISSION table 1: how a device is to know that an image is whole and genuine."""


class ImageClaim(Wire, frozen=True, kw_only=True):
    """A vendor's signed statement about an image, beside TUF's own length and hashes.

    predecessors   the releases a device may be running when it takes this one (lineage)
    fallback_of    set on a pre-signed fallback: the release it is the way back from
    development    signed with software keys, which whoever copied a folder may have as well
    components     the release's other parts; () for a release of one image
    requires       what has to be beside the release, in which versions
    """

    product: Label
    version: Version
    release_counter: Counter
    hardware_ids: Annotated[tuple[HardwareId, ...], Meta(min_length=1, max_length=32)]
    predecessors: Annotated[tuple[ReleaseId, ...], Meta(max_length=256)]
    fallback_of: ReleaseId | Literal[""] = ""
    safety_class: Literal["A", "B", "C"]
    risk: Literal["low", "medium", "high"]
    integrity: IntegrityMethod
    kind: Literal["security_patch", "feature", "recall_fix", "uncontrolled_risk_fix"]
    development: bool = False
    components: Components = ()
    requires: Requirements = ()

    @property
    def release(self) -> str:
        """The release id this image is."""
        return release_id(self.product, self.version, self.release_counter)


def image_path(release: str) -> str:
    """The TUF target path of a release's image, the same in both repositories."""
    product, _, rest = release.partition("@")
    return f"{product}/{rest}/image.bin"


def evidence_path(release: str, name: str) -> str:
    """The TUF target path of one DSSE envelope of a release's evidence."""
    product, _, rest = release.partition("@")
    return f"{product}/{rest}/evidence/{name}.dsse.json"
