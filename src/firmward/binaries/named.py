"""Secrets behind a name that promises one, as source code and the strings of programs have them."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import bytes_in_code, words
from firmward.binaries.hits import Hit, Level

_NAME_CHARS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
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

_FIELDS: Final = ("password", "passwd", "pass", "secret", "user")
# Go leaves the tags of a struct's fields behind the fields' names: `Tokenjson:"token"`.
_TAGS: Final = ("json", "protobuf", "yaml", "xml", "toml")
# `K` is a key's name in the standards' own pseudocode; 16, 24 or 32 bytes tell it from a table.
_BARE_K: Final = re.compile(rb"[kK]\s{0,4}(?=\[)")
_BYTES: Final = re.compile(rb"\b(?:char|u?int8_t|u8|byte|BYTE)\s{1,8}\Z")
_LONGEST_TYPE: Final = 16


def named(data: bytes, lower: bytes = b"", most: int | None = None) -> Iterator[Hit]:
    """Strings, numbers and lists of bytes behind names that promise a secret.

    lower  the same in lower case, where the caller has it already
    most   how many names are looked at, None for every one
    """
    end = 0
    for at in words.triggers(lower or data.lower())[:most]:
        if at < end:
            continue
        start, end = _identifier(data, at)
        if end - start <= _LONGEST_NAME:
            yield from _behind(data, start, end)
    for match in _BARE_K.finditer(data):
        if _BYTES.search(data, max(0, match.start() - _LONGEST_TYPE), match.start()):
            yield from _bytes_behind(data, match.end(), match.start(), "key", exactly=(16, 24, 32))


def _identifier(data: bytes, at: int) -> tuple[int, int]:
    """Where the word around an offset begins and ends."""
    before = data[max(0, at - _LONGEST_NAME - 1) : at]
    after = data[at : at + _LONGEST_NAME + 1]
    start = at - len(before) + len(before.rstrip(_NAME_CHARS))
    end = at + len(after) - len(after.lstrip(_NAME_CHARS))
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
        yield from quoted(name, match[1] or match[2], start)
        return
    if key:
        yield from _bytes_behind(data, end, start, name)
    number = _NUMBER.match(data, end) if pin else None
    if number is not None and (defined or data[end : number.start(1)].strip()):
        known = words.is_well_known(number[1].decode())
        rule = "default-credential" if known else "hardcoded-secret"
        yield Hit(start, rule, f"a number of {len(number[1])} digits in {name}")


def quoted(name: str, inside: bytes, at: int) -> Iterator[Hit]:
    """What a string behind a name is."""
    if words.names_key(name) and _ESCAPES.search(inside):
        raw = bytes_in_code.escaped(inside)
        if bytes_in_code.is_key(name, list(raw)):
            yield Hit(at, "array-key", f"{len(raw)} bytes in {name}, as a string")
        return
    yield from told(name, inside.decode(errors="replace"), at)


def told(name: str, value: str, at: int) -> Iterator[Hit]:
    """The hit for a string behind a name, if it is a secret."""
    if name.endswith(_TAGS):
        return
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
