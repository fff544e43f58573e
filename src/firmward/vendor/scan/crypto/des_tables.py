"""The tables of DES in the layouts that implementations give them.  Source: FIPS 46-3."""

from typing import Final

from firmward.vendor.scan.crypto.derived import rotated

# The first S-box of DES, by rows, and its permutation P.
_S1: Final = (
    14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7,
    0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
    4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0,
    15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
)  # fmt: skip
_P: Final = (
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
    2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
)  # fmt: skip
_PC1: Final = (57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18)
_PC2: Final = (14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19)


def _permuted(word: int) -> int:
    out = 0
    for at, bit in enumerate(_P):
        out |= (word >> 32 - bit & 1) << 31 - at
    return out


def _mirrored_box() -> list[int]:
    """The first box for bit-reversed halves: index and value reversed, then turned by 3 bits."""
    out = []
    for n in range(64):
        index = int(f"{n:06b}"[::-1], 2)
        value = _permuted(_S1[16 * (index >> 4 & 2 | index & 1) + (index >> 1 & 15)] << 28)
        out.append(rotated(int(f"{value:032b}"[::-1], 2), 29))
    return out


def layouts() -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """(name, first values, widths in bytes): plain boxes, boxes by input, boxes joined with P."""
    by_input = tuple(_S1[16 * (n >> 4 & 2 | n & 1) + (n >> 1 & 15)] for n in range(64))
    joined = [_permuted(value << 28) for value in by_input]
    tables = [
        ("S-box by rows", _S1[:24]),
        ("S-box by input", by_input[:24]),
        ("permutation P", _P[:16]),
        ("permutation P from 0", tuple(n - 1 for n in _P[:16])),
        ("key choice 1", _PC1),
        ("key choice 1 from 0", tuple(n - 1 for n in _PC1)),
        ("key choice 2", _PC2),
        ("key choice 2 from 0", tuple(n - 1 for n in _PC2)),
    ]
    found = [(says, values, (1, 4)) for says, values in tables]
    # Joined with P and turned by one bit, after Outerbridge; bits reversed, after Young.
    turned = [rotated(value, 31) for value in joined]
    mirrored = _mirrored_box()
    plain = (("turned", turned), ("plain", joined), ("mirrored", mirrored))
    joints = [(f"S-box with P, {how}", tuple(v[:12]), (4,)) for how, v in plain]
    return [*found, *joints]
