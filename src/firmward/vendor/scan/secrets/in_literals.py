"""Private keys in DER as source code writes them: initialisers, escapes and base64."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import der
from firmward.binaries.bytes_in_code import escaped, listed
from firmward.binaries.hits import Hit
from firmward.binaries.keys import in_der

_DER_LIST: Final = re.compile(
    rb"(?i)\{\s*(0x30\s*,\s*0x(?:8[12]|[2-7][0-9a-f])\s*,(?>[\s,\\]++|0x[0-9a-f]++|\d++"
    rb"|/\*[^*]{0,300}\*/|//[^\n]{0,300}){20,40000}+)\}"
)
_DER_STRING: Final = re.compile(
    rb"(?i)((?:\"\\x30\\x(?:8[12]|[2-7])[^\n\"]{0,4000}\"\s*)(?:\"[^\n\"]{0,4000}\"\s*)*+)"
)
_DER_BASE64: Final = re.compile(rb"[\"'](M[A-Za-z0-9+/]{7}[A-Za-z0-9+/=\\nr\s\"]{40,8000})[\"']")


def private_keys(data: bytes) -> Iterator[Hit]:
    """DER in initialisers, escapes and base64 of source code, by whatever name."""
    for at, raw in _der_candidates(data):
        for hit in in_der(raw):
            yield Hit(at, hit.rule, hit.says)
            break
    for at, text in _base64_candidates(data):
        # Its PEM armour was told already.
        armoured = b"-----BEGIN" in data[max(0, at - 160) : at]
        for hit in () if armoured else in_der(der.from_base64(text)):
            yield Hit(at, hit.rule, f"{hit.says}, in base64")
            break


def _der_candidates(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of whatever in a source file might hold a key in DER, by any name."""
    if b"0x30" in data or b"0X30" in data:
        for match in _DER_LIST.finditer(data):
            numbers = listed(match[1])
            if numbers and max(numbers) <= 0xFF:
                yield match.start(), bytes(numbers)
    if b"\\x30\\x" in data:
        for match in _DER_STRING.finditer(data):
            joined = b"".join(re.findall(rb"\"([^\n\"]*)\"", match[1]))
            yield match.start(), escaped(joined)


def _base64_candidates(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, base64 text) of quoted strings that begin as DER in base64 does."""
    for match in _DER_BASE64.finditer(data):
        yield match.start(1), re.sub(rb"\\[nr]|[\s\"\\]", b"", match[1])
