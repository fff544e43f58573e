"""A fleet of emulated devices: boards that run real firmware, each with its agent, over real mTLS.

One process holds them all.  Each device has a lock, so that an act may take one aside while the
others go on; a few worker threads step whichever device is due.
"""

import hashlib
import heapq
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from firmward.device import identity
from firmward.device.agent import Agent, Step
from firmward.device.identity import Nameplate
from firmward.device.link import Link
from firmward.lab.board import Board
from firmward.lab.faults import PowerCut
from firmward.lab.toolchain import compile_firmware
from firmward.lab.workshops import ENTERPRISE, VendorWorld
from firmward.proof import certs, keys
from firmward.terms.checkin import FrontDoor
from firmward.terms.errors import Unavailable
from firmward.vendor.factory import issue_idevid

TURN_MS = 20_000
"""Virtual time that passes on a board between two steps of its agent: two vitals lines."""


PACE_MS = 500
"""Longest real time between two steps of one device: the lab's hours are short."""


@dataclass(frozen=True)
class Place:
    """Where a device stands in the hospital."""

    ward: str
    kind: str
    priority: str
    tier: int


@dataclass(frozen=True)
class Noted:
    """A step of a device that differed from the one before it: when (epoch seconds), what, why."""

    at: float
    did: str
    detail: str


@dataclass
class Bed:
    """One device: its home on disk, its board, and its agent while it has power.

    cuts   how often the power was cut by a scenario
    noted  what it did over time
    """

    device: str
    home: Path
    vendor: VendorWorld
    place: Place
    board: Board
    agent: Agent | None = None
    link: Link | None = None
    last: Step | None = None
    cuts: list[str] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    cut_at: Callable[[str], bool] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def power_up(self) -> Agent:
        """Start the agent (anew) on what is on the disk; the board starts when it steps."""
        if self.link is not None:
            self.link.close()
        self.board.power_off()
        self.board.cut = self._cut
        self.link = identity.connect(self.home)
        now = lambda: datetime.now(UTC)  # noqa: E731 - the device's own clock
        self.agent = Agent(self.home, self.board, self.link, now=now, cut=self._cut)
        return self.agent

    def redirect(self, base: str = "") -> None:
        """Lead the device to another server, or back to its hospital; nothing else changes."""
        agent, old = self.agent or self.power_up(), self.link
        self.link = identity.connect(self.home, base=base)
        agent.reconnect(self.link)
        if old is not None:
            old.close()

    def _cut(self, point: str) -> None:
        if self.cut_at is not None and self.cut_at(point):
            self.cut_at = None
            raise PowerCut(point)

    def turn(self) -> Step:
        """Let time pass on the board and take one step; after a power cut, start again."""
        try:
            agent = self.agent or self.power_up()
            self.board.run(TURN_MS)
            self.last = agent.step()
        except PowerCut as cut:
            self.cuts.append(str(cut))
            self.power_up()
            self.last = Step("offline", f"power was cut at {cut}", poll_ms=50)
        self._note(self.last)
        return self.last

    def _note(self, step: Step) -> None:
        """Keep a step for whoever tells the story, unless it says what the one before said."""
        newest = self.noted[-1] if self.noted else None
        if newest is None or (newest.did, newest.detail) != (step.did, step.detail):
            self.noted.append(Noted(time.time(), step.did, step.detail))

    def told(self) -> None:
        """Hand in the reports it owes, now."""
        if self.agent is not None:
            self.agent.deliver()

    @property
    def running(self) -> str:
        """The release its agent last kept."""
        return self.agent.running if self.agent else ""

    @property
    def state(self) -> tuple[str, str, int]:
        """What must not move when an order is refused: flash, release and counter."""
        flash = hashlib.sha256(self.board.flash_path.read_bytes()).hexdigest()
        return flash, self.running, self.board.counter

    def close(self) -> None:
        """Hang up and switch off."""
        if self.link is not None:
            self.link.close()
        self.board.power_off()


def manufacture(
    vendor: VendorWorld, serials: Sequence[str], release: str, folder: Path, places: Sequence[Place]
) -> list[Bed]:
    """Devices as the vendor's factory ships them: boot stage, key, first image, IDevID."""
    boot = compile_firmware(vendor.tree, "boot").binary
    image = vendor.image(release)
    public = keys.public_pem(vendor.home.keys.firmware)

    def one(at: int) -> Bed:
        device = f"urn:dev:ops:{ENTERPRISE}-{vendor.device_class}-{serials[at]}"
        home = folder / serials[at]
        board = Board.manufacture(home, boot, image, public, seed=_seed(device))
        key = keys.new_p256()
        certificate = issue_idevid(vendor.home.keys, device, key.public_key(), datetime.now(UTC))
        plate = Nameplate(device=device, hardware_id=vendor.hardware_id)
        identity.manufacture(
            home, plate, certs.pem(certificate), keys.private_pem(key), vendor.root
        )
        return Bed(device, home, vendor, places[at], board)

    with ThreadPoolExecutor(4, "factory") as pool:
        return list(pool.map(one, range(len(serials))))


def _seed(device: str) -> int:
    return int.from_bytes(hashlib.sha256(device.encode()).digest()[:4])


def inventory(beds: Iterable[Bed]) -> bytes:
    """The CSV a hospital imports before the devices may enrol."""
    lines = ["device,vendor,product,hardware_id,ward,ward_kind,priority,tier"]
    for bed in beds:
        at, made = bed.place, bed.vendor
        row = (bed.device, made.name, made.product, made.hardware_id, at.ward, at.kind)
        lines.append(",".join((*row, at.priority, str(at.tier))))
    return ("\n".join(lines) + "\n").encode()


class Fleet:
    """Devices that live: each is stepped when it is due, by a few threads."""

    def __init__(self, beds: Sequence[Bed], threads: int = 3):
        self.beds = list(beds)
        self._held: set[str] = set()
        self._due = [(0.0, number) for number in range(len(self.beds))]
        self._wake = threading.Condition()
        self._stop = False
        self._threads = [
            threading.Thread(target=self._work, name=f"fleet-{n}", daemon=True)
            for n in range(threads)
        ]
        self.failures: list[str] = []

    def enrol(self, door: FrontDoor) -> None:
        """Every device joins the hospital over EST, as a technician would have it do."""
        with ThreadPoolExecutor(4, "enrol") as pool:
            list(pool.map(lambda b: identity.enrol(b.home, door, datetime.now(UTC)), self.beds))

    def start(self) -> None:
        """Let them live."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every step end, and switch all off."""
        with self._wake:
            self._stop = True
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=30)
        for bed in self.beds:
            with bed.lock:
                bed.close()

    def hold(self, beds: Iterable[Bed]) -> None:
        """Take devices aside: none of them is stepped until it is let go."""
        for bed in beds:
            with bed.lock, self._wake:
                self._held.add(bed.device)

    def let_go(self, beds: Iterable[Bed]) -> None:
        """Give devices back to their own rhythm."""
        with self._wake:
            self._held -= {bed.device for bed in beds}
            self._wake.notify_all()

    def of(self, vendor: VendorWorld) -> list[Bed]:
        """The devices of one vendor."""
        return [bed for bed in self.beds if bed.vendor is vendor]

    def bed(self, device: str) -> Bed:
        """The device of this id."""
        return next(bed for bed in self.beds if bed.device == device)

    def _work(self) -> None:
        while (number := self._next()) is not None:
            bed = self.beds[number]
            again_ms = 100
            if bed.device not in self._held:
                again_ms = self._turn(bed)
            with self._wake:
                heapq.heappush(self._due, (time.monotonic() + again_ms / 1000, number))
                self._wake.notify()

    def _turn(self, bed: Bed) -> int:
        with bed.lock:
            if bed.device in self._held:
                return 100
            try:
                return min(bed.turn().poll_ms, PACE_MS)
            except Exception as error:  # noqa: BLE001 - shown, and counted as a failure
                self.failures.append(f"{bed.device}: {type(error).__name__}: {error}")
                return 500

    def _next(self) -> int | None:
        with self._wake:
            while not self._stop:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[1]
                self._wake.wait(wait)
        return None


def thief_of(bed: Bed, folder: Path) -> Path:
    """A copy of a device's home, as whoever stole its disk has it."""
    copy = folder / f"stolen-{bed.home.name}"
    shutil.copytree(bed.home, copy)
    return copy


def wait_until(what: str, done: Callable[[], bool], within_s: float, every_s: float = 0.05) -> None:
    """Wait for something to become true.  Raises Unavailable when it does not in time."""
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() > end:
            raise Unavailable(f"expected {what} within {within_s:.0f} s")
        time.sleep(every_s)
