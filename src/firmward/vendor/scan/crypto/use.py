"""What a line of code does with an identifier: a call weighs more than a mention."""

import re
from typing import Final

from firmward.vendor.scan.crypto.signs import Use

_CALL: Final = re.compile(rb"\s{0,4}\(")
_TYPE_ONLY: Final = re.compile(rb"^(?!return|else|case|goto)[A-Za-z_][\w\s*]*[\s*]$")
# What libraries are asked for an algorithm with, where it is a value and no function.
_CHOICE: Final = re.compile(
    r"(?:MBEDTLS_(?:MD|CIPHER|MODE)|PSA_ALG|GCRY_(?:MD|CIPHER)|WC_HASH_TYPE|NID|CKM|CALG|BCRYPT"
    r"|kCC\w*|EVP)_"
    r"|MODE_ECB$|GNUTLS_(?:MAC|DIG|CIPHER)_|MD_ALG|CRYPTO_ALG"
)
# Functions that speak of a digest or write one down, and compute none.
_ABOUT: Final = re.compile(
    r"(?i)hex2bin|bin2hex|(?:to|from)_?hex|_(?:name|len|length|size|oid|parse|print|supported)(?:$|_)"
)
_SAFE_USE: Final = re.compile(rb"usedforsecurity\s*=\s*False")
_LINE: Final = 240
_BODY: Final = re.compile(rb"[;{]")


def use_of(code: bytes, start: int, end: int, text: str) -> tuple[Use, float]:
    """What a line does with an identifier: call, define, declare, or no more than name it."""
    # A line of minified code may be the whole file: no more of it is read than a person would.
    line = code.rfind(b"\n", max(0, start - _LINE), start) + 1 or max(0, start - _LINE)
    before = code[line:start]
    after = code[end : end + _LINE].partition(b"\n")[0]
    head = before.lstrip()
    if head.startswith((b"#", b"typedef", b"import", b"from ", b"use ", b"extern")):
        return "mentioned", 0.3
    if not _CALL.match(after):
        chosen = _CHOICE.match(text) or head.endswith(b"hashlib.")
        asked = head.startswith(b"case") or b"==" in before + after or after.lstrip()[:1] == b"="
        return ("called", 0.75) if chosen and not asked else ("mentioned", 0.4)
    if head.startswith((b"def ", b"func ", b"fn ", b"pub ", b"static inline ")):
        return "implemented", 0.7
    if not before or (before[:1].strip() and _TYPE_ONLY.match(before)):
        ends = _BODY.search(code, end, end + 4 * _LINE)
        declared = _ABOUT.search(text) or (ends is not None and ends[0] == b";")
        return ("declared", 0.4) if declared else ("implemented", 0.7)
    if _SAFE_USE.search(after) or _ABOUT.search(text):
        return "mentioned", 0.4
    return "called", 0.8
