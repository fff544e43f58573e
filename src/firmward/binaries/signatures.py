"""The table of texts by which a part shows in an image (`signatures.toml`), and its search.

A text can be left over from a comment, a user agent or a build note, so what it says is the weakest
evidence there is: the vendor gives way to anything firmer.  The hospital has nothing else, and asks
only whether the part was declared.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Final, Literal

import msgspec

from firmward.binaries.strings import Strings

Kind = Literal["library", "application", "operating-system", "firmware"]

_TABLE: Final = "signatures.toml"
_VERSIONS: Final = 4
# A text shorter than this is in everything, and tells nothing apart.
_LEAST_TEXT: Final = 3
_TOKEN: Final = re.compile(
    r"(?P<quantifier>[*+?]|\{[\d,]+\})|(?P<open>\((?:\?(?:P<\w+>|.))?)|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<class>\[\^?\]?[^\]]*\]|\\[dwsxnrtDWSbB](?:[0-9a-f]{2})?|\.)|\\?(?P<plain>.)"
)


@dataclass(frozen=True)
class Seen:
    """A part that shows: by which signature, in which version ("" where none shows), and where.

    pattern  of the signature's, or the text that shows its presence
    """

    signature: "Signature"
    version: str
    at: int
    text: str
    pattern: str


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
    def _compiled(self) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
        forms = (pattern.encode() for pattern in self.patterns)
        texts = (needed(pattern).encode() for pattern in self.patterns)
        return tuple((text, re.compile(form)) for text, form in zip(texts, forms, strict=True))

    def versions(self, strings: Strings) -> dict[str, Seen]:
        """Version -> its first mention in the strings, a few at most."""
        found: dict[str, Seen] = {}
        for text, pattern in self._compiled:
            for match in pattern.finditer(strings.text) if strings.holds(text) else ():
                version = match["v"].decode("ascii", errors="replace")
                at = strings.origin(match.start())
                found.setdefault(
                    version, Seen(self, version, at, _shown(match[0]), pattern.pattern.decode())
                )
                if len(found) >= _VERSIONS:
                    return found
        return found

    def present(self, strings: Strings) -> Seen | None:
        """The first presence text, if there is one."""
        for text in self.presence:
            if strings.holds(text.encode()):
                return Seen(self, "", strings.origin(strings.text.index(text.encode())), text, text)
        return None


def needed(pattern: str) -> str:
    """The longest text that is in everything a pattern fits; "" where only the pattern can tell.

    Most images hold none of these texts, and a search for a text is far quicker than for a pattern.
    """
    pieces, depth = [""], 0
    for token in _TOKEN.finditer(pattern):
        kind, plain = token.lastgroup, token["plain"]
        depth += (kind == "open") - (kind == "close")
        if kind == "bar" and depth == 0:
            return ""
        if kind == "quantifier" and token[0] != "+":
            pieces[-1] = pieces[-1][:-1]
        if kind == "plain" and depth == 0:
            pieces[-1] += plain
        else:
            pieces.append("")
    longest = max(pieces, key=len)
    return longest if len(longest) >= _LEAST_TEXT else ""


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
    return (files("firmward.binaries") / _TABLE).read_text("utf-8")


def matches(strings: Strings) -> Iterator[Seen]:
    """Everything that shows, in the order of the table; version "" for mere presence."""
    for signature in table():
        versions = signature.versions(strings)
        yield from versions.values()
        seen = None if versions else signature.present(strings)
        if seen:
            yield seen
