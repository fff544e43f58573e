"""Where everything lies in the board's memory; firmware/board/layout.h says the same (tested)."""

from firmward.terms.errors import Misuse

FLASH_SIZE = 0x80000
BOOT_AREA = 0x10000
KEY_AREA = 0xF000
PAGE = 0x1000
UNIT = 8

SLOTS = 2
SLOT_SIZE = 0x38000
TRAILER_SIZE = 32
TRAILER_MAGIC = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
FLAG_SET = b"\x01" + b"\xff" * 7

RAM = 0x20000000
RAM_SIZE = 0x40000
LOAD_ADDR = 0x20010000
LOAD_SIZE = 0x20000
HEADER_SIZE = 0x200

PERIPHERALS = 0x40000000
PERIPHERALS_SIZE = 0x10000


def slot_base(slot: int) -> int:
    """Offset of a slot in flash."""
    if slot not in range(SLOTS):
        raise Misuse(f"board: expected slot 0 or 1, got {slot}")
    return BOOT_AREA + slot * SLOT_SIZE


def magic_at(slot: int) -> int:
    """Offset of the trailer magic, the last 16 bytes of a slot."""
    return slot_base(slot) + SLOT_SIZE - 16


def image_ok_at(slot: int) -> int:
    """Offset of the flag that the application sets when it keeps itself."""
    return magic_at(slot) - UNIT


def copy_done_at(slot: int) -> int:
    """Offset of the flag that the boot stage sets before a trial."""
    return image_ok_at(slot) - UNIT
