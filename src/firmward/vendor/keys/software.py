"""Software keys: private keys in files that only their owner may read.

Whoever copies the folder is the vendor, which is why it is called unsafe-software-keys.
"""

import hmac
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner

from firmward.proof import keys
from firmward.terms.errors import Malformed, Misuse, Unavailable
from firmward.vendor import durable
from firmward.vendor.keys.book import Algorithm

MAC_SIZE: Final = 32
_NEW: Final[Mapping[str, Callable[[], CryptoSigner]]] = {
    "ecdsa-p256": keys.new_signer,
    "ecdsa-p384": lambda: CryptoSigner(ec.generate_private_key(ec.SECP384R1())),
    "ed25519": keys.new_fast_signer,
    "ml-dsa-87": lambda: CryptoSigner.generate_mldsa(scheme="ml-dsa-87/1"),
}


@dataclass(frozen=True)
class SoftwareMac:
    """A MAC key in memory."""

    key: bytes = field(repr=False)

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA256."""
        return hmac.digest(self.key, message, "sha256")


@dataclass(frozen=True)
class SoftwareStore:
    """A folder of key files."""

    folder: Path

    def make(self, label: str, algorithm: Algorithm) -> None:
        """A fresh key.  Raises Misuse where there is one of that label."""
        _write(self.path(label), keys.unsafe_private_pem(_NEW[algorithm]()))

    def make_mac(self, label: str) -> None:
        """A fresh MAC key."""
        _write(self.folder / f"{label}.bin", secrets.token_bytes(MAC_SIZE))

    def signer(self, label: str) -> CryptoSigner:
        """The key of that label.  Raises Unavailable, Malformed; Misuse if others may read it."""
        return keys.signer_from_pem(_read(self.path(label)))

    def mac(self, label: str) -> SoftwareMac:
        """The MAC key of that label."""
        key = _read(self.folder / f"{label}.bin")
        if len(key) != MAC_SIZE:
            raise Malformed(f"key {label}", f"{MAC_SIZE} bytes", f"{len(key)}")
        return SoftwareMac(key)

    def authority(self, label: str) -> ec.EllipticCurvePrivateKey:
        """A key that signs certificates."""
        try:
            key = load_pem_private_key(_read(self.path(label)), None)
        except ValueError as error:
            raise Malformed(f"key {label}", "a PEM key", str(error)[:120]) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Malformed(f"key {label}", "an elliptic curve key", type(key).__name__)
        return key

    def path(self, label: str) -> Path:
        """The file of a key, absolute, because imgtool runs in a folder of its own."""
        return (self.folder / f"{label}.pem").resolve()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not durable.create(path, data, 0o600):
        raise Misuse(f"keys: expected no key yet, got {path}")


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"key {path.name}: {error.strerror}: {path}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misuse(f"key {path}: expected mode 600, got {stat.S_IMODE(mode):o}; chmod 600 it")
    return data
