"""Signing: a binary becomes an MCUboot image, predicates become sealed statements."""

import hashlib
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from firmward.proof import envelope, mcuboot
from firmward.proof.keys import public_pem
from firmward.terms.errors import Misuse
from firmward.terms.image import ImageClaim
from firmward.terms.statement import statement
from firmward.vendor.keys import VendorKeys
from firmward.vendor.process import plain_environment, run
from firmward.vendor.project import ImageRules

_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class Image:
    """An MCUboot image and what the vendor says about it."""

    claim: ImageClaim
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The digest of the file, which evidence and metadata name."""
        return hashlib.sha256(self.data).hexdigest()


def image(
    binary: bytes,
    claim: ImageClaim,
    rules: ImageRules,
    keys: VendorKeys,
    *,
    unsafe_leave_unsigned: bool = False,
) -> Image:
    """The binary as an image that carries version, counter and the firmware key's signature.

    unsafe_leave_unsigned  without the signature: no device takes it, no hospital should
    """
    with tempfile.TemporaryDirectory(prefix="firmward-sign-") as name:
        source, signed = Path(name) / "app.bin", Path(name) / "app.img"
        source.write_bytes(binary)
        key = () if unsafe_leave_unsigned else ("--key", str(keys.firmware_file))
        command = (sys.executable, "-m", "imgtool.main", "sign", *key, *_options(claim, rules))
        environment = plain_environment(Path(name))
        done = run((*command, str(source), str(signed)), Path(name), environment, _TIMEOUT_S)
        if done.code != 0:
            raise Misuse(f"imgtool: {claim.release}: {done.err.strip()[-300:]}")
        made = Image(claim, signed.read_bytes())
    _read_back(made, keys, signed=not unsafe_leave_unsigned)
    return made


def _options(claim: ImageClaim, rules: ImageRules) -> tuple[str, ...]:
    counter = str(claim.release_counter)
    load = () if rules.load_address is None else ("--load-addr", hex(rules.load_address))
    return (
        *("--version", f"{claim.version}+{counter}", "--security-counter", counter),
        *("--header-size", hex(rules.header_size), "--pad-header"),
        *("--slot-size", hex(rules.slot_size), "--align", str(rules.align)),
        *load,
    )


def _read_back(made: Image, keys: VendorKeys, *, signed: bool) -> None:
    """A tool that wrote something else than asked must not get it published."""
    found, claim = mcuboot.parse(made.data), made.claim
    expected = (claim.version, claim.release_counter, claim.release_counter)
    if (found.version, found.build, found.counter) != expected:
        raise Misuse(f"imgtool: {claim.release}: expected {expected}, got {found.version}")
    if mcuboot.signed_by(found, public_pem(keys.firmware)) != signed:
        raise Misuse(f"imgtool: {claim.release}: expected its signature to verify: {signed}")


def seal(about: Image, predicate_type: str, predicate: dict[str, Any], keys: VendorKeys) -> bytes:
    """A statement about an image, signed by the evidence key."""
    said = statement(about.claim.release, about.sha256, predicate_type, predicate)
    return envelope.seal_statement(said, [keys.evidence])
