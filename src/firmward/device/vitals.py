"""What the controller says of its own health, queued with bounds until the hospital has it.

Allow-listed: only the members of `Reading` leave the device, never a patient's values.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from firmward.terms.errors import Malformed
from firmward.terms.report import Reading, Vitals
from firmward.terms.wire import convert

BATCH: Final = 64
# A reading every 10 s: 512 readings bridge an outage of 85 minutes.
QUEUE: Final = 512
_MEMBERS: Final = {
    "t_ms": "tMs",
    "cpu": "cpu",
    "mem": "memory",
    "reads": "reads",
    "errors": "errors",
    "cadence_ms": "cadenceMs",
    "age_ms": "ageMs",
    "resp_ms": "responseMs",
    "rssi": "rssi",
}
_FIELD: Final = re.compile(r"([a-z_]+)=(-?\d{1,10})\Z")


@dataclass(frozen=True)
class Sample:
    """One vitals line: the reading, and how often the controller has started so far."""

    reading: Reading
    boots: int


def parse_vitals(line: str) -> Sample | None:
    """A vitals line as a sample; None for any other line and for one that makes no sense."""
    head, *words = line.split(" ")
    matches = [_FIELD.match(word) for word in words]
    if head != "VITALS" or not all(matches):
        return None
    said = {match[1]: int(match[2]) for match in matches if match is not None}
    try:
        members: dict[str, object] = {name: said[word] for word, name in _MEMBERS.items()}
        members |= {"link": said["link"] == 1, "inUse": said["inuse"] == 1}
        return Sample(convert(members, Reading, "vitals line"), max(0, said["boots"]))
    except (KeyError, Malformed):
        return None


class VitalsQueue:
    """Readings that wait for the hospital; when full, the oldest make room.

    reserve  gives the next sequence number, durably: none is ever used twice
    """

    def __init__(self, device: str, reserve: Callable[[], int]):
        self._device, self._reserve = device, reserve
        self._waiting: deque[tuple[Sample, str]] = deque(maxlen=QUEUE)
        self._batch: Vitals | None = None

    def add(self, sample: Sample, release: str) -> None:
        """Queue a reading of the release that took it."""
        self._waiting.append((sample, release))

    def batch(self) -> Vitals | None:
        """The next readings to send, all of one release and one start; None when none wait.

        The same batch, with the same number, until `sent`: a lost acknowledgement must not count
        readings twice.
        """
        if self._batch is None and self._waiting:
            first, release = self._waiting[0]
            same = takewhile(
                lambda entry: entry[1] == release and entry[0].boots == first.boots, self._waiting
            )
            readings = tuple(sample.reading for sample, _ in list(same)[:BATCH])
            for _ in readings:
                self._waiting.popleft()
            self._batch = Vitals(
                device=self._device,
                sequence=self._reserve(),
                release=release,
                boots=first.boots,
                readings=readings,
            )
        return self._batch

    def sent(self) -> None:
        """The hospital has the last batch."""
        self._batch = None
