"""The fuzzing: feed, watch, keep what is new, and explain every trouble before telling it."""

import hashlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from firmward.vendor.blackbox.device import Device, Kind, Outcome, Trouble
from firmward.vendor.blackbox.growth import SAMPLES, grows, leaking
from firmward.vendor.blackbox.mutate import Mutator
from firmward.vendor.blackbox.shrink import Budget, cause, shrink

_POOL: Final = 512
_HISTORY: Final = 512
_SUSPECTS: Final = 48
_PER_KIND: Final = 3
_TRIES: Final = 300
_SHARE: Final = 0.2  # of the time, to explain one trouble
_TELL_EVERY_S: Final = 0.25
_SAMPLE_EVERY: Final = 32
_DIGITS: Final = re.compile(rb"[0-9]+")


@dataclass(frozen=True)
class Finding:
    """A trouble and what causes it.

    inputs      to be sent one after the other after a reset
    reproduced  whether they did it again; if not, they are the last ones before it
    """

    kind: Kind
    says: str
    inputs: tuple[bytes, ...]
    reproduced: bool


@dataclass(frozen=True)
class Result:
    """What a campaign gave.

    inputs      sent, those for explaining troubles not counted
    novel       inputs that were kept because the device ran or said something new
    coverage    as the device reports it, None if it does not
    checked     what could be watched; memory only if the device reports it
    seconds     from the first input to the last
    """

    inputs: int
    novel: int
    seconds: float
    coverage: int | None
    checked: tuple[Kind, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Limits:
    """How long a campaign goes on: whichever is reached first.  `inputs` 0 for any number."""

    seconds: float
    inputs: int = 0


Watch = Callable[[Result], None]
"""Called a few times a second with the result so far."""


class Campaign:
    """One device, one corpus, one seed.

    The same seed and corpus give the same inputs in the same order to a device that reports the
    same coverage and answers; `inputs` in Limits ends a repeat where the first run ended.
    """

    def __init__(self, device: Device, corpus: Sequence[bytes], seed: int, watch: Watch) -> None:
        self._device, self._corpus, self._watch = device, tuple(corpus), watch
        self._mutator = Mutator(self._corpus, seed)
        self._pool = list(self._corpus)
        self._history: deque[bytes] = deque(maxlen=_HISTORY)
        self._samples: list[int] = []
        self._suspects: tuple[bytes, ...] = ()
        self._shapes: set[bytes] = set()
        self._findings: list[Finding] = []
        self._sent = 0
        self._coverage: int | None = None
        self._reports_memory = False

    def run(self, limits: Limits) -> Result:
        """Feed the device until a limit.  Raises Unavailable when it can no longer be started."""
        begun = told = time.monotonic()
        end = begun + limits.seconds
        for data in self._inputs():
            now = time.monotonic()
            if now >= end or (limits.inputs and self._sent >= limits.inputs):
                break
            if now - told >= _TELL_EVERY_S:
                told = now
                self._watch(self._result(now - begun))
            self._feed(data, end)
        spent = time.monotonic() - begun
        if self._reports_memory:
            self._find_leak(time.monotonic() + max(1.0, _SHARE * limits.seconds))
        return self._result(spent)

    def _inputs(self) -> Iterator[bytes]:
        """The corpus as it is, the sweep, and then by chance without end."""
        yield from chain(self._corpus, self._mutator.sweep())
        while True:
            yield self._mutator.draw(self._pool)

    def _feed(self, data: bytes, end: float) -> None:
        outcome = self._device.send(data)
        self._sent += 1
        self._history.append(data)
        if outcome.trouble:
            self._coverage = max(outcome.coverage or 0, self._coverage or 0) or None
            self._explain(outcome.trouble, end)
            self._restart()
            return
        self._keep(data, outcome)
        if outcome.memory is not None:
            self._reports_memory = True
            if self._sent % _SAMPLE_EVERY == 0:
                self._sample(outcome.memory)

    def _sample(self, memory: int) -> None:
        if self._samples and memory > self._samples[-1]:
            self._suspects = tuple(self._history)[-_SUSPECTS:]
        self._samples.append(memory)

    def _restart(self) -> None:
        self._device.reset()
        self._history.clear()
        self._samples.clear()

    def _keep(self, data: bytes, outcome: Outcome) -> None:
        """Inputs that reach something new are worth bending further.

        A device that does not tell what it runs is judged by what it says: an answer that differs
        from all before, numbers apart.
        """
        if outcome.coverage is not None:
            new = outcome.coverage > (self._coverage or 0)
            self._coverage = max(outcome.coverage, self._coverage or 0)
        else:
            shape = hashlib.sha256(_DIGITS.sub(b"0", outcome.answer)).digest()[:8]
            new = shape not in self._shapes and len(self._shapes) < _POOL
            self._shapes |= {shape} if new else set()
        if new and len(self._pool) < _POOL and data not in self._pool:
            self._pool.append(data)

    def _explain(self, trouble: Trouble, end: float) -> None:
        """Reproduce it from a reset and shorten what causes it, unless it is known well enough."""
        alike = [each for each in self._findings if each.kind == trouble.kind]
        if len(alike) >= _PER_KIND or any(_same(each, trouble, self._history) for each in alike):
            return

        def still(inputs: tuple[bytes, ...]) -> bool:
            self._device.reset()
            for data in inputs:
                found = self._device.send(data).trouble
                if found:
                    # A crash may say another address; the others say what was missed.
                    return found == trouble or found.kind == trouble.kind == "crash"
            return False

        history = tuple(self._history)
        inputs = cause(history, still)
        if inputs is None:
            self._findings.append(Finding(trouble.kind, trouble.says, history[-4:], False))
            return
        now = time.monotonic()
        until = now + max(1.0, _SHARE * (end - now))
        inputs = shrink(inputs, still, Budget(_TRIES, until, time.monotonic))
        if not any(inputs == each.inputs for each in alike):
            self._findings.append(Finding(trouble.kind, trouble.says, inputs, True))

    def _find_leak(self, until: float) -> None:
        """A rise alone may be rarely used code that finally ran: only a repeat proves a leak.

        The corpus is always tried: among thousands of odd inputs one plain message is seldom sent.
        """
        rising = grows(self._samples)
        candidates = (*self._corpus, *(reversed(self._suspects) if rising else ()))
        leak = leaking(self._device, candidates, lambda: time.monotonic() > until)
        if leak is not None:
            says = "memory in use rises with every input and is not given back"
            self._findings.append(Finding("growth", says, (leak,), True))

    def _result(self, seconds: float) -> Result:
        watched: tuple[Kind, ...] = ("crash", "hang", "reset", "deadline")
        enough = self._reports_memory and len(self._samples) >= SAMPLES
        return Result(
            inputs=self._sent,
            novel=len(self._pool) - len(self._corpus),
            seconds=seconds,
            coverage=self._coverage,
            checked=(*watched, "growth") if enough else watched,
            findings=tuple(self._findings),
        )


def _same(known: Finding, trouble: Trouble, history: Sequence[bytes]) -> bool:
    """Whether a finding explains this trouble: it says the same, or its input is inside this one's.

    A crash says where; a hang says nothing, so that its input has to speak for it.
    """
    if known.kind == "crash" and known.says == trouble.says:
        return True
    return known.reproduced and len(known.inputs) == 1 and known.inputs[0] in history[-1]
