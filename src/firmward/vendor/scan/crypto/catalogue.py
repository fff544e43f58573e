"""The algorithms we know: what they are, what the standards call them, and which are outdated.

Outdated after NIST SP 800-131A r2, SP 800-52 r2, RFC 8996, RFC 7465 and RFC 6151.  "error" is for
what is broken in practice; "warning" for what is on its way out yet still sound in some uses, such
as SHA-1 inside HMAC.
"""

from dataclasses import dataclass
from typing import Final, Literal

from firmward.vendor.scan.sarif import Level

Primitive = Literal[
    "hash", "block-cipher", "stream-cipher", "signature", "pke", "key-agree", "mac", "kdf", "ae",
    "drbg", "kem", "mode", "protocol",
]  # fmt: skip


@dataclass(frozen=True)
class Algorithm:
    """One algorithm.

    parameter  its parameter set: a size in bits, or a curve
    outdated   why it must go, "" while it need not
    worst      how bad a certain use of it is
    rule       the scanner's rule that tells of it
    """

    name: str
    primitive: Primitive
    oid: str = ""
    parameter: str = ""
    outdated: str = ""
    worst: Level = "none"
    rule: str = ""


def _old(
    name: str, primitive: Primitive, oid: str, why: str, worst: Level, parameter: str = ""
) -> Algorithm:
    rules = {"hash": "weak-hash", "protocol": "weak-protocol", "mode": "weak-mode"}
    rule = rules.get(primitive, "weak-cipher")
    return Algorithm(name, primitive, oid, parameter, why, worst, rule)


_KNOWN: Final = (
    _old("MD2", "hash", "1.2.840.113549.2.2", "collisions are practical", "error", "128"),
    _old("MD4", "hash", "1.2.840.113549.2.4", "collisions are computed by hand", "error", "128"),
    _old("MD5", "hash", "1.2.840.113549.2.5", "collisions take seconds", "error", "128"),
    _old(
        "SHA-1",
        "hash",
        "1.3.14.3.2.26",
        "chosen-prefix collisions are affordable",
        "warning",
        "160",
    ),
    _old(
        "DES",
        "block-cipher",
        "1.3.14.3.2.7",
        "56-bit keys fall to exhaustive search",
        "error",
        "56",
    ),
    _old(
        "3DES",
        "block-cipher",
        "1.2.840.113549.3.7",
        "64-bit blocks collide; disallowed since 2024",
        "error",
        "168",
    ),
    _old(
        "RC2",
        "block-cipher",
        "1.2.840.113549.3.2",
        "related-key attacks, often 40-bit keys",
        "error",
    ),
    _old(
        "RC4", "stream-cipher", "1.2.840.113549.3.4", "its key stream is biased; RFC 7465", "error"
    ),
    _old("Blowfish", "block-cipher", "1.3.6.1.4.1.3029.1.2", "64-bit blocks collide", "warning"),
    _old(
        "CAST5", "block-cipher", "1.2.840.113533.7.66.10", "64-bit blocks collide", "warning", "128"
    ),
    _old(
        "IDEA", "block-cipher", "1.3.6.1.4.1.188.7.1.1.2", "64-bit blocks collide", "warning", "128"
    ),
    _old("TEA", "block-cipher", "", "64-bit blocks and equivalent keys", "warning", "128"),
    _old("ECB", "mode", "", "equal blocks of plaintext show as equal", "error"),
    _old("SSL 3.0", "protocol", "", "POODLE; RFC 7568", "error", "3.0"),
    _old("TLS 1.0", "protocol", "", "withdrawn by RFC 8996", "error", "1.0"),
    _old("TLS 1.1", "protocol", "", "withdrawn by RFC 8996", "error", "1.1"),
    Algorithm("RIPEMD-160", "hash", "1.3.36.3.2.1", "160"),
    Algorithm("SHA-224", "hash", "2.16.840.1.101.3.4.2.4", "224"),
    Algorithm("SHA-256", "hash", "2.16.840.1.101.3.4.2.1", "256"),
    Algorithm("SHA-384", "hash", "2.16.840.1.101.3.4.2.2", "384"),
    Algorithm("SHA-512", "hash", "2.16.840.1.101.3.4.2.3", "512"),
    Algorithm("SHA-3", "hash", "2.16.840.1.101.3.4.2.8", "256"),
    Algorithm("SM3", "hash", "1.2.156.10197.1.401", "256"),
    Algorithm("BLAKE2b", "hash", "1.3.6.1.4.1.1722.12.2.1.16", "512"),
    Algorithm("BLAKE2s", "hash", "1.3.6.1.4.1.1722.12.2.2.8", "256"),
    Algorithm("AES", "block-cipher", "2.16.840.1.101.3.4.1"),
    Algorithm("Camellia", "block-cipher", "1.2.392.200011.61.1.1.1"),
    Algorithm("ARIA", "block-cipher", "1.2.410.200046.1.1"),
    Algorithm("SM4", "block-cipher", "1.2.156.10197.1.104", "128"),
    Algorithm("Twofish", "block-cipher"),
    Algorithm("ChaCha20", "stream-cipher", "1.2.840.113549.1.9.16.3.18", "256"),
    Algorithm("Salsa20", "stream-cipher", "", "256"),
    Algorithm("Ascon", "ae"),
    Algorithm("Poly1305", "mac", "", "256"),
    Algorithm("SipHash", "mac", "", "128"),
    Algorithm("HMAC", "mac", "1.3.6.1.5.5.8.1"),
    Algorithm("CMAC", "mac"),
    Algorithm("GCM", "ae"),
    Algorithm("CCM", "ae"),
    Algorithm("RSA", "pke", "1.2.840.113549.1.1.1"),
    Algorithm("DSA", "signature", "1.2.840.10040.4.1"),
    Algorithm("DH", "key-agree", "1.2.840.113549.1.3.1"),
    Algorithm("ECDSA", "signature", "1.2.840.10045.4.3"),
    Algorithm("ECDH", "key-agree", "1.3.132.1.12"),
    Algorithm("P-192", "key-agree", "1.2.840.10045.3.1.1", "secp192r1"),
    Algorithm("P-224", "key-agree", "1.3.132.0.33", "secp224r1"),
    Algorithm("P-256", "key-agree", "1.2.840.10045.3.1.7", "secp256r1"),
    Algorithm("P-384", "key-agree", "1.3.132.0.34", "secp384r1"),
    Algorithm("P-521", "key-agree", "1.3.132.0.35", "secp521r1"),
    Algorithm("secp256k1", "signature", "1.3.132.0.10", "secp256k1"),
    Algorithm("X25519", "key-agree", "1.3.101.110", "Curve25519"),
    Algorithm("Ed25519", "signature", "1.3.101.112", "Ed25519"),
    Algorithm("PBKDF2", "kdf", "1.2.840.113549.1.5.12"),
    Algorithm("HKDF", "kdf"),
    Algorithm("scrypt", "kdf", "1.3.6.1.4.1.11591.4.11"),
    Algorithm("bcrypt", "kdf"),
    Algorithm("Argon2", "kdf"),
    Algorithm("CTR-DRBG", "drbg"),
    Algorithm("HMAC-DRBG", "drbg"),
    Algorithm("ML-KEM", "kem", "2.16.840.1.101.3.4.4"),
    Algorithm("ML-DSA", "signature", "2.16.840.1.101.3.4.3"),
    Algorithm("LMS", "signature", "1.2.840.113549.1.9.16.3.17"),
)
ALGORITHMS: Final = {each.name: each for each in _KNOWN}
