"""The table of texts by which a part shows in an image (`signatures.toml`), and its search.

A text can be left over from a comment, a user agent or a build note, so what it says is the weakest
evidence there is: `merge` gives way to anything firmer, and the confidence says so.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

import msgspec

from firmward.vendor.sbom import known
from firmward.vendor.sbom.known import Known
from firmward.vendor.sbom.parts import Kind

_TABLE: Final = "signatures.toml"
_VERSIONS: Final = 4


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """How one part shows; the fields are told at the table's top."""

    name: str
    patterns: tuple[str, ...] = ()
    example: tuple[str, str] = ("", "")
    presence: tuple[str, ...] = ()
    supplier: str = ""
    cpes: tuple[str, ...] = ()
    licence: str = ""
    kind: Kind = "library"

    @cached_property
    def part(self) -> Known:
        """The known part of this name, or one made of what stands here."""
        listed = {each.name: each for each in known.table()}
        own = Known(name=self.name, supplier=self.supplier, licence=self.licence, cpes=self.cpes)
        return listed.get(self.name, own)

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(re.compile(pattern.encode()) for pattern in self.patterns)

    def versions(self, data: bytes) -> dict[str, tuple[int, str]]:
        """Version -> (offset, text) of its first mention in the bytes, a few at most."""
        found: dict[str, tuple[int, str]] = {}
        for pattern in self._compiled:
            for match in pattern.finditer(data):
                version = match["v"].decode("ascii", errors="replace")
                found.setdefault(version, (match.start(), _shown(match[0])))
                if len(found) >= _VERSIONS:
                    return found
        return found

    def present(self, data: bytes) -> tuple[int, str] | None:
        """(offset, text) of the first presence text, if there is one."""
        for text in self.presence:
            at = data.find(text.encode())
            if at >= 0:
                return at, text
        return None


def _shown(text: bytes) -> str:
    readable = text.split(b"\0", 1)[0].decode("utf-8", errors="replace")
    return " ".join(readable.split())[:100]


@cache
def table() -> tuple[Signature, ...]:
    """Every signature."""
    listed = tomllib.loads(_text())["signature"]
    return tuple(msgspec.convert(each, Signature) for each in listed)


def digest() -> str:
    """SHA-256 of the table, on which every result depends."""
    return hashlib.sha256(_text().encode()).hexdigest()


@cache
def _text() -> str:
    return (files("firmward.vendor.sbom") / _TABLE).read_text("utf-8")


def matches(data: bytes) -> Iterator[tuple[Signature, str, int, str]]:
    """(signature, version, offset, text) of everything that shows; version "" for mere presence."""
    for signature in table():
        versions = signature.versions(data)
        for version, (at, text) in versions.items():
            yield signature, version, at, text
        seen = None if versions else signature.present(data)
        if seen:
            yield signature, "", *seen
