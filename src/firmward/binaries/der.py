"""Keys in DER, wherever they lie in some bytes: found by their structure, then read to be sure.

Source: PKCS#8 is RFC 5958 2, SEC1 keys RFC 5915 3, RSA keys RFC 8017 A.1, public keys RFC 5280 4.1.
"""

import base64
import binascii
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

Kind = Literal["private key", "encrypted private key", "RSA public key", "certificate", "DH group"]

_LENGTH: Final = rb"(?:[\x10-\x7f]|\x81[\x80-\xff]|\x82[\x01-\x3f].)"
# SEQUENCE { INTEGER 0 or 1, ... }: how all four forms of an unencrypted private key begin.
_PRIVATE: Final = re.compile(rb"\x30" + _LENGTH + rb"\x02\x01[\x00\x01][\x02\x04\x30]", re.DOTALL)
# SEQUENCE { SEQUENCE { OID pkcs5 PBES2 ...
_SEALED: Final = re.compile(
    rb"\x30" + _LENGTH + rb"\x30" + _LENGTH + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d",
    re.DOTALL,
)
# SEQUENCE { SEQUENCE { [0] { INTEGER v3 } INTEGER serial ...
_CERTIFICATE: Final = re.compile(rb"\x30\x82..\x30\x82..\xa0\x03\x02\x01\x02\x02", re.DOTALL)
_RSA_OID: Final = re.compile(
    rb"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03" + _LENGTH + rb"\x00\x30", re.DOTALL
)
# SEQUENCE { INTEGER modulus, INTEGER 65537 or 3 }, its moduli from 512 bits to 8192.
_RSA_PUBLIC: Final = re.compile(
    rb"\x30(?:[\x48-\x7f]|\x81[\x80-\xff]|\x82[\x01-\x04].)"
    rb"\x02(?:\x41|\x61|\x81[\x80-\xff]|\x82[\x01-\x04].)\x00[\x80-\xff]",
    re.DOTALL,
)
_EXPONENTS: Final = (b"\x02\x03\x01\x00\x01", b"\x02\x01\x03")


@dataclass(frozen=True)
class Key:
    """A key or what holds one.

    at, length  where it is in the bytes
    family      RSA, EC, DSA, DH, or the class of it
    bits        size of the modulus or field, 0 where that says nothing
    digest      what a certificate is signed with, such as sha1
    """

    kind: Kind
    at: int
    length: int
    family: str
    bits: int = 0
    digest: str = ""


def private_keys(data: bytes) -> Iterator[Key]:
    """Every private key in DER that can be read as one."""
    end = 0
    for match in _PRIVATE.finditer(data):
        length = _span(data, match.start())
        if match.start() < end or not length:
            continue
        body = data[match.start() : match.start() + length]
        key = _loaded(body, match.start())
        if key is not None:
            end = match.start() + length
            yield key
    for match in _SEALED.finditer(data):
        if length := _span(data, match.start()):
            yield Key("encrypted private key", match.start(), length, "PKCS#8")


def public_material(data: bytes) -> Iterator[Key]:
    """RSA public keys and certificates in DER."""
    for match in _RSA_PUBLIC.finditer(data):
        at, length = match.start(), _span(data, match.start())
        inner = at + 2 + _extra(data, at)
        size = _span(data, inner)
        if length and size and data[inner + size : at + length] in _EXPONENTS:
            modulus = int.from_bytes(data[inner + 2 + _extra(data, inner) : inner + size], "big")
            yield Key("RSA public key", at, length, "RSA", modulus.bit_length())
    for match in _CERTIFICATE.finditer(data):
        if length := _span(data, match.start()):
            yield from _certificate(data[match.start() : match.start() + length], match.start())


def group(body: bytes) -> Key | None:
    """The Diffie-Hellman group that these bytes are, if they are SEQUENCE { p, g }."""
    if body[:1] != b"\x30" or _span(body, 0) != len(body):
        return None
    at = 2 + _extra(body, 0)
    size = _span(body, at)
    if not size or body[at] != 2 or body[at + size : at + size + 1] != b"\x02":
        return None
    prime = int.from_bytes(body[at + 2 + _extra(body, at) : at + size], "big")
    return Key("DH group", 0, len(body), "DH", prime.bit_length())


def from_base64(text: bytes) -> bytes:
    """The bytes that base64 stands for, as much of it as is whole; b"" for none."""
    text = text.rstrip(b"=")
    whole = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(whole + b"=" * (-len(whole) % 4), validate=True)
    except binascii.Error:
        return b""


def _span(data: bytes, at: int) -> int:
    """Length of the element at an offset with its header; 0 if the data ends before it does."""
    if at + 2 > len(data):
        return 0
    extra = _extra(data, at)
    short = data[at + 1]
    size = int.from_bytes(data[at + 2 : at + 2 + extra], "big") if extra else short
    whole = 2 + extra + size
    return whole if at + whole <= len(data) else 0


def _extra(data: bytes, at: int) -> int:
    """How many bytes of length follow the first."""
    return data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0


def _loaded(body: bytes, at: int) -> Key | None:
    try:
        key = load_der_private_key(body, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    family, bits = type(key).__name__.removesuffix("PrivateKey").lstrip("_"), 0
    if isinstance(key, rsa.RSAPrivateKey | dsa.DSAPrivateKey):
        family, bits = ("RSA" if isinstance(key, rsa.RSAPrivateKey) else "DSA"), key.key_size
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        family, bits = f"EC {key.curve.name}", key.curve.key_size
    return Key("private key", at, len(body), family, bits)


def _certificate(body: bytes, at: int) -> Iterator[Key]:
    try:
        with warnings.catch_warnings():
            # A serial number that RFC 5280 does not allow says nothing about the key.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(body)
            digest = certificate.signature_hash_algorithm
            root = certificate.issuer == certificate.subject
    except (ValueError, UnsupportedAlgorithm):
        return
    # Nobody checks a root's signature of itself: it is trusted for where it lies.
    name = digest.name if digest is not None and not root else ""
    yield Key("certificate", at, len(body), "X.509", digest=name)
