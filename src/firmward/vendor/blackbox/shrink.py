"""The shortest inputs that still do it: a person has to understand why."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Still = Callable[[tuple[bytes, ...]], bool]
"""Whether these inputs, one after the other after a reset, still cause the trouble."""

_TAILS = (1, 8, 64, 512)
T = TypeVar("T")


class Budget:
    """How often and until when a device may be asked; asking costs a reset each time."""

    def __init__(self, tries: int, until: float, clock: Callable[[], float]) -> None:
        self._tries, self._until, self._clock = tries, until, clock

    def take(self) -> bool:
        """Whether another try is allowed; takes it."""
        self._tries -= 1
        return self._tries >= 0 and self._clock() < self._until


def cause(history: Sequence[bytes], still: Still) -> tuple[bytes, ...] | None:
    """The fewest of the last inputs that do it again; None if none of the tails tried does."""
    for length in _TAILS:
        tail = tuple(history[-length:])
        if tail and still(tail):
            return tail
        if length >= len(history):
            return None
    return None


def shrink(inputs: tuple[bytes, ...], still: Still, budget: Budget) -> tuple[bytes, ...]:
    """These inputs with everything taken out that is not needed, as far as the budget goes.

    First whole inputs before the last, then bytes of the last.
    """

    def needs_no(kept: tuple[bytes, ...]) -> bool:
        return budget.take() and still(kept)

    *before, last = inputs
    kept = _fewer(tuple(before), lambda some: needs_no((*some, last)))
    shorter = _fewer(tuple(last), lambda some: needs_no((*kept, bytes(some))))
    return (*kept, bytes(shorter))


def _fewer(items: tuple[T, ...], enough: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """The items without those that can go: first halves, then quarters, down to single ones.

    After Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002.
    """
    size = len(items)
    while size:
        at = 0
        while at < len(items):
            fewer = items[:at] + items[at + size :]
            if enough(fewer):
                items = fewer
            else:
                at += size
        size //= 2
    return items
