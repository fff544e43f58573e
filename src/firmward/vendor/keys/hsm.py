"""Keys in a PKCS#11 token, whose private halves nobody can take out, the vendor included.

Whoever holds the token and its PIN can sign as the vendor for as long as they hold both; afterwards
they have nothing.  One session is kept open, because a login costs more than forty signatures.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import PinIncorrect, PinInvalid, PKCS11Error, UserAlreadyLoggedIn
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from firmward.terms.errors import Misuse, NotTrusted, Unavailable
from firmward.vendor.keys.book import Algorithm

_CURVES: Final[Mapping[str, bytes]] = {
    "ecdsa-p256": encode_named_curve_parameters("secp256r1"),
    "ecdsa-p384": encode_named_curve_parameters("secp384r1"),
    # PKCS#11 3.0, 2.3.5: the curve by its name, as a DER PrintableString.
    "ed25519": b"\x13\x0cedwards25519",
}
_HASHES: Final = {"ecdsa-sha2-nistp256": "sha256", "ecdsa-sha2-nistp384": "sha384"}
# A key that was made in the token, and can neither be read nor wrapped out of it.
_STAYS: Final[Mapping[Attribute, bool]] = {
    Attribute.SENSITIVE: True,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.NEVER_EXTRACTABLE: True,
    Attribute.LOCAL: True,
}
_HIDDEN: Final = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


@dataclass
class Token:
    """A token that is logged in to."""

    label: str
    handle: pkcs11.Token = field(repr=False)
    session: pkcs11.Session = field(repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @contextmanager
    def at_work(self, what: str) -> Iterator[None]:
        """One caller at a time: a session does one operation.  Raises Unavailable."""
        with self.lock:
            try:
                yield
            except PKCS11Error as error:
                raise Unavailable(f"token {self.label}: {what}: {_words(error)}") from error

    def make(self, label: str, algorithm: Algorithm) -> None:
        """A fresh key, made inside.  Raises Misuse where there is one of that label, Unavailable"""
        kind = KeyType.EC_EDWARDS if algorithm == "ed25519" else KeyType.EC
        with self._writing(label) as session:
            curve = {Attribute.EC_PARAMS: _CURVES[algorithm]}
            parameters = session.create_domain_parameters(kind, curve, local=True)
            parameters.generate_keypair(
                store=True,
                label=label,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
                private_template=_HIDDEN,
            )

    def make_mac(self, label: str) -> None:
        """A fresh MAC key, made inside."""
        with self._writing(label) as session:
            session.generate_key(
                KeyType.GENERIC_SECRET,
                256,
                store=True,
                label=label,
                capabilities=MechanismFlag.SIGN,
                template=_HIDDEN,
            )

    @contextmanager
    def _writing(self, label: str) -> Iterator[pkcs11.Session]:
        with self.at_work(label), self.handle.open(rw=True) as session:
            if any(True for _ in session.get_objects({Attribute.LABEL: label})):
                raise Misuse(f"token {self.label}: expected no key {label} yet, got one")
            yield session

    def signer(self, label: str) -> "HsmSigner":
        """The key of that label.  Raises Unavailable; NotTrusted if it could leave the token."""
        with self.at_work(label):
            public = _public(self.session.get_key(ObjectClass.PUBLIC_KEY, label=label))
            private = self._inside(ObjectClass.PRIVATE_KEY, label)
        return HsmSigner(self, label, private, SSlibKey.from_crypto(public))

    def mac(self, label: str) -> "HsmMac":
        """The MAC key of that label."""
        with self.at_work(label):
            return HsmMac(self, label, self._inside(ObjectClass.SECRET_KEY, label))

    def authority(self, label: str) -> "HsmAuthorityKey":
        """A key that signs certificates."""
        with self.at_work(label):
            public = _public(self.session.get_key(ObjectClass.PUBLIC_KEY, label=label))
            private = self._inside(ObjectClass.PRIVATE_KEY, label)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise NotTrusted(f"token {self.label}", f"{label} is no elliptic curve key")
        return HsmAuthorityKey(self, label, private, public)

    def _inside(self, kind: ObjectClass, label: str) -> Any:
        key = self.session.get_key(kind, label=label)
        astray = [each.name for each, expected in _STAYS.items() if key[each] is not expected]
        if astray:
            raise NotTrusted(f"token {self.label}", f"{label} may be elsewhere: {astray}")
        return key


def open_token(module: str, label: str, pin: str, pin_env: str) -> Token:
    """The token of that label, logged in to.

    module   the PKCS#11 library; it runs inside this process, so it is named in the vendor's home
             and never taken from a commit
    raises   Unavailable: no such library or token, or another PIN
    """
    try:
        handle = _find(module, label)
        return Token(label, handle, _session(handle, pin))
    except (PinIncorrect, PinInvalid) as error:
        # Tokens lock after a few of these.
        raise Unavailable(f"token {label}: the PIN in ${pin_env} is wrong") from error
    except PKCS11Error as error:
        raise Unavailable(f"token {label}: {module}: {_words(error)}") from error


def _find(module: str, label: str) -> pkcs11.Token:
    found = []
    for slot in pkcs11.lib(module).get_slots(token_present=True):
        try:
            token = slot.get_token()
        except PKCS11Error:
            # A broken token in another slot is none of ours.
            continue
        if token.label == label:
            found.append(token)
    if len(found) != 1:
        raise Unavailable(f"token {label}: expected one in {module}, got {len(found)}")
    return found[0]


def _session(handle: pkcs11.Token, pin: str) -> pkcs11.Session:
    try:
        return handle.open(user_pin=pin)
    except UserAlreadyLoggedIn:
        # PKCS#11 logs a process in, not a session: an earlier opening gave the PIN.
        return handle.open()


def _words(error: PKCS11Error) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]


def _public(key: Any) -> ec.EllipticCurvePublicKey | Ed25519PublicKey:
    if key[Attribute.KEY_TYPE] == KeyType.EC_EDWARDS:
        # The standard wraps the 32 bytes in a DER OCTET STRING; some tokens do not.
        point = bytes(key[Attribute.EC_POINT])
        return Ed25519PublicKey.from_public_bytes(point[2:] if len(point) == 34 else point)
    read = load_der_public_key(encode_ec_public_key(key))
    if not isinstance(read, ec.EllipticCurvePublicKey):
        raise NotTrusted("token", f"expected an elliptic curve key, got {type(read).__name__}")
    return read


def _ecdsa(key: Any, digest: bytes) -> bytes:
    raw = key.sign(digest, mechanism=Mechanism.ECDSA)
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


class HsmSigner(Signer):
    """A key in a token, as TUF and DSSE sign with one (ECDSA P-256 and P-384, Ed25519)."""

    def __init__(self, token: Token, label: str, key: Any, public_key: SSlibKey):
        self._token, self._label, self._key, self._public_key = token, label, key, public_key

    @property
    def public_key(self) -> SSlibKey:
        """The public half."""
        return self._public_key

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> NoReturn:
        """Not offered: a vendor's home says where its keys are."""
        raise Misuse(f"key {priv_key_uri}: expected to be opened by its home")

    def sign(self, payload: bytes) -> Signature:
        """The signature of `payload`.  Raises Unavailable when the token is gone."""
        with self._token.at_work(self._label):
            if self._public_key.keytype == "ed25519":
                made = bytes(self._key.sign(payload, mechanism=Mechanism.EDDSA))
            else:
                name = _HASHES[self._public_key.scheme]
                made = _ecdsa(self._key, hashlib.new(name, payload).digest())
        return Signature(self._public_key.keyid, made.hex())


@dataclass(frozen=True)
class HsmMac:
    """A MAC key in a token."""

    token: Token
    label: str
    key: Any = field(repr=False)

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA256.  Raises Unavailable."""
        with self.token.at_work(self.label):
            return bytes(self.key.sign(message, mechanism=Mechanism.SHA256_HMAC))


class HsmAuthorityKey(ec.EllipticCurvePrivateKey):
    """A key in a token, as `cryptography` signs certificates with one; it can do nothing else."""

    def __init__(self, token: Token, label: str, key: Any, public: ec.EllipticCurvePublicKey):
        self._token, self._label, self._key, self._public = token, label, key, public

    @property
    def curve(self) -> ec.EllipticCurve:
        """Its curve."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Its size in bits."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature of a certificate.  Raises Unavailable."""
        with self._token.at_work(self._label):
            name = getattr(signature_algorithm.algorithm, "name", "prehashed")
            return _ecdsa(self._key, hashlib.new(name, bytes(data)).digest())

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Not what it is for."""
        raise Misuse(f"key {self._label}: it signs certificates only")

    def private_numbers(self) -> NoReturn:
        """They do not leave the token."""
        raise Misuse(f"key {self._label}: its private half stays in the token")

    def private_bytes(self, *args: object, **kwargs: object) -> NoReturn:
        """They do not leave the token."""
        raise Misuse(f"key {self._label}: its private half stays in the token")

    def __copy__(self) -> "HsmAuthorityKey":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "HsmAuthorityKey":
        return self
