"""The names that cross a trust boundary, each with the one pattern it must match.

Patterns end in \\Z, not $: `$` also matches before a final newline, and a name that ends
in a newline is how a second line gets into somebody's log.
"""

import re
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from firmward.terms.errors import Malformed

_LABEL = r"[a-z0-9][a-z0-9-]{0,62}"
# [0-9], not \d: `\d` also takes other scripts' digits, and then one release has two names.
_U8 = r"(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
_U16 = r"(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_VERSION = rf"{_U8}\.{_U8}\.{_U16}"
_COUNTER = r"[1-9][0-9]{0,8}"
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9.+@_-]{0,95}"

Label = Annotated[str, Meta(pattern=rf"^{_LABEL}\Z")]
"""A vendor, product, ward or site: lower case, digits, hyphens; at most 63 characters."""

HardwareId = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{0,62}\Z")]
"""A hardware model and revision as burnt into the board, such as PUMP-200-B."""

Version = Annotated[str, Meta(pattern=rf"^{_VERSION}\Z")]
"""MCUboot's major.minor.revision: u8, u8, u16 (image header, offset 20)."""

Counter = Annotated[int, Meta(ge=1, le=999_999_999)]
"""A release counter: what a device's monotonic counter is compared with."""

ReleaseId = Annotated[str, Meta(pattern=rf"^{_LABEL}@{_VERSION}\+{_COUNTER}\Z")]
"""product@major.minor.revision+counter; the counter makes it unique per product."""

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 digest, 64 lower-case hexadecimal digits."""

DeviceId = Annotated[
    str, Meta(pattern=r"^urn:dev:ops:[0-9]{1,10}-[A-Za-z0-9]{1,32}-[A-Za-z0-9]{1,32}\Z")
]
"""RFC 9039 section 4.3: urn:dev:ops:<enterprise number>-<product class>-<serial>."""

TargetPath = Annotated[str, Meta(pattern=rf"^{_SEGMENT}(?:/{_SEGMENT}){{0,7}}\Z")]
"""A TUF target path; each segment starts with a letter or digit, so none is '..'."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A time with its offset; one without could not be compared with any other."""

ShortText = Annotated[str, Meta(max_length=500)]
"""Text for people, at most 500 characters."""

RELEASE: Final = re.compile(rf"({_LABEL})@({_VERSION})\+({_COUNTER})\Z")
_TARGET: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,7}}\Z")
_DEVICE: Final = re.compile(r"urn:dev:ops:[0-9]{1,10}-[A-Za-z0-9]{1,32}-([A-Za-z0-9]{1,32})\Z")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")


def release_id(product: str, version: str, counter: int) -> str:
    """The release id for its parts.  Raises Malformed when they do not make one."""
    text = f"{product}@{version}+{counter}"
    split_release(text)
    return text


def split_release(release: str) -> tuple[str, str, int]:
    """Product, version and counter of a release id.  Raises Malformed."""
    match = RELEASE.match(release)
    if match is None:
        raise Malformed("release id", "product@X.Y.Z+counter", repr(release[:80]))
    return match[1], match[2], int(match[3])


def target_path(text: str, who: str) -> str:
    """`text` once it is known to stay inside the folder it names.  Raises Malformed."""
    if _TARGET.match(text) is None:
        raise Malformed(who, "a relative path of plain segments", repr(text[:80]))
    return text


def serial(device: str) -> str:
    """The serial number at the end of a device id.  Raises Malformed."""
    match = _DEVICE.match(device)
    if match is None:
        raise Malformed("device id", "urn:dev:ops:<number>-<class>-<serial>", repr(device[:80]))
    return match[1]


def digest(text: str, who: str) -> str:
    """`text` once it is known to be a SHA-256 digest in hexadecimal.  Raises Malformed."""
    if _DIGEST.match(text) is None:
        raise Malformed(who, "64 lower-case hexadecimal digits", repr(text[:80]))
    return text
