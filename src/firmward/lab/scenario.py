"""What acts are made of: a hospital, two vendors and a fleet, and checks that can fail."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmward.lab.fleet import Bed, Fleet, wait_until
from firmward.lab.server import HospitalServer
from firmward.lab.workshops import VendorWorld
from firmward.terms.errors import FirmwardError

Say = Callable[[str], None]
"""say(line): live progress for whoever watches."""


@dataclass(frozen=True)
class Check:
    """One thing an act expected, and what was seen.

    entry  sequence number of the ledger event that records it; -1 where nothing is recorded
    """

    act: str
    what: str
    expected: str
    seen: str
    ok: bool
    seconds: float
    entry: int = -1


@dataclass
class Stage:
    """Everything an act can use.

    checks  what was expected and seen so far
    kept    what one act leaves for a later one
    """

    folder: Path
    server: HospitalServer
    acme: VendorWorld
    borealis: VendorWorld
    fleet: Fleet
    say: Say
    checks: list[Check] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def vendors(self) -> tuple[VendorWorld, VendorWorld]:
        """Both vendors."""
        return self.acme, self.borealis

    @property
    def pumps(self) -> list[Bed]:
        """Acme's devices."""
        return self.fleet.of(self.acme)

    @property
    def monitors(self) -> list[Bed]:
        """Borealis' devices."""
        return self.fleet.of(self.borealis)

    @contextmanager
    def check(self, act: str, what: str, expected: str) -> Iterator["Seen"]:
        """Time a piece of an act and record whether what was seen is what was expected.

        A refusal or failure inside is what was seen; it never ends the play.
        """
        seen, begun = Seen(), time.monotonic()
        try:
            yield seen
        except FirmwardError as error:
            seen.text = f"{type(error).__name__}: {error}"[:300]
        except Exception as error:  # noqa: BLE001 - the table shows it, and the play fails
            seen.text = f"{type(error).__name__}: {error}"[:300]
        ok = seen.text == expected
        took = time.monotonic() - begun
        entry = seen.entry if seen.entry >= 0 else self.entry_of(seen.about, seen.kind)
        self.checks.append(Check(act, what, expected, seen.text, ok, took, entry))
        self.say(f"{'ok  ' if ok else 'FAIL'} {act}  {what}: {seen.text}  ({took:.1f} s)")

    def entry_of(self, about: str, kind: str) -> int:
        """The newest ledger entry about a subject, of a kind if one is named; -1 without."""
        if not about:
            return -1
        found = [e for e in self.events(about) if kind in ("", e["kind"])]
        return int(found[-1]["sequence"]) if found else -1

    def events(self, about: str) -> list[dict[str, Any]]:
        """The ledger's events about a subject, oldest first."""
        found: list[dict[str, Any]] = self.server.desk("ada").get("/v1/events", about=about)
        return found

    def push(self, vendor: VendorWorld, bundle: bytes) -> dict[str, Any]:
        """The vendor's pipeline hands in a bundle, with its own certificate."""
        return self.server.desk(vendor.name).push(vendor.name, bundle)

    def rollout(self, release: str) -> dict[str, Any]:
        """The roll-out of a release; empty if there is none yet."""
        found = self.server.desk("bea").get("/v1/rollouts")
        return next((r for r in found if r["release"] == release), {})

    def devices(self) -> dict[str, dict[str, Any]]:
        """What the hospital knows of each device."""
        return {d["device"]: d for d in self.server.desk("bea").get("/v1/devices")}

    def tickets(self, to: str, about: str) -> list[dict[str, Any]]:
        """Tickets to a recipient whose cause names something."""
        found = self.server.desk("bea").get("/v1/tickets", to=to)
        return [ticket for ticket in found if about in ticket["cause"]]

    def await_rollout(self, release: str, state: str, within_s: float) -> None:
        """Wait until a roll-out is in a state, telling its waves as they come."""
        told = [""]

        def there() -> bool:
            now = self.rollout(release)
            line = f"wave {now.get('wave', 0)}, {now.get('state', 'not drawn')}"
            if line != told[0]:
                told[0] = line
                self.say(f"     {release}: {line}")
            return now.get("state") == state

        wait_until(f"{release} {state}", there, within_s, every_s=0.15)


@dataclass
class Seen:
    """What a check saw.

    about, kind  of the ledger event that records it
    """

    text: str = ""
    about: str = ""
    kind: str = ""
    entry: int = -1
