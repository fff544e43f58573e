"""Secrets as a programmer writes them and gives no name: compared, copied, set, or random."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import words
from firmward.binaries.hits import Hit
from firmward.binaries.named import quoted, told
from firmward.binaries.random_text import in_a_row, says_something

_PLACE: Final = rb"(?:\([\w\s*]{1,30}\)\s*)?[^()\",;\n]{0,60}?\b(\w{2,64})(?:\[[^\]]{0,20}\])?"
_COMPARED: Final = re.compile(
    rb"\b(?:str|mem|wcs)n?(?:case)?n?cmp(?:_P)?\s*\(\s*(?:" + _PLACE
    + rb"\s*,\s*\"([^\"\n]{4,128})\"|\"([^\"\n]{4,128})\"\s*,\s*" + _PLACE + rb"\s*[,)])"
)  # fmt: skip
_COPIED: Final = re.compile(
    rb"\b(?:str[nl]?cpy(?:_s)?|mem(?:cpy|move)|sn?printf)\s*\(\s*" + _PLACE
    + rb"\s*,\s*(?:[^\",;()]{1,40}(?:\([^()]{0,40}\))?\s*,\s*)?\"((?:[^\"\\\n]|\\.){4,256})\""
)  # fmt: skip
_SET: Final = re.compile(
    rb"(?i)\bset_?(\w{0,40}(?:pass|psk|secret|token|pin)\w{0,40})\s*\(\s*(?:[^()\"\n]{0,60},\s*)?"
    rb"\"([^\"\n]{4,128})\""
)
_BASE64_LONG: Final = re.compile(rb"[\"']([A-Za-z0-9+/_-]{24,256}={0,2})[\"']")
_NEVER_RANDOM: Final = re.compile(
    rb"(?i)sha\d|hash|digest|checksum|integrity|md5|crc|uuid|guid|fingerprint|base64,|alphabet"
    rb"|charset|signature|cert|public|pubkey|nonce|vector|etag|http[s:]|revision|commit"
)


def handled(data: bytes) -> Iterator[Hit]:
    """Secrets that are compared with, copied or handed to a setter, and never have a name."""
    if b"cmp" in data:
        for match in _COMPARED.finditer(data):
            name = (match[1] or match[4]).decode()
            # A parser compares its tokens with words all day long; nobody else does a password.
            if not {"token", "tok", "key"}.intersection(words.words_of(name)):
                yield from told(
                    name, (match[2] or match[3]).decode(errors="replace"), match.start()
                )
    if b"cpy" in data or b"printf" in data or b"memmove" in data:
        for match in _COPIED.finditer(data):
            yield from quoted(match[1].decode(), match[2], match.start())
    if b"et" in data:
        for match in _SET.finditer(data):
            yield from told(match[1].decode(), match[2].decode(errors="replace"), match.start())


def random_strings(data: bytes) -> Iterator[Hit]:
    """Quoted strings that look drawn at random, by whatever name; told once for all of a file."""
    places = [match.start(1) for match in _BASE64_LONG.finditer(data) if _random(data, match)]
    if places:
        yield Hit(places[0], "high-entropy", f"{len(places)} in this file, this is the first")


def _random(data: bytes, match: re.Match[bytes]) -> bool:
    text = match[1].decode().rstrip("=")
    if not words.random_looking(text) or in_a_row(data, match) or says_something(match[1]):
        return False
    line = data.rfind(b"\n", 0, match.start()) + 1
    return not _NEVER_RANDOM.search(data, max(line, match.start() - 120), match.start())
