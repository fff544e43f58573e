"""Only the inactive slot is written, durably, and a half-written one can never boot."""

import hashlib

import pytest

from firmward.device import slots as device_slots
from firmward.device.slots import BACKENDS, MAGIC, SLOT_SIZE, TRAILER, McubootFlash, image_length
from firmward.lab import memory
from firmward.lab.bedside import PowerCutAt
from firmward.lab.faults import PowerCut
from firmward.lab.paper_vendor import image
from firmward.proof import keys
from firmward.terms.errors import Malformed, Misuse, Unavailable

IMAGE = image(keys.new_signer(), "1.1.0", 3, b"code" * 3000)


@pytest.fixture
def flash(tmp_path):
    """An erased flash."""
    (path := tmp_path / "flash.bin").write_bytes(b"\xff" * 512 * 1024)
    return path


def test_the_map_is_the_boards():
    """Agent, firmware and board agree on where slots and trailers lie."""
    assert memory.BOOT_AREA == device_slots.BOOT_AREA
    assert (memory.SLOT_SIZE, memory.TRAILER_SIZE) == (SLOT_SIZE, TRAILER)
    assert memory.TRAILER_MAGIC == MAGIC
    assert memory.magic_at(1) == device_slots.BOOT_AREA + 2 * SLOT_SIZE - len(MAGIC)


def test_a_written_image_reads_back_with_its_digest(flash):
    """What is measured is the image's bytes, not the slot's rest."""
    slots = BACKENDS["mcuboot"](flash, lambda point: None)
    slots.erase(1)
    slots.write(1, 0, IMAGE)

    assert hashlib.sha256(IMAGE).hexdigest() == slots.measure(1)
    assert len(IMAGE) == image_length(IMAGE + b"\xff" * 100)


def test_nothing_outside_the_slot_is_touched(flash):
    """Boot area and the other slot stay as they are."""
    before = flash.read_bytes()
    slots = McubootFlash(flash)
    slots.erase(1)
    slots.write(1, 0, IMAGE)
    slots.seal(1)

    assert before[: 64 * 1024 + SLOT_SIZE] == flash.read_bytes()[: 64 * 1024 + SLOT_SIZE]
    assert MAGIC == flash.read_bytes()[-16:]


def test_a_write_beyond_the_slot_is_misuse(flash):
    """Neither the trailer nor the next slot can be reached by a long image."""
    slots = McubootFlash(flash)
    before = flash.read_bytes()

    with pytest.raises(Misuse, match="at most"):
        slots.write(1, slots.room - 10, b"x" * 11)
    with pytest.raises(Misuse, match="slot"):
        slots.inactive(2)
    assert before == flash.read_bytes()


def test_there_is_no_magic_at_any_cut_before_the_last_one(flash):
    """Erase, write and seal cut at each point: the magic is whole only at the very end."""
    beginning = flash.read_bytes()

    def install(cut):
        flash.write_bytes(beginning)
        McubootFlash(flash).write(1, 0, IMAGE)
        McubootFlash(flash).seal(1)
        slots = McubootFlash(flash, cut)
        slots.erase(1)
        slots.write(1, 0, IMAGE)
        slots.seal(1)

    install(dry := PowerCutAt())
    for at, point in enumerate(dry.points[:-1]):
        with pytest.raises(PowerCut):
            install(PowerCutAt(at))
        content = flash.read_bytes()[64 * 1024 + SLOT_SIZE :]
        trailer_untouched = at == 0
        whole = content[-16:] == MAGIC and content[: len(IMAGE)] == IMAGE
        assert content[-16:] != MAGIC or whole or trailer_untouched, point


@pytest.mark.parametrize("spoil", [0, 8, 10, 12, 12_000])
def test_a_damaged_image_has_another_digest(flash, spoil):
    """Also where the damage hides the image's own length."""
    slots = McubootFlash(flash)
    slots.write(1, 0, IMAGE)
    good = slots.measure(1)
    slots.write(1, spoil, bytes([IMAGE[spoil] ^ 0x80]))

    assert good != slots.measure(1)


def test_an_empty_slot_has_a_digest_and_no_length(flash):
    """Measuring never fails; finding an image may."""
    assert 64 == len(McubootFlash(flash).measure(0))
    with pytest.raises(Malformed):
        image_length(b"\xff" * 4096)


def test_a_missing_flash_is_unavailable(tmp_path):
    """It names the file."""
    with pytest.raises(Unavailable, match=r"none\.bin"):
        McubootFlash(tmp_path / "none.bin").measure(0)
