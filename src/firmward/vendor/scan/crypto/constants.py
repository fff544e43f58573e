"""The constants that give algorithms away, and how many of them prove one.

Sources: RFC 1321 3.4 (MD5), FIPS 180-4 4.2 (SHA), Schneier 1993 (Blowfish: digits of pi), RFC 2409
6.1 (Oakley groups: digits of pi), RFC 8017 9.2 (PKCS#1), RFC 7748 and 8032.
"""

import math
import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from firmward.vendor.scan.crypto import des_tables
from firmward.vendor.scan.crypto.derived import (
    aes_boxes,
    aes_rounds,
    edwards_d,
    limbs,
    pi,
    pi_words,
    roots,
    rotated,
)

_M32: Final = 0xFFFFFFFF
_SHA1: Final = (0xCA62C1D6, 0x8F1BBCDC, 0x6ED9EBA1, 0x5A827999)
_SM3: Final = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA)
_SIPHASH: Final = (
    0x736F6D65, 0x70736575, 0x646F7261, 0x6E646F6D, 0x6C796765, 0x6E657261, 0x74656462, 0x79746573,
)  # fmt: skip
_KECCAK: Final = (1, 0x8082, 0x800000000000808A, 0x8000000080008000)
_RCON_HIGH: Final = tuple(n << 24 for n in (1, 2, 4, 8, 16, 32, 64, 128, 0x1B))
_PKCS1_SHA256: Final = "3031300d060960864801650304020105000420"
_CURVES: Final = (
    ("P-256", ec.SECP256R1()),
    ("P-384", ec.SECP384R1()),
    ("P-521", ec.SECP521R1()),
    ("secp256k1", ec.SECP256K1()),
)


@dataclass(frozen=True)
class Words:
    """32-bit constants that may lie anywhere, in either byte order, even inside instructions.

    needed  how many distinct ones of them prove the algorithm
    must    one without which the others prove another algorithm
    """

    algorithm: str
    says: str
    values: tuple[int, ...]
    needed: int
    must: int = 0
    weight: float = 0.95


@dataclass(frozen=True)
class Run:
    """Values that lie one after the other, each in `width` bytes or in another width."""

    algorithm: str
    says: str
    values: tuple[int, ...]
    weight: float = 0.95
    widths: tuple[int, ...] = (1, 4)


@cache
def words() -> tuple[Words, ...]:
    """All constants by which single words count."""
    sha256, sha512 = roots(3, 64, 32), roots(3, 80, 64)
    return (
        Words("MD5", "sine table", tuple(int(abs(math.sin(n + 1)) * 2**32) for n in range(64)), 40),
        Words("SHA-1", "round constants", _SHA1, 4, must=_SHA1[0], weight=0.9),
        Words("RIPEMD-160", "round constants", (0xA953FD4E, 0x50A28BE6, 0x5C4DD124, 0x6D703EF3), 4),
        Words("SHA-256", "cube roots", sha256, 40),
        Words("SHA-224", "initial value", tuple(v & _M32 for v in roots(2, 16, 64)[8:]), 8),
        Words("SHA-512", "cube roots", _halves(sha512), 110),
        Words("SHA-384", "initial value", tuple(v >> 32 for v in roots(2, 16, 64)[8:]), 8),
        Words("SM3", "initial value", _SM3, 6),
        Words("Blowfish", "digits of pi", pi_words(18), 14),
        Words("CAST5", "S-box", (0x30FB40D4, 0x9FA0FF0B, 0x6BECCD2F, 0x3F258C7A, 0x1E213F2F), 5),
        Words("ChaCha20", "sigma", (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574), 4),
        Words("Poly1305", "clamp", (0x3FFFF03, 0x3FFC0FF, 0x3F03FFF), 3, weight=0.8),
        Words("SipHash", "initial value", _SIPHASH, 8),
        *(_aes_table(inverse, turn) for inverse in (False, True) for turn in range(4)),
        *(_curve(name, curve) for name, curve in _CURVES),
        Words("Ed25519", "d in 25.5-bit limbs", limbs(edwards_d() - 2**255 + 19), 9),
        _oakley(1, 768, 149686),
        _oakley(2, 1024, 129093),
        _oakley(5, 1536, 741804),
        _oakley(14, 2048, 124476),
    )  # fmt: skip


@cache
def runs() -> tuple[Run, ...]:
    """All constants by which only the order counts."""
    sbox, inverse = aes_boxes()
    d = edwards_d()
    return (
        Run("AES", "S-box", sbox[:16]),
        Run("AES", "inverse S-box", inverse[:16]),
        Run("AES", "round constants", (1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36), 0.6),
        Run("AES", "round constants", _RCON_HIGH, 0.6, (4,)),
        *(Run("DES", says, values, widths=w) for says, values, w in des_tables.layouts()),
        Run("RC2", "pi table", _bytes("d978f9c419ddb5ed28e9fd79")),
        Run("MD2", "pi table", _bytes("292e43c9a2d87c013d3654a1")),
        Run("Camellia", "S-box", _bytes("70822cecb327c0e5e4855735")),
        Run("SM4", "S-box", _bytes("d690e9fecce13db716b614c2")),
        Run("ARIA", "S-box", _bytes("e24e54fc94c24acc620d6a46")),
        Run("Twofish", "q table", _bytes("a967b3e804fda3769a928078")),
        Run("BLAKE2b", "sigma", (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3), 0.7),
        Run("SHA-3", "round constants", _KECCAK, widths=(8,)),
        Run("X25519", "prime", (0xED, *(0xFF for _ in range(30)), 0x7F), 0.7, (1,)),
        Run("Ed25519", "d", tuple(d.to_bytes(32, "little")), widths=(1,)),
        Run("Ed25519", "d in 16-bit limbs", _pieces(d, 16), widths=(2, 8)),
        Run("Ed25519", "d in 51-bit limbs", _pieces(d, 51), widths=(8,)),
        Run("ChaCha20", "sigma", tuple(b"expand 32-byte k"), widths=(1,)),
        Run("Salsa20", "tau", tuple(b"expand 16-byte k"), 0.8, (1,)),
        Run("RSA", "PKCS#1 of SHA-256", _bytes(_PKCS1_SHA256), 0.8, (1,)),
        Run("RSA", "PKCS#1 of SHA-1", _bytes("3021300906052b0e03021a05000414"), 0.8, (1,)),
        Run("RSA", "PKCS#1 of MD5", _bytes("3020300c06082a864886f70d020505000410"), 0.8, (1,)),
    )  # fmt: skip


@cache
def patterns() -> tuple[tuple[Run, bytes], ...]:
    """Each run as it may lie in memory: in each of its widths, and in either byte order."""
    out: dict[bytes, Run] = {}
    for run in runs():
        for width in run.widths:
            for order in ("<", ">") if width > 1 else ("<",):
                code = {1: "B", 2: "H", 4: "I", 8: "Q"}[width]
                out.setdefault(struct.pack(f"{order}{len(run.values)}{code}", *run.values), run)
    return tuple((run, pattern) for pattern, run in out.items())


def _curve(name: str, curve: ec.EllipticCurve) -> Words:
    """The base point: what the private key 1 has for its public key."""
    point = ec.derive_private_key(1, curve).public_key().public_numbers()
    size = curve.key_size // 32
    values = tuple(point.x >> 32 * n & _M32 for n in range(size))
    return Words(name, "base point", values, size - 1)


def _oakley(number: int, bits: int, k: int) -> Words:
    """What tells an Oakley prime from its sisters, which begin alike: the words before its last.

    p = 2^n - 2^(n-64) - 1 + 2^64 (floor(2^(n-130) pi) + k)
    """
    prime = 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (pi(bits - 130) + k)
    last = tuple(prime >> 32 * n & _M32 for n in range(2, 8))
    return Words(f"DH {bits}", f"Oakley group {number}", last, 6, must=last[0])


def _aes_table(inverse: bool, turn: int) -> Words:
    """One of the eight tables that join the S-box with the mixing of columns."""
    name = f"{'inverse ' if inverse else ''}table T{turn}"
    return Words("AES", name, tuple(rotated(v, 8 * turn) for v in aes_rounds(inverse)), 200)


def _halves(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(half for value in values for half in (value >> 32, value & _M32))


def _pieces(number: int, bits: int) -> tuple[int, ...]:
    """A number of 255 bits in limbs, the lowest first."""
    return tuple(number >> at & (1 << bits) - 1 for at in range(0, 255, bits))


def _bytes(text: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(text))
