"""Private keys: in PEM and its kin, and in DER."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import der
from firmward.binaries.hits import Hit

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
