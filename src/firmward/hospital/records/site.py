"""The site: one hospital's settings, keys and stores, opened once and handed to everything else.

Keys lie in `keys/` as clear PKCS#8, readable by the service only: software keys, named unsafe.
The director's root keys lie in `keys/offline/` and are used once, at `init`; move them away.
"""

import os
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Meta
from securesystemslib.signer import Signer

from firmward.hospital.records.blobs import Blobs
from firmward.hospital.records.durable import write_durably, write_secret
from firmward.hospital.records.ledger import Ledger
from firmward.hospital.records.store import Store
from firmward.proof import certs, keys
from firmward.proof.certs import Authority
from firmward.terms.errors import Misuse, NotTrusted, Refused
from firmward.terms.names import Label

AUTHORITIES = ("hospital", "people")
SIGNERS = ("order-targets", "order-snapshot", "order-timestamp", "verdict")
ROOT_SIGNERS = ("director-root-1", "director-root-2", "director-root-3")


Role = Literal["biomed", "sec", "risk", "clin", "auditor"]
"""biomed proposes and executes; sec approves, quarantines and onboards; risk approves; clin
consents; auditor reads."""


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the three listeners are; port 0 takes a free one and `serve` prints it."""

    host: str = "127.0.0.1"
    device: int = 8443
    enrolment: int = 8444
    people: int = 8445


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """hospital.toml.  Durations are in seconds.

    policy  the folder of adopted packs and overlays, in the site's own or absolute
    """

    site: Label
    listen: Listen = msgspec.field(default_factory=Listen)
    policy: str = "policy"
    advisories: str = ""
    jurisdictions: tuple[str, ...] = ("US",)
    poll_s: Annotated[float, Meta(gt=0)] = 60.0
    order_life_s: Annotated[float, Meta(gt=0)] = 3600.0
    tick_s: Annotated[float, Meta(gt=0)] = 1.0
    baseline_s: Annotated[float, Meta(gt=0)] = 172_800.0
    shares: tuple[float, ...] = (0.4,)
    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = 0.01
    looks_s: tuple[float, ...] = (900.0, 3600.0, 14_400.0, 86_400.0)
    settle_s: Annotated[float, Meta(gt=0)] = 14_400.0
    failed_share: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    people: dict[Label, tuple[Role, ...]] = {}
    freshness_ms: int = 30_000
    boot_limit: int = 3


@dataclass(frozen=True)
class Site:
    """Everything the hospital's functions work on."""

    home: Path
    settings: Settings
    store: Store
    blobs: Blobs
    ledger: Ledger
    authorities: dict[str, Authority]
    signers: dict[str, Signer]
    sealing: AESGCM
    director_root: bytes

    def seal(self, data: bytes, what: str) -> bytes:
        """A content key or a bundle, encrypted for the store and bound to what it is of."""
        nonce = os.urandom(12)
        return nonce + self.sealing.encrypt(nonce, data, what.encode())

    def unseal(self, sealed: bytes, what: str) -> bytes:
        """What was sealed.  Raises NotTrusted for anything else."""
        try:
            return self.sealing.decrypt(sealed[:12], sealed[12:], what.encode())
        except InvalidTag as error:
            raise NotTrusted(what, "expected what this site sealed, got something else") from error

    def close(self) -> None:
        """Publish what is committed, and release the files."""
        self.ledger.publish()
        self.store.close()


def load_settings(home: Path) -> Settings:
    """The settings of a site's folder.  Raises Misuse for a bad or missing hospital.toml."""
    path = home / "hospital.toml"
    try:
        return read_settings(path.read_text(), str(path))
    except OSError as error:
        raise Misuse(
            f"{path}: expected a site made by `firmward hospital init`: {error}"
        ) from error


def read_settings(text: str, who: str) -> Settings:
    """The settings in a hospital.toml.  Raises Misuse."""
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Misuse(f"{who}: {error}") from error


def open_site(home: Path) -> Site:
    """Open a site for serving.  Raises Misuse, and Refused when its ledger would fork."""
    settings = load_settings(home)
    folder = home / "keys"
    try:
        authorities = {name: _authority(folder, name) for name in AUTHORITIES}
        signers = {name: keys.signer_from_pem(_read(folder / f"{name}.key")) for name in SIGNERS}
        ledger_key = load_pem_private_key(_read(folder / "ledger.key"), None)
        sealing = AESGCM(_read(folder / "content.key"))
        director_root = _read(home / "public" / "director.root.json")
    except OSError as error:
        raise Misuse(f"{home}: {error.filename} is missing; is this a site?") from error
    store = Store(home / "store.sqlite")
    origin = f"firmward.example/{settings.site}"
    ledger = Ledger(store, home / "ledger", origin, cast(Ed25519PrivateKey, ledger_key))
    return Site(
        home=home,
        settings=settings,
        store=store,
        blobs=Blobs(home / "blobs"),
        ledger=ledger,
        authorities=authorities,
        signers=cast(dict[str, Signer], signers),
        sealing=sealing,
        director_root=director_root,
    )


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _authority(folder: Path, name: str) -> Authority:
    key = load_pem_private_key(_read(folder / f"authority-{name}.key"), None)
    certificate = x509.load_pem_x509_certificate(_read(folder / f"authority-{name}.pem"))
    return Authority(certificate, cast(ec.EllipticCurvePrivateKey, key))


def issue_person(site_home: Path, kind: str, name: str, now: datetime) -> Path:
    """Issue a certificate and key for a person or vendor into people/<name>/; gives the folder.

    kind  "person" or "vendor": the certificate says urn:firmward:<kind>:<name>
    """
    try:
        msgspec.convert((kind, name), tuple[Literal["person", "vendor"], Label])
    except msgspec.ValidationError as error:
        # The name becomes a folder and a certificate's: `../keys` is neither.
        raise Misuse(f"{kind[:40]!r} {name[:80]!r}: expected a plain name: {error}") from error
    folder = site_home / "people" / name
    if folder.exists():
        raise Refused(f"{kind} {name}: expected a new name, got one that has a certificate")
    authority = _authority(site_home / "keys", "people")
    key = keys.new_p256()
    uri = f"urn:firmward:{kind}:{name}"
    life = timedelta(days=90)
    certificate = certs.client_certificate(authority, key.public_key(), uri, now, life)
    write_secret(folder / "key.pem", keys.private_pem(key))
    write_durably(folder / "cert.pem", certs.pem(certificate))
    write_durably(folder / "authority.pem", (site_home / "public" / "authority.pem").read_bytes())
    return folder
