"""Encryption of an image: once for all devices, its key once per device.

The image is an `aes128gcm` body (RFC 8188): records that authenticate as they stream, so that
truncation, reordering and mixing are noticed at the record where they happen.  The content key
is sealed to each device with HPKE base mode (RFC 9180: DHKEM(X25519), HKDF-SHA256, AES-256-GCM),
bound by `info` to device, release and digest: a wrap cannot be moved to another order.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from firmward.terms.errors import Malformed, Misuse, NotTrusted

RECORD: Final = 16 * 1024
_TAG: Final = 16
_HEADER: Final = 16 + 4 + 1
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _derive(key: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    """Content-encryption key and nonce base (RFC 8188 2.2, 2.3)."""
    cek = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(key)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(key)
    return AESGCM(cek), nonce


def _nonce(start: bytes, number: int) -> bytes:
    return (int.from_bytes(start) ^ number).to_bytes(12)


def encrypt(plaintext: bytes, key: bytes, salt: bytes, *, record: int = RECORD) -> bytes:
    """`plaintext` as an aes128gcm body.

    key     at least 16 bytes of input keying material, used for this plaintext only
    salt    16 bytes, fresh for every body
    record  record size in bytes, tag and delimiter included
    """
    if len(salt) != 16 or len(key) < 16 or record < 18:
        raise Misuse("encrypt: expected a key of >= 16, a salt of 16 and a record of >= 18 bytes")
    aead, start = _derive(key, salt)
    room = record - _TAG - 1
    count = max(1, -(-len(plaintext) // room))
    parts = [salt + record.to_bytes(4) + b"\x00"]
    for number in range(count):
        piece = plaintext[number * room : (number + 1) * room]
        delimiter = b"\x02" if number == count - 1 else b"\x01"
        parts.append(aead.encrypt(_nonce(start, number), piece + delimiter, None))
    return b"".join(parts)


def decrypt(body: Iterable[bytes], key: bytes) -> Iterator[bytes]:
    """The plaintext of an aes128gcm body, record by record as it arrives.

    raises  NotTrusted at the first record that is not authentic, and at an early end
    """
    buffer, chunks = bytearray(), iter(body)
    _fill(buffer, chunks, _HEADER)
    if len(buffer) < _HEADER:
        raise NotTrusted("encrypted image", "it ends inside its header")
    salt, record = bytes(buffer[:16]), int.from_bytes(buffer[16:20])
    head = _HEADER + buffer[20]
    if not 18 <= record <= 1 << 20:
        raise NotTrusted("encrypted image", f"expected a record of 18..2^20 bytes, got {record}")
    _fill(buffer, chunks, head)
    del buffer[:head]
    aead, start = _derive(key, salt)
    number, last = 0, False
    while not last:
        # One byte beyond the record tells a full last record from one that has a successor.
        _fill(buffer, chunks, record + 1)
        piece, last = _open_record(aead, _nonce(start, number), bytes(buffer[:record]))
        del buffer[:record]
        if last == bool(buffer):
            raise NotTrusted("encrypted image", "truncated or extended")
        number += 1
        yield piece


def _fill(buffer: bytearray, chunks: Iterator[bytes], size: int) -> None:
    while len(buffer) < size:
        chunk = next(chunks, None)
        if chunk is None:
            return
        buffer += chunk


def _open_record(aead: AESGCM, nonce: bytes, record: bytes) -> tuple[bytes, bool]:
    try:
        padded = aead.decrypt(nonce, record, None).rstrip(b"\x00")
    except (InvalidTag, ValueError) as error:
        raise NotTrusted("encrypted image", "a record is not authentic") from error
    if padded[-1:] not in (b"\x01", b"\x02"):
        raise NotTrusted("encrypted image", "a record has no delimiter")
    return padded[:-1], padded[-1:] == b"\x02"


def binding(device: str, release: str, sha256: str) -> bytes:
    """HPKE `info` of a wrapped key: which device, release and image it may be used for."""
    return f"firmward-image-key-v1|{device}|{release}|{sha256}".encode()


def wrap_key(key: bytes, recipient: bytes, info: bytes) -> str:
    """Base64 of `key` sealed to a raw 32-byte X25519 public key."""
    try:
        public = X25519PublicKey.from_public_bytes(recipient)
        return base64.b64encode(_SUITE.encrypt(key, public, info)).decode()
    except ValueError as error:
        raise Malformed("device decryption key", "32 bytes of X25519", str(error)) from error


def unwrap_key(wrapped: str, private: X25519PrivateKey, info: bytes) -> bytes:
    """The key inside, if it was sealed to this device under this binding.  Raises NotTrusted."""
    try:
        return _SUITE.decrypt(base64.b64decode(wrapped, validate=True), private, info)
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise NotTrusted("wrapped key", "not sealed to this device, release and image") from error


def new_decryption_key() -> X25519PrivateKey:
    """A fresh X25519 key in memory: a software key."""
    return X25519PrivateKey.generate()


def raw_public(key: X25519PrivateKey) -> bytes:
    """The 32-byte public half that a device registers."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
