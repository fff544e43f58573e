"""Text that looks drawn at random, as keys and tokens of no known form do."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import der, words
from firmward.binaries.hits import Hit
from firmward.binaries.strings import Strings

# A string of a program that is nothing else, nor a name as C++ and Rust mangle it.
_ALONE: Final = re.compile(rb"[^ -~](?!_{1,2}[ZR])([A-Za-z0-9+/_-]{24,256}+={0,2})\0")
_LINE: Final = re.compile(rb"[A-Za-z0-9+/_-]{40}")
_NEAR: Final = 90


def in_strings(found: Strings) -> Iterator[Hit]:
    """Strings that look drawn at random; told once for all of an image."""
    places = [
        match.start(1)
        for match in _ALONE.finditer(found.text)
        if words.random_looking(match[1].decode().rstrip("=")) and not says_something(match[1])
    ]
    if places:
        at = found.origin(places[0])
        yield Hit(at, "high-entropy", f"{len(places)} in all, this is the first")


def says_something(text: bytes) -> bool:
    """Whether it is base64 of something to be read."""
    plain = der.from_base64(text)
    return len(plain) > 8 and all(32 <= each < 127 or each in b"\r\n\t" for each in plain)


def in_a_row(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether lines of base64 follow one another, as in a certificate or an image."""
    start, end = match.span(1)
    before, after = data[max(0, start - _NEAR) : start - 1], data[end + 1 : end + _NEAR]
    return _LINE.search(before) is not None or _LINE.search(after) is not None
