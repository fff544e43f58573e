"""MCUboot images, read: header, digest, signature and security counter (MCUboot design.md).

What is measured here is measured from the bytes; the boot stage on the device does the same again.

Beside the signature an image may carry a MAC, for device classes whose integrity method is
symmetric-mac: HMAC-SHA256 in a protected TLV of a type that MCUboot leaves to vendors (0x00A0).
It covers header, body and all protected TLVs, with its own 32 bytes taken as zeros: so version,
sizes, load address, security counter and code.  It does not cover the outer TLVs (digest, key hash,
signature), nor product and hardware id, which are fixed by the key being one device class's own.
Every device of the class holds that key: who gets it out of one can make images for all of them,
and a MAC proves nothing to a third party.  So it never stands in for the signature.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from firmward.terms.errors import Malformed

MAGIC = 0x96F3B83D
MAC_TLV, MAC_SIZE = 0x00A0, 32
_PROTECTED, _UNPROTECTED = 0x6908, 0x6907
_KEYHASH, _SHA256, _ECDSA, _ED25519, _COUNTER = 0x01, 0x10, 0x22, 0x24, 0x50
_SIGNATURES = ((_ECDSA, "ecdsa"), (_ED25519, "ed25519"))


@dataclass(frozen=True)
class Image:
    """An MCUboot image as its bytes say.

    digest     SHA-256 over header, body and protected TLVs, as computed here
    claimed    the digest its TLV claims ("" without one)
    key_hash   SHA-256 of the signer's public key, as claimed
    counter    security counter (0 without one)
    algorithm  "ecdsa" or "ed25519" by the TLV that the signature is in; "" without one
    mac        the MAC it carries (b"" without one); who knows the key may ask `mac_by`
    """

    version: str
    build: int
    counter: int
    digest: str
    claimed: str
    key_hash: str
    signature: bytes
    algorithm: str = ""
    mac: bytes = b""


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
    algorithm, signature = _signature(outer)
    return Image(
        version=f"{major}.{minor}.{revision}",
        build=build,
        counter=_number(inner.get(_COUNTER, bytes(4))),
        digest=hashlib.sha256(data[:covered]).hexdigest(),
        claimed=outer.get(_SHA256, b"").hex(),
        key_hash=outer.get(_KEYHASH, b"").hex(),
        signature=signature,
        algorithm=algorithm,
        mac=_mac(inner.get(MAC_TLV, b"")),
    )


def _signature(outer: dict[int, bytes]) -> tuple[str, bytes]:
    found = [(name, outer[kind]) for kind, name in _SIGNATURES if kind in outer]
    # With two, this reader could check one and the boot stage the other.
    if len(found) > 1:
        raise Malformed("image", "one signature", f"{len(found)}")
    return found[0] if found else ("", b"")


def _mac(value: bytes) -> bytes:
    if len(value) not in (0, MAC_SIZE):
        raise Malformed("image", f"a MAC of {MAC_SIZE} bytes", f"{len(value)}")
    return value


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


def mac_span(data: bytes) -> slice:
    """Where in an image (or in what is covered of one) the MAC's bytes are.

    raises  Malformed for what has none
    """
    try:
        header, protected, size = struct.unpack_from("<HHI", data, 8)
        at, end = header + size + 4, header + size + protected
        while at < end:
            kind, length = struct.unpack_from("<HH", data, at)
            if kind == MAC_TLV and length == MAC_SIZE and at + 4 + length <= len(data):
                return slice(at + 4, at + 4 + MAC_SIZE)
            at += 4 + length
    except struct.error as error:
        raise Malformed("image", "an MCUboot header", f"{len(data)} bytes") from error
    raise Malformed("image", "a MAC among its protected TLVs", "none")


def mac_message(data: bytes) -> bytes:
    """What the MAC is made over: header, body and protected TLVs, the MAC itself as zeros.

    raises  Malformed for an image that carries none
    """
    span = mac_span(data)
    header, protected, size = struct.unpack_from("<HHI", data, 8)
    return data[: span.start] + bytes(MAC_SIZE) + data[span.stop : header + size + protected]


def mac_by(data: bytes, key: bytes) -> bool:
    """Whether an image carries a MAC made with this key over its own bytes.

    It is compared in constant time: a difference in time would tell how many bytes were guessed.
    raises  Malformed for what is no image
    """
    if not parse(data).mac:
        return False
    expected = hmac.digest(key, mac_message(data), "sha256")
    return hmac.compare_digest(expected, data[mac_span(data)])


def signed_by(image: Image, public_pem: bytes) -> bool:
    """Whether the image carries a good signature by this key over its own digest.

    ECDSA P-256, which is what the boot stage here knows, or Ed25519.
    raises  Malformed where the key is none
    """
    try:
        key = serialization.load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("firmware key", "a public key in PEM", str(error)[:120]) from error
    if image.claimed != image.digest:
        return False
    digest = bytes.fromhex(image.digest)
    try:
        if isinstance(key, Ed25519PublicKey) and image.algorithm == "ed25519":
            key.verify(image.signature, digest)
        elif (
            isinstance(key, ec.EllipticCurvePublicKey)
            and key.curve.name == "secp256r1"
            and image.algorithm == "ecdsa"
        ):
            key.verify(image.signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        else:
            return False
    except InvalidSignature:
        return False
    return True
