"""One device at one paper hospital: a board that runs real firmware, its agent, real mTLS.

For tests and scenarios of the agent, where any part may be spoiled and the power cut anywhere.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from firmward.device import identity
from firmward.device.agent import Agent, Step
from firmward.device.identity import Nameplate
from firmward.device.link import Link, Pace
from firmward.device.state import Cut
from firmward.lab import paper_vendor
from firmward.lab.board import Board
from firmward.lab.factory import Factory
from firmward.lab.faults import PowerCut
from firmward.lab.paper_hospital import Credentials, PaperHospital, Ward, new_hospital, server_files
from firmward.lab.paper_server import Served, serve
from firmward.lab.paper_vendor import PaperVendor
from firmward.proof import certs, envelope, keys
from firmward.terms import wire
from firmward.terms.image import ImageClaim, image_path
from firmward.terms.order import Order, Purpose
from firmward.terms.report import REPORT_TYPE, VersionReport

DEVICE = "urn:dev:ops:32473-PUMP200-0001"
FACTORY_RELEASE = "pump-200@1.0.0+1"
# A test that waits for a trickle waits this long, not the twenty seconds of the field.
PACE = Pace(floor=512, window=0.3, timeout=5.0)


@dataclass
class Bedside:
    """The device, its hospital and its vendor.

    images  release -> image, as the vendor published it
    now     the device's clock; advance it to let metadata expire
    """

    folder: Path
    factory: Factory
    vendor: PaperVendor
    hospital: PaperHospital
    served: Served
    credentials: Credentials
    board: Board
    now: datetime
    device: str = DEVICE
    images: dict[str, bytes] = field(default_factory=dict)
    claims: dict[str, ImageClaim] = field(default_factory=dict)
    _links: list[Link] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The device's home; its board's flash lies there too."""
        return self.folder / "device"

    @property
    def ward(self) -> Ward:
        """What the hospital has of this device."""
        return self.hospital.ward(self.device)

    @property
    def flash(self) -> bytes:
        """Every byte of the controller's flash."""
        return self.board.flash_path.read_bytes()

    @property
    def reports(self) -> list[VersionReport]:
        """The reports that arrived, their signatures checked."""
        return [self.read_report(sealed) for sealed in self.ward.reports]

    def read_report(self, sealed: bytes) -> VersionReport:
        """A report whose signature is this device's."""
        registered = self.ward.registration
        if registered is None:
            raise LookupError("the device has not registered")
        key = keys.public_key(wire.plain(registered.report_key), "report key")
        payload = envelope.unseal(sealed, REPORT_TYPE, [key], "report")
        return wire.decode(payload, VersionReport, "report")

    def agent(self, cut: Cut | None = None, *, base: str = "") -> Agent:
        """The agent, started (anew) on this home; `cut` also reaches into the board.

        base  another server's address, where one has put itself in the hospital's place
        """
        self.board.cut = cut or (lambda point: None)
        link = identity.connect(self.home, PACE, base=base)
        self._links.append(link)
        return Agent(self.home, self.board, link, now=lambda: self.now, cut=cut)

    def close(self) -> None:
        """Hang up and switch off."""
        for link in self._links:
            link.close()
        self.board.power_off()

    def release(
        self,
        version: str,
        counter: int,
        predecessors: tuple[str, ...] = (FACTORY_RELEASE,),
        *,
        fallback_of: str = "",
        image: bytes | None = None,
        **defines: object,
    ) -> str:
        """Build, sign and publish one image, mirrored by the hospital; its release id."""
        claim = paper_vendor.claim(self.vendor, version, counter, predecessors, fallback_of)
        data = image or self.factory.image(version, counter, **defines)
        self.images[claim.release], self.claims[claim.release] = data, claim
        self.publish(claim, data)
        return claim.release

    def publish(self, claim: ImageClaim, image: bytes) -> None:
        """The vendor publishes an image under any claim, and the hospital mirrors it."""
        files = {image_path(claim.release): (image, wire.plain(claim))}
        pack = paper_vendor.publish(self.vendor, files, self.hospital.now)
        self.vendor = pack.vendor
        self.hospital.mirror(pack.metadata)

    def draft(self, release: str, purpose: Purpose = "install") -> Order:
        """An order for this device, not yet signed: change it with msgspec's replace."""
        claim, image = self.claims[release], self.images[release]
        return self.hospital.order(self.device, claim, image, purpose=purpose)

    def order(self, release: str, purpose: Purpose = "install") -> Order:
        """Order a published release for this device."""
        order = self.draft(release, purpose)
        self.hospital.sign(self.device, order, self.images[release])
        return order

    def step_until(self, agent: Agent, did: str, *, most: int = 6) -> Step:
        """Step until the agent did something; an error of the scenario if it never does."""
        steps = []
        for _ in range(most):
            steps.append(agent.step())
            if steps[-1].did == did:
                return steps[-1]
        raise AssertionError(f"expected {did} within {most} steps, got {steps}")

    def slot(self, number: int) -> bytes:
        """The bytes of one slot."""
        base = 64 * 1024 + number * 224 * 1024
        return self.flash[base : base + 224 * 1024]


@contextmanager
def bedside(
    folder: Path,
    factory: Factory,
    now: datetime,
    *,
    image: bytes | None = None,
    hybrid: bool = False,
) -> Iterator[Bedside]:
    """An enrolled device with the factory release in slot 0, and its hospital's door open.

    hybrid  the vendor's metadata is signed with ECDSA and ML-DSA keys, and both are demanded
    """
    signer = keys.signer_from_pem(factory.keys[0])
    vendor = replace(paper_vendor.new_vendor(now, hybrid=hybrid), firmware=signer)
    hospital = new_hospital(now)
    first = image or factory.image("1.0.0", 1)
    board = factory.board(folder / "device", image=first)
    trusted = (hospital.authority.pem + vendor.factory.pem).decode()
    credentials = server_files(hospital.authority, folder / "server", now, trusted)
    _manufacture(folder / "device", vendor, now)
    with serve(hospital, credentials) as served:
        identity.enrol(folder / "device", hospital.front_door(served.base, served.base), now)
        here = Bedside(folder, factory, vendor, hospital, served, credentials, board, now)
        claim = paper_vendor.claim(vendor, "1.0.0", 1)
        here.images[claim.release], here.claims[claim.release] = first, claim
        here.publish(claim, first)
        try:
            yield here
        finally:
            here.close()


def _manufacture(home: Path, vendor: PaperVendor, now: datetime) -> None:
    key = keys.new_p256()
    life = timedelta(days=3650)
    certificate = certs.client_certificate(vendor.factory, key.public_key(), DEVICE, now, life)
    plate = Nameplate(device=DEVICE, hardware_id=vendor.hardware)
    identity.manufacture(
        home, plate, certs.pem(certificate), keys.private_pem(key), vendor.roots["1.root.json"]
    )


def sha256(data: bytes) -> str:
    """A digest, as reports write it."""
    return hashlib.sha256(data).hexdigest()


class PowerCutAt:
    """A `cut` hook that counts the points and cuts the power at one of them, once.

    at  the number of the point to cut at; -1 only lists them
    """

    def __init__(self, at: int = -1):
        self.at = at
        self.points: list[str] = []

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if len(self.points) - 1 == self.at:
            raise PowerCut(point)
