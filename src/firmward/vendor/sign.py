"""Signing: a binary becomes an MCUboot image, predicates become sealed statements."""

import hashlib
import tempfile
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmward.proof import envelope, mcuboot
from firmward.proof.keys import public_pem
from firmward.terms.component import ComponentClaim
from firmward.terms.errors import Misuse, NotTrusted, Refused
from firmward.terms.image import ImageClaim, IntegrityMethod
from firmward.terms.statement import statement
from firmward.vendor.keys.places import MacKey
from firmward.vendor.keys.ring import VendorKeys
from firmward.vendor.packing import imgtool_sign
from firmward.vendor.project import ImageRules, Project


@dataclass(frozen=True)
class Component:
    """A component of a release as it is published, and what the vendor says about it."""

    claim: ComponentClaim
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Image:
    """An MCUboot image (or a raw one) and what the vendor says about it.

    components  what its claim names besides
    """

    claim: ImageClaim
    data: bytes = field(repr=False)
    components: tuple[Component, ...] = ()

    @property
    def sha256(self) -> str:
        """The digest of the file, which evidence and metadata name."""
        return hashlib.sha256(self.data).hexdigest()


def image(
    binary: bytes,
    claim: ImageClaim,
    project: Project,
    keys: VendorKeys,
    *,
    sha256: str,
    unsafe_leave_unsigned: bool = False,
) -> Image:
    """The binary as an image that carries version, counter and the firmware key's signature.

    sha256                 what the build gave: between build and signature the binary lay on a disk
    unsafe_leave_unsigned  without the signature: no device takes it, no hospital should
    raises                 NotTrusted for other bytes; Refused for a MAC that cannot be made;
                           Unavailable when the token is gone; Misuse
    """
    if hashlib.sha256(binary).hexdigest() != sha256:
        raise NotTrusted(f"binary of {claim.release}", f"expected {sha256}, got other bytes")
    raw = project.image.format == "raw"
    if raw and claim.integrity == "symmetric-mac":
        raise Refused(f"{claim.release}: a raw image has no place for the MAC that it promises")
    mac = mac_key(claim.release, claim.integrity, project, keys)
    if raw:
        # Nothing is put into it: its digest in the signed metadata is all that vouches for it.
        return Image(claim, binary)
    numbers = Numbers(claim.release, claim.version, claim.release_counter)
    signed = not unsafe_leave_unsigned
    return Image(claim, packed(binary, numbers, project.image, keys, mac=mac, signed=signed))


@dataclass(frozen=True)
class Numbers:
    """What goes into an image's header and its security counter, and whose they are."""

    who: str
    version: str
    counter: int


def packed(
    binary: bytes,
    numbers: Numbers,
    rules: ImageRules,
    keys: VendorKeys,
    *,
    mac: MacKey | None,
    signed: bool = True,
) -> bytes:
    """The binary as an MCUboot image, read back.  Raises Unavailable, Misuse."""
    with tempfile.TemporaryDirectory(prefix="firmward-sign-") as name:
        bench = _Bench(Path(name), numbers, rules)
        bench.lay_out(binary)
        if mac is not None:
            bench.add_mac(mac)
        made = bench.signed(keys) if signed else bench.unsigned()
    _read_back(made, numbers, keys, signed=signed, mac=mac)
    return made


def mac_key(
    who: str, integrity: IntegrityMethod, project: Project, keys: VendorKeys
) -> MacKey | None:
    """The key of the MAC that is promised; None where none is.  Raises Refused."""
    if integrity != "symmetric-mac":
        return None
    key = keys.macs.get(project.device_class)
    if key is None:
        raise Refused(
            f"{who}: integrity is symmetric-mac, and there is no MAC key of device class"
            f" {project.device_class}: firmward vendor keys create"
        )
    return key


class _Bench:
    """A folder in which imgtool works on one image."""

    def __init__(self, folder: Path, numbers: Numbers, rules: ImageRules):
        self._folder, self._who = folder, numbers.who
        self._options = _options(numbers, rules)

    def lay_out(self, binary: bytes) -> None:
        """Put the binary there."""
        (self._folder / "app.bin").write_bytes(binary)

    def add_mac(self, key: MacKey) -> None:
        """From now on with the MAC over what the image will be, its own place as zeros."""
        options, tag = self._options, hex(mcuboot.MAC_TLV)
        self._options = (*options, "--custom-tlv", tag, "0x" + bytes(mcuboot.MAC_SIZE).hex())
        value = key.mac(mcuboot.mac_message(self._covered()))
        self._options = (*options, "--custom-tlv", tag, "0x" + value.hex())

    def unsigned(self) -> bytes:
        """The image with its digest alone."""
        return self._imgtool()

    def signed(self, keys: VendorKeys) -> bytes:
        """The image with the firmware key's signature, made by imgtool or inside the token."""
        if keys.firmware_file is not None:
            return self._imgtool("--key", str(keys.firmware_file))
        covered, public = self._covered(), keys.firmware.public_key
        # ECDSA hashes what it signs; MCUboot's Ed25519 signs the digest as its message.
        message = hashlib.sha256(covered).digest() if public.keytype == "ed25519" else covered
        signature = bytes.fromhex(keys.firmware.sign(message).signature)
        made, key = self._folder / "app.sig", self._folder / "key.pem"
        made.write_bytes(b64encode(signature))
        key.write_bytes(public_pem(keys.firmware))
        return self._imgtool("--fix-sig", str(made), "--fix-sig-pubkey", str(key))

    def _covered(self) -> bytes:
        """Header, body and protected TLVs: what the signature is about."""
        return self._imgtool("--vector-to-sign", "payload")

    def _imgtool(self, *more: str) -> bytes:
        source, target = self._folder / "app.bin", self._folder / "app.img"
        return imgtool_sign(self._who, (*self._options, *more), source, target)


def _options(numbers: Numbers, rules: ImageRules) -> tuple[str, ...]:
    counter = str(numbers.counter)
    load = () if rules.load_address is None else ("--load-addr", hex(rules.load_address))
    return (
        *("--version", f"{numbers.version}+{counter}", "--security-counter", counter),
        *("--header-size", hex(rules.header_size), "--pad-header"),
        *("--slot-size", hex(rules.slot_size), "--align", str(rules.align)),
        *load,
    )


def _read_back(
    made: bytes, numbers: Numbers, keys: VendorKeys, *, signed: bool, mac: MacKey | None
) -> None:
    """A tool that wrote something else than asked must not get it published."""
    found, who = mcuboot.parse(made), numbers.who
    expected = (numbers.version, numbers.counter, numbers.counter)
    if (found.version, found.build, found.counter) != expected:
        raise Misuse(f"imgtool: {who}: expected {expected}, got {found.version}")
    if mcuboot.signed_by(found, public_pem(keys.firmware)) != signed:
        raise Misuse(f"imgtool: {who}: expected its signature to verify: {signed}")
    if mac is not None and found.mac != mac.mac(mcuboot.mac_message(made)):
        raise Misuse(f"imgtool: {who}: expected the MAC that was made for it")


def seal(about: Image, predicate_type: str, predicate: dict[str, Any], keys: VendorKeys) -> bytes:
    """A statement about an image, signed by every evidence key."""
    said = statement(about.claim.release, about.sha256, predicate_type, predicate)
    return envelope.seal_statement(said, keys.evidence)
