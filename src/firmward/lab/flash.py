"""The board's flash: a host file, mapped, and the controller that programs it for the firmware.

The agent writes the inactive slot through the file; the CPU sees it.  A write by the controller is
in the page cache at once and survives the death of this process.
"""

import ctypes
import mmap
import os
from pathlib import Path

from firmward.lab import memory
from firmward.lab.fuses import Cut
from firmward.terms.errors import Unavailable


class Flash:
    """The mapped flash file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            fd = os.open(path, os.O_RDWR)
        except OSError as error:
            raise Unavailable(f"{path}: expected the flash of a board, got {error}") from error
        try:
            size = os.fstat(fd).st_size
            if size != memory.FLASH_SIZE:
                raise Unavailable(f"{path}: expected {memory.FLASH_SIZE} bytes, got {size}")
            self._map = mmap.mmap(fd, size)
        finally:
            os.close(fd)
        self._view = (ctypes.c_char * size).from_buffer(self._map)

    @property
    def address(self) -> int:
        """Where the mapping lies in this process, for the emulator to map again."""
        return ctypes.addressof(self._view)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the flash as they are now."""
        return self._map[at : at + size]

    def program(self, at: int, unit: bytes, cut: Cut) -> bool:
        """Program one unit as the controller does; False if it refuses."""
        if len(unit) != memory.UNIT or not _writable(at, memory.UNIT):
            return False
        old = self.read(at, memory.UNIT)
        # Flash cells only lose charge: a bit can go from 1 to 0 and not back without an erase.
        if any(new & ~was for new, was in zip(unit, old, strict=True)):
            return False
        cut(f"before-program:{at:#07x}")
        self._map[at : at + memory.UNIT] = unit
        cut(f"after-program:{at:#07x}")
        return True

    def erase(self, at: int, cut: Cut) -> bool:
        """Erase one page; False if the controller refuses.  A cut halfway leaves half a page."""
        if not _writable(at, memory.PAGE):
            return False
        half = memory.PAGE // 2
        cut(f"before-erase:{at:#07x}")
        self._map[at : at + half] = b"\xff" * half
        cut(f"during-erase:{at:#07x}")
        self._map[at + half : at + memory.PAGE] = b"\xff" * half
        cut(f"after-erase:{at:#07x}")
        return True


def _writable(at: int, size: int) -> bool:
    """Whether the controller may change this range: aligned and behind the boot area."""
    return at % size == 0 and memory.BOOT_AREA <= at <= memory.FLASH_SIZE - size
