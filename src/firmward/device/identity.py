"""Who a device is: its nameplate, its three keys, and how it joins a hospital.

    home/
      nameplate.json   who it is and what it stands on               from the factory
      factory.pem .key IDevID (IEEE 802.1AR): the maker's word for it from the factory
      vendor-root.json the maker's first TUF root                    from the factory
      hospital.json    where the hospital is and what to pin there   from the technician
      hospital.pem     its authority, out of hospital.json
      link.pem .key    LDevID: the hospital's word for it            by EST, RFC 7030
      report.key       signs version reports
      decrypt.key      opens image keys sealed to this device (X25519)
      state/           what must survive (state.py)
      download/        ciphertext on its way in

The three keys are separate, so that losing one does not lose the others.  They are UNSAFE software
keys: files that whoever reads the disk can copy.  A copy of link.key can poll as the device, one of
report.key can lie for it, one of decrypt.key can read images; none can make a device install.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Meta
from securesystemslib.signer import Signer

from firmward.device.link import Link, Pace, context
from firmward.device.state import write_durably
from firmward.proof import certs, keys, wrap
from firmward.terms import checkin
from firmward.terms.checkin import FrontDoor, PublicKeyDocument, Registration
from firmward.terms.errors import Malformed, Misuse, NotTrusted
from firmward.terms.names import DeviceId, HardwareId
from firmward.terms.wire import MIB, Wire, convert, decode, encode, parse

_PKCS10: Final = "application/pkcs10"


class Nameplate(Wire, frozen=True, kw_only=True):
    """What is true of a device for life.

    slots, flash  the back end in slots.BACKENDS, and where its flash is (relative to the home)
    """

    device: DeviceId
    hardware_id: HardwareId
    slots: Literal["mcuboot"] = "mcuboot"
    flash: Annotated[str, Meta(max_length=1024)] = "flash.bin"


@dataclass(frozen=True)
class Identity:
    """A device that knows itself: its name, the key it signs with, the key it decrypts with."""

    home: Path
    nameplate: Nameplate
    signer: Signer
    decryption: X25519PrivateKey
    director_root: bytes
    vendor_root: bytes

    @property
    def flash(self) -> Path:
        """The controller's flash."""
        return self.home / self.nameplate.flash


def manufacture(
    home: Path, nameplate: Nameplate, certificate: bytes, key: bytes, vendor_root: bytes
) -> None:
    """Leave in a home what the factory leaves there.

    certificate, key  the IDevID in PEM, its one name being the nameplate's device
    """
    home.mkdir(parents=True, exist_ok=True)
    write_durably(home / "factory.key", key)
    write_durably(home / "factory.pem", certificate)
    write_durably(home / "vendor-root.json", vendor_root)
    write_durably(home / "nameplate.json", encode(nameplate))


def nameplate(home: Path) -> Nameplate:
    """Who the device in this home is.  Raises Misuse where no factory has been."""
    return decode(_file(home, "nameplate.json", "a factory"), Nameplate, "nameplate")


def front_door(home: Path) -> FrontDoor:
    """The hospital this device belongs to.  Raises Misuse before enrolment."""
    return read_front_door(_file(home, "hospital.json", "enrolment"))


def read_front_door(data: bytes) -> FrontDoor:
    """A hospital's front door from the file its technician carries.  Raises Malformed."""
    members = parse(data, "front door", limit=2 * MIB, longest=MIB)
    return convert(members, FrontDoor, "front door")


def load(home: Path) -> Identity:
    """The identity of an enrolled device.  Raises Misuse before enrolment, Malformed."""
    return Identity(
        home=home,
        nameplate=nameplate(home),
        signer=keys.signer_from_pem(_file(home, "report.key", "enrolment")),
        decryption=_decryption(_file(home, "decrypt.key", "enrolment")),
        director_root=_unbase64(front_door(home).director_root, "director root"),
        vendor_root=_file(home, "vendor-root.json", "a factory"),
    )


def connect(home: Path, pace: Pace | None = None, *, base: str = "") -> Link:
    """The connection of an enrolled device to its hospital.

    base  where the hospital has moved to; whoever answers there must be the pinned one
    """
    _file(home, "link.pem", "enrolment")
    tls = context(home / "hospital.pem", home / "link.pem", home / "link.key")
    return Link(base or front_door(home).base, tls, pace)


def enrol(home: Path, door: FrontDoor, now: datetime) -> None:
    """Make this device a member of a hospital; may be repeated until it succeeds.

    1. the front door is pinned: another hospital's is refused from then on
    2. three keys are made, once
    3. EST: the factory identity asks for the hospital's, which must name this device, hold this
       key and come from the pinned authority
    4. the two other public keys are registered over the new identity

    raises  Misuse, Unavailable, Refused
    """
    # 1. A device that changed hospitals on request could be led away from its own.
    if (home / "hospital.json").exists() and front_door(home) != door:
        raise Misuse(f"{home}: enrolled elsewhere; expected {front_door(home).base}")
    device = nameplate(home)
    write_durably(home / "hospital.pem", door.authority.encode())
    write_durably(home / "hospital.json", encode(door))
    # 2.
    _make_keys(home)
    # 3.
    if not (home / "link.pem").exists():
        _obtain(home, door, device.device, now)
    # 4.
    link = connect(home)
    try:
        link.register(_registration(load(home)))
    finally:
        link.close()


def _make_keys(home: Path) -> None:
    made: dict[str, Callable[[], bytes]] = {
        "link.key": lambda: keys.private_pem(keys.new_p256()),
        "report.key": lambda: keys.unsafe_private_pem(keys.new_signer()),
        "decrypt.key": lambda: keys.private_pem(wrap.new_decryption_key()),
    }
    for name, make in made.items():
        if not (home / name).exists():
            write_durably(home / name, make())


def _obtain(home: Path, door: FrontDoor, device: str, now: datetime) -> None:
    key = serialization.load_pem_private_key((home / "link.key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Misuse(f"{home}/link.key: expected a P-256 key")
    tls = context(home / "hospital.pem", home / "factory.pem", home / "factory.key")
    link = Link(door.enrolment, tls)
    request = base64.b64encode(certs.signing_request(key, device))
    try:
        answer = link.exchange("POST", checkin.EST_ENROLL, request, _PKCS10)
    finally:
        link.close()
    certificate = certs.from_certs_only(_unbase64(answer.decode("ascii", "replace"), "EST answer"))
    _check(certificate, key, device, door, now)
    write_durably(home / "link.pem", certs.pem(certificate))


def _check(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    device: str,
    door: FrontDoor,
    now: datetime,
) -> None:
    if certificate.public_key() != key.public_key():
        raise NotTrusted("EST answer", "a certificate for another key")
    named = certs.identity(certificate.public_bytes(serialization.Encoding.DER))
    if named != device:
        raise NotTrusted("EST answer", f"expected a certificate for {device}, got {named[:80]}")
    authority = x509.load_pem_x509_certificate(door.authority.encode())
    if not certs.signed_by(certificate, authority):
        raise NotTrusted("EST answer", "not issued by the pinned authority")
    if certificate.not_valid_after_utc <= now:
        raise NotTrusted("EST answer", f"expired on {certificate.not_valid_after_utc}")


def _registration(identity: Identity) -> Registration:
    public = keys.public_document(identity.signer.public_key)
    return Registration(
        decryption_key=base64.b64encode(wrap.raw_public(identity.decryption)).decode(),
        report_key=convert(public, PublicKeyDocument, "report key"),
        hardware_id=identity.nameplate.hardware_id,
    )


def _decryption(pem: bytes) -> X25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise Malformed("decrypt.key", "a PKCS#8 PEM key", str(error)[:120]) from error
    if not isinstance(key, X25519PrivateKey):
        raise Malformed("decrypt.key", "an X25519 key", type(key).__name__)
    return key


def _unbase64(text: str, who: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Malformed(who, "base64", str(error)[:120]) from error


def _file(home: Path, name: str, maker: str) -> bytes:
    try:
        return (home / name).read_bytes()
    except FileNotFoundError as error:
        raise Misuse(f"{home}: expected {name} from {maker}, got none") from error
