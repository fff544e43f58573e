"""Private keys: in PEM and its kin, in DER, and in what source code makes of either."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.vendor.scan import der
from firmward.vendor.scan.secrets import bytes_in_code
from firmward.vendor.scan.secrets.rules import Hit

# In C each line of it stands in quotes and ends in a backslash and an n.
_GAP: Final = rb"(?:\\[nrt]|[\s\"'+\\,]){1,48}"
_PEM: Final = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]{2,12} ){0,3})PRIVATE KEY(?: BLOCK)?-----" + _GAP
    + rb"((?:(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash):[^\n\"\\]{0,120}"
    + _GAP + rb"){0,6})"
    rb"([A-Za-z0-9+/=]{16})"
)  # fmt: skip
_PUTTY: Final = re.compile(rb"PuTTY-User-Key-File-\d:[^\n]{1,40}\r?\nEncryption: (\w+)")
_SSH2: Final = re.compile(rb"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----")


def in_pem(data: bytes) -> Iterator[Hit]:
    """PEM of PKCS#1, PKCS#8, SEC 1, OpenSSH and OpenPGP, and PuTTY's own."""
    if b"PRIVATE KEY" in data:
        for match in _PEM.finditer(data):
            kind = match[1].decode().strip() or "PKCS#8"
            sealed = b"ENCRYPTED" in match[1] + match[2]
            rule = "sealed-private-key" if sealed else "private-key"
            yield Hit(match.start(), rule, f"{kind}, in PEM")
    if b"PuTTY" in data:
        for match in _PUTTY.finditer(data):
            rule = "private-key" if match[1] == b"none" else "sealed-private-key"
            yield Hit(match.start(), rule, "PuTTY")


def in_der(data: bytes) -> Iterator[Hit]:
    """DER as it lies in a file or a memory image."""
    for key in der.private_keys(data):
        rule = "private-key" if key.kind == "private key" else "sealed-private-key"
        yield Hit(key.at, rule, f"{key.family}, {key.length} bytes of DER")


def in_literals(data: bytes) -> Iterator[Hit]:
    """DER in initialisers, escapes and base64 of source code, by whatever name."""
    for at, raw in bytes_in_code.der_candidates(data):
        for hit in in_der(raw):
            yield Hit(at, hit.rule, hit.says)
            break
    for at, text in bytes_in_code.base64_candidates(data):
        # Its PEM armour was told already.
        armoured = b"-----BEGIN" in data[max(0, at - 160) : at]
        for hit in () if armoured else in_der(der.from_base64(text)):
            yield Hit(at, hit.rule, f"{hit.says}, in base64")
            break
