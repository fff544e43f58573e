"""A vendor's bundle as a value: the files in it, known to be nothing but files.

Only the archive our format describes is read: POSIX ustar, regular files, plain names.  A general
tar reader also knows links, devices, sparse files and three ways to write a long name; each is a
way to write outside a folder or to make two readers see two archives, so none is known here.

Nothing in a bundle is trusted yet; `intake` does that.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from firmward.terms.errors import Malformed
from firmward.terms.names import target_path
from firmward.terms.wire import MIB

_BLOCK: Final = 512
_MAGIC: Final = b"ustar\x0000"
_OCTAL: Final = re.compile(rb"([0-7]{1,11})[ \0]{0,11}\Z")
_METADATA: Final = re.compile(r"(?:[1-9]\d{0,8}\.(?:root|snapshot|targets)|timestamp)\.json\Z")


@dataclass(frozen=True)
class Limits:
    """How much a bundle may hold; whatever announces more is refused before it is read.

    A Cortex-M image is at most a few MiB, and metadata and evidence of one release less than that.
    """

    total: int = 64 * MIB
    member: int = 32 * MIB
    members: int = 256


@dataclass(frozen=True)
class Bundle:
    """The files of a bundle, unverified.

    metadata  TUF file name -> bytes
    targets   TUF target path -> bytes
    sha256    digest of the bundle as it came
    """

    metadata: Mapping[str, bytes] = field(repr=False)
    targets: Mapping[str, bytes] = field(repr=False)
    sha256: str


def open_bundle(data: bytes, limits: Limits | None = None) -> Bundle:
    """The bundle in `data`.  Raises Malformed for anything else; allocates no announced size."""
    limits = limits or Limits()
    if len(data) > limits.total:
        raise Malformed("bundle", f"at most {limits.total} bytes", f"{len(data)} bytes")
    metadata: dict[str, bytes] = {}
    targets: dict[str, bytes] = {}
    for name, content in _members(data, limits).items():
        folder, _, rest = name.partition("/")
        if folder == "metadata" and _METADATA.match(rest):
            metadata[rest] = content
        elif folder == "targets" and rest:
            targets[rest] = content
        else:
            raise Malformed("bundle", "metadata/<file> and targets/<path>", repr(name[:80]))
    return Bundle(metadata, targets, hashlib.sha256(data).hexdigest())


def _members(data: bytes, limits: Limits) -> dict[str, bytes]:
    """Every member by name, up to the two blocks of zeros that end an archive."""
    members: dict[str, bytes] = {}
    at = 0
    while (header := data[at : at + _BLOCK]) != bytes(_BLOCK):
        name, size = _header(header, limits)
        at += _BLOCK
        padded = -(-size // _BLOCK) * _BLOCK
        if at + padded > len(data):
            raise Malformed("bundle", f"{size} bytes of {name}", f"{len(data) - at} bytes")
        if any(data[at + size : at + padded]):
            raise Malformed("bundle", f"zeros after {name}", "bytes that no file holds")
        if name in members:
            raise Malformed("bundle", "each member once", f"{name} twice")
        if len(members) == limits.members:
            raise Malformed("bundle", f"at most {limits.members} members", "more")
        members[name] = data[at : at + size]
        at += padded
    # A second archive behind the end is read by some tools and not by others.
    if len(data) - at < 2 * _BLOCK or any(data[at:]):
        raise Malformed("bundle", "an archive that ends in blocks of zeros", "something else")
    return members


def _header(header: bytes, limits: Limits) -> tuple[str, int]:
    """Name and size that one header announces (POSIX.1-1988 ustar)."""
    if len(header) != _BLOCK or header[257:265] != _MAGIC:
        raise Malformed("bundle", "a ustar header", f"{header[257:265]!r} in {len(header)} bytes")
    blanked = header[:148] + b" " * 8 + header[156:]
    if _number(header[148:156]) != sum(blanked):
        raise Malformed("bundle", "a header with its checksum", "another checksum")
    if header[156:157] != b"0":
        raise Malformed("bundle", "regular files only", f"type {header[156:157]!r}")
    if any(header[157:257]):
        raise Malformed("bundle", "no links", "a link name")
    prefix, name = _text(header[345:500]), _text(header[0:100])
    name = target_path(f"{prefix}/{name}" if prefix else name, "bundle member")
    size = _number(header[124:136])
    if size > limits.member:
        raise Malformed("bundle", f"{name} of at most {limits.member} bytes", f"{size} announced")
    return name, size


def _number(text: bytes) -> int:
    match = _OCTAL.match(text)
    if match is None:
        raise Malformed("bundle", "an octal number", repr(text))
    return int(match[1], 8)


def _text(padded: bytes) -> str:
    text, _, rest = padded.partition(b"\0")
    if any(rest):
        raise Malformed("bundle", "a name and zeros", "bytes behind the name")
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("bundle", "a name in ASCII", repr(text[:80])) from error
