"""Bytes as a programmer writes them: initialisers, lists, escapes and hexadecimal."""

import re
from itertools import pairwise
from typing import Final

from firmward.binaries.words import entropy, words_of

# A list of numbers after a name, its brackets, its type and whatever the language puts before it.
AFTER_NAME: Final = re.compile(
    rb"[\"']?\)?(?:\s{0,4}\[[^\]\n]{0,60}\]){0,3}"
    rb"(?:\s{1,4}(?:PROGMEM|__attribute__\s*\(\([^)]{0,60}\)\)|[A-Z][A-Z_]{3,24}))?"
    rb"(?:\s{0,4}:\s{0,4}(?:const\s)?(?:&?\[\w{1,8};[^\]\n]{1,20}\]|[&A-Za-z_\[][^={;\n]{0,60}))?"
    rb"\s{0,8}(?:\\\n)?\s{0,40}(?::?=|:)?\s{0,40}"
    rb"(?:(?:bytes|bytearray|bytes\.fromhex|new\s\w+|vec!|\[\d{0,4}\]\w{1,8}"
    rb"|\([\w\s*\[\]]{1,40}\)|&)\s{0,8}\(?)?\s{0,8}"
    # Possessive, so that a list that never ends is read once and not from each of its numbers.
    rb"(?:[\[{(]\s{0,40}){1,3}(?P<body>(?>[\s,\\]++|0[xX][0-9a-fA-F]++[uUlL]{0,3}|\d++[uUlL]{0,3}"
    rb"|/\*[^*]{0,300}\*/|//[^\n]{0,300}|\(\s{0,4}\w{1,16}\s{0,4}\)){7,20000}+)[\]})]"
)
_COMMENT: Final = re.compile(rb"/\*.*?\*/|//[^\n]*|\\\n|[\[{(]|\(\s*\w+\s*\)", re.DOTALL)
_NUMBERS: Final = re.compile(rb"[\s,]*(?:(?:0[xX][0-9a-fA-F]{1,16}|\d{1,10})[uUlL]{0,3}[\s,]*){4,}")
_NUMBER: Final = re.compile(rb"0[xX][0-9a-fA-F]+|\d+")
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|([^\\])", re.DOTALL)
_PLAIN: Final = {b"n": 10, b"r": 13, b"t": 9, b"0": 0, b"a": 7, b"b": 8, b"f": 12, b"v": 11}


def listed(body: bytes) -> list[int]:
    """The numbers of an initialiser; none if anything but numbers stands in it."""
    plain = _COMMENT.sub(b" ", body)
    if not _NUMBERS.fullmatch(plain):
        return []
    return [int(each, 0) if each[:2].lower() == b"0x" else int(each) for each in
            _NUMBER.findall(plain)]  # fmt: skip


def escaped(text: bytes) -> bytes:
    """The bytes of a C string literal's inside."""
    out = bytearray()
    for hexadecimal, octal, escape, plain in _ESCAPE.findall(text):
        if hexadecimal:
            out.append(int(hexadecimal, 16))
        elif octal:
            out.append(int(octal, 8) & 0xFF)
        else:
            out.append(_PLAIN.get(escape, escape[0]) if escape else plain[0])
    return bytes(out)


def is_key(name: str, numbers: list[int]) -> bool:
    """Whether numbers behind a key's name are one: drawn at random, or counted up for a test.

    Tables grow, states are small, templates repeat; a key does none of the three.
    """
    count = len(numbers)
    wide = any(each > 0xFF for each in numbers)
    if count < (4 if wide else 8) or count > 4096 or max(numbers) >= 1 << 64:
        return False
    if len(set(numbers)) <= max(2, count // 4):
        return False
    steps = {b - a for a, b in pairwise(numbers)}
    if min(steps) >= 0:
        last = words_of(name)[-1:]
        # 1 to 8 is a test of a cipher; any longer row has been shipped as a key.
        long_enough = count in (16, 24, 32) or (count == 8 and steps != {1})
        return len(steps) == 1 and long_enough and last != ["keys"]
    if wide:
        return count in (4, 6, 8, 16) and all(each > 0xFFFF for each in numbers)
    return max(numbers) > 100 and entropy(bytes(numbers)) >= min(2.9, 0.7 * count.bit_length())
