"""Parts that show in the image itself: in a raw binary, an ELF file or a file of a root system.

It is how a part is found that came in a library without source, or in somebody else's image.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from firmward.vendor.sbom import signatures
from firmward.vendor.sbom.collectors.statement import stated
from firmward.vendor.sbom.parts import Found

NAME: Final = "strings"
# Presence alone may be a message about the part; a version in its own banner rarely is.
_PRESENCE: Final = 0.4


def collect(data: bytes, path: str = "app.bin") -> Iterator[Found]:
    """Every part whose texts are in the bytes; several versions of one part are several parts."""
    for signature, version, at, text in signatures.matches(data):
        part = signature.part
        found = stated(
            *(NAME, path, "version-string", part.name, version),
            says=f"{text} at {at:#x}",
            supplier=part.supplier,
            licence=part.licence,
            purl=part.purl(version),
            cpes=part.cpe_names(version),
            kind=signature.kind,
            linked="yes",
            scope="ships",
            known_unknown=not version,
        )
        yield found if version else structs.replace(found, confidence=_PRESENCE)
