"""The firmware tree builds the same bytes anywhere and is what its documents say."""

import io
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

from firmward.lab import memory
from firmward.lab.factory import Factory
from firmward.lab.toolchain import compile_firmware, firmware_tree
from firmward.proof import mcuboot
from firmward.terms.errors import Misuse

TREE = firmware_tree()
APPS = ("pump", "monitor")


def build(tree: Path, part: str, out: Path, cache: Path) -> dict[str, bytes]:
    """What the tree's own build command leaves, with a compiler cache of our choosing."""
    command = [sys.executable, str(tree / "build.py"), part, "--out", str(out)]
    subprocess.run(command, env={**os.environ, "FIRMWARD_CACHE": str(cache)}, check=True)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_build_is_the_same_in_another_folder_with_a_cold_cache(tmp_path: Path) -> None:
    """No path, time or cache goes into the firmware."""
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(TREE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("boot", *APPS):
        here = compile_firmware(TREE, part, version="0.0.0")
        there = build(elsewhere, part, tmp_path / part, tmp_path / "cache")
        name = "boot" if part == "boot" else "app"

        assert there == {f"{name}.elf": here.elf, f"{name}.bin": here.binary}
        assert str(TREE).encode() not in here.elf
        assert b"site-packages" not in here.elf


@pytest.mark.parametrize("part", ["boot", *APPS])
def test_program_separates_code_from_data_and_guards_its_stack(part: str) -> None:
    """No segment is writable and executable; the stack protector is really linked."""
    elf = ELFFile(io.BytesIO(compile_firmware(TREE, part).elf))

    flags = [each["p_flags"] for each in elf.iter_segments() if each["p_type"] == "PT_LOAD"]
    assert not any(flag & P_FLAGS.PF_W and flag & P_FLAGS.PF_X for flag in flags)
    symbols = {symbol.name for symbol in elf.get_section_by_name(".symtab").iter_symbols()}
    assert {"__stack_chk_fail", "__stack_chk_guard"} <= symbols


def test_version_block_lies_where_readers_look(pumps: Factory) -> None:
    """Magic, sizes, version, counter, product and hardware at a fixed offset of the image."""
    at = memory.HEADER_SIZE + 0x40
    block = struct.unpack_from("<4sHHBBHI24s24s", pumps.image("1.1.0", 3), at)

    assert block[:7] == (b"FWVB", 1, 64, 1, 1, 0, 3)
    assert [text.rstrip(b"\0") for text in block[7:]] == [b"pump-200", b"PUMP-200-B"]


def test_packed_image_is_what_the_hospital_reads(pumps: Factory) -> None:
    """imgtool's image and our reader agree on version, counter, digest and signature."""
    image = mcuboot.parse(pumps.image("1.1.0", 3))

    assert (image.version, image.build, image.counter) == ("1.1.0", 3, 3)
    assert image.claimed == image.digest
    assert mcuboot.signed_by(image, pumps.keys[1])


@pytest.mark.parametrize("app", APPS)
def test_components_are_declared_as_they_are_compiled_in(app: str) -> None:
    """Each vendored folder has an entry with its header's version, and the program contains it."""
    declared = tomllib.loads((TREE / app / "components.toml").read_text())["component"]
    assert {each["path"] for each in declared} == {
        str(folder.relative_to(TREE)) for folder in (TREE / app / "vendor").iterdir()
    }
    program = compile_firmware(TREE, app).binary
    for each in declared:
        header = (TREE / each["path"] / f"{each['name']}.h").read_text()
        macro = f'#define {each["name"].upper()}_VERSION "{each["version"]}"'
        assert macro in header
        assert f"SPDX-License-Identifier: {each['licence']}" in header
        assert f"{each['name']} {each['version']}".encode() in program


def test_layout_is_the_same_in_c_and_in_the_simulator() -> None:
    """layout.h and lab/memory.py state the same numbers."""
    text = (TREE / "board" / "layout.h").read_text()
    said = {
        name: int(value.rstrip("u"), 0)
        for name, value in re.findall(r"#define (\w+) (0x[0-9A-Fa-f]+u|\d+u)\b", text)
    }
    names = {
        "BOOT_AREA_SIZE": memory.BOOT_AREA,
        "KEY_AREA": memory.KEY_AREA,
        "SLOT_COUNT": memory.SLOTS,
        "SLOT_SIZE": memory.SLOT_SIZE,
        "FLASH_UNIT": memory.UNIT,
        "TRAILER_MAGIC_LEN": len(memory.TRAILER_MAGIC),
        "APP_RAM": memory.RAM,
        "LOAD_ADDR": memory.LOAD_ADDR,
        "LOAD_SIZE": memory.LOAD_SIZE,
        "IMAGE_HEADER_SIZE": memory.HEADER_SIZE,
    }

    assert {name: said[name] for name in names} == names


def test_readme_names_every_register() -> None:
    """A register without a line in the README does not exist for whoever reads it."""
    header = (TREE / "board" / "registers.h").read_text()
    registers = set(re.findall(r"#define (\w+?)(?:\(word\))? REG\(", header))
    readme = (TREE / "README.md").read_text()

    assert registers
    assert {name for name in registers if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize("version", ["1.0", "1.0.0.0", "256.0.0", "1.0.65536", "1.0.x", "-1.0.0"])
def test_version_that_does_not_fit_an_image_is_refused(version: str) -> None:
    """It would be cut to another version."""
    with pytest.raises(Misuse, match="build of pump"):
        compile_firmware(TREE, "pump", version=version)


def test_source_that_does_not_compile_is_refused_with_the_compilers_words(tmp_path: Path) -> None:
    """The message names the file and the error."""
    tree = tmp_path / "firmware"
    shutil.copytree(TREE, tree)
    with (tree / "pump" / "pump.c").open("a") as source:
        source.write("int unfinished(void) { return }\n")

    with pytest.raises(Misuse, match=r"pump/pump\.c.*expected expression"):
        compile_firmware(tree, "pump")
