"""Secrets in what was built: in the image as any buyer of a device can read it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from firmward.vendor.scan import elf_file
from firmward.vendor.scan.elf_file import Elf, Symbol
from firmward.vendor.scan.sarif import Finding
from firmward.vendor.scan.secrets import bytes_in_code, keys, tokens, words
from firmward.vendor.scan.secrets.in_code import named, told
from firmward.vendor.scan.secrets.rules import Hit, finding

# name=value, as settings and requests have it inside a program.
_SETTING: Final = re.compile(
    rb"(?<![A-Za-z0-9_])([A-Za-z][A-Za-z0-9_.-]{1,60})[=:] ?\"?([!#-:<-~]{4,64})(?=[\0\r\n&;\" ])"
)
# A string that is nothing but a password on every attacker's list, and no ordinary word.
_KNOWN: Final = re.compile(
    rb"(?<![ -~])(changeme|change_me|letmein\d?|toor|hunter2|qwerty\d*|admin\d{1,4}"
    rb"|password\d{1,4}|passw0rd"
    rb"|root\d{1,4}|welcome\d{1,3}|raspberry|xc3511|vizxv|juantech|12345678|123456789)(?=\0)"
)
_STRING: Final = re.compile(rb"[ -~]{4,256}\Z")
_LARGEST_KEY: Final = 4096


def found(elf: bytes, binary: bytes) -> list[Finding]:
    """The image's secrets, and those that only its ELF file shows.  Raises Unavailable."""
    in_image = list(in_bytes(binary))
    in_elf = list(in_bytes(elf))
    if elf:
        in_elf += list(by_symbol(elf_file.read(elf, "app.elf")))
    # One secret is in both files, at two offsets: it is told once.
    seen = Counter((hit.rule, hit.says) for hit in in_image)
    rest: list[Hit] = []
    for hit in in_elf:
        seen[hit.rule, hit.says] -= 1
        if seen[hit.rule, hit.says] < 0:
            rest.append(hit)
    return [
        *(finding("app.bin", 0, _at_offset(hit)) for hit in in_image),
        *(finding("app.elf", 0, _at_offset(hit)) for hit in rest),
    ]


def _at_offset(hit: Hit) -> Hit:
    return Hit(hit.at, hit.rule, f"{hit.says}, at offset {hit.at:#x}", hit.worth)


def in_bytes(data: bytes) -> Iterator[Hit]:
    """Secrets in the bytes of a program or an image."""
    yield from keys.in_pem(data)
    yield from keys.in_der(data)
    yield from tokens.of_any_kind(data)
    yield from named(data)
    for match in _SETTING.finditer(data):
        name = match[1].decode().rpartition(".")[2]
        if words.TRIGGER.search(match[1].lower()) and not match[2].startswith(b"//"):
            yield from told(name, match[2].decode(), match.start())
    for match in _KNOWN.finditer(data):
        yield Hit(match.start(), "default-credential", "a well-known password", "warning")


def by_symbol(elf: Elf) -> Iterator[Hit]:
    """Initialised objects whose names promise a key or a password."""
    told_already: set[tuple[str, int]] = set()
    for symbol in elf.symbols:
        if symbol.kind != "object" or not 4 <= symbol.size <= _LARGEST_KEY:
            continue
        name = symbol.name.partition(".")[0]
        if (name, symbol.address) in told_already or not words.names_key(name):
            continue
        told_already.add((name, symbol.address))
        yield from _in_object(elf, symbol, name)


def _in_object(elf: Elf, symbol: Symbol, name: str) -> Iterator[Hit]:
    content = elf.content(symbol)
    at = _offset(elf, symbol)
    if len(content) == elf.bits // 8:
        target = int.from_bytes(content, "little" if elf.little else "big")
        content = _string_at(elf, target) or content
    text = content.rstrip(b"\0")
    if _STRING.match(text):
        yield from told(name, text.decode(), at)
    elif len(content) >= 8 and bytes_in_code.is_key(name, list(content)):
        yield Hit(at, "array-key", f"symbol {name}, {len(content)} bytes")


def _offset(elf: Elf, symbol: Symbol) -> int:
    home = elf.sections[symbol.section] if symbol.section < len(elf.sections) else None
    return home.offset + symbol.address - home.address if home is not None else 0


def _string_at(elf: Elf, address: int) -> bytes:
    """The string that a pointer points at; b"" for none."""
    for each in elf.segments:
        if each.kind == "LOAD" and each.address <= address < each.address + each.size:
            at = each.offset + address - each.address
            text = elf.data[at : at + 257].partition(b"\0")[0]
            return text if _STRING.match(text) else b""
    return b""
