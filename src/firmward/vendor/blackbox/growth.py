"""Memory that is taken and never given back: found by what a device reports of its own use."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Protocol

from firmward.vendor.blackbox.device import Outcome

SAMPLES: Final = 8
"""Fewer reports than this, and nothing is said about memory."""

_LEAST_BYTES: Final = 64
_QUARTERS: Final = 3
_BATCHES, _BATCH = 5, 24


class Fed(Protocol):
    """What a leak is looked for in."""

    def reset(self) -> None:
        """Start again."""

    def send(self, data: bytes) -> Outcome:
        """Feed it."""


def grows(samples: Sequence[int]) -> bool:
    """Whether use still rises in most quarters of the run's second half, and not by a little.

    A program that takes what it needs and keeps it rises too, but comes to an end of it.
    """
    if len(samples) < SAMPLES:
        return False
    half = samples[len(samples) // 2 :]
    marks = [half[(len(half) - 1) * n // 4] for n in range(5)]
    rises = sum(one < two for one, two in pairwise(marks))
    return rises >= _QUARTERS and half[-1] - half[0] >= _LEAST_BYTES


def leaking(device: Fed, candidates: Sequence[bytes], enough: Callable[[], bool]) -> bytes | None:
    """The first input that, sent again and again after a reset, takes more in every batch.

    enough  whether to stop looking: a slow device would be asked for hours
    """
    for data in dict.fromkeys(candidates):
        if enough():
            break
        if _takes_more_each_time(device, data):
            return data
    return None


def _takes_more_each_time(device: Fed, data: bytes) -> bool:
    device.reset()
    used: list[int] = []
    for _ in range(_BATCHES):
        for _ in range(_BATCH):
            outcome = device.send(data)
            if outcome.trouble:
                return False
        used.append(outcome.memory or 0)
        if used[1:] and used[-1] <= used[-2]:
            return False
    return used[-1] - used[0] >= _LEAST_BYTES
