"""Parts that show in the image itself: in a raw binary, an ELF file or a file of a root system.

It is how a part is found that came in a library without source, or in somebody else's image.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from firmward.binaries import signatures
from firmward.binaries.signatures import Signature
from firmward.binaries.strings import read
from firmward.vendor.sbom import known
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.known import Known
from firmward.vendor.sbom.parts import Found

NAME: Final = "strings"
# Presence alone may be a message about the part; a version in its own banner rarely is.
_PRESENCE: Final = 0.4


def collect(data: bytes, path: str = "app.bin") -> Iterator[Found]:
    """Every part whose texts are in the bytes; several versions of one part are several parts."""
    for seen in signatures.matches(read(data)):
        part, version = _known(seen.signature), seen.version
        found = stated(
            *(NAME, path, "version-string", part.name, version),
            says=f"{seen.text} at {seen.at:#x}",
            supplier=part.supplier,
            licence=part.licence,
            purl=part.purl(version),
            cpes=part.cpe_names(version),
            kind=seen.signature.kind,
            linked="yes",
            scope="ships",
            known_unknown=not version,
        )
        yield found if version else structs.replace(found, confidence=_PRESENCE)


def _known(signature: Signature) -> Known:
    """The known part of this name, or one made of what stands in the signature."""
    own = Known(
        name=signature.name,
        supplier=signature.supplier,
        licence=signature.licence,
        cpes=signature.cpes,
    )
    return next((each for each in known.table() if each.name == signature.name), own)
