"""Soft binaries are told from hard ones, and a file that cannot be read is never a hard one."""

import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.planted import compiled, soft_targets
from tests.planted.elves import elf
from tests.planted.secrets import key_bytes
from tests.planted.soft_targets import BARE, HOSTED, RISCV

from firmward.terms.errors import Unavailable
from firmward.vendor.build.store import Sealed
from firmward.vendor.scan import elf_file, sarif
from firmward.vendor.scan.binary import raw, rootfs
from firmward.vendor.scan.binary.scan import in_elf, in_image, scan_binary

ELVES = soft_targets.elf_files()
IMAGES = soft_targets.images()
WORSE_THAN_NOTE = ("error", "warning")


def told(data: bytes) -> list[sarif.Finding]:
    """What is found in an ELF file."""
    return list(in_elf(elf_file.read(data, "app.elf"), "app.elf"))


def rules(found) -> set[str]:
    """The rules of findings that are more than notes."""
    return {each.rule for each in found if each.level in WORSE_THAN_NOTE}


def test_enough_is_planted():
    """The issue asks for twenty of each kind."""
    assert len(ELVES) + len(IMAGES) >= 40


@pytest.mark.parametrize("name", ELVES)
def test_a_missing_protection_is_found(name):
    """Each file lacks one thing, and that is what is told."""
    data, rule = ELVES[name]

    assert rule in {each.rule for each in told(data)}


@pytest.mark.parametrize("name", IMAGES)
def test_what_was_left_in_a_raw_image_is_found(name):
    """Paths, debuggers, consoles, versions, vectors, and no MPU."""
    data, rule = IMAGES[name]

    assert rule in {each.rule for each in in_image(data, None)}


@pytest.mark.parametrize("plan", [HOSTED, BARE, RISCV], ids=["hosted", "Arm", "RISC-V"])
def test_a_hard_binary_gives_no_alarm(plan):
    """Everything asked of the compiler and the linker is there."""
    assert set() == rules(told(elf(plan)))


@pytest.mark.parametrize(
    "plan",
    [
        replace(HOSTED, search="$ORIGIN/../lib:/usr/lib/pump"),
        replace(HOSTED, imports=("__stack_chk_fail", "strcpy"), needed="libc.musl-x86_64.so.1"),
        replace(HOSTED, imports=("__stack_chk_fail", "strcpy", "__strcpy_chk")),
        replace(BARE, symbols=(*BARE.symbols, ("debug_level", 1, b"\0"), ("shell_sort", 2, b"\0"))),
        # 0xBEAB among the constants is a number, not a call.
        replace(BARE, code=soft_targets.SEMIHOST_THUMB, marks=(("$d", 0),)),
        replace(BARE, symbols=BARE.symbols[:1], code=b"\x00\xbf" * 4 + b"\x94\xed\x00\xe0"),
        replace(BARE, symbols=BARE.symbols[:1], code=bytes.fromhex("4ef69450cef20000")),
    ],
    ids=["origin", "musl", "fortified", "alike", "data", "MPU address", "MPU built"],
)
def test_a_look_alike_gives_no_alarm(plan):
    """What only resembles a weakness, and the MPU by signs other than a symbol."""
    assert set() == rules(told(elf(plan)))


def test_a_real_program_of_this_machine_is_read_alike_by_both_readers():
    """LIEF and pyelftools agree on the interpreter that runs this test."""
    data = Path(sys.executable).resolve().read_bytes()
    read = elf_file.read(data, "python")

    assert read.hosted
    second = elf_file._by_pyelftools(data, "python")
    assert (read.segments, read.machine, read.kind) == (
        second.segments,
        second.machine,
        second.kind,
    )
    assert read.dynamic.needed == second.dynamic.needed
    assert {each.name for each in read.symbols} == {each.name for each in second.symbols}


@pytest.mark.parametrize("plan", [HOSTED, BARE, RISCV], ids=["hosted", "Arm", "RISC-V"])
def test_the_second_reader_gives_the_same_findings(plan):
    """A file that only one of them can read is judged all the same."""
    data = elf(replace(plan, sections=(".debug_info",)))
    by_second = list(in_elf(elf_file._by_pyelftools(data, "app.elf"), "app.elf"))

    assert told(data) == by_second


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"\x7fELF\x02\x01\x01" + b"\xff" * 100,
        b"MZ" + b"\0" * 100,
        elf(HOSTED)[:70],
    ],
    ids=["empty", "magic", "nonsense", "other", "cut"],
)
def test_a_file_that_cannot_be_read_is_no_evidence(data):
    """It was not judged; that it showed no weakness means nothing."""
    with pytest.raises(Unavailable):
        scan_binary(compiled.artifact(data or b"", b""))


@given(st.binary(min_size=1, max_size=600), st.integers(0, 3000))
@settings(max_examples=150)
def test_a_spoiled_file_is_judged_or_refused_and_nothing_else(noise, at):
    """A parser that dies of a crafted file would leave the release without a verdict."""
    data = bytearray(elf(BARE))
    data[at : at + len(noise)] = noise
    try:
        told(bytes(data))
    except Unavailable:
        return


@given(st.binary(max_size=3000))
@settings(max_examples=60)
def test_no_image_makes_the_scanner_fail(data):
    """Any bytes may be an image."""
    list(in_image(data, None))


def test_an_encrypted_image_is_told_from_a_readable_one():
    """Random bytes have 7.8 bits per byte in blocks of 1024, code at most 7."""
    dark = raw.entropies(key_bytes(8192))
    light = raw.entropies(soft_targets.vector_table())

    assert min(dark) > 7.6
    assert max(light) < 7
    [note] = raw.entropy_map(key_bytes(8192), "app.bin")
    assert "not readable" in note.message


def test_a_real_compiler_makes_what_the_rules_are_about(tmp_path):
    """The writable code that a careless linker script asks for."""
    source, script, out = tmp_path / "x.c", tmp_path / "x.ld", tmp_path / "x.elf"
    source.write_text("int main(void) { return 0; }")
    script.write_text("PHDRS { all PT_LOAD FLAGS(7); } SECTIONS { .text : { *(.text*) } :all }")
    command = [*(sys.executable, "-m", "ziglang", "cc"), *compiled.BARE, "-T", script, source]
    subprocess.run([*command, "-o", out], check=True, capture_output=True, timeout=120)

    assert {"writable-code", "no-canary", "no-mpu"} <= rules(told(out.read_bytes()))


@pytest.fixture
def soft_root(tmp_path):
    """A root file system full of defects, and where each is."""
    return tmp_path / "root", soft_targets.root_file_system(tmp_path / "root")


def packed(root: Path, form: str) -> Path:
    """The folder as it is, as a tar, or as a squashfs image."""
    if form == "folder":
        return root
    out = root.parent / f"root.{form}"
    if form == "tar":
        with tarfile.open(out, "w") as archive:
            archive.add(root, ".")
        return out
    maker = shutil.which("mksquashfs")
    assert maker is not None, "mksquashfs is absent: apt-get install squashfs-tools"
    subprocess.run([maker, root, out, "-quiet", "-no-progress"], check=True, capture_output=True)
    return out


@pytest.mark.parametrize("form", ["folder", "tar", "squashfs"])
def test_defects_of_a_root_file_system_are_found(soft_root, form):
    """Rights, accounts, servers, keys and programs, in whatever form it comes."""
    root, planted = soft_root
    found = {(each.path, each.rule) for each in rootfs.walk(packed(root, form))}

    assert set(planted.values()) <= found
    assert not any(path.startswith("tmp") for path, _ in found)


def test_a_root_file_system_is_part_of_the_run(soft_root):
    """The build seals it; the scanner reads it from there."""
    root, _ = soft_root
    sealed = Sealed("rootfs.tar", "0" * 64, 0, packed(root, "tar"))
    run = scan_binary(replace(compiled.artifact(image=b"\0" * 64), rootfs=sealed))

    assert "empty-password" in {each.rule for each in sarif.findings(sarif.merge([run]))}


def test_a_root_file_system_that_is_cut_short_is_no_evidence(soft_root):
    """What was not read was not judged."""
    root, _ = soft_root
    whole = packed(root, "tar")
    cut = root.parent / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:9000])

    for path in (cut, root / "etc/config", root / "nowhere"):
        with pytest.raises(Unavailable, match="rootfs"):
            list(rootfs.walk(path))
