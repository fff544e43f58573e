"""The bundle: one release as one file, for a hospital that has no line to the vendor."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from firmward.advisories.match import Match
from firmward.terms.errors import Misuse
from firmward.vendor.scan.correlate import Issue

_NAME_LIMIT: Final = 100


@dataclass(frozen=True)
class Bundle:
    """A released release.

    fallback   the release id of the pre-signed way back
    sha256     the image file's digest
    paths      target paths of its files
    issues, matches   what stood when it was released
    repeated   it was published before by the very same request
    """

    release: str
    fallback: str
    sha256: str
    commit: str
    data: bytes = field(repr=False)
    paths: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    matches: tuple[Match, ...] = ()
    repeated: bool = False


def pack(metadata: Mapping[str, bytes], targets: Mapping[str, bytes]) -> bytes:
    """The tar of a publication; equal files make equal bytes, whenever and wherever."""
    files = {f"metadata/{name}": data for name, data in metadata.items()}
    files |= {f"targets/{path}": data for path, data in targets.items()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            if len(name) > _NAME_LIMIT:
                raise Misuse(f"bundle: expected names up to {_NAME_LIMIT} characters, got {name}")
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()
