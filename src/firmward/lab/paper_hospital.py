"""A hospital on paper: authority, director and device plane, served from memory over real mTLS.

What a device checks can be tested against it without the full server.  Everything it serves is a
value that a test may spoil: it signs what it is told to sign.
"""

import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import TargetFile

from firmward.proof import certs, keys, repository, wrap
from firmward.proof.repository import Lives, RoleKeys, State
from firmward.terms import wire
from firmward.terms.checkin import FrontDoor, Registration
from firmward.terms.image import ImageClaim, image_path
from firmward.terms.order import Order, Purpose
from firmward.terms.report import Vitals


@dataclass
class Ward:
    """What the hospital keeps for one device, as it will be served.

    director      file name -> bytes of its director repository
    registration  its other keys, once it registered them
    reports       envelopes taken, in order; vitals likewise
    """

    director: dict[str, bytes] = field(default_factory=dict)
    version: int = 0
    state: State = field(default_factory=State)
    registration: Registration | None = None
    reports: list[bytes] = field(default_factory=list)
    vitals: list[Vitals] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class DirectorKeys:
    """Who signs the director's roles; targets need both signers."""

    root: CryptoSigner
    targets: tuple[CryptoSigner, CryptoSigner]
    snapshot: CryptoSigner
    timestamp: CryptoSigner

    @property
    def signers(self) -> dict[str, tuple[Signer, ...]]:
        """Who signs each role of a publication."""
        return {
            "targets": self.targets,
            "snapshot": (self.snapshot,),
            "timestamp": (self.timestamp,),
        }


@dataclass
class PaperHospital:
    """A hospital without a database, a gate or people.

    image  file name -> bytes of the vendor's metadata, mirrored as it came
    blobs  SHA-256 -> ciphertext
    """

    now: datetime
    authority: certs.Authority
    director: DirectorKeys
    roots: dict[str, bytes]
    vendor: str = "acme"
    image: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    wards: dict[str, Ward] = field(default_factory=dict)

    def ward(self, device: str) -> Ward:
        """What is kept for this device, beginning with nothing but the director's roots."""
        return self.wards.setdefault(device, Ward(director=dict(self.roots)))

    def front_door(self, base: str, enrolment: str) -> FrontDoor:
        """What a technician sets up a device with."""
        return FrontDoor(
            base=base,
            enrolment=enrolment,
            authority=self.authority.pem.decode(),
            director_root=b64encode(self.roots["1.root.json"]).decode(),
        )

    def mirror(self, metadata: Mapping[str, bytes]) -> None:
        """Take over a vendor's metadata."""
        self.image.update(metadata)

    def order(
        self, device: str, claim: ImageClaim, image: bytes, *, purpose: Purpose = "install"
    ) -> Order:
        """An order of this image for this device, its ciphertext put among the blobs."""
        ward = self.ward(device)
        if ward.registration is None:
            raise LookupError(f"{device} has not registered")
        content_key = secrets.token_bytes(32)
        body = wrap.encrypt(image, content_key, os.urandom(16), record=2048)
        sha256 = hashlib.sha256(body).hexdigest()
        self.blobs[sha256] = body
        ward.allowed.add(sha256)
        info = wrap.binding(device, claim.release, hashlib.sha256(image).hexdigest())
        recipient = recipient_key(ward.registration)
        return Order(
            order=secrets.token_hex(16),
            purpose=purpose,
            ecu_identifier=device,
            vendor=self.vendor,
            product=claim.product,
            version=claim.version,
            release_counter=claim.release_counter,
            hardware_ids=claim.hardware_ids,
            ciphertext_sha256=sha256,
            ciphertext_length=len(body),
            wrapped_key=wrap.wrap_key(content_key, recipient, info),
        )

    def sign(
        self,
        device: str,
        order: Order,
        image: bytes,
        *,
        signers: Mapping[str, tuple[Signer, ...]] | None = None,
        lives: Lives | None = None,
        at: datetime | None = None,
        path: str | None = None,
    ) -> None:
        """Publish an order in the device's director repository, for it to be fetched."""
        where = path or image_path(order.release)
        target = repository.target(where, image, wire.plain(order))
        self.publish(device, {where: target}, signers=signers, lives=lives, at=at)

    def publish(
        self,
        device: str,
        targets: Mapping[str, TargetFile],
        *,
        signers: Mapping[str, tuple[Signer, ...]] | None = None,
        lives: Lives | None = None,
        at: datetime | None = None,
    ) -> None:
        """Any targets at all in the device's director repository."""
        ward = self.ward(device)
        chosen = {**self.director.signers, **(signers or {})}
        lives = lives or Lives(targets=timedelta(days=7))
        ward.state, files = repository.publish(ward.state, targets, chosen, at or self.now, lives)
        ward.director.update(files)
        ward.version = ward.state.versions["timestamp"]


def recipient_key(registration: Registration) -> bytes:
    """The raw X25519 key a device registered."""
    return b64decode(registration.decryption_key)


def new_hospital(now: datetime) -> PaperHospital:
    """A hospital with fresh keys that knows no device."""
    director = DirectorKeys(
        root=keys.new_signer(),
        targets=(keys.new_fast_signer(), keys.new_fast_signer()),
        snapshot=keys.new_fast_signer(),
        timestamp=keys.new_fast_signer(),
    )
    roles = {
        "root": RoleKeys((director.root.public_key,)),
        "targets": RoleKeys(tuple(signer.public_key for signer in director.targets), 2),
        "snapshot": RoleKeys((director.snapshot.public_key,)),
        "timestamp": RoleKeys((director.timestamp.public_key,)),
    }
    first = repository.root_file(1, roles, [director.root], now + Lives().root)
    authority = certs.new_authority("paper hospital", keys.new_p256(), now)
    return PaperHospital(now, authority, director, {"1.root.json": first})


@dataclass(frozen=True)
class Credentials:
    """A server's certificate and key as files, and who may come in.

    trusted  PEM of the authorities whose clients are let in; "" lets in anybody
    """

    certificate: Path
    key: Path
    trusted: str


def server_files(
    authority: certs.Authority, folder: Path, now: datetime, trusted: str
) -> Credentials:
    """A certificate for 127.0.0.1 by this authority, written where a server can load it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = keys.new_p256()
    certificate = certs.server_certificate(authority, key.public_key(), ("127.0.0.1",), now)
    (folder / "server.pem").write_bytes(certs.pem(certificate))
    (folder / "server.key").write_bytes(keys.private_pem(key))
    return Credentials(folder / "server.pem", folder / "server.key", trusted)
