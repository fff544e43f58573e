"""The demo: the whole loop, played once against a live server by a fleet of emulated devices."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firmward.lab import advisories, paper_forms
from firmward.lab.acts import (
    altered,
    attacks,
    audited,
    good,
    misbehaving,
    power,
    refused,
    releases,
)
from firmward.lab.fleet import Fleet, Place, inventory, manufacture, wait_until
from firmward.lab.scenario import Say, Stage
from firmward.lab.server import HospitalServer, found_site
from firmward.lab.toolchain import checkout_folder
from firmward.lab.workshops import VendorWorld, new_vendor
from firmward.terms.errors import Misuse

PACKS = "packs"
ORDER_LIFE_S = 8.0

# Three wards: eight devices in each, four of each vendor.
WARDS = (
    Place("icu-1", "intensive", "critical", 1),
    Place("ward-3", "general", "essential", 2),
    Place("ward-5", "general", "essential", 2),
)
PER_WARD = 4

ACTS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("a. a good release goes out in waves", good.play),
    ("b. three releases are refused", refused.play),
    ("c. attacks are refused", attacks.play),
    ("d. a release that misbehaves is caught", misbehaving.play),
    ("c. attacks that take their time", attacks.play_on),
    ("f. power is cut at three moments, while the patch goes on", power.prepare),
    ("f. every device comes back", power.play),
    ("e. altered firmware is quarantined", altered.play),
    ("g. an auditor verifies", audited.play),
)


@dataclass(frozen=True)
class Played:
    """How the play went."""

    stage: Stage
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether everything was as expected, and no device failed in a way nobody staged."""
        return all(check.ok for check in self.stage.checks) and not self.stage.fleet.failures


def set_up(folder: Path, say: Say, *, per_ward: int = PER_WARD, **settings: object) -> Stage:
    """Two vendors with a first release each, a served hospital, and an enrolled, living fleet."""
    now = datetime.now(UTC)
    known = advisories.write(folder / "advisories", now)
    acme = new_vendor(folder / "acme", "pump", known)
    borealis = new_vendor(folder / "borealis", "monitor", known)
    pace: dict[str, object] = {"order_life_s": ORDER_LIFE_S, **settings}
    packs = checkout_folder(PACKS)
    server = HospitalServer(found_site(folder / "hospital", packs, known, **pace))
    server.start()
    for person, form in paper_forms.forms(now + timedelta(days=365)):
        server.desk(person).post("/v1/declarations", form)
    say("     the hospital serves; both vendors make their first release")
    stage = Stage(folder, server, acme, borealis, Fleet([]), say)
    for vendor in stage.vendors:
        _onboard(stage, vendor)
    beds = []
    for vendor, letter, release in (
        (acme, "P", releases.PUMP_1),
        (borealis, "M", releases.MONITOR_1),
    ):
        places = [place for place in WARDS for _ in range(per_ward)]
        serials = [f"{letter}{number:03d}" for number in range(1, len(places) + 1)]
        beds += manufacture(vendor, serials, release, folder / "devices", places)
    stage.fleet = Fleet(beds)
    server.desk("bea").post("/v1/devices", inventory(beds))
    stage.fleet.enrol(server.front_door())
    say(f"     {len(beds)} devices enrolled over EST, each with its own keys")
    stage.kept["order_life_s"] = float(str(pace["order_life_s"]))
    return stage


def _onboard(stage: Stage, vendor: VendorWorld) -> None:
    stage.server.give_pass(vendor.name)
    stage.server.desk("sam").post("/v1/vendors", vendor.onboarding)
    bundle = releases.first_release(vendor)
    said = stage.push(vendor, bundle.data)
    if not said["admitted"]:
        raise RuntimeError(f"{bundle.release} is refused:\n{said['explained']}")
    stage.say(f"     {vendor.name}: {bundle.release} is admitted")


def play(folder: Path, say: Say, acts: Sequence[tuple[str, Callable[[Stage], None]]]) -> Played:
    """Set the stage, play the acts in order, and leave everything running."""
    begun = time.monotonic()
    say("     setting the stage")
    stage = set_up(folder, say)
    stage.kept["releases"] = releases.Releases(stage.acme, stage.borealis)
    stage.kept["begun"] = begun
    stage.fleet.start()
    wait_until("the fleet's first reports", lambda: _all_reported(stage), 30)
    say(f"     {len(stage.fleet.beds)} devices report, {time.monotonic() - begun:.1f} s so far")
    play_acts(stage, acts)
    return Played(stage, time.monotonic() - begun)


def play_acts(stage: Stage, acts: Sequence[tuple[str, Callable[[Stage], None]]]) -> None:
    """Play acts on a stage that is set; one that breaks off is a check that failed."""
    for title, act in acts:
        stage.say(f"{title}")
        try:
            act(stage)
        except Exception as error:  # noqa: BLE001 - the table shows it, and the play fails
            with stage.check(title[0], "the act itself", "played to its end") as seen:
                seen.text = f"{type(error).__name__}: {error}"[:300]


def _all_reported(stage: Stage) -> bool:
    return all(device["release"] for device in stage.devices().values())


def close(stage: Stage) -> None:
    """Switch the fleet off and stop the server."""
    if "releases" in stage.kept:
        stage.kept["releases"].close()
    stage.fleet.stop()
    stage.server.stop()


def leave_up(stage: Stage) -> None:
    """Keep server and fleet alive until Ctrl-C."""
    try:
        while stage.server.running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        stage.say("     ending")
    close(stage)


def folder_for(out: Path | None) -> Path:
    """Where a play keeps its files: an empty folder that was asked for, or a temporary one."""
    if out is None:
        return Path(tempfile.mkdtemp(prefix="firmward-demo-"))
    if out.exists() and any(out.iterdir()):
        raise Misuse(f"{out}: expected an empty folder, got one with files in it")
    out.mkdir(parents=True, exist_ok=True)
    return out
