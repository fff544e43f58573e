"""Signing keys behind one small face, so that a hardware key can take a software key's place."""

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.exceptions import FormatError
from securesystemslib.signer import CryptoSigner, Key, Signer

from firmward.terms.errors import Malformed
from firmward.terms.wire import encode, parse


def new_signer() -> CryptoSigner:
    """A fresh ECDSA P-256 key, held in memory: a software key, for where no HSM is configured."""
    return CryptoSigner.generate_ecdsa()


def new_fast_signer() -> CryptoSigner:
    """A fresh Ed25519 key for online roles that sign once per device."""
    return CryptoSigner.generate_ed25519()


def unsafe_private_pem(signer: CryptoSigner) -> bytes:
    """The private key in clear PKCS#8 PEM: whoever reads the file is the signer."""
    return bytes(signer.private_bytes)


def signer_from_pem(pem: bytes) -> CryptoSigner:
    """The signer whose private key is in this PEM.  Raises Malformed."""
    try:
        private = load_pem_private_key(pem, None)
        return CryptoSigner(private)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("private key", "a PKCS#8 PEM signing key", str(error)[:120]) from error


def public_document(key: Key) -> dict[str, Any]:
    """The public key as TUF and DSSE write it, key id included."""
    return {"keyid": key.keyid, **key.to_dict()}


def public_bytes(key: Key) -> bytes:
    """`public_document` as canonical JSON, for a file that is handed to the other party."""
    return encode(public_document(key))


def public_key(document: bytes | dict[str, Any], who: str) -> Key:
    """The key in a `public_document`.  Raises Malformed."""
    read = parse(document, who) if isinstance(document, bytes) else document
    try:
        members = dict(read)
        return Key.from_dict(str(members.pop("keyid")), members)
    except (KeyError, ValueError, TypeError, AttributeError, FormatError) as error:
        raise Malformed(who, "a public key document", str(error)[:120]) from error


def material(key: Key) -> str:
    """What makes a key this key, whatever its id and however it is written: to count signers by.

    A point on a curve can be written compressed or not; both are one key, and one signer.
    """
    written = str(key.keyval.get("public"))
    if not written.startswith("-----BEGIN"):
        return "".join(written.split()).lower()
    try:
        read = load_pem_public_key(written.encode())
    except (ValueError, UnsupportedAlgorithm):
        # Such a key verifies nothing, so it cannot be counted twice either.
        return "".join(written.split())
    return _spki(read, serialization.Encoding.DER).hex()


def public_pem(signer: Signer) -> bytes:
    """The SubjectPublicKeyInfo PEM of a signer's public key."""
    key = signer.public_key
    written = str(key.keyval["public"])
    if key.keytype != "ed25519":
        return written.encode()
    raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(written))
    return _spki(raw, serialization.Encoding.PEM)


def _spki(key: PublicKeyTypes, encoding: serialization.Encoding) -> bytes:
    return key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: PrivateKeyTypes) -> bytes:
    """Clear PKCS#8 PEM of a key made with `cryptography`."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def new_p256() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key for a certificate."""
    return ec.generate_private_key(ec.SECP256R1())
