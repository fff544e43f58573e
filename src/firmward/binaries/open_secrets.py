"""Secrets that lie open in what was built, as any buyer of a device can read them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from firmward.binaries import keys, strings, tokens, words
from firmward.binaries.hits import Hit
from firmward.binaries.named import named, told
from firmward.binaries.strings import Strings

# name=value, as settings and requests have it inside a program.
_NAME: Final = re.compile(rb"(?<![A-Za-z0-9_])([A-Za-z][A-Za-z0-9_.-]{1,60})\Z")
_LONGEST_NAME: Final = 62
_VALUE: Final = re.compile(rb"[=:] ?\"?([!#-%'-:<-~]{4,64}+)(?=[\0\r\n&;\" ])")
# A string that is nothing but a password on every attacker's list, and no ordinary word.
_KNOWN_TEXT: Final = (
    "changeme change_me letmein toor hunter2 qwerty admin password passw0rd root welcome raspberry "
    "xc3511 vizxv juantech 12345678"
)
_KNOWN_BEGINNINGS: Final = tuple(each.encode() for each in _KNOWN_TEXT.split())
_KNOWN: Final = re.compile(
    rb"(?<![ -~])(?:changeme|change_me|letmein\d?|toor|hunter2|qwerty\d*|admin\d{1,4}"
    rb"|password\d{1,4}|passw0rd"
    rb"|root\d{1,4}|welcome\d{1,3}|raspberry|xc3511|vizxv|juantech|123456789?)(?=\0)"
)


def of(data: bytes) -> Iterator[Hit]:
    """Secrets in the bytes of a program or an image."""
    yield from keys.in_der(data)
    yield from in_strings(strings.read(data))


def in_strings(found: Strings, most: int | None = None) -> Iterator[Hit]:
    """Secrets that are text, wherever the strings of a program lay in it.

    most  how many names are looked at, None for every one; `words.triggers` says how many there are
    """
    for hit in _in_text(found, most):
        yield replace(hit, at=found.origin(hit.at))


def _in_text(found: Strings, most: int | None) -> Iterator[Hit]:
    text = found.text
    yield from keys.in_pem(text)
    yield from tokens.of_any_kind(text, holds=found.holds)
    yield from named(text, found.lower, most)
    yield from _settings(text)
    for beginning in _KNOWN_BEGINNINGS:
        at = text.find(beginning)
        while at >= 0:
            if _KNOWN.match(text, at):
                yield Hit(at, "default-credential", "a well-known password", "warning")
            at = text.find(beginning, at + 1)


def _settings(text: bytes) -> Iterator[Hit]:
    match = _VALUE.search(text)
    while match is not None:
        start = max(0, match.start() - _LONGEST_NAME)
        name = _NAME.search(text[start : match.start()])
        if name is not None and words.triggered(name[1]):
            last = name[1].decode().rpartition(".")[2]
            if not match[1].startswith(b"//"):
                yield from told(last, match[1].decode(), start + name.start())
        # Without a name before it, what looked like a value may hold a name and a value.
        match = _VALUE.search(text, match.end() if name else match.start() + 1)
