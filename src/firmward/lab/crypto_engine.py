"""The SoC's cryptographic engine, simulated: its arithmetic runs on the host, not on the CPU.

The firmware hands it addresses and reads a status, as with a hardware block.
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

DONE, BAD, FAULT = 0, 1, 2
_LARGEST = 0x80000

Read = Callable[[int, int], bytes | None]
Write = Callable[[int, bytes], bool]


def sha256(read: Read, write: Write, source: int, length: int, to: int) -> int:
    """Hash `length` bytes of memory from `source` to `to`; the engine's status."""
    if not 0 < length <= _LARGEST:
        return FAULT
    data = read(source, length)
    if data is None or not write(to, hashlib.sha256(data).digest()):
        return FAULT
    return DONE


def ecdsa_p256(read: Read, digest_at: int, key_at: int, signature_at: int) -> int:
    """Verify r || s over a 32-byte digest with the key X || Y; the engine's status."""
    digest, key, signature = read(digest_at, 32), read(key_at, 64), read(signature_at, 64)
    if digest is None or key is None or signature is None:
        return FAULT
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + key)
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, ValueError):  # ValueError: the point is not on the curve
        return BAD
    return DONE
