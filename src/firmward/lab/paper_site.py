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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from firmward.hospital import pipeline
from firmward.hospital.desk import Desk, Ports
from firmward.hospital.found import found
from firmward.hospital.gate.here import Said
from firmward.hospital.gate.packs import adopt
from firmward.hospital.gate.packs.overlay import Overlay
from firmward.hospital.records.site import Listen, Settings, issue_person, load_settings, open_site
from firmward.lab import advisories, paper_forms
from firmward.lab.paper_vendor import PaperVendor
from firmward.terms.errors import Unavailable

PACKS = Path(__file__).resolve().parents[3] / "packs"
"""The packs of the checkout that this file lies in."""

PACK_IDS: tuple[str, ...] = (
    "eu-gdpr",
    "eu-mdr",
    "hospital-defaults",
    "iec-62304",
    "iec-80001-1",
    "iec-81001-5-1",
    "iso-14971",
    "nist-crypto",
    "nist-sp800-193",
    "us-fda-524b",
    "us-fda-guidance",
    "us-hipaa",
)
"""Those of them that paper sites and the lab's judge by."""

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


def found_site(
    home: Path, now: datetime, *, allow_development_keys: bool = False, **changes: Any
) -> Path:
    """A site that judges by the shipped packs and whose hours are seconds.

    changes  settings that differ from that
    """
    settings: dict[str, Any] = {
        "site": "st-paper",
        "listen": Listen(device=0, enrolment=0, people=0),
        "advisories": str(advisories.write(home.with_name(f"{home.name}-advisories"), now)),
        "people": PEOPLE,
        "poll_s": 0.1,
        "tick_s": 0.05,
        "baseline_s": 3600.0,
        "looks_s": (0.2, 0.4),
        "settle_s": 60.0,
    }
    found(home, Settings(**{**settings, **changes}), now)
    adopt.adopt(home, PACKS, PACK_IDS, now)
    hurry(home, now, allow_development_keys=allow_development_keys)
    declare(home, now)
    return home


def hurry(home: Path, now: datetime, *, allow_development_keys: bool) -> None:
    """Lay over the packs what a site whose hours are seconds cannot do: soak a pilot for a week.

    The rule is not switched off.  It warns, as a hospital's may that adopts a pack step by step.
    """
    later = now + timedelta(days=90)
    warn = {"PMR-007": later, **({"SIG-005": later} if allow_development_keys else {})}
    site = load_settings(home).site
    overlay = Overlay(
        overlay_schema="firmward.overlay/v1",
        id=site,
        version=f"{now.year}.{now.month}.0",
        title="A site whose hours are seconds",
        scope="site",
        site=site,
        effective_from=now,
        expires=now + timedelta(days=365),
        # No validated module holds a key in a file, and only federal buyers must ask for one.
        parameters={"allow_development_keys": True, "require_fips": False}
        if allow_development_keys
        else {},
        warn=warn,
    )
    adopt.write_overlay(home, overlay)


def declare(home: Path, now: datetime) -> None:
    """What the people of a site that is not served yet declare of it."""
    site = open_site(home)
    for (person, role), sections in paper_forms.SITES.items():
        until = now + timedelta(days=365)
        said = Said(about="site", role=role, person=person, sections=sections, at=now, until=until)
        pipeline.declare(site, said)
    site.close()


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
