"""The emulated board as a device under test: defects planted in real firmware are found."""

import shutil
import sys
from pathlib import Path

import pytest

from firmward.lab.device_under_test import own_image
from firmward.lab.factory import Factory
from firmward.lab.toolchain import firmware_tree
from firmward.proof import mcuboot
from firmward.terms.errors import Malformed
from firmward.vendor.blackbox.campaign import Campaign, Limits, Result
from firmward.vendor.blackbox.device import Device
from firmward.vendor.cache import default_folder
from firmward.vendor.process import plain_environment

CORPUS = (b"KEEP\n", b"PING\n", b"RESET?\n", b"HELP 1\n")
# A copy without a limit, a loop without an end, a jump to the start.
FAULTS = """
static void planted(void)
{
    char copy[8];
    volatile char *to = copy;
    for (uint32_t i = 0; i < raw_len; i++)
        to[i] = raw[i];
    if (raw[0] == '\\x07')
        for (;;)
            __asm__ volatile("nop");
    if (raw[0] == 'Z')
        reset_handler();
}
"""
LEAK = """
static volatile uint8_t pool[8192];
static uint32_t taken;
static void planted(void)
{
    if (raw[0] != 'H')
        return;
    for (uint32_t i = 0; i < 12u && taken < sizeof pool; i++)
        pool[taken++] = 0xA5u;
}
"""


def fuzzed(image: Path, seconds: float, inputs: int = 0) -> Result:
    """The result of a campaign on the board."""
    command = [sys.executable, "-m", "firmward.lab.device_under_test"]
    command += ["--image", str(image), "--sample-ms", "2000"]
    environment = plain_environment(image.parent) | {"FIRMWARD_CACHE": str(default_folder())}
    with Device(command, image.parent, environment, 1000) as device:
        return Campaign(device, CORPUS, 1, lambda _: None).run(Limits(seconds, inputs))


def planted(folder: Path, code: str) -> Path:
    """The pump's code with a defect in its session."""
    shutil.copytree(firmware_tree(), folder / "tree")
    path = folder / "tree/board/session.c"
    text = path.read_text()
    raw = "static char raw[300];\nstatic uint32_t raw_len;\n"
    head = '#include "startup.h"\n__attribute__((noreturn)) void reset_handler(void);\n'
    text = head + text.replace("static void answer(", f"{raw}{code}\nstatic void answer(", 1)
    text = text.replace("answer(arrived_ms);", "planted(); answer(arrived_ms); raw_len = 0;", 1)
    text = text.replace(
        "if (c == '\\n') {",
        "if (raw_len < sizeof raw) raw[raw_len++] = c;\n        if (c == '\\n') {",
    )
    path.write_text(text)
    binary = folder / "app.bin"
    binary.write_bytes(Factory("pump", tree=folder / "tree").code("1.0.0", 1))
    return binary


def test_the_sound_pump_passes(pumps: Factory, tmp_path: Path) -> None:
    """Boots, answers, stays within its deadlines, and takes no more memory; blocks are counted."""
    image = tmp_path / "image"
    image.write_bytes(pumps.image())
    result = fuzzed(image, 20, 400)

    assert () == result.findings
    assert 400 == result.inputs
    assert ("crash", "hang", "reset", "deadline", "growth") == result.checked
    assert result.coverage is not None
    assert result.coverage > 300


def test_an_overflow_a_loop_and_a_jump_to_the_start_are_found(tmp_path: Path) -> None:
    """In machine code, each reproduced and shortened to what a person recognises."""
    result = fuzzed(planted(tmp_path, FAULTS), 3, 300)

    causes = {found.inputs[-1] for found in result.findings if found.reproduced}
    assert b"\x07\n" in causes
    assert b"Z\n" in causes
    assert any(8 < len(cause) < 40 for cause in causes)
    assert {"hang", "reset"} <= {found.kind for found in result.findings}


def test_a_leak_is_found(tmp_path: Path) -> None:
    """By the bytes of RAM that change and stay changed."""
    result = fuzzed(planted(tmp_path, LEAK), 20, 300)

    assert ["growth"] == [found.kind for found in result.findings]
    assert b"H" == result.findings[0].inputs[0][:1]


def test_code_and_image_give_the_same_code_under_the_boards_key(pumps: Factory) -> None:
    """Whoever tests before signing and after it tests the same."""
    code, image = pumps.code("1.0.0", 1), pumps.image()
    packed = [own_image(data, pumps.keys[0]) for data in (code, image)]

    assert {mcuboot.parse(image).digest} == {mcuboot.parse(each).digest for each in packed}
    with pytest.raises(Malformed, match="an image, or code with a version block"):
        own_image(b"something else", pumps.keys[0])
