"""A hospital in this process with devices on paper, and a clock that a test turns."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization

from firmward.hospital import bedside, enrolment, pipeline, reports
from firmward.hospital.bedside import Seen
from firmward.hospital.fleet.rollout import Progress
from firmward.hospital.gate.engines.worker import Worker
from firmward.hospital.judging import Hospital
from firmward.hospital.records import cases, devices, ledger, orders, releases, rollouts
from firmward.hospital.web.serve import open_hospital
from firmward.lab import paper_site, paper_vendor
from firmward.lab.paper_device import CALM, PaperDevice, new_device
from firmward.lab.paper_vendor import PaperVendor
from firmward.proof import certs, repository, roles
from firmward.terms.order import Order
from firmward.terms.wire import convert

FACTORY = "pump-200@1.0.0+1"
ENGINE = Worker()
"""One rule engine for every ward of a process: a real one, whose start is paid once."""
RELEASE = "pump-200@1.1.0+3"
FALLBACK = "pump-200@1.0.0+4"


@dataclass
class Ward:
    """A site, its one vendor, and the devices that joined it."""

    hospital: Hospital
    vendor: PaperVendor
    folder: Path
    now: datetime
    fleet: list[PaperDevice] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    @property
    def site(self):
        """The open site."""
        return self.hospital.site

    def wait(self, seconds: float) -> None:
        """Turn the clock."""
        self.now += timedelta(seconds=seconds)

    def tick(self) -> list[str]:
        """One turn of the hospital's loop; gives what it did."""
        return [moved.says for moved in pipeline.tick(self.hospital, self.seen, self.now)]

    def join(self, count: int, **changes: str) -> list[PaperDevice]:
        """Devices that enrol, register and report the factory's release."""
        first = len(self.fleet) + 1
        numbers = range(first, first + count)
        csv = paper_site.inventory(self.vendor, numbers, **changes)
        pipeline.expect(self.hospital, csv, "bea", self.now)
        new = [new_device(None, self.vendor, n, self.folder, FACTORY) for n in numbers]
        self.fleet += new
        for device in new:
            self.enrol(device)
            enrolment.register(self.site, self.row(device), device.registration(), self.now)
            self.report(device)
        return new

    def enrol(self, device: PaperDevice) -> bytes:
        """The DER of a fresh hospital identity."""
        idevid, _ = device.idevid()
        request = certs.signing_request(device.key, device.device)
        issued = enrolment.enrol(self.site, der(idevid), request, self.now)
        return der(issued)

    def admit(self, version: str = "1.1.0", counter: int = 3, predecessors=(FACTORY,)) -> str:
        """A good release of the vendor through the real gate; gives its id."""
        draft = paper_vendor.draft(self.vendor, self.now, version, counter, predecessors)
        pack = paper_vendor.pack(self.vendor, draft, self.now)
        label = self.vendor.label
        judged = pipeline.take_bundle(self.hospital, label, pack.bundle, label, self.now)
        assert judged.admitted, judged.reasons
        self.vendor = pack.vendor
        return draft.release

    def row(self, device: PaperDevice) -> devices.Device:
        """The device as the hospital knows it."""
        with self.site.store.reading() as connection:
            return devices.get(connection, device.device)

    def standing(self, device: PaperDevice) -> orders.Standing | None:
        """The order it stands under."""
        with self.site.store.reading() as connection:
            return orders.find(connection, device.device)

    def release(self, name: str) -> releases.Release | None:
        """A release's row."""
        with self.site.store.reading() as connection:
            return releases.find(connection, name)

    def rollout(self) -> rollouts.Row:
        """The newest roll-out."""
        with self.site.store.reading() as connection:
            return rollouts.every(connection)[-1]

    def tickets(self) -> list[cases.Ticket]:
        """Every ticket."""
        with self.site.store.reading() as connection:
            return cases.tickets(connection)

    def events(self, kind: str = "") -> list[ledger.Event]:
        """Every event, or those of one kind."""
        with self.site.store.reading() as connection:
            found = [event for _, event in ledger.events_from(connection, 0, limit=100_000)]
        return [event for event in found if kind in ("", event.kind)]

    def renew(self) -> None:
        """The vendor's metadata as of now, with nothing new in it."""
        pack = paper_vendor.publish(self.vendor, {}, self.now)
        label = self.vendor.label
        pipeline.take_renewal(self.hospital, label, pack.bundle, label, self.now)
        self.vendor = pack.vendor

    def wave(self) -> list[PaperDevice]:
        """The devices that are ordered to install."""
        return [d for d in self.fleet if (s := self.standing(d)) and s.purpose == "install"]

    def waves(self) -> tuple[tuple[str, ...], ...]:
        """The newest roll-out's waves as they were drawn."""
        return msgspec.json.decode(self.rollout().body, type=Progress).plan.waves

    def begin(self) -> list[PaperDevice]:
        """Admit a release and turn the clock once; gives the first wave's devices."""
        self.admit()
        self.all_say()
        self.tick()
        return self.wave()

    def report(self, device: PaperDevice, **changes) -> int:
        """A signed report, taken by the hospital."""
        device.sequence += 1
        sealed = device.sealed(**({"at": self.now} | changes))
        return reports.take_report(self.site, self.row(device), sealed, self.now)

    def say(self, device: PaperDevice, *readings, boots: int = 0) -> int:
        """Vitals, taken by the hospital."""
        batch = device.batch(*readings, boots=boots)
        return reports.take_vitals(self.site, self.row(device), batch, self.now)

    def all_say(self, count: int = 1, reading=CALM) -> None:
        """Every device sends the same calm readings."""
        for device in self.fleet:
            self.say(device, *[reading] * count)

    def orders(self, device: PaperDevice) -> list[Order]:
        """What the device verifies from its pinned director root."""
        row = self.row(device)

        def fetch(name: str, limit: int) -> bytes | None:
            return bedside.director_file(self.site, row, name)

        kept = device.kept or {"root": self.site.director_root}
        trusted = roles.refresh(kept, fetch, self.now, device.device)
        device.kept = dict(trusted.files)
        return [convert(repository.custom(t), Order, "order") for t in trusted.targets.values()]

    def obey(self, device: PaperDevice) -> str:
        """The device runs and proves what it is ordered; gives the release it then runs."""
        for order in self.orders(device):
            device.release, device.floor = order.release, order.release_counter
            device.image_sha256 = self.release(order.release).image_sha256
            self.report(device, outcome="kept", order=order.order)
        return device.release


def new_ward(folder: Path, count: int = 0, now: datetime | None = None, **settings) -> Ward:
    """A founded, opened site with an onboarded vendor and `count` joined devices."""
    now = now or datetime.now(UTC)
    home = paper_site.found_site(folder / "site", now, **settings)
    vendor = paper_vendor.new_vendor(now)
    hospital = open_hospital(home)
    hospital.engine = ENGINE
    pipeline.onboard(hospital, vendor.onboarding, "sam", now)
    ward = Ward(hospital, vendor, folder, now)
    ward.join(count)
    return ward


def der(certificate) -> bytes:
    """A certificate's DER."""
    return certificate.public_bytes(serialization.Encoding.DER)
