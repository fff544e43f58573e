"""Cryptography of source code: what is called, what is implemented, what is only spoken of."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from firmward.binaries import der
from firmward.vendor.scan.blank import code_only
from firmward.vendor.scan.crypto import constants, structures
from firmward.vendor.scan.crypto.catalogue import ALGORITHMS
from firmward.vendor.scan.crypto.naming import TRIGGER, named_by
from firmward.vendor.scan.crypto.signs import Sign, seen
from firmward.vendor.scan.crypto.use import use_of
from firmward.vendor.scan.files import SourceFile

_SUFFIXES_TEXT: Final = (
    ".c .h .cc .cpp .cxx .hpp .hh .ino .s .asm .rs .go .py .js .ts .java .kt .cs .swift .sh "
    ".lua .inc .zig .m"
)
SUFFIXES: Final = frozenset(_SUFFIXES_TEXT.split())
_NAME: Final = re.compile(rb"\b[A-Za-z_]\w{2,95}")
# Short words that name many things, unless they are called.
_AMBIGUOUS_TEXT: Final = "rc2 rc4 des ecb dsa lms gcm ccm ripemd p192 p224 p256 p384 p521"
_AMBIGUOUS: Final = frozenset(_AMBIGUOUS_TEXT.split())
# Through a table of functions, or by a cipher's own name for its block function.
_MEMBER: Final = re.compile(rb"(?:\.|->)$")
_ONE_BLOCK: Final = re.compile(r"crypt_ecb|^ecb_|[a-z0-9]_ecb_(?:en|de)crypt")
# In lower case, so that no case need be folded.
_LOOKED_UP: Final = re.compile(
    rb"(?:digestbyname|cipherbyname|getinstance|hashlib\.new|createhash|createcipher\w{0,8}"
    rb"|createhmac|set_cipher_list|set_ciphersuites|evp_md_fetch|evp_cipher_fetch"
    rb"|priority_set\w{0,8}|ciphers?)\s*[(=]\s*(?:[^;\"'()\n]{0,80},\s*)?[\"']([^\"'\n]{2,300})[\"']"
)
_SUITE_PART: Final = re.compile(r"[A-Za-z0-9]+")
_NUMBER: Final = re.compile(rb"\b(?:0[xX][0-9a-fA-F]{1,16}|\d{1,3})(?=[uUlL]{0,3}\b)")

_MACRO: Final = re.compile(rb"#\s*define\s+(\w+)\(")
_PEM: Final = re.compile(
    rb"-----BEGIN (RSA PUBLIC KEY|PUBLIC KEY|CERTIFICATE|DH PARAMETERS|RSA PRIVATE KEY)-----"
    rb"((?:\\[nr]|[\s\"\\A-Za-z0-9+/=,])+?)-----END"
)


def signs(file: SourceFile) -> Iterator[Sign]:
    """Everything in one source file that speaks for an algorithm."""
    yield from _keys(file)
    if file.suffix not in SUFFIXES or not file.text:
        return
    code = code_only(file.data, file.suffix)
    yield from _own_calls_apart(list(_identifiers(file, code)), code)
    yield from structures.signs(file, code)
    yield from _tables(file, code)
    yield from _spoken(file, code)


def _identifiers(file: SourceFile, code: bytes) -> Iterator[Sign]:
    # Each name is judged once: a file has a hundred times fewer names than characters.
    names = {name for name in _NAME.findall(code) if TRIGGER.search(name.lower())}
    telling = {name for name in names if named_by(name.decode())}
    for match in _NAME.finditer(code) if telling else ():
        if match[0] not in telling:
            continue
        text = match[0].decode()
        use, weight = use_of(code, match.start(), match.end(), text)
        if use == "mentioned" and text.lower() in _AMBIGUOUS:
            continue
        for name in _told_once(named_by(text)):
            # Whoever calls one block's function may build a better mode of it.
            single = name == "ECB" and _ONE_BLOCK.search(text) is not None
            if single and _MEMBER.search(code, max(0, match.start() - 2), match.start()):
                continue
            worth = min(weight, 0.5) if single else weight
            yield seen(file, name, match.start(), f"source: {use}", text[:80], worth, use)


def _told_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Without ECB where the cipher itself is outdated in every mode."""
    old = any(ALGORITHMS[name].outdated for name in names if name != "ECB")
    return tuple(name for name in names if name != "ECB") if old else names


def _own_calls_apart(found: list[Sign], code: bytes) -> Iterator[Sign]:
    """The signs; a file's calls of its own functions and macros are part of what it implements."""
    own = {sign.detail for sign in found if sign.use == "implemented"}
    own |= {name.decode() for name in _MACRO.findall(code)} if found else set()
    for sign in found:
        inside = sign.use == "called" and sign.detail in own
        # A cipher's function for one block is how every mode of it begins.
        if sign.algorithm == "ECB" and (inside or sign.use == "implemented"):
            continue
        if inside:
            yield replace(sign, use="implemented", kind="source: implemented", weight=0.7)
        else:
            yield sign


@cache
def _by_word() -> dict[int, list[constants.Words]]:
    index: dict[int, list[constants.Words]] = {}
    for table in constants.words():
        for value in table.values:
            index.setdefault(value, []).append(table)
    return index


def _tables(file: SourceFile, code: bytes) -> Iterator[Sign]:
    """Constants, written in whatever base and layout."""
    if code.count(b",") < 4 and b"0x" not in code:
        return
    numbers = [
        (int(match[0], 0) if match[0][:2] in (b"0x", b"0X") else int(match[0]), match.start())
        for match in _NUMBER.finditer(code)
    ]
    yield from _words(file, numbers)
    values = [value for value, _ in numbers]
    small = bytes(value if value < 256 else 0 for value, _ in numbers)
    for run in constants.runs():
        narrow = max(run.values) < 256
        at = small.find(bytes(run.values)) if narrow else _in_order(values, run.values)
        if at >= 0:
            kind = f"table {run.says}"
            yield seen(
                file, run.algorithm, numbers[at][1], kind, run.says, run.weight, "implemented"
            )


def _in_order(numbers: list[int], wanted: tuple[int, ...]) -> int:
    """Where numbers follow one another as wanted; -1 for nowhere."""
    at = -1
    while wanted[0] in numbers[at + 1 :]:
        at = numbers.index(wanted[0], at + 1)
        if tuple(numbers[at : at + len(wanted)]) == wanted:
            return at
    return -1


def _words(file: SourceFile, numbers: list[tuple[int, int]]) -> Iterator[Sign]:
    index, found = _by_word(), dict[int, int]()
    for value, at in numbers:
        halves = (value >> 32, value & 0xFFFFFFFF) if value >> 32 else (value,)
        for half in halves:
            if half in index:
                found.setdefault(half, at)
    long_halves = any(value >> 32 for value, _ in numbers)
    for table in {id(t): t for value in found for t in index[value]}.values():
        share = sum(value in found for value in set(table.values)) / table.needed
        if share < 1 or (table.must and table.must not in found):
            continue
        if table.algorithm == "SHA-256" and long_halves:
            continue
        at = min(found[value] for value in table.values if value in found)
        yield seen(file, table.algorithm, at, "constants", table.says, table.weight, "implemented")


def _spoken(file: SourceFile, code: bytes) -> Iterator[Sign]:
    """Algorithms that are looked up by a string."""
    for match in _LOOKED_UP.finditer(file.data.lower()):
        # Blank there: the call is part of a comment.
        if code[match.start() : match.start() + 1].isspace():
            continue
        text = file.data[match.start(1) : match.end(1)].decode(errors="replace")
        for part in re.split(r"[:,\s]", text):
            if not part.startswith(("!", "-")):
                yield from _suite(file, match.start(), part)


def _suite(file: SourceFile, at: int, part: str) -> Iterator[Sign]:
    """The algorithms in one name of a list, such as DES-CBC3-SHA."""
    words = _SUITE_PART.findall(part.replace("CBC3", "EDE3").replace("DESede", "tdes"))
    for name in named_by("_".join(words)):
        yield seen(file, name, at, "named in a string", part[:40], 0.8, "called")


def _keys(file: SourceFile) -> Iterator[Sign]:
    """Sizes of keys and groups in PEM, and what certificates are signed with."""
    if b"-----BEGIN " not in file.data:
        return
    for match in _PEM.finditer(file.data):
        body = der.from_base64(re.sub(rb"\\[nr]|[^A-Za-z0-9+/=]", b"", match[2]))
        for name, says in _sizes(match[1], body):
            yield seen(file, name, match.start(), "key", says, 0.9, "called")


def _sizes(kind: bytes, body: bytes) -> Iterator[tuple[str, str]]:
    if kind == b"DH PARAMETERS":
        group = der.group(body)
        if group is not None:
            yield f"DH {group.bits}", "DH parameters in PEM"
        return
    for key in (*der.public_material(body), *der.private_keys(body)):
        if key.family == "RSA" and key.bits:
            yield f"RSA {key.bits}", f"{key.kind} in PEM"
        if key.digest in ("md5", "sha1"):
            yield (
                {"md5": "MD5", "sha1": "SHA-1"}[key.digest],
                f"certificate signed with {key.digest}",
            )


def weak_random(file: SourceFile) -> Iterator[tuple[int, str]]:
    """(line, what) of keys, salts and tokens that are drawn from a generator anybody can rerun."""
    if file.suffix in SUFFIXES and b"rand" in file.data:
        yield from structures.weak_random(file, code_only(file.data, file.suffix))
