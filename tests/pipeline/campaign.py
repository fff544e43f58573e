"""Who is at work while the server is killed, and what each of them was promised.

A promise is a 2xx answer that arrived.  Everybody here uses a real connection and tries again when
the hospital cannot be reached, as they would.
"""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from firmward.lab.acts.releases import MONITOR_1, Made, pump_exploited, pump_good, pump_patch
from firmward.lab.fleet import Bed
from firmward.lab.scenario import Stage
from firmward.lab.workshops import Change, VendorWorld
from firmward.terms.errors import Refused, Unavailable
from firmward.vendor.request import Request

FROZEN = "monitor-7@1.2.0+5"
FROZEN_BACK = "monitor-7@1.0.0+6"
PAUSE_S = 0.15


def monitor_frozen(borealis: VendorWorld) -> Made:
    """A release that boots, passes its self-test, and then hardly ever reads its sensor again."""
    change = Change("monitor/config.h", "READ_INTERVAL_MS 1000", "READ_INTERVAL_MS 600000")
    commit = borealis.commit("monitor: save power", [change])
    return Made(borealis.release(Request(commit, "1.2.0", 5, (MONITOR_1,))))


@dataclass
class Promised:
    """What the hospital acknowledged, to whom it was said.

    reports, vitals  sequence numbers by device
    judged           release -> whether it was admitted
    expected         devices that were taken into the inventory
    events           sequence number -> event, as somebody read it
    broken           promises that somebody saw broken
    """

    reports: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    vitals: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    judged: dict[str, bool] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)
    events: dict[int, dict] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


class Noting:
    """A device's own link, and a note of every number that came back acknowledged."""

    def __init__(self, link, reports: set[int], vitals: set[int]):
        self._link, self._reports, self._vitals = link, reports, vitals

    def __getattr__(self, name: str):
        return getattr(self._link, name)

    def report(self, envelope: bytes) -> int:
        """Deliver a report."""
        accepted = self._link.report(envelope)
        self._reports.add(accepted)
        return accepted

    def vitals(self, vitals) -> int:
        """Deliver vitals."""
        accepted = self._link.vitals(vitals)
        self._vitals.add(accepted)
        return accepted


def note_every_answer(beds: Sequence[Bed], promised: Promised) -> None:
    """Power the devices up with links that note what they are told."""
    for bed in beds:
        agent = bed.power_up()
        bed.link = Noting(bed.link, promised.reports[bed.device], promised.vitals[bed.device])
        agent.reconnect(bed.link)


@dataclass
class Crew:
    """People and vendors at work on a stage, until told to end."""

    stage: Stage
    promised: Promised
    ending: threading.Event = field(default_factory=threading.Event)
    delivered: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self):
        """Everybody works while the block runs; what stops one of them is a broken promise."""
        jobs = (self.clerk, self.auditor, self.acme, self.borealis)
        threads = [threading.Thread(target=self._work, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ending.set()
            for thread in threads:
                thread.join(timeout=60)

    def _work(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self.promised.broken.append(f"{job.__name__}: {type(error).__name__}: {error}")

    def clerk(self) -> None:
        """Takes one device after another into the inventory, and hands in half a bundle at times.

        An answer that was lost leaves open whether the device is in; the next try tells.
        """
        head = b"device,vendor,product,hardware_id,ward,ward_kind,priority,tier\n"
        number, half = 0, (self.stage.acme.made[0].data)[:7000]
        while not self.ending.wait(PAUSE_S):
            device = f"urn:dev:ops:32473-pump-C{number:04d}"
            row = f"{device},acme,pump-200,PUMP-200-B,ward-9,general,routine,3\n".encode()
            try:
                self.stage.server.desk("bea").post("/v1/devices", head + row)
            except Unavailable:
                continue
            except Refused as error:
                if "in the inventory already" not in str(error):
                    raise
            self.promised.expected.append(device)
            number += 1
            if number % 5 == 0:
                with suppress(Unavailable, Refused):
                    self.stage.server.desk("bea").push("acme", half)

    def auditor(self) -> None:
        """Reads the events as they come, and the last ones again: none may ever change."""
        while not self.ending.wait(PAUSE_S):
            start = max(0, len(self.promised.events) - 20)
            with suppress(Unavailable):
                self.read_events(start)

    def read_events(self, start: int) -> int:
        """Read up to 1000 events from `start` on, compare with what was read before; how many."""
        read = self.stage.server.desk("ada").get("/v1/events", **{"from": str(start)})
        for row in read:
            before = self.promised.events.setdefault(row["sequence"], row)
            if before != row:
                self.promised.broken.append(f"event was {before}, is {row}")
        known = [n for n in self.promised.events if n >= start][:1000]
        if len(read) < len(known):
            self.promised.broken.append(f"{len(known)} events from {start} on, now {len(read)}")
        return len(read)

    def acme(self) -> None:
        """Hands in a good release, one with an exploited component, and a patch."""
        for make in (pump_good, pump_exploited, pump_patch):
            self.hand_in(self.stage.acme, make(self.stage.acme))
        self.delivered.set()

    def borealis(self) -> None:
        """Hands in a release that misbehaves."""
        self.hand_in(self.stage.borealis, monitor_frozen(self.stage.borealis))

    def hand_in(self, vendor: VendorWorld, made: Made) -> None:
        """Push until an answer arrives.

        Whoever lost the first answer learns from the second that the release is known, and looks.
        """
        release = made.bundle.release
        desk = self.stage.server.desk(vendor.name)
        while not self.ending.is_set():
            try:
                said = desk.push(vendor.name, made.bundle.data)
            except Unavailable:
                self.ending.wait(PAUSE_S)
                continue
            except Refused as error:
                if "exactly one new release" not in str(error):
                    raise
                return
            self.promised.judged[release] = said["admitted"]
            return


def stored_vitals(store: Path) -> dict[str, set[int]]:
    """The batches of readings that lie in a store nobody serves, by device."""
    found: dict[str, set[int]] = defaultdict(set)
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        for device, sequence in connection.execute("select distinct device, sequence from reading"):
            found[device].add(sequence)
    return found
