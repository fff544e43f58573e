"""Constants that standards derive from nothing up their sleeve, computed as they were.

Sources: FIPS 180-4 4.2 (roots of primes), FIPS 197 4.2 and 5.1.1 (AES's field), RFC 8032 5.1.
"""

from functools import cache
from itertools import count, islice
from typing import Final

_M32: Final = 0xFFFFFFFF


def _primes() -> list[int]:
    found: list[int] = []
    for number in count(2):
        if all(number % prime for prime in found):
            found.append(number)
        if len(found) == 80:
            return found
    raise AssertionError("primes do not end")


def roots(power: int, how_many: int, bits: int) -> tuple[int, ...]:
    """The first bits of the fractional parts of roots of the first primes."""
    return tuple(
        _root(prime << power * bits, power) & (1 << bits) - 1
        for prime in islice(_primes(), how_many)
    )


def _root(number: int, power: int) -> int:
    low, high = 0, 1 << (number.bit_length() // power + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= number else (low, middle - 1)
    return low


@cache
def pi(bits: int) -> int:
    """Pi times 2^bits, by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan(inverse: int) -> int:
        term = total = (1 << bits + 32) // inverse
        for n in count(1):
            term //= -inverse * inverse
            if term in (0, -1):
                return total
            total += term // (2 * n + 1)
        raise AssertionError("the series ends")

    return 4 * (4 * arctan(5) - arctan(239)) >> 32


def pi_words(how_many: int) -> tuple[int, ...]:
    """The first words of pi, its 3 left out."""
    digits = pi(32 * how_many)
    return tuple(digits >> 32 * (how_many - 1 - n) & _M32 for n in range(how_many))


def edwards_d() -> int:
    """The constant of the curve: -121665/121666 modulo 2^255 - 19 (RFC 8032 5.1)."""
    p = 2**255 - 19
    return -121665 * pow(121666, -1, p) % p


def limbs(number: int) -> tuple[int, ...]:
    """Ten signed limbs of 26 and 25 bits in turn, as two's complement words."""
    out, carry = [], number
    for n in range(9):
        size = 26 - n % 2
        limb = carry & (1 << size) - 1
        carry >>= size
        if limb >= 1 << size - 1:
            limb -= 1 << size
            carry += 1
        out.append(limb & _M32)
    return (*out, carry & _M32)


def _times(a: int, b: int) -> int:
    """Product in AES's field."""
    out = 0
    while b:
        out ^= a if b & 1 else 0
        a = (a << 1 ^ (0x11B if a & 0x80 else 0)) & 0x1FF
        b >>= 1
    return out


@cache
def aes_boxes() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The S-box and its inverse: inversion in the field, then an affine map."""
    inverse = [0] * 256
    for a in range(1, 256):
        inverse[a] = inverse[a] or next(b for b in range(1, 256) if _times(a, b) == 1)
    box = []
    for a in inverse:
        turned = a
        for shift in range(1, 5):
            turned ^= (a << shift | a >> 8 - shift) & 0xFF
        box.append(turned ^ 0x63)
    return tuple(box), tuple(box.index(n) for n in range(256))


@cache
def aes_rounds(inverse: bool) -> tuple[int, ...]:
    """Substitution and column mixing in one table, as fast implementations have it."""
    box = aes_boxes()[inverse]
    mix = (14, 9, 13, 11) if inverse else (2, 1, 1, 3)
    return tuple(int.from_bytes(bytes(_times(s, factor) for factor in mix), "big") for s in box)


def rotated(word: int, bits: int) -> int:
    """A 32-bit word turned right."""
    return (word >> bits | word << 32 - bits) & _M32 if bits else word
