"""The safety controller as the agent sees it: a serial line, a reset line, and what they tell.

What the boot stage says of itself is believed as far as its line goes: which slot, which digest,
which floor.  A garbled line is no line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from firmward.device.vitals import Sample, parse_vitals
from firmward.terms.errors import Refused, Unavailable

SLICE_MS: Final = 20
# An application may think for almost a watchdog period (4000 ms) before it answers.
ANSWER_MS: Final = 5000
# A hanging trial: watchdog 4000 ms + two boots of < 1000 ms each + slack for a slow self-test.
START_MS: Final = 10_000


class Port(Protocol):
    """The wires to a controller: serial in and out, and reset."""

    def reset(self) -> None:
        """Pull the reset line."""

    def write(self, line: str, /) -> None:
        """One line in."""

    def read(self) -> list[str]:
        """The whole lines that came since the last read."""

    def run(self, ms: int, /) -> None:
        """Let so much of the controller's time pass."""


class TrialFailed(Refused):
    """An image did not come up, failed its self-test, or did not keep itself."""


class ControllerDown(Unavailable):
    """The controller does not come up with any image."""


@dataclass(frozen=True)
class Boot:
    """What the controller said when it last started.

    version   MCUboot's version with build number, such as 1.0.0+1
    digest    SHA-256 over header, body and protected TLVs, as the boot stage measured it
    floor     the monotonic counter
    skipped   slot -> why the boot stage passed it over
    fault     what the self-test found, "" when it passed
    """

    slot: int
    trial: bool
    version: str
    counter: int
    digest: str
    floor: int
    skipped: Mapping[int, str] = field(default_factory=dict)
    product: str = ""
    hardware_id: str = ""
    tested: bool = False
    fault: str = ""

    @property
    def release(self) -> str:
        """The release id of the image that runs; the header's counter, not the code's, names it."""
        return f"{self.product}@{self.version}"

    @property
    def complete(self) -> bool:
        """Whether greeting and self-test are in."""
        return self.tested and self.product != ""


_BOOT: Final = re.compile(
    r"BOOT slot=([01]) trial=([01]) version=(\d+\.\d+\.\d+\+\d+) counter=(\d+)"
    r" sha256=([0-9a-f]{64}) floor=(\d+) skipped=(\S+)\Z"
)
_HELLO: Final = re.compile(r"HELLO product=(\S+) version=\S+ hw=(\S+)\Z")
_KEPT: Final = re.compile(r"KEPT counter=(\d+)\Z")
_SKIP: Final = re.compile(r"([01]):([a-z]+)")


def parse_boot(line: str) -> Boot | None:
    """A boot line as facts, or None for any other line."""
    match = _BOOT.match(line)
    if match is None:
        return None
    slot, trial, version, counter, digest, floor, skipped = match.groups()
    return Boot(
        slot=int(slot),
        trial=trial == "1",
        version=version,
        counter=int(counter),
        digest=digest,
        floor=int(floor),
        skipped={int(number): why for number, why in _SKIP.findall(skipped)},
    )


class Controller:
    """Starts the controller, asks it, and remembers what it said.

    samples  receives every vitals line
    """

    def __init__(self, port: Port, samples: Callable[[Sample, str], None]):
        self._port, self._samples = port, samples
        self._facts: Boot | None = None
        self._answers: list[str] = []

    @property
    def boot(self) -> Boot | None:
        """The facts of the last start, once they are complete."""
        return self._facts if self._facts is not None and self._facts.complete else None

    def poll(self) -> None:
        """Take in what the controller said by itself: vitals, and a restart nobody asked for."""
        for line in self._port.read():
            self._take(line)

    def start(self) -> Boot:
        """Reset, and wait until an image greets and has tested itself.

        The watchdog may bring up another image than the one that was started; the facts returned
        are of the last one.  Raises TrialFailed when none comes up in time.
        """
        self._port.read()
        self._facts = None
        self._port.reset()
        for _ in range(0, START_MS, SLICE_MS):
            self._port.run(SLICE_MS)
            self.poll()
            if self.boot is not None:
                return self.boot
        raise TrialFailed(f"controller: expected an image up in {START_MS} ms, got none")

    def bring_up(self) -> Boot:
        """Start whatever there is to start; outside a trial.  Raises ControllerDown."""
        try:
            return self.start()
        except TrialFailed as error:
            raise ControllerDown(str(error)) from error

    def alive(self) -> bool:
        """Whether an application answers."""
        return self._ask("PING", ("PONG",)) == "PONG"

    def in_use(self) -> bool:
        """Whether a patient depends on it now; silence counts as yes."""
        return self._ask("RESET?", ("READY", "BUSY")) != "READY"

    def keep(self) -> int:
        """Make the image on trial permanent; the counter it raised.  Raises TrialFailed."""
        answer = self._ask("KEEP", ("KEPT", "KEEP"))
        match = _KEPT.match(answer)
        if match is None:
            raise TrialFailed(f"controller: expected KEPT, got {answer or 'no answer'}")
        return int(match[1])

    def _ask(self, question: str, answers: tuple[str, ...]) -> str:
        self.poll()
        self._answers.clear()
        self._port.write(question)
        for _ in range(0, ANSWER_MS, SLICE_MS):
            self._port.run(SLICE_MS)
            self.poll()
            for line in self._answers:
                if line.split(" ", 1)[0] in answers:
                    return line
        return ""

    def _take(self, line: str) -> None:
        line = line.rstrip("\r\n")
        started = parse_boot(line)
        if started is not None or line.startswith("BOOT none"):
            self._facts = started
        elif self._facts is None:
            # An agent that started later than the controller: only answers mean anything to it.
            self._answers.append(line[:200])
        elif hello := _HELLO.match(line):
            self._facts = replace(self._facts, product=hello[1], hardware_id=hello[2])
        elif line.startswith("SELFTEST "):
            self._facts = replace(self._facts, tested=True, fault=_fault(line))
        elif (sample := parse_vitals(line)) is not None:
            self._samples(sample, self._facts.release)
        else:
            self._answers.append(line[:200])


def _fault(line: str) -> str:
    return "" if line == "SELFTEST ok" else (line.removeprefix("SELFTEST ")[:100] or "unsaid")
