"""A real hospital site for paper devices: founded in a folder, served by a real process.

Nothing of the hospital is on paper here; only its vendors and devices are.  The server is a
process of its own, so that a test can kill it at any moment and look at what its disk holds.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from firmward.hospital.desk import Desk, Ports
from firmward.hospital.found import found
from firmward.hospital.gate.packs import newest
from firmward.hospital.records.site import Listen, Settings, issue_person
from firmward.lab import advisories
from firmward.lab.paper_vendor import PaperVendor
from firmward.terms.errors import Unavailable

PACKS = Path(__file__).resolve().parents[3] / "packs"
"""The packs of the checkout that this file lies in."""

PEOPLE: dict[str, tuple[Any, ...]] = {
    "bea": ("biomed",),
    "sam": ("sec",),
    "rita": ("risk",),
    "cleo": ("clin",),
    "ada": ("auditor",),
    "noel": (),
}
"""One person for each role, and one whom the site gives none."""

_START_S = 30.0
# The server as `firmward hospital serve` runs it, without the other parties' commands.
_SERVE = (
    "import sys; from pathlib import Path; from firmward.hospital.web.serve import serve; "
    "serve(Path(sys.argv[1]), lambda ports: None)"
)


def found_site(home: Path, now: datetime, **changes: Any) -> Path:
    """A site that judges by the baseline pack and whose hours are seconds.

    changes  settings that differ from that
    """
    settings: dict[str, Any] = {
        "site": "st-paper",
        "listen": Listen(device=0, enrolment=0, people=0),
        "pack": str(newest(PACKS, "hospital-baseline")),
        "advisories": str(advisories.write(home.with_name(f"{home.name}-advisories"), now)),
        "people": PEOPLE,
        "poll_s": 0.1,
        "tick_s": 0.05,
        "baseline_s": 3600.0,
        "looks_s": (0.2, 0.4),
        "settle_s": 60.0,
    }
    found(home, Settings(**{**settings, **changes}), now)
    return home


def vendor_pass(home: Path, vendor: str) -> None:
    """Issue a certificate to a vendor's pipeline."""
    issue_person(home, "vendor", vendor, datetime.now(UTC))


@dataclass
class Server:
    """A running hospital server."""

    home: Path
    ports: Ports
    process: subprocess.Popen[bytes]

    def url(self, plane: str) -> str:
        """The origin of the device, enrolment or people listener."""
        return f"https://{self.ports.host}:{getattr(self.ports, plane)}"

    def desk(self, name: str) -> Desk:
        """The connection of a person or vendor who has a certificate."""
        return Desk(self.url("people"), self.home / "people" / name)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(home: Path) -> Iterator[Server]:
    """Serve the site until the block ends.  Raises Unavailable if it does not come up."""
    (home / "ports.json").unlink(missing_ok=True)
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(home)], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield Server(home, _ports(home, process), process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=20)


def _ports(home: Path, process: subprocess.Popen[bytes]) -> Ports:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        if (home / "ports.json").exists():
            return msgspec.json.decode((home / "ports.json").read_bytes(), type=Ports)
        time.sleep(0.02)
    raise Unavailable(f"hospital server did not come up:\n{(home / 'server.log').read_text()}")


def device_id(vendor: PaperVendor, number: int) -> str:
    """The id of a vendor's nth device."""
    return f"urn:dev:ops:{vendor.enterprise}-{vendor.device_class}-{number:04d}"


def inventory(vendor: PaperVendor, numbers: Sequence[int], **changes: str) -> bytes:
    """An inventory CSV of some of a vendor's devices, all in one ward."""
    shared = {
        "vendor": vendor.label,
        "product": vendor.product,
        "hardware_id": vendor.hardware,
        "ward": "ward-3",
        "ward_kind": "medical",
        "priority": "essential",
        "tier": "1",
        **changes,
    }
    lines = [",".join(("device", *shared))]
    lines += [",".join((device_id(vendor, number), *shared.values())) for number in numbers]
    return ("\n".join(lines) + "\n").encode()
