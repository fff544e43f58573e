"""Secrets in what was built: in the image as any buyer of a device can read it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from firmward.binaries import bytes_in_code, open_secrets, words
from firmward.binaries.hits import Hit
from firmward.binaries.named import told
from firmward.vendor.scan import elf_file
from firmward.vendor.scan.elf_file import Elf, Symbol
from firmward.vendor.scan.sarif import Finding
from firmward.vendor.scan.secrets.rules import finding

_STRING: Final = re.compile(rb"[ -~]{4,256}\Z")
_LARGEST_KEY: Final = 4096


def found(elf: bytes, binary: bytes) -> list[Finding]:
    """The image's secrets, and those that only its ELF file shows.  Raises Unavailable."""
    in_image = list(open_secrets.of(binary))
    in_elf = list(open_secrets.of(elf))
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
