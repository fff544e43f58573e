"""A device on paper: it speaks the native protocol with real keys, and has no controller.

It verifies nothing beyond what a test asks of it and says what a test wants said, so that one
part can be false while all the rest is genuine.
"""

import base64
import hashlib
import secrets
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from securesystemslib.signer import CryptoSigner

from firmward.lab.paper_site import Server, device_id
from firmward.lab.paper_vendor import PaperVendor
from firmward.proof import certs, envelope, keys, repository, roles, wrap
from firmward.terms import checkin
from firmward.terms.checkin import CheckIn, PublicKeyDocument, Registration
from firmward.terms.order import Order
from firmward.terms.report import REPORT_TYPE, Reading, VersionReport, Vitals
from firmward.terms.wire import convert, decode, encode

LIFE = timedelta(days=30)

CALM = Reading(
    t_ms=1000,
    cpu=200,
    memory=300,
    reads=100,
    errors=0,
    cadence_ms=1000,
    age_ms=500,
    response_ms=40,
    rssi=-60,
    link=True,
    in_use=False,
)
"""A reading of a device that is well and serves nobody."""


class Answered(Exception):
    """The hospital gave another answer than this device was made for."""

    def __init__(self, response: httpx.Response):
        self.response = response
        super().__init__(f"{response.request.url}: {response.status_code} {response.text[:500]}")


def client(
    base: str,
    folder: Path,
    authority: bytes,
    certificate: x509.Certificate | None,
    key: ec.EllipticCurvePrivateKey | None,
) -> httpx.Client:
    """An HTTP client over TLS 1.3 that shows this certificate, or none.

    folder  a place of its own: OpenSSL reads a certificate and its key from files only
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authority.decode())
    if certificate is not None and key is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{secrets.token_hex(8)}.pem"
        path.write_bytes(certs.pem(certificate) + keys.private_pem(key))
        context.load_cert_chain(path)
    return httpx.Client(base_url=base, verify=context, timeout=30.0, trust_env=False)


@dataclass
class PaperDevice:
    """One device, its keys, and what it says it runs.

    image_sha256  of the release it says it runs
    kept          trusted director files by role, for the next refresh
    """

    device: str
    vendor: PaperVendor
    server: Server
    folder: Path
    release: str
    image_sha256: str = hashlib.sha256(b"factory").hexdigest()
    floor: int = 1
    sequence: int = 0
    batches: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=keys.new_p256)
    signer: CryptoSigner = field(default_factory=keys.new_signer)
    decryption: X25519PrivateKey = field(default_factory=wrap.new_decryption_key)
    kept: dict[str, bytes] = field(default_factory=dict)
    certificate: x509.Certificate | None = None
    http: httpx.Client | None = None

    def enrol(self) -> httpx.Client:
        """Show the factory identity, get the hospital's, and talk with it from now on."""
        idevid, factory = self.idevid()
        request = base64.b64encode(certs.signing_request(self.key, self.device))
        door = client(self.server.url("enrolment"), self.folder, self.authority, idevid, factory)
        with door:
            response = _good(door.post(checkin.EST_ENROLL, content=request))
        return self.use(certs.from_certs_only(base64.b64decode(response.content)))

    def idevid(
        self, authority: certs.Authority | None = None
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """A factory identity, by its vendor's factory or another's."""
        key, issuer = keys.new_p256(), authority or self.vendor.factory
        now = datetime.now(UTC)
        return certs.client_certificate(issuer, key.public_key(), self.device, now, LIFE), key

    def use(self, certificate: x509.Certificate) -> httpx.Client:
        """Talk with this certificate from now on."""
        base = self.server.url("device")
        self.certificate = certificate
        self.http = client(base, self.folder, self.authority, certificate, self.key)
        return self.http

    @property
    def authority(self) -> bytes:
        """The hospital's authority, as a technician pinned it."""
        return (self.server.home / "public" / "authority.pem").read_bytes()

    def move(self, server: Server) -> None:
        """Follow a server that was started again on other ports."""
        self.server = server
        if self.http is not None:
            self.http.base_url = server.url("device")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
        """Any request over this device's own connection."""
        http = self.http or self.enrol()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return http.request(method, path, content=body or None, headers=named)

    def registration(self, **changes: Any) -> Registration:
        """Its two other public keys."""
        public = keys.public_document(self.signer.public_key)
        said: dict[str, Any] = {
            "decryption_key": base64.b64encode(wrap.raw_public(self.decryption)).decode(),
            "report_key": convert(public, PublicKeyDocument, "report key"),
            "hardware_id": self.vendor.hardware,
        }
        return Registration(**(said | changes))

    def register(self, **changes: Any) -> httpx.Response:
        """Tell the hospital the two other public keys."""
        return self.ask("POST", checkin.REGISTER, encode(self.registration(**changes)))

    def check_in(self) -> CheckIn:
        """What waits."""
        return decode(_good(self.ask("GET", checkin.CHECK_IN)).content, CheckIn, "check-in")

    def fetch(self, name: str, limit: int) -> bytes | None:
        """A file of its own director repository, None for 404."""
        return self._fetched(checkin.DIRECTOR + name)

    def fetch_image(self, name: str, limit: int) -> bytes | None:
        """A file of its vendor's image repository, None for 404."""
        return self._fetched(checkin.IMAGE + name)

    def _fetched(self, path: str) -> bytes | None:
        response = self.ask("GET", path)
        return None if response.status_code == 404 else _good(response).content

    def orders(self) -> list[Order]:
        """What the director orders, verified from the pinned root: one order, or none."""
        pinned = (self.server.home / "public" / "director.root.json").read_bytes()
        kept = self.kept or {"root": pinned}
        trusted = roles.refresh(kept, self.fetch, datetime.now(UTC), self.device)
        self.kept = dict(trusted.files)
        return [
            convert(repository.custom(entry), Order, "order") for entry in trusted.targets.values()
        ]

    def image(self, order: Order, *, cut: int = 0) -> bytes:
        """The image an order names, decrypted; fetched in two pieces where `cut` is set."""
        path = checkin.BLOBS + order.ciphertext_sha256
        if cut:
            first = _good(self.ask("GET", path, range=f"bytes=0-{cut - 1}")).content
            body = first + _good(self.ask("GET", path, range=f"bytes={cut}-")).content
        else:
            body = _good(self.ask("GET", path)).content
        trusted = roles.refresh(
            {"root": self.vendor.roots["1.root.json"]},
            self.fetch_image,
            datetime.now(UTC),
            self.device,
        )
        [digest] = [
            entry.hashes["sha256"]
            for entry in trusted.targets.values()
            if entry.unrecognized_fields.get("custom", {}).get("releaseCounter")
            == order.release_counter
        ]
        info = wrap.binding(self.device, order.release, digest)
        return b"".join(
            wrap.decrypt([body], wrap.unwrap_key(order.wrapped_key, self.decryption, info))
        )

    def report(self, **changes: Any) -> httpx.Response:
        """A signed version report of what it says it runs, one sequence number on."""
        self.sequence += 1
        return self.ask("POST", checkin.REPORTS, self.sealed(**changes))

    def sealed(self, **changes: Any) -> bytes:
        """The bytes of a report under the present sequence number."""
        said: dict[str, Any] = {
            "device": self.device,
            "sequence": self.sequence,
            "at": datetime.now(UTC),
            "release": self.release,
            "image_sha256": self.image_sha256,
            "measured_sha256": self.image_sha256,
            "floor": self.floor,
            "outcome": "running",
        }
        return envelope.seal(encode(VersionReport(**(said | changes))), REPORT_TYPE, [self.signer])

    def obey(self) -> str:
        """Install whatever is ordered, prove it, and give the release now run."""
        for order in self.orders():
            if order.release != self.release:
                image = self.image(order)
                self.release, self.floor = order.release, order.release_counter
                self.image_sha256 = hashlib.sha256(image).hexdigest()
            _good(self.report(outcome="kept", order=order.order))
        return self.release

    def vitals(self, *readings: Reading, boots: int = 0) -> httpx.Response:
        """A batch of readings, one sequence number on."""
        return self.ask("POST", checkin.VITALS, self.batch(*readings, boots=boots))

    def batch(self, *readings: Reading, boots: int = 0) -> bytes:
        """The bytes of a batch under the next sequence number."""
        self.batches += 1
        batch = Vitals(
            device=self.device,
            sequence=self.batches,
            release=self.release,
            boots=boots,
            readings=readings or (CALM,),
        )
        return encode(batch)


def new_device(
    server: Server, vendor: PaperVendor, number: int, folder: Path, release: str
) -> PaperDevice:
    """The nth device of a vendor as it leaves the factory with this release."""
    name = device_id(vendor, number)
    return PaperDevice(name, vendor, server, folder / f"device-{number}", release)


def joined(
    server: Server, vendor: PaperVendor, number: int, folder: Path, release: str
) -> PaperDevice:
    """A device that has enrolled, registered and reported what it runs."""
    device = new_device(server, vendor, number, folder, release)
    device.enrol()
    _good(device.register())
    _good(device.report())
    return device


def _good(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise Answered(response)
    return response
