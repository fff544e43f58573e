"""Cryptography of a built image: by its symbols, its constants, its keys and its strings."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from firmward.binaries import der
from firmward.vendor.scan.crypto import constants, in_code_words
from firmward.vendor.scan.crypto.naming import named_by, of_library
from firmward.vendor.scan.crypto.signs import Sign, protocol_of
from firmward.vendor.scan.elf_file import Elf

# What the least of the words that count must amount to, before anything is said.
_PART: Final = 0.6
_SUITE: Final = re.compile(
    rb"(?<![A-Za-z0-9])((?:TLS[-_][A-Z0-9_-]{0,40})?(?:RC4|DES|3DES|NULL|EXPORT"
    rb"|DES-CBC3?)[-_](?:40[-_]|128[-_]"
    rb"|CBC[-_]|56[-_]|EDE[-_]CBC[-_])*(?:MD5|SHA))(?![A-Za-z0-9])"
)
_PROTOCOL_SYMBOL: Final = re.compile(
    r"(?:^|_)(?:wolf)?(?:SSLv3|TLSv1(?:_1)?)_(?:client|server)?_?method$|(?:^|_)(?:wolf)(?:SSLv3"
    r"|TLSv1(?:_1)?)_"
)
_SIGNATURES: Final = {"md5": "MD5", "md4": "MD4", "md2": "MD2", "sha1": "SHA-1"}


def signs(data: bytes, path: str, elf: Elf | None = None) -> Iterator[Sign]:
    """Everything in one file that speaks for an algorithm."""
    if elf is not None:
        yield from by_symbol(elf, path)
    yield from by_word(data, path)
    yield from by_run(data, path)
    yield from by_key(data, path)
    yield from by_string(data, path)


def by_symbol(elf: Elf, path: str) -> Iterator[Sign]:
    """Functions and tables with an algorithm's name, linked or asked of a library."""
    for symbol in elf.symbols:
        bare = symbol.name.partition("@")[0]
        weight = 0.85 if of_library(bare) else 0.6
        if symbol.kind == "file":
            weight = 0.5
        for name in named_by(bare):
            # A library's block function is no mode of operation yet, whatever it is called.
            doubt = 0.35 if "crypt_ecb" in bare else 0.7
            worth = weight * doubt if name == "ECB" else weight
            yield Sign(path, name, 0, symbol.address, "symbol", bare[:80], worth, "linked")
        old = _PROTOCOL_SYMBOL.search(bare)
        if old is not None:
            protocol = protocol_of(bare)
            yield Sign(path, protocol, 0, symbol.address, "symbol", bare[:80], 0.8, "linked")


@cache
def _wanted() -> frozenset[int]:
    return frozenset(value for table in constants.words() for value in table.values)


def by_word(data: bytes, path: str) -> Iterator[Sign]:
    """Tables of words, whole or scattered over instructions, in either byte order."""
    found = in_code_words.where(data, _wanted())
    long = next(table for table in constants.words() if table.algorithm == "SHA-512")
    has_long = _share(long, found) >= 1
    for table in constants.words():
        share = _share(table, found)
        if share < _PART or (table.must and table.must not in found):
            continue
        # SHA-512's constants begin with SHA-256's: only neighbours are its own.
        if table.algorithm == "SHA-256" and has_long and not _together(table, data):
            continue
        places = [found[value] for value in table.values if value in found]
        weight = table.weight if share >= 1 else table.weight * share * 0.8
        detail = f"{table.says}, {len(places)} of {len(table.values)} words"
        yield Sign(
            path, table.algorithm, 0, min(places), "constants", detail, round(weight, 2), "linked"
        )


def _share(table: constants.Words, found: dict[int, int]) -> float:
    return sum(value in found for value in set(table.values)) / table.needed


def _together(table: constants.Words, data: bytes) -> bool:
    first, second = table.values[:2]
    return any(
        first.to_bytes(4, order) + second.to_bytes(4, order) in data for order in ("little", "big")
    )


def by_run(data: bytes, path: str) -> Iterator[Sign]:
    """Tables whose order counts."""
    for run, pattern in constants.patterns():
        at = data.find(pattern)
        if at >= 0:
            yield Sign(
                path, run.algorithm, 0, at, f"table {run.says}", run.says, run.weight, "linked"
            )


def by_key(data: bytes, path: str) -> Iterator[Sign]:
    """Sizes of RSA keys, and what certificates are signed with."""
    for key in der.public_material(data):
        if key.kind == "RSA public key":
            name, says = f"RSA {key.bits}", "a public key in DER"
            yield Sign(path, name, 0, key.at, "key", says, 0.95, "linked")
        elif key.digest in _SIGNATURES:
            says = f"certificate signed with {key.digest}"
            yield Sign(path, _SIGNATURES[key.digest], 0, key.at, "certificate", says, 0.9, "linked")
    for key in der.private_keys(data):
        if key.family == "RSA" and key.bits:
            yield Sign(
                path, f"RSA {key.bits}", 0, key.at, "key", "a private key in DER", 0.95, "linked"
            )


def by_string(data: bytes, path: str) -> Iterator[Sign]:
    """Names of cipher suites: that a program can speak of them is little, and not nothing."""
    for match in _SUITE.finditer(data):
        suite = match[1].decode()
        for name, mark in (("RC4", "RC4"), ("3DES", "3DES"), ("3DES", "CBC3"), ("MD5", "MD5")):
            if mark in suite:
                yield Sign(
                    path, name, 0, match.start(), "cipher suite", suite[:60], 0.3, "mentioned"
                )
