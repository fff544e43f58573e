"""The hospital's own look into an image: what lies open in it, and what it is made of.

A vendor says what is in its firmware; whoever can sign for the vendor can leave something out.  The
bytes are the same that devices will run, and are looked at here by nobody's leave.  What cannot be
read, because it is encrypted, compressed or empty, was not looked at, and is said so.

No text of a secret is in the result, which is evidence and is handed to others.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Final

import numpy as np

from firmward.binaries import keys, open_secrets, random_text, signatures, strings, words
from firmward.binaries.blocks import BLOCK, DARK, EMPTY, entropies
from firmward.binaries.hits import Hit, Level
from firmward.binaries.left_in import left_in
from firmward.binaries.strings import Strings
from firmward.hospital.gate import undeclared
from firmward.hospital.gate.listed import Finding
from firmward.proof import mcuboot
from firmward.terms.errors import Malformed
from firmward.terms.wire import printable

TOOL: Final = "firmward-own-scan"
VERSION: Final = "1.0.0"

_LEVELS: Final[dict[str, Level]] = {
    "private-key": "error",
    "sealed-private-key": "warning",
    "array-key": "error",
    "hardcoded-secret": "error",
    "default-credential": "error",
    "cloud-token": "error",
    "url-credential": "error",
    "password-hash": "error",
    "high-entropy": "warning",
    "debugger-left": "warning",
    "console-left": "warning",
    "build-path": "note",
    "unread-part": "warning",
    "not-all-told": "error",
}
# What tells anything is told long before; an image made to drown the reader has its own rule.
_MOST: Final = 256
# Nine times the names in 32 MiB of a server's programs; more would hold up the gate for minutes.
_MOST_NAMES: Final = 100_000
_MOST_RUNS: Final = 8
# A body of which more than this cannot be read was not read.
_MOST_DARK: Final = 0.5
# Fewer bytes than these cannot be told from chance.
_LEAST_JUDGED: Final = 256

_ENCRYPTED: Final = 0x04 | 0x08
_COMPRESSED: Final = 0x200 | 0x400
"""Flags of an MCUboot header: AES-128 and AES-256, LZMA1 and LZMA2."""

_FORMATS: Final = (
    (0, b"\x7fELF", "elf"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"BZh", "bzip2"),
    (0, b"\x5d\0\0", "lzma"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"hsqs", "squashfs"),
    (0, b"070701", "cpio"),
    (0, b"\x27\x05\x19\x56", "uimage"),
    (0, b"\xd0\x0d\xfe\xed", "device-tree"),
    (257, b"ustar", "tar"),
)


@dataclass(frozen=True)
class Find:
    """Something that lies open.

    at    its offset in the image
    says  what it is; never the secret itself
    """

    rule: str
    severity: Level
    at: int
    says: str


@dataclass(frozen=True)
class Shown:
    """A part that shows in the image.

    version    "" where only its presence shows
    at         where in the image
    signature  the pattern, or the text, by which it was known
    """

    name: str
    version: str
    at: int
    signature: str


@dataclass(frozen=True)
class OwnScan:
    """What the hospital's own scanner saw.

    readable    the body could be read; without that, the rest says nothing
    reason      why not, "" for readable
    format      what the body's first bytes are, "raw" for none that is known
    entropy     of the body, mean of its blocks, in bits per byte
    dark        share of its blocks that are encrypted or compressed
    signatures  SHA-256 of the table of signatures
    undeclared  parts that the SBOM does not have in the version that shows, in words
    """

    tool: str
    version: str
    signatures: str
    readable: bool
    reason: str
    format: str
    entropy: float
    dark: float
    findings: tuple[Find, ...]
    components: tuple[Shown, ...]
    undeclared: tuple[str, ...]

    def as_findings(self, of: str = "image") -> tuple[Finding, ...]:
        """The finds as the evidence document lists them; `of` is what was looked into."""
        return tuple(
            Finding(
                tool=self.tool,
                rule=each.rule,
                level=each.severity,
                where=f"{of} at {each.at:#x}: {each.says}",
                suppressed=False,
            )
            for each in self.findings
        )


@dataclass(frozen=True)
class _Body:
    """What an image's header makes of the rest, and how much of it can be read."""

    at: int
    data: bytes
    format: str
    bits: tuple[float, ...]
    reason: str

    @property
    def dark(self) -> float:
        """Share of the blocks that are encrypted or compressed."""
        return sum(each > DARK for each in self.bits) / max(1, len(self.bits))


def scan(image: bytes, declared: Sequence[undeclared.Declared], *, raw: bool = False) -> OwnScan:
    """What an MCUboot image shows, and what of it the SBOM leaves out.

    declared  name, version and package URLs or CPE names of each component of the SBOM
    raw       the bytes have no header of ours: all of them are the body

    Nothing but the bytes decides, and any bytes end: what is no image is not readable.
    """
    body = _raw(image) if raw else _body(image)
    text = strings.read(image)
    shown = [
        Shown(
            name=seen.signature.name,
            version=printable(seen.version),
            at=seen.at,
            signature=seen.pattern,
        )
        for seen in signatures.matches(text)
    ]
    found = [
        *_told(keys.in_der(image)),
        *_told(open_secrets.in_strings(text, _MOST_NAMES)),
        *_told(random_text.in_strings(text)),
        *_names_left(text),
        *_told(left_in(text)),
        *_unread(body),
    ]
    return OwnScan(
        tool=TOOL,
        version=VERSION,
        signatures=signatures.digest(),
        readable=not body.reason,
        reason=body.reason,
        format=body.format,
        entropy=round(sum(body.bits) / max(1, len(body.bits)), 2),
        dark=round(body.dark, 4),
        findings=tuple(sorted(set(found), key=lambda each: (each.at, each.rule, each.says))),
        components=tuple(shown),
        undeclared=undeclared.of([(each.name, each.version) for each in shown], declared),
    )


def _body(image: bytes) -> _Body:
    try:
        mcuboot.parse(image)
    except Malformed as error:
        return _Body(0, b"", "none", (), f"no MCUboot image: {printable(str(error))[:200]}")
    header, size, flags = struct.unpack_from("<8xH2xII", image)
    return _looked_at(header, image[header : header + size], flags)


def _raw(data: bytes) -> _Body:
    body = _looked_at(0, data, 0)
    # Chance is told from text by every byte of it, however few there are.
    few = 0 < len(data) < _LEAST_JUDGED
    return replace(body, reason="") if few and _plain(data) else body


def _plain(data: bytes) -> bool:
    """Whether every byte is a character that people write."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each in "\r\n\t" for each in text)


def _looked_at(at: int, data: bytes, flags: int) -> _Body:
    bits = tuple(float(each) for each in entropies(data))
    kind = next((name for at, magic, name in _FORMATS if data[at:].startswith(magic)), "raw")
    body = _Body(at, data, kind, bits, "")
    return replace(body, reason=_unreadable(body, flags))


def _unreadable(body: _Body, flags: int) -> str:
    """Why a body cannot be read; "" where it can."""
    if not body.data:
        return "the image has no body"
    if flags & _ENCRYPTED:
        return "the image is encrypted, its header says"
    if flags & _COMPRESSED:
        return "the image is compressed, its header says"
    if body.data.count(body.data[:1]) == len(body.data):
        return f"every byte of the image is {body.data[0]:#04x}"
    if max(body.bits) < EMPTY:
        return "the image holds next to nothing"
    if len(body.data) < BLOCK:
        return _unreadable_bit(body)
    if body.dark > _MOST_DARK:
        named = "" if body.format == "raw" else f" ({body.format})"
        return f"{body.dark:.0%} of the image is encrypted or compressed{named}"
    return ""


def _unreadable_bit(body: _Body) -> str:
    """The same for less than a block, in which even chance cannot reach its 8 bits per byte."""
    length = len(body.data)
    if length < _LEAST_JUDGED:
        return f"an image of {length} bytes is too short to be judged"
    # Random bytes miss 8 bits by (256 - 1) / (2 n ln 2); what code there is misses far more.
    chance = 8 - 255 / (2 * length * float(np.log(2)))
    return "the image is encrypted or compressed" if body.bits[0] > chance - 0.25 else ""


def _told(hits: Iterable[Hit]) -> Iterator[Find]:
    """The hits as finds, up to a bound that no honest image comes near."""
    found = list(islice(hits, _MOST + 1))
    for hit in found[:_MOST]:
        yield _find(hit.rule, hit.at, hit.says, hit.worth)
    if len(found) > _MOST:
        yield _find("not-all-told", found[-1].at, f"more than {_MOST} finds of one kind")


def _names_left(text: Strings) -> Iterator[Find]:
    places = words.triggers(text.lower)
    if len(places) > _MOST_NAMES:
        at = text.origin(places[_MOST_NAMES])
        yield _find("not-all-told", at, f"more than {_MOST_NAMES} names that promise a secret")


def _unread(body: _Body) -> Iterator[Find]:
    """The dark parts of a body that can be read in the main."""
    if body.reason or not body.dark:
        return
    runs, at = [], 0
    for dark, group in groupby(each > DARK for each in body.bits):
        length = len(list(group))
        if dark:
            runs.append((body.at + at * BLOCK, length * BLOCK))
        at += length
    shown = ", ".join(f"{start:#x}+{length:#x}" for start, length in runs[:_MOST_RUNS])
    more = f" and {len(runs) - _MOST_RUNS} more" if len(runs) > _MOST_RUNS else ""
    says = f"encrypted or compressed, {body.dark:.0%} in all: {shown}{more}"
    yield _find("unread-part", runs[0][0], says)


def _find(rule: str, at: int, says: str, worth: Level | None = None) -> Find:
    return Find(rule, worth or _LEVELS[rule], at, printable(says)[:400])
