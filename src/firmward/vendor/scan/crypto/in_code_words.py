"""32-bit constants of a binary, whether they lie in tables or are built by instructions."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

_WINDOW: Final = 8

Halves = list[tuple[int, int, int]]


def where(data: bytes, wanted: frozenset[int]) -> dict[int, int]:
    """Wanted word -> the first offset at which the bytes hold it, in either byte order."""
    swapped = {int.from_bytes(word.to_bytes(4, "little"), "big"): word for word in wanted}
    found: dict[int, int] = {}
    every = {**swapped, **{word: word for word in wanted}}
    # Two bytes of a word rule out nearly all places at the cost of one look-up.
    low = np.zeros(1 << 16, np.bool_)
    low[[word & 0xFFFF for word in every]] = True
    for start in range(4):
        words = np.frombuffer(data[start : start + (len(data) - start) // 4 * 4], "<u4")
        places = np.flatnonzero(low[words & 0xFFFF])
        for place, value in zip(places.tolist(), words[places].tolist(), strict=True):
            if value in every:
                word, at = every[value], start + 4 * place
                found[word] = min(at, found.get(word, at))
    for word, at in _built(data):
        if word in wanted:
            found[word] = min(at, found.get(word, at))
    return found


def _built(data: bytes) -> Iterator[tuple[int, int]]:
    """(word, offset) of what pairs of instructions put into a register."""
    yield from _joined(*_thumb(data))
    for start in (0, 2):
        words = np.frombuffer(data[start : start + (len(data) - start) // 4 * 4], "<u4")
        yield from _joined(*_arm(words, start))
        yield from _joined(*_arm64(words, start))
        yield from _riscv(words, start)


def _joined(lows: Halves, highs: Halves) -> Iterator[tuple[int, int]]:
    """Each high half with the nearest low half before it in the same register."""
    by_register: dict[int, list[tuple[int, int]]] = {}
    for at, register, half in lows:
        by_register.setdefault(register, []).append((at, half))
    marks = dict.fromkeys(by_register, 0)
    for at, register, half in highs:
        list_ = by_register.get(register, [])
        while marks.get(register, 0) < len(list_) and list_[marks[register]][0] < at:
            marks[register] += 1
        if marks.get(register, 0):
            before, low = list_[marks[register] - 1]
            if at - before <= 4 * _WINDOW:
                yield half << 16 | low, before


def _thumb(data: bytes) -> tuple[Halves, Halves]:
    """movw and movt, encodings T3 and T1 (Armv7-M A7.7.76 and A7.7.79)."""
    units = np.frombuffer(data[: len(data) // 2 * 2], "<u2").astype(np.uint32)
    first, second = units[:-1], units[1:]
    out: list[Halves] = []
    for code in (0xF240, 0xF2C0):
        places = np.flatnonzero((first & 0xFBF0 == code) & (second & 0x8000 == 0))
        a, b = first[places], second[places]
        half = (a & 15) << 12 | (a >> 10 & 1) << 11 | (b >> 12 & 7) << 8 | b & 0xFF
        out.append(
            list(zip((2 * places).tolist(), (b >> 8 & 15).tolist(), half.tolist(), strict=True))
        )
    return out[0], out[1]


def _arm(words: npt.NDArray[np.uint32], start: int) -> tuple[Halves, Halves]:
    """movw and movt in A32, always executed."""
    out: list[Halves] = []
    for code in (0xE3000000, 0xE3400000):
        places = np.flatnonzero(words & 0xFFF00000 == code)
        found = words[places]
        half = found >> 4 & 0xF000 | found & 0xFFF
        registers = (found >> 12 & 15).tolist()
        out.append(list(zip((start + 4 * places).tolist(), registers, half.tolist(), strict=True)))
    return out[0], out[1]


def _arm64(words: npt.NDArray[np.uint32], start: int) -> tuple[Halves, Halves]:
    """movz of the low half and movk of the high one."""
    out: list[Halves] = []
    for code in (0x52800000, 0x72A00000):
        places = np.flatnonzero(words & 0x7FE00000 == code)
        found = words[places]
        registers = (found & 31).tolist()
        half = (found >> 5 & 0xFFFF).tolist()
        out.append(list(zip((start + 4 * places).tolist(), registers, half, strict=True)))
    return out[0], out[1]


def _riscv(words: npt.NDArray[np.uint32], start: int) -> Iterator[tuple[int, int]]:
    """lui and the addi after it, which adds a signed number."""
    lows = np.flatnonzero(words & 0x707F == 0x13)
    by_place = {int(place): int(words[place]) for place in lows}
    for place in np.flatnonzero(words & 0x7F == 0x37).tolist():
        upper = int(words[place])
        register = upper >> 7 & 31
        for after in range(place + 1, place + 5):
            lower = by_place.get(after)
            if lower is not None and lower >> 15 & 31 == register:
                signed = (lower >> 20) - (0x1000 if lower >> 31 else 0)
                yield (upper & 0xFFFFF000) + signed & 0xFFFFFFFF, start + 4 * place
                break
