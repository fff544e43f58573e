"""What a vendor says of the parts of a release of several, and of what has to be beside them.

Each component is a TUF target of its own next to the image, so that whoever installs it verifies it
without the others.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

from firmward.terms.names import Label, ReleaseId, Sha256, Version
from firmward.terms.wire import MIB, Wire

THE_IMAGE: Final = "application"
"""The name by which components speak of the release's own image, and which none of them has."""

Kind = Literal["application", "radio", "configuration", "drug-library", "bootloader", "other"]
Format = Literal["mcuboot", "raw"]
"""mcuboot: an image with the firmware key's own signature.  raw: bytes that bring none, such as a
drug library; their digest in metadata that a threshold of the vendor's targets keys signed is what
vouches for them."""

# image.bin is what the release's own image is called, in whatever folder.
Name = Annotated[str, Meta(pattern=rf"^(?!(?:image|{THE_IMAGE})\Z)[a-z0-9][a-z0-9-]{{0,31}}\Z")]


class Requirement(Wire, frozen=True, kw_only=True):
    """That something of a name is there, from version `since` to before `until`; "" for no end.

    name      a component of the same release, THE_IMAGE, or another product at the site
    optional  it need not be there; if it is, it has to fit
    """

    name: Label
    since: Version | Literal[""] = ""
    until: Version | Literal[""] = ""
    optional: bool = False


class ComponentClaim(Wire, frozen=True, kw_only=True):
    """A vendor's signed statement about one component.  Its path follows from its name.

    version  of an mcuboot component also in its header, whose build number and security counter
             are the release's counter
    length   in bytes; sha256 of the file
    """

    name: Name
    kind: Kind
    version: Version
    format: Format
    length: Annotated[int, Meta(ge=1, le=32 * MIB)]
    sha256: Sha256
    requires: Annotated[tuple[Requirement, ...], Meta(max_length=7)] = ()


Components = Annotated[tuple[ComponentClaim, ...], Meta(max_length=31)]
Requirements = Annotated[tuple[Requirement, ...], Meta(max_length=32)]


class Belongs(Wire, frozen=True, kw_only=True):
    """The `custom` member of a component's TUF target: the release that it is a part of."""

    component_of: ReleaseId


def components_folder(release: str) -> str:
    """What the target paths of all of a release's components begin with."""
    product, _, rest = release.partition("@")
    return f"{product}/{rest}/components/"


def component_path(release: str, name: str) -> str:
    """The TUF target path of one component of a release."""
    return f"{components_folder(release)}{name}.bin"
