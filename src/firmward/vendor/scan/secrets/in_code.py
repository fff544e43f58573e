"""Secrets as a programmer writes them: constants, members, arguments, comparisons, arrays."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.vendor.scan import der
from firmward.vendor.scan.sarif import Level
from firmward.vendor.scan.secrets import bytes_in_code, words
from firmward.vendor.scan.secrets.rules import Hit

_NAME_CHARS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_LONGEST_NAME: Final = 80

_QUOTED: Final = (
    rb"(?:[bBuLR@$f]{0,2}|u8)?(?:\"((?:[^\"\\\n]|\\.){1,1000})\"|'((?:[^'\\\n]|\\.){4,256})')"
)
# name[..] = "...", name: "...", name: &str = "...", 'name' => '...', .name = "..."
_STRING: Final = re.compile(
    rb"[\"'`]?\]?(?:\s{0,4}\[[^\]\n]{0,60}\]){0,2}"
    rb"(?:\s{0,4}:\s{0,4}[&'A-Za-z_][A-Za-z0-9_&<>'\[\]. |?]{0,40}(?=\s{0,4}=))?"
    rb"\s{0,40}(?::=|=>|[=:])(?!=)\s{0,60}(?:\\\n\s{0,40})?"
    rb"(?:(?!get|find|read|load|open|parse|look|translate)[A-Za-z_:.]{0,30}\(\s{0,4})?" + _QUOTED
)
_DEFINED: Final = re.compile(rb"\s{1,40}(?:\\\n\s{0,40})?\(?\s{0,4}" + _QUOTED)
_NUMBER: Final = re.compile(
    rb"\s{0,40}(?:[=:]\s{0,8}|\s)\(?(\d{4,8})[uUlL]{0,2}\)?\s*(?:[;,\n/)}]|\Z)"
)
_MACRO: Final = re.compile(rb"(?:#\s{0,8}define|-D|\bENV|\bARG|setenv|\bset)[ \t(]{1,8}$|-D$")
_ESCAPES: Final = re.compile(rb"(?:\\x[0-9a-fA-F]{1,2}|\\[0-7]{1,3}){6}")

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
_FIELDS: Final = ("password", "passwd", "pass", "secret", "user")
# `K` is a key's name in the standards' own pseudocode; 16, 24 or 32 bytes tell it from a table.
_BARE_K: Final = re.compile(rb"\b(?:char|u?int8_t|u8|byte|BYTE)\s{1,8}[kK]\s{0,4}(?=\[)")
_BASE64_LONG: Final = re.compile(rb"[\"']([A-Za-z0-9+/_-]{24,256}={0,2})[\"']")
_NEVER_RANDOM: Final = re.compile(
    rb"(?i)sha\d|hash|digest|checksum|integrity|md5|crc|uuid|guid|fingerprint|base64,|alphabet"
    rb"|charset|signature|cert|public|pubkey|nonce|vector|etag|http[s:]|revision|commit"
)


def named(data: bytes) -> Iterator[Hit]:
    """Strings, numbers and lists of bytes behind names that promise a secret."""
    end = 0
    for match in words.TRIGGER.finditer(data.lower()):
        if match.start() < end:
            continue
        start, end = _identifier(data, match.start())
        if end - start <= _LONGEST_NAME:
            yield from _behind(data, start, end)
    for match in _BARE_K.finditer(data):
        yield from _bytes_behind(data, match.end(), match.start(), "key", exactly=(16, 24, 32))


def _identifier(data: bytes, at: int) -> tuple[int, int]:
    """Where the word around an offset begins and ends."""
    start = end = at
    while start and data[start - 1] in _NAME_CHARS and at - start <= _LONGEST_NAME:
        start -= 1
    while end < len(data) and data[end] in _NAME_CHARS and end - at <= _LONGEST_NAME:
        end += 1
    return start, max(end, at + 1)


def _behind(data: bytes, start: int, end: int) -> Iterator[Hit]:
    name = data[start:end].decode()
    secret, key = words.names_secret(name), words.names_key(name)
    pin = words.names_pin(name)
    if not (secret or key or pin):
        return
    defined = _MACRO.search(data, max(0, start - 24), start) is not None
    match = (_DEFINED.match(data, end) if defined else None) or _STRING.match(data, end)
    if match is not None:
        yield from _string(name, match[1] or match[2], start)
        return
    if key:
        yield from _bytes_behind(data, end, start, name)
    number = _NUMBER.match(data, end) if pin else None
    if number is not None and (defined or data[end : number.start(1)].strip()):
        known = words.is_well_known(number[1].decode())
        rule = "default-credential" if known else "hardcoded-secret"
        yield Hit(start, rule, f"a number of {len(number[1])} digits in {name}")


def _string(name: str, inside: bytes, at: int) -> Iterator[Hit]:
    """What a string behind a name is."""
    if words.names_key(name) and _ESCAPES.search(inside):
        raw = bytes_in_code.escaped(inside)
        if bytes_in_code.is_key(name, list(raw)):
            yield Hit(at, "array-key", f"{len(raw)} bytes in {name}, as a string")
        return
    yield from told(name, inside.decode(errors="replace"), at)


def told(name: str, value: str, at: int) -> Iterator[Hit]:
    """The hit for a string behind a name, if it is a secret."""
    verdict = words.judged(name, value)
    if verdict == "known":
        # "password" may be a bad password or the name of a field.
        worth: Level | None = "warning" if value.lower() in _FIELDS else None
        yield Hit(at, "default-credential", f"in {name}", worth)
    elif verdict:
        yield Hit(at, "hardcoded-secret", f"{len(value)} characters in {name}")


def _bytes_behind(
    data: bytes, end: int, at: int, name: str, exactly: tuple[int, ...] = ()
) -> Iterator[Hit]:
    match = bytes_in_code.AFTER_NAME.match(data, end)
    if match is not None:
        numbers = bytes_in_code.listed(match["body"])
    else:
        string = _STRING.match(data, end) if exactly else None
        numbers = list(bytes_in_code.escaped(string[1] or string[2])) if string else []
        if numbers[16:17] and len(numbers) + 1 in exactly:
            numbers.append(0)
    if not numbers or (exactly and len(numbers) not in exactly):
        return
    if bytes_in_code.is_key(name, numbers):
        yield Hit(at, "array-key", f"{len(numbers)} numbers in {name}")


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
            yield from _string(match[1].decode(), match[2], match.start())
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
    if not words.random_looking(text) or _in_a_row(data, match) or _says_something(match[1]):
        return False
    line = data.rfind(b"\n", 0, match.start()) + 1
    return not _NEVER_RANDOM.search(data, max(line, match.start() - 120), match.start())


def _says_something(text: bytes) -> bool:
    """Whether it is base64 of something to be read."""
    plain = der.from_base64(text)
    return len(plain) > 8 and all(32 <= each < 127 or each in b"\r\n\t" for each in plain)


def _in_a_row(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether lines of base64 follow one another, as in a certificate or an image."""
    around = data[max(0, match.start() - 90) : match.start()] + data[match.end() : match.end() + 90]
    return re.search(rb"[A-Za-z0-9+/_-]{40}", around) is not None
