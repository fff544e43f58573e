"""Secrets that a source tree or a binary would carry to everybody who gets the firmware."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from firmward.vendor.build import Artifact
from firmward.vendor.cache import Shelf
from firmward.vendor.scan.sarif import Finding, Rule, Run
from firmward.vendor.scan.sarif import run as sarif_run
from firmward.vendor.source import Checkout

TOOL: Final = "firmward-secrets"
VERSION: Final = "1.0.0"
_LARGEST: Final = 8 * 1024 * 1024

RULES: Final = (
    Rule("private-key", "error", "A private key in PEM"),
    Rule("cloud-token", "error", "An access token of a cloud or code host"),
    Rule("macro-password", "error", "A password, passphrase or token as a string constant"),
    Rule("array-key", "error", "Key material as an array of bytes"),
    Rule("high-entropy", "warning", "A string that looks drawn at random"),
    Rule("not-scanned", "warning", "A file too large to be scanned"),
)
_LEVEL: Final = {rule.id: rule.level for rule in RULES}

# These are as telling in a binary as in a source file.
_ANYWHERE: Final = (
    (
        "private-key",
        # In C each line of it stands in quotes and ends in a backslash and an n.
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----(?:\\[nr]|[\s\"]){0,16}"
            rb"[A-Za-z0-9+/=]{16}"
        ),
    ),
    (
        "cloud-token",
        re.compile(
            rb"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{20,}"
            rb"|AIza[0-9A-Za-z_-]{35}|glpat-[A-Za-z0-9_-]{20}|sk_live_[0-9A-Za-z]{24,})"
        ),
    ),
)
# Bounded, so that a long run of word characters costs no more than a short one.
_WORD: Final = rb"[A-Za-z0-9_]{0,64}"
_SECRET_NAME: Final = _WORD + rb"(?:passw(?:or)?d|passphrase|secret|token|psk|api_?key)" + _WORD
_STRING: Final = re.compile(
    rb"(?i)\b" + _SECRET_NAME + rb"(?:\s?\[\s?\d{0,4}\s?\])?\s{0,8}[=:\s]\s{0,40}"
    rb"\"([^\"\n]{4,256})\""
)
_KEY_NAME: Final = _WORD + rb"(?:key|secret|passw|token|psk)" + _WORD
_ARRAY: Final = re.compile(
    rb"(?i)\b(?:uint8_t|unsigned\s+char|u8|char|byte)\s+(" + _KEY_NAME + rb")"
    rb"\s{0,8}\[[^\]]{0,64}\]\s{0,8}=\s{0,40}\{([^}]{16,4096})\}"
)
_BYTE: Final = re.compile(rb"0[xX][0-9a-fA-F]{1,2}|\b\d{1,3}\b")
_QUOTED: Final = re.compile(rb"\"([A-Za-z0-9+/_=-]{24,256})\"")
# Placeholders, and format strings that only name a secret.
_HARMLESS: Final = re.compile(rb"^(?:[xX]+|\*+|<.*>|\$\{.*\}|.*%[-+ #0-9.*hlz]{0,8}[A-Za-z].*)$")


def scan_source(tree: Checkout, shelf: Shelf) -> Run:
    """What lies open in the source tree."""
    return shelf.kept((TOOL, VERSION, tree.source.tree), lambda: _scan(tree.root))


def _scan(root: Path) -> Run:
    found: list[Finding] = []
    for path in sorted(
        path for path in root.rglob("*") if path.is_file() and not path.is_symlink()
    ):
        name = path.relative_to(root).as_posix()
        if path.stat().st_size > _LARGEST:
            found.append(_finding("not-scanned", name, 0, f"over {_LARGEST} bytes"))
        else:
            found.extend(_in_file(name, path.read_bytes()))
    return sarif_run(TOOL, VERSION, RULES, found)


def _in_file(name: str, data: bytes) -> Iterator[Finding]:
    yield from in_bytes(name, data)
    if b"\0" not in data[:4096]:
        yield from in_text(name, data)


def scan_binary(artifact: Artifact) -> Run:
    """What lies open in the binary that devices get."""
    found = list(in_bytes("app.bin", artifact.binary))
    return sarif_run(TOOL, VERSION, RULES, found) | {"automationDetails": {"id": "binary"}}


def in_bytes(name: str, data: bytes) -> Iterator[Finding]:
    """Secrets that look the same in any kind of file."""
    for rule, pattern in _ANYWHERE:
        for match in pattern.finditer(data):
            yield _finding(rule, name, _line(data, match.start()), match[0][:12].decode() + "...")


def in_text(name: str, data: bytes) -> Iterator[Finding]:
    """Secrets as a programmer writes them."""
    for match in _STRING.finditer(data):
        if not _HARMLESS.match(match[1]):
            yield _finding("macro-password", name, _line(data, match.start(1)), "in a string")
    for match in _ARRAY.finditer(data):
        values = _BYTE.findall(match[2])
        if b"pub" not in match[1].lower() and len(values) >= 8 and len(set(values)) > 2:
            says = f"{len(values)} bytes in {match[1].decode()}"
            yield _finding("array-key", name, _line(data, match.start()), says)
    for match in _QUOTED.finditer(data):
        if _entropy(match[1]) > 4.3:
            yield _finding("high-entropy", name, _line(data, match.start()), "in a string")


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _entropy(text: bytes) -> float:
    """Shannon's, in bits per character; 24 random base64 characters have about 4.4."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _finding(rule: str, path: str, line: int, says: str) -> Finding:
    # The secret itself stays out of the report: evidence is handed to others.
    return Finding(path=path, line=line, rule=rule, level=_LEVEL[rule], message=_SAYS[rule] + says)


_SAYS: Final = {rule.id: f"{rule.says}: " for rule in RULES}
