"""Where private keys are held: a folder of files, and as many tokens as the roles are spread over.

A token is opened when a key in it is first needed.  So a release is made without the token of the
root keys, which can lie in a safe.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from firmward.proof import keys as proof_keys
from firmward.proof.keys import material
from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.vendor.keys.book import FILE, FOLDER, Algorithm, Held, Where
from firmward.vendor.keys.hsm import Token, open_token
from firmward.vendor.keys.software import SoftwareStore


class MacKey(Protocol):
    """A symmetric key that every device of one class shares."""

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA256 of the message."""


class Store(Protocol):
    """One place where private keys are held."""

    def make(self, label: str, algorithm: Algorithm) -> None:
        """A fresh key."""

    def make_mac(self, label: str) -> None:
        """A fresh MAC key."""

    def signer(self, label: str) -> Signer:
        """The key of that label."""

    def mac(self, label: str) -> MacKey:
        """The MAC key of that label."""

    def authority(self, label: str) -> ec.EllipticCurvePrivateKey:
        """A key that signs certificates."""


@dataclass
class Places:
    """The places of one vendor's keys.

    module   the PKCS#11 library of all tokens
    pin_env  the environment variable with the PIN; where there are several tokens, its name with
             _TOKEN goes first
    """

    home: Path
    module: str = ""
    pin_env: str = ""
    _opened: dict[str, Token] = field(default_factory=dict)

    def at(self, where: Where, token: str) -> Store:
        """The folder, or the token, opened.  Raises Unavailable."""
        if where == "unsafe-software":
            return SoftwareStore((self.home / FOLDER).resolve())
        if token not in self._opened:
            own = f"{self.pin_env}_{token.upper().replace('-', '_')}"
            named = own if own in os.environ else self.pin_env
            pin = os.environ.get(named, "")
            if not pin:
                raise Unavailable(f"token {token}: expected its PIN in ${self.pin_env}, got none")
            self._opened[token] = open_token(self.module, token, pin, named)
        return self._opened[token]

    def of(self, held: Held) -> Store:
        """Where a key is."""
        return self.at(held.where, held.token)

    def signer(self, held: Held) -> Signer:
        """A key, known to be the one in the book.  Raises Unavailable, NotTrusted."""
        signer = self.of(held).signer(held.label)
        if material(signer.public_key) != material(_public(held)):
            raise NotTrusted(f"key {held.name}", f"{held.where} holds another key than {FILE}")
        return signer


def _public(held: Held) -> Key:
    return proof_keys.public_key(dict(held.public), f"key {held.name}")


@dataclass
class OfflineSigner(Signer):
    """A key that is sought when it is first signed with."""

    places: Places
    held: Held
    _signer: Signer | None = None

    def open(self) -> Signer:
        """The key itself.  Raises Unavailable, NotTrusted."""
        if self._signer is None:
            self._signer = self.places.signer(self.held)
        return self._signer

    @property
    def public_key(self) -> Key:
        """The public half, from the book."""
        return _public(self.held)

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> NoReturn:
        """Not offered: a vendor's home says where its keys are."""
        raise Misuse(f"key {priv_key_uri}: expected to be opened by its home")

    def sign(self, payload: bytes) -> Signature:
        """The signature of `payload`.  Raises Unavailable where the key cannot be had."""
        return self.open().sign(payload)
