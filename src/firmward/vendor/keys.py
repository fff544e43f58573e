"""The vendor's keys, one for each thing that is signed, so that no thief of one gets two.

Here they are software keys in files that only their owner may read: whoever copies the folder is
the vendor.  That is why the folder is called what it is.  An HSM takes a file's place by giving the
same signer (proof.keys); nothing else changes.

root           2 of 3   names all other TUF keys          offline
targets        2 of 2   which images exist                offline
snapshot, timestamp     that this is the latest           online
evidence                statements about a build          where it is built
firmware                MCUboot images (ECDSA P-256)      where it is built
device-authority        factory identities of devices     in the factory
"""

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner

from firmward.proof import certs, keys
from firmward.proof.repository import RoleKeys
from firmward.terms.errors import Malformed, Misuse, Unavailable

FOLDER: Final = "unsafe-software-keys"
ROOT_THRESHOLD: Final = 2
TARGETS_THRESHOLD: Final = 2
_ROOTS: Final = ("root-1", "root-2", "root-3")
_TARGETS: Final = ("targets-1", "targets-2")
_SINGLE: Final = ("snapshot", "timestamp", "evidence", "firmware")
_AUTHORITY: Final = "device-authority"


@dataclass(frozen=True)
class VendorKeys:
    """Every signer of one vendor.  `folder` is where the key files are."""

    folder: Path
    root: tuple[CryptoSigner, ...]
    targets: tuple[CryptoSigner, ...]
    snapshot: CryptoSigner
    timestamp: CryptoSigner
    evidence: CryptoSigner
    firmware: CryptoSigner
    device_authority: certs.Authority

    @property
    def firmware_file(self) -> Path:
        """The private key file that imgtool signs with."""
        return self.folder / "firmware.pem"

    def roles(self) -> dict[str, RoleKeys]:
        """What the TUF root file says: role -> keys and threshold."""
        return {
            "root": RoleKeys(tuple(each.public_key for each in self.root), ROOT_THRESHOLD),
            "targets": RoleKeys(tuple(each.public_key for each in self.targets), TARGETS_THRESHOLD),
            "snapshot": RoleKeys((self.snapshot.public_key,)),
            "timestamp": RoleKeys((self.timestamp.public_key,)),
        }


def create(home: Path, vendor: str, now: datetime) -> VendorKeys:
    """Fresh keys in `home`/unsafe-software-keys.  Raises Misuse where there are keys already."""
    folder = home / FOLDER
    if folder.exists():
        raise Misuse(f"keys: expected no keys yet, got {folder}")
    home.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    for name in (*_ROOTS, *_TARGETS, *_SINGLE):
        _write(folder / f"{name}.pem", keys.unsafe_private_pem(keys.new_signer()))
    authority = certs.new_authority(f"{vendor} device authority", keys.new_p256(), now)
    _write(folder / f"{_AUTHORITY}.pem", keys.private_pem(authority.key))
    _write(folder / f"{_AUTHORITY}.crt", authority.pem)
    return load(home)


def load(home: Path) -> VendorKeys:
    """The keys in `home`.  Raises Unavailable, Malformed; Misuse if others may read them."""
    # Absolute, because imgtool runs in a folder of its own.
    folder = (home / FOLDER).resolve()
    single = {name: _signer(folder, name) for name in _SINGLE}
    return VendorKeys(
        folder=folder,
        root=tuple(_signer(folder, name) for name in _ROOTS),
        targets=tuple(_signer(folder, name) for name in _TARGETS),
        device_authority=_authority(folder),
        **single,
    )


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"key {path.name}: {error.strerror}: {path}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misuse(f"key {path}: expected mode 600, got {stat.S_IMODE(mode):o}; chmod 600 it")
    return data


def _signer(folder: Path, name: str) -> CryptoSigner:
    return keys.signer_from_pem(_read(folder / f"{name}.pem"))


def _authority(folder: Path) -> certs.Authority:
    try:
        key = load_pem_private_key(_read(folder / f"{_AUTHORITY}.pem"), None)
        certificate = x509.load_pem_x509_certificate(_read(folder / f"{_AUTHORITY}.crt"))
    except ValueError as error:
        raise Malformed(_AUTHORITY, "a PEM key and certificate", str(error)[:120]) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Malformed(_AUTHORITY, "an elliptic curve key", type(key).__name__)
    return certs.Authority(certificate, key)
