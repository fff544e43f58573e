"""The flash of the safety controller: what runs, and where the next image goes.

Not trusted: the boot stage judges every byte again before it jumps.  A thief of this file can stop
the device, not make it run what the vendor did not sign.

Only the inactive slot is ever written.  Its trailer magic goes first when the slot is emptied and
comes last when it is sealed, so an interrupted write is never a bootable one.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from firmward.device.state import Cut, uncut
from firmward.terms.errors import Malformed, Misuse, Unavailable

# The board's memory map (firmware/README.md, firmware/board/layout.h).
BOOT_AREA: Final = 64 * 1024
SLOT_SIZE: Final = 224 * 1024  # (512 KiB - boot area) / 2
PAGE: Final = 4096
UNIT: Final = 8  # bytes the flash programs at once
MAGIC: Final = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
# From the end of the slot down: magic, image_ok, copy_done, the flags one unit each.
TRAILER: Final = len(MAGIC) + 2 * UNIT
_EMPTY: Final = b"\xff" * PAGE


class Slots(Protocol):
    """Two places for an image.  Every method is durable when it returns; all may be repeated."""

    room: int

    def inactive(self, running: int) -> int:
        """The slot that may be written while `running` runs."""

    def erase(self, slot: int) -> None:
        """Empty a slot; it cannot boot from the first moment on."""

    def write(self, slot: int, offset: int, data: bytes) -> None:
        """Bytes of the image into an erased slot."""

    def seal(self, slot: int) -> None:
        """Offer the slot to the boot stage for one trial."""

    def measure(self, slot: int) -> str:
        """The SHA-256 of the image in the slot, read back."""


class McubootFlash:
    """Two MCUboot slots in a controller's flash, whose bytes are a file the controller shares."""

    room = SLOT_SIZE - TRAILER

    def __init__(self, path: Path, cut: Cut = uncut):
        self._path, self._cut = path, cut

    def inactive(self, running: int) -> int:
        """The slot that may be written while `running` runs."""
        if running not in (0, 1):
            raise Misuse(f"slot: expected 0 or 1, got {running}")
        return 1 - running

    def erase(self, slot: int) -> None:
        """All ones, the trailer first; pages that are empty already are left alone."""
        with self._open() as flash:
            for at in range(SLOT_SIZE - PAGE, -PAGE, -PAGE):
                if os.pread(flash, PAGE, _base(slot) + at) != _EMPTY:
                    self._put(flash, slot, at, _EMPTY, "erase")
                if at == SLOT_SIZE - PAGE:
                    # From here on a cut leaves no magic, so what is half erased cannot boot.
                    os.fsync(flash)
            os.fsync(flash)

    def write(self, slot: int, offset: int, data: bytes) -> None:
        """Bytes of the image into an erased slot, page by page."""
        if offset < 0 or offset + len(data) > self.room:
            raise Misuse(f"slot {slot}: expected at most {self.room} bytes, got a write beyond")
        with self._open() as flash:
            for start in range(0, len(data), PAGE):
                self._put(flash, slot, offset + start, data[start : start + PAGE], "write")
            os.fsync(flash)

    def seal(self, slot: int) -> None:
        """The trailer magic, in the flash's own units: half a magic is none."""
        with self._open() as flash:
            for start in range(0, len(MAGIC), UNIT):
                at = SLOT_SIZE - len(MAGIC) + start
                self._put(flash, slot, at, MAGIC[start : start + UNIT], "seal")
                os.fsync(flash)

    def measure(self, slot: int) -> str:
        """The SHA-256 of the slot's image; of all its bytes where no image can be made out."""
        with self._open() as flash:
            body = os.pread(flash, self.room, _base(slot))
        # A broken header is a digest that matches nothing, not an error.
        with suppress(Malformed):
            body = body[: image_length(body)]
        return hashlib.sha256(body).hexdigest()

    def _put(self, flash: int, slot: int, at: int, data: bytes, what: str) -> None:
        name, half = f"slot {slot} {what} {at:#x}", len(data) // 2
        os.pwrite(flash, data[:half], _base(slot) + at)
        self._cut(f"{name}: half")
        os.pwrite(flash, data[half:], _base(slot) + at + half)
        self._cut(f"{name}: done")

    @contextmanager
    def _open(self) -> Iterator[int]:
        try:
            flash = os.open(self._path, os.O_RDWR)
        except OSError as error:
            raise Unavailable(f"flash {self._path}: {error.strerror}") from error
        try:
            yield flash
        finally:
            os.close(flash)


def _base(slot: int) -> int:
    return BOOT_AREA + slot * SLOT_SIZE


def image_length(body: bytes) -> int:
    """How long the MCUboot image at the start of `body` is, TLVs included.  Raises Malformed."""
    try:
        magic, _, header, protected, size = struct.unpack_from("<IIHHI", body)
        covered = header + size + protected
        kind, tlvs = struct.unpack_from("<HH", body, covered)
    except struct.error as error:
        raise Malformed("slot", "an MCUboot image", "bytes too few") from error
    if magic != 0x96F3B83D or kind != 0x6907 or covered + tlvs > len(body):
        raise Malformed("slot", "an MCUboot image", f"{magic:#x}, {kind:#x}, {covered} + {tlvs}")
    return int(covered + tlvs)


Backend = Callable[[Path, Cut], Slots]
BACKENDS: Final[dict[str, Backend]] = {"mcuboot": McubootFlash}
