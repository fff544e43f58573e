"""A real `firmward hospital serve` process, which a scenario may kill and start again."""

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from firmward.device.identity import read_front_door
from firmward.hospital.desk import Desk, Ports
from firmward.hospital.found import FIRST_PEOPLE, found
from firmward.hospital.gate.packs import adopt
from firmward.hospital.records.site import Listen, Settings, issue_person
from firmward.lab.paper_site import PACK_IDS, hurry
from firmward.terms.checkin import FrontDoor
from firmward.terms.errors import Unavailable

START_S = 20.0
# Times of a real site are hours; the lab's is a site whose hours last about a second.


def found_site(home: Path, packs: Path, advisories: Path, **changes: object) -> Path:
    """A hospital site with the lab's pace; `changes` override settings."""
    pace: dict[str, object] = {
        "poll_s": 0.5,
        "tick_s": 0.1,
        "order_life_s": 12.0,
        "baseline_s": 60.0,
        "looks_s": (1.2, 1.8, 2.4),
        "settle_s": 60.0,
        "alpha": 0.01,
        "shares": (0.3,),
    }
    settings = Settings(
        **{
            "site": "st-lab",
            "listen": Listen(device=0, enrolment=0, people=0),
            "advisories": str(advisories),
            "people": FIRST_PEOPLE,
            **pace,
            **changes,
        }  # type: ignore[arg-type]
    )
    now = datetime.now(UTC)
    found(home, settings, now)
    adopt.adopt(home, packs, PACK_IDS, now)
    # The lab's vendors sign with software keys, and say so in every release.
    hurry(home, now, allow_development_keys=True)
    return home


class Process(Protocol):
    """As much of a process as a scenario needs."""

    @property
    def pid(self) -> int:
        """Its number, which SIGKILL is sent to."""

    def poll(self) -> int | None:
        """None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""

    def terminate(self) -> None:
        """Ask it to end."""


def by_command(home: Path) -> Process:
    """`firmward hospital serve`, as a service manager starts it."""
    command = [sys.executable, "-m", "firmward", "hospital", "serve", str(home)]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


@dataclass
class HospitalServer:
    """A hospital's server process.

    home    its site folder
    launch  begins to serve a site in a process of its own
    """

    home: Path
    launch: Callable[[Path], Process] = by_command
    ports: Ports | None = None
    process: Process | None = None
    starts: int = 0
    _desks: dict[str, Desk] = field(default_factory=dict)

    def start(self) -> None:
        """Start it, on the same ports as before, and wait until it accepts."""
        (self.home / "ports.json").unlink(missing_ok=True)
        if self.ports is not None:
            self._fix_ports(self.ports)
        self.process = self.launch(self.home)
        if self.starts == 0:
            # A play that breaks off must not leave a hospital behind.
            atexit.register(self.stop)
        self.starts += 1
        self.ports = self._await_ports()

    def _await_ports(self) -> Ports:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            path = self.home / "ports.json"
            if path.exists():
                return msgspec.json.decode(path.read_bytes(), type=Ports)
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.02)
        said = (self.home / "server.log").read_text()[-2000:]
        raise Unavailable(f"hospital server: not up in {START_S:.0f} s; it said:\n{said}")

    def _fix_ports(self, ports: Ports) -> None:
        """A restarted server must be where its devices look for it."""
        path = self.home / "hospital.toml"
        text = path.read_text()
        for name in ("device", "enrolment", "people"):
            text = text.replace(f"\n{name} = 0\n", f"\n{name} = {getattr(ports, name)}\n")
        path.write_text(text)

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, as a service manager would."""
        for desk in self._desks.values():
            desk.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _people(self) -> str:
        if self.ports is None:
            raise Unavailable("hospital server: not started")
        return f"https://{self.ports.host}:{self.ports.people}"

    def desk(self, name: str) -> Desk:
        """A person's or vendor's connection."""
        if name not in self._desks:
            self._desks[name] = Desk(self._people(), self.home / "people" / name)
        return self._desks[name]

    def give_pass(self, vendor: str) -> None:
        """Issue a certificate to a vendor's pipeline."""
        issue_person(self.home, "vendor", vendor, datetime.now(UTC))

    def front_door(self) -> FrontDoor:
        """What a technician carries to a device."""
        return read_front_door((self.home / "public" / "front-door.json").read_bytes())
