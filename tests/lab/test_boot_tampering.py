"""Whatever is changed in a slot, only what the vendor signed ever runs."""

import os
import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmward.lab import memory
from firmward.lab.board import Board
from firmward.lab.factory import Factory, lines_until
from firmward.lab.slots import install
from firmward.lab.toolchain import pack


@pytest.fixture(scope="module")
def target(pumps: Factory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One board for many attacks; each attack restores slot 0 before it starts."""
    with pumps.board(tmp_path_factory.mktemp("tampering") / "board") as board:
        yield board


def boot_with(board: Board, image: bytes) -> str:
    """The boot line with this image confirmed in slot 0 and nothing in slot 1."""
    install(board.flash_path, 0, image, confirmed=True)
    board.reset()
    return lines_until(board, "BOOT", within_ms=1000)[0]


@given(data=st.data())
@settings(max_examples=150)
def test_one_flipped_bit_anywhere_in_an_image_never_boots(
    target: Board, pumps: Factory, data: st.DataObject
) -> None:
    """Header, padding, code and both TLV areas: every bit is covered by some check."""
    image = bytearray(pumps.image())
    digest_end = len(image) - 200
    # Headers and TLVs are a tenth of the image and most of what can be parsed wrongly.
    at = data.draw(
        st.integers(0, len(image) - 1)
        | st.integers(0, 40)
        | st.integers(digest_end, len(image) - 1)
    )
    image[at] ^= 1 << data.draw(st.integers(0, 7))

    assert boot_with(target, bytes(image)).startswith("BOOT none skipped=0:")
    assert target.counter == 1


@given(data=st.data())
@settings(max_examples=60)
def test_header_sizes_of_any_value_never_boot(
    target: Board, pumps: Factory, data: st.DataObject
) -> None:
    """Sizes and addresses chosen to overflow or to reach outside the slot are refused."""
    image = bytearray(pumps.image())
    field = data.draw(st.sampled_from([(4, "<I"), (8, "<H"), (10, "<H"), (12, "<I"), (16, "<I")]))
    largest = 2**16 - 1 if field[1] == "<H" else 2**32 - 1
    edges = [0, 1, 4, 0x20, 0x1FFFF, 0x20000, 0x20001, 0x7FFFFFFF, 0xFFFFFE00, largest]
    value = data.draw(st.sampled_from([n for n in edges if n <= largest]) | st.integers(0, largest))
    if value == struct.unpack_from(field[1], image, field[0])[0]:
        return
    struct.pack_into(field[1], image, field[0], value)

    assert boot_with(target, bytes(image)).startswith("BOOT none skipped=0:")


@given(noise=st.binary(max_size=600))
@settings(max_examples=40)
def test_noise_in_place_of_the_tlvs_never_boots(
    target: Board, pumps: Factory, noise: bytes
) -> None:
    """The TLV parser meets arbitrary bytes and refuses."""
    image = pumps.image()
    covered = memory.HEADER_SIZE + struct.unpack_from("<I", image, 12)[0]

    assert boot_with(target, image[:covered] + noise).startswith("BOOT none skipped=0:")


def padded(pumps: Factory, size: int) -> bytes:
    """A well signed image of exactly so many bytes; its signature's length varies, so try."""
    code = pumps.code("1.0.0", 1)
    while True:
        overhead = len(pumps.sign(code, "1.0.0", 1)) - len(code)
        fat = code.ljust(size - overhead, b"\0")
        image = pack(fat, pumps.keys[0], version="1.0.0", counter=1)
        if len(image) == size:
            return image


def test_image_of_the_largest_size_boots(target: Board, pumps: Factory) -> None:
    """The last byte of the load region can be used."""
    assert boot_with(target, padded(pumps, memory.LOAD_SIZE)).startswith("BOOT slot=0")


def test_image_one_byte_too_large_never_boots(target: Board, pumps: Factory) -> None:
    """However well signed: its end would lie on the boot stage's own memory."""
    too_large = padded(pumps, memory.LOAD_SIZE + 1)

    assert boot_with(target, too_large) == "BOOT none skipped=0:header,1:empty"


@pytest.mark.parametrize("load_addr", [0, memory.RAM, memory.LOAD_ADDR + 4, 0x20030000])
def test_well_signed_image_for_another_address_never_boots(
    target: Board, pumps: Factory, load_addr: int
) -> None:
    """A vendor's mistake must not put code over the boot stage's own memory."""
    code = pumps.code("1.0.0", 1)
    image = pack(code, pumps.keys[0], version="1.0.0", counter=1, load_addr=load_addr)

    assert boot_with(target, image) == "BOOT none skipped=0:header,1:empty"


@pytest.mark.parametrize(
    ("at", "word"),
    [
        (0, 0),
        (0, memory.RAM),
        (0, memory.LOAD_ADDR + 8),
        (0, memory.RAM + 0x1004),
        (4, 0x00000101),
        (4, memory.LOAD_ADDR + memory.HEADER_SIZE + 1),
        (4, memory.LOAD_ADDR + memory.HEADER_SIZE + 0x100),
        (4, memory.LOAD_ADDR + memory.LOAD_SIZE + 1),
    ],
)
def test_well_signed_image_that_starts_outside_itself_never_boots(
    target: Board, pumps: Factory, at: int, word: int
) -> None:
    """Its stack must lie in the application's RAM, its entry be Thumb code of its own."""
    code = bytearray(pumps.code("1.0.0", 1))
    struct.pack_into("<I", code, at, word)
    image = pack(bytes(code), pumps.keys[0], version="1.0.0", counter=1)

    assert boot_with(target, image) == "BOOT none skipped=0:header,1:empty"


def test_well_signed_image_with_counter_zero_never_boots(target: Board, pumps: Factory) -> None:
    """Zero is no counter: such an image could be brought back for ever."""
    image = pack(pumps.code("1.0.0", 1), pumps.keys[0], version="1.0.0", counter=0)

    assert boot_with(target, image) == "BOOT none skipped=0:header,1:empty"


def attacks(pumps: Factory) -> dict[str, tuple[bytes, str]]:
    """Attack -> image, reason of its refusal."""
    good = pumps.image()
    area = good.rindex(struct.pack("<HH", 0x10, 32)) - 4
    code = pumps.code("1.0.0", 1)

    def with_tlvs(tlvs: bytes) -> bytes:
        return good[:area] + struct.pack("<HH", 0x6907, 4 + len(tlvs)) + tlvs

    tlvs = good[area + 4 :]
    hash_tlv, key_tlv, signature_tlv = tlvs[:36], tlvs[36:72], tlvs[72:]
    extra = struct.pack("<HH", 0x99, 4) + b"\0" * 4
    zero_signature = struct.pack("<HH", 0x22, 8) + bytes.fromhex("3006020100020100")
    long_r = bytearray(signature_tlv)
    long_r[5] = 0x84
    return {
        "unsigned": (pack(code, None, version="1.0.0", counter=1), "signature"),
        "signature cut off": (with_tlvs(hash_tlv + key_tlv), "signature"),
        "key hash cut off": (with_tlvs(hash_tlv + signature_tlv), "signature"),
        "digest cut off": (with_tlvs(key_tlv + signature_tlv), "header"),
        "two signatures": (with_tlvs(tlvs + signature_tlv), "header"),
        "unknown unsigned TLV": (with_tlvs(tlvs + extra), "header"),
        "unsigned counter": (
            with_tlvs(tlvs + struct.pack("<HHI", 0x50, 4, 9)),
            "header",
        ),
        "signature of zeroes": (with_tlvs(hash_tlv + key_tlv + zero_signature), "signature"),
        "signature of odd DER": (with_tlvs(hash_tlv + key_tlv + bytes(long_r)), "signature"),
        "no bytes at all": (b"", "header"),
        "cut in the middle": (good[: len(good) // 2], "header"),
        "no counter": (without_counter(good), "header"),
    }


def without_counter(image: bytes) -> bytes:
    """The image without its protected area, its hash recomputed."""
    size = struct.unpack_from("<I", image, 12)[0]
    body = bytearray(image[: memory.HEADER_SIZE + size])
    struct.pack_into("<H", body, 10, 0)
    tlv = struct.pack("<HH", 0x10, 32) + sha256(body).digest()
    return bytes(body) + struct.pack("<HH", 0x6907, 4 + len(tlv)) + tlv


ATTACKS = (
    "unsigned",
    "signature cut off",
    "key hash cut off",
    "digest cut off",
    "two signatures",
    "unknown unsigned TLV",
    "unsigned counter",
    "signature of zeroes",
    "signature of odd DER",
    "no bytes at all",
    "cut in the middle",
    "no counter",
)


@pytest.mark.parametrize("name", ATTACKS)
def test_forged_image_is_refused(target: Board, pumps: Factory, name: str) -> None:
    """Each forgery is refused for its own reason and moves no counter."""
    image, reason = attacks(pumps)[name]

    assert boot_with(target, image) == f"BOOT none skipped=0:{reason},1:empty"
    assert target.counter == 1


@pytest.mark.parametrize("missing", range(16))
def test_incomplete_trailer_magic_never_boots(target: Board, pumps: Factory, missing: int) -> None:
    """An installer cut short of the last byte has not installed."""
    install(target.flash_path, 0, pumps.image(), confirmed=True)
    with target.flash_path.open("r+b") as flash:
        os.pwrite(flash.fileno(), b"\xff", memory.magic_at(0) + missing)
    target.reset()
    target.run(1)

    assert target.read() == ["BOOT none skipped=0:empty,1:empty"]


@pytest.mark.parametrize("flag", ["image_ok", "copy_done"])
def test_flag_that_is_neither_erased_nor_set_is_refused(
    target: Board, pumps: Factory, flag: str
) -> None:
    """Worn or forged flags are not read in the attacker's favour."""
    install(target.flash_path, 0, pumps.image(), confirmed=True)
    at = {"image_ok": memory.image_ok_at, "copy_done": memory.copy_done_at}[flag](0)
    with target.flash_path.open("r+b") as file:
        os.pwrite(file.fileno(), b"\x03", at)
    target.reset()
    target.run(1)

    assert target.read() == ["BOOT none skipped=0:header,1:empty"]


def test_flash_swapped_after_start_changes_nothing_that_runs(
    pumps: Factory, tmp_path: Path
) -> None:
    """What runs is the verified copy in RAM, not what an attacker writes to flash later."""
    with pumps.board(tmp_path / "board") as board:
        board.reset()
        board.run(1)
        board.read()
        with board.flash_path.open("r+b") as flash:
            os.pwrite(flash.fileno(), b"\0" * 4096, memory.slot_base(0))
        board.write("PING")
        board.run(20)

        assert board.read() == ["PONG"]
