"""The readable part of some bytes, in one piece, with the way back to where it lay.

Machine code holds a string here and there.  A search for words goes through the strings alone, ten
times as fast; what lies close around them stays with them, so that a pattern may ask for the zero
that ends one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# The shortest of the passwords on every attacker's list have four characters.
SHORTEST: Final = 4
# Two strings no further apart than this are kept with what lies between them.
_NEAR: Final = 8

# So little text is searched at once sooner than anything is noted of it.
_FEW: Final = 1 << 16
_PIECE: Final = 1 << 18

_PRINTABLE: Final = bytes(each in (9, 10, 13) or 32 <= each < 127 for each in range(256))

_Places = NDArray[np.int64]


@dataclass(frozen=True)
class Strings:
    """Strings of some bytes, each with the byte before it and the one after it.

    text     the strings one after another; between two that lay apart, a line ends
    _starts  where each piece of the text begins in it, rising;  _origins  and where in the bytes
    printable  how many of the bytes belong to strings
    """

    text: bytes
    printable: int
    _starts: NDArray[Any]
    _origins: NDArray[Any]

    def origin(self, at: int) -> int:
        """Where in the bytes an offset of the text lay."""
        if not len(self._starts):
            return 0
        index = int(np.searchsorted(self._starts, at, side="right")) - 1
        return int(self._origins[index]) + at - int(self._starts[index])

    def holds(self, text: bytes) -> bool:
        """Whether a text is somewhere in them; asked for many texts, quick to say no."""
        if len(self.text) > _FEW and len(text) >= 3:
            threes = np.frombuffer(text, np.uint8)
            if not bool(self._threes[_joined(threes)].all()):
                return False
        return text in self.text

    @cached_property
    def _threes(self) -> NDArray[np.bool_]:
        """For every three bytes, whether they stand somewhere one after another."""
        seen = np.zeros(1 << 24, bool)
        whole = np.frombuffer(self.text, np.uint8)
        for at in range(0, len(whole), _PIECE):
            seen[_joined(whole[at : at + _PIECE + 2])] = True
        return seen

    @cached_property
    def lower(self) -> bytes:
        """The text in lower case."""
        return self.text.lower()


def read(data: bytes) -> Strings:
    """The strings of some bytes: `SHORTEST` printable characters or more, tabs and line ends too.

    Memory grows with the data to ten times its length at most, and time with the length alone.
    """
    begins, ends = _runs(data)
    printable = int((ends - begins).sum())
    if not len(begins):
        return Strings(b"", 0, begins, begins)
    first = np.ones(len(begins), bool)
    first[1:] = begins[1:] - ends[:-1] > _NEAR
    last = np.roll(first, -1)
    starts = np.maximum(begins[first] - 1, 0)
    # One byte that ends the string, and one whose place a line's end takes.
    stops = np.minimum(ends[last] + 2, len(data))
    kept = np.zeros(len(data) + 1, np.int8)
    kept[starts] += 1
    kept[stops] -= 1
    chosen = np.cumsum(kept[:-1], dtype=np.int8).view(bool)
    text = np.frombuffer(data, np.uint8)[chosen]
    lengths = stops - starts
    offsets = np.cumsum(lengths) - lengths
    text[(offsets + lengths - 1)[:-1]] = 10
    return Strings(text.tobytes(), printable, offsets, starts)


def _joined(data: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Each byte and the two after it as one number."""
    wide = data.astype(np.int32)
    return wide[:-2] << 16 | wide[1:-1] << 8 | wide[2:]


def _runs(data: bytes) -> tuple[_Places, _Places]:
    """Where the strings of the bytes begin and end."""
    if len(data) < SHORTEST:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    printable = np.frombuffer(data.translate(_PRINTABLE), bool)
    whole = len(data) - SHORTEST + 1
    # Padded, so that a string at either end has both of its edges.
    started = np.zeros(whole + 2, bool)
    started[1:-1] = printable[:whole]
    for step in range(1, SHORTEST):
        started[1:-1] &= printable[step : step + whole]
    edges = np.flatnonzero(started[1:] != started[:-1])
    return edges[::2], edges[1::2] + SHORTEST - 1
