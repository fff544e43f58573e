"""MCUboot images, read: header, digest, signature and security counter (MCUboot design.md).

What is measured here is measured from the bytes; the boot stage on the device does the same again.
"""

import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from firmward.terms.errors import Malformed

MAGIC = 0x96F3B83D
_PROTECTED, _UNPROTECTED = 0x6908, 0x6907
_KEYHASH, _SHA256, _ECDSA, _COUNTER = 0x01, 0x10, 0x22, 0x50


@dataclass(frozen=True)
class Image:
    """An MCUboot image as its bytes say.

    digest     SHA-256 over header, body and protected TLVs, as computed here
    claimed    the digest its TLV claims ("" without one)
    key_hash   SHA-256 of the signer's public key, as claimed
    counter    security counter (0 without one)
    """

    version: str
    build: int
    counter: int
    digest: str
    claimed: str
    key_hash: str
    signature: bytes


def parse(data: bytes) -> Image:
    """The image in `data`.  Raises Malformed for anything that is not exactly one image."""
    try:
        magic, _, header, protected, size, _ = struct.unpack_from("<IIHHII", data)
        major, minor, revision, build = struct.unpack_from("<BBHI", data, 20)
    except struct.error as error:
        raise Malformed("image", "an MCUboot header", f"{len(data)} bytes") from error
    covered = header + size + protected
    if magic != MAGIC or header < 32 or covered > len(data):
        raise Malformed("image", "an MCUboot header that fits", f"{magic:#x}, {covered} bytes")
    inner = dict(_tlvs(data[header + size : covered], _PROTECTED)) if protected else {}
    outer = dict(_tlvs(data[covered:], _UNPROTECTED))
    # The signature does not cover the outer area: a counter there is anybody's to raise or lower.
    if _COUNTER in outer or inner.keys() & outer.keys():
        raise Malformed("image", "the counter under the signature, each TLV once", "another place")
    return Image(
        version=f"{major}.{minor}.{revision}",
        build=build,
        counter=_number(inner.get(_COUNTER, bytes(4))),
        digest=hashlib.sha256(data[:covered]).hexdigest(),
        claimed=outer.get(_SHA256, b"").hex(),
        key_hash=outer.get(_KEYHASH, b"").hex(),
        signature=outer.get(_ECDSA, b""),
    )


def _number(value: bytes) -> int:
    if len(value) != 4:
        raise Malformed("image", "a security counter of 4 bytes", f"{len(value)}")
    return int.from_bytes(value, "little")


def _tlvs(area: bytes, magic: int) -> list[tuple[int, bytes]]:
    """The TLVs of one area; trailing bytes would be room for what nobody signed."""
    try:
        found, total = struct.unpack_from("<HH", area)
        if found != magic or total != len(area):
            raise Malformed("image", f"a TLV area {magic:#x} of {len(area)}", f"{found:#x}/{total}")
        tlvs, at = [], 4
        while at < total:
            kind, length = struct.unpack_from("<HH", area, at)
            if at + 4 + length > total:
                raise Malformed("image", "TLVs inside their area", f"one of {length} bytes")
            tlvs.append((kind, area[at + 4 : at + 4 + length]))
            at += 4 + length
    except struct.error as error:
        raise Malformed("image", "a TLV area", f"{len(area)} bytes") from error
    if len({kind for kind, _ in tlvs}) != len(tlvs):
        raise Malformed("image", "each TLV once", "one twice")
    return tlvs


def signed_by(image: Image, public_pem: bytes) -> bool:
    """Whether the image carries a good ECDSA P-256 signature by this key over its own digest.

    raises  Malformed where the key is none
    """
    try:
        key = serialization.load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("firmware key", "a public key in PEM", str(error)[:120]) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        return False
    if image.claimed != image.digest:
        return False
    try:
        algorithm = ec.ECDSA(Prehashed(hashes.SHA256()))
        key.verify(image.signature, bytes.fromhex(image.digest), algorithm)
    except InvalidSignature:
        return False
    return True
