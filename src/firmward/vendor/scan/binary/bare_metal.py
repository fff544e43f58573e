"""What only firmware without an operating system has: vectors of its own, and an MPU to set up.

Several weak signs add up to one answer with a confidence, since a raw image has no symbols.
Sources: Armv7-M B1.5.3 (vectors), B3.5 (MPU); RISC-V Privileged 3.7 (PMP).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from firmward.vendor.scan.binary.rules import found
from firmward.vendor.scan.elf_file import Elf
from firmward.vendor.scan.sarif import Finding

_MPU_SYMBOL: Final = re.compile(
    r"(?i)(?:^|_)(?:arm_)?(?:mpu|pmp|pmsa)(?:_|$)(?!.*(?:absent|none|disable|stub))|MPU_?Enable"
    r"|MPU_?Config"
    r"|SetupMPU|^z_arm_mpu|^mpu[A-Z]|SetupDefaultMPU"
)
_MPU_WORDS: Final = tuple(struct.pack("<I", 0xE000ED90 + 4 * n) for n in range(5))
# movw Rd, #0xED90 or #0xED94; then movt Rd, #0xE000 not far behind it.
_MPU_MOVED: Final = re.compile(
    rb"\x4e\xf6[\x90\x94\x98\x9c][\x50-\x5e](?:..){0,8}?\xce\xf2\x00[\x00-\x0e]", re.DOTALL
)
# A store to [Rn, #0x94] of the system control block, whose base is a word of its own.
_MPU_OFFSET: Final = re.compile(rb"[\xc0-\xce]\xf8\x94[\x00\x10\x20\x30\x40\x50\x60\x70\x80-\xe0]")
_SCB: Final = struct.pack("<I", 0xE000ED00)
_SCB_MOVED: Final = re.compile(
    rb"\x4e\xf6\x00[\x50-\x5e](?:..){0,8}?\xce\xf2\x00[\x00-\x0e]", re.DOTALL
)

# MCUboot's header, where an image has one, and what loaders put before an application.
_TABLE_PLACES: Final = (0, 0x20, 0x80, 0x100, 0x200, 0x400, 0x800, 0x1000)
_RESERVED: Final = (7, 8, 9, 10, 13)
_ENOUGH: Final = 0.5


@dataclass(frozen=True)
class Vectors:
    """A Cortex-M vector table: where it is, the first stack pointer, and its handlers in order."""

    at: int
    stack: int
    handlers: tuple[int, ...]


def protection(elf: Elf, path: str) -> Iterator[Finding]:
    """Whether a bare-metal ELF sets up an MPU, or a PMP on RISC-V."""
    if elf.machine not in ("arm", "riscv"):
        return
    names = sorted({s.name for s in elf.symbols if s.section and _MPU_SYMBOL.search(s.name)})
    signs = {f"symbol {names[0]}": 0.7} if names else {}
    for _, code in elf.code():
        signs |= mpu_signs(code) if elf.machine == "arm" else pmp_signs(code)
    yield _told(signs, path)


def raw_protection(data: bytes, path: str) -> Iterator[Finding]:
    """The same for a raw image of a Cortex-M."""
    yield _told(mpu_signs(data), path)


def _told(signs: dict[str, float], path: str) -> Finding:
    doubt = 1.0
    for weight in signs.values():
        doubt *= 1 - weight
    says = f"{', '.join(signs) or 'no sign'} (confidence {1 - doubt:.2f})"
    if 1 - doubt >= _ENOUGH:
        return found(path, "mpu", says)
    return found(path, "no-mpu", says)


def mpu_signs(code: bytes) -> dict[str, float]:
    """What in Thumb code speaks for a write to the MPU, and how much."""
    signs: dict[str, float] = {}
    aligned = any(code.find(word) >= 0 for word in _MPU_WORDS)
    if aligned:
        signs["address of MPU_CTRL or a neighbour among the constants"] = 0.8
    if _MPU_MOVED.search(code):
        signs["address of the MPU built by movw and movt"] = 0.9
    if (_SCB in code or _SCB_MOVED.search(code)) and _MPU_OFFSET.search(code):
        signs["store at 0x94 beyond the system control block"] = 0.6
    return signs


def pmp_signs(code: bytes) -> dict[str, float]:
    """What in RISC-V code speaks for a write to pmpcfg or pmpaddr: the instruction itself."""
    for start in (0, 2):
        words = np.frombuffer(code[start : start + (len(code) - start) // 4 * 4], "<u4")
        system = (words & 0x7F == 0x73) & (words >> 12 & 3 != 0)
        number = words >> 20
        if bool(np.any(system & (number >= 0x3A0) & (number <= 0x3EF))):
            return {"csrw to pmpcfg or pmpaddr": 0.9}
    return {}


def vectors(data: bytes) -> Vectors | None:
    """The vector table of a raw image, if there is one at a usual place."""
    for at in _TABLE_PLACES:
        table = _table(data, at)
        if table is not None:
            return table
    return None


def _table(data: bytes, at: int) -> Vectors | None:
    if len(data) < at + 64:
        return None
    stack, *handlers = struct.unpack_from("<16I", data, at)
    reset = handlers[0]
    in_ram = 0x1000_0000 <= stack <= 0x4000_0000 and stack % 4 == 0
    if not in_ram or not reset & 1 or not 0x40 <= reset < 0xA000_0000 or 1 << 28 <= reset < 1 << 29:
        return None
    near = [each for each in handlers if each & 1 and abs(each - reset) < 1 << 24]
    empty = [handlers[number - 1] for number in _RESERVED]
    if len(near) < 3 or (sum(each == 0 for each in empty) < 3 and len(near) < 12):
        return None
    return Vectors(at, stack, tuple(handlers))


def vector_sanity(table: Vectors, size: int, path: str) -> Iterator[Finding]:
    """Whether each handler is Thumb code inside the image, and faults are handled at all."""
    says = f"at offset {table.at:#x}, stack {table.stack:#x}, reset {table.handlers[0]:#x}"
    yield found(path, "vectors", says)
    names = ("reset", "NMI", "HardFault")
    for name, handler in zip(names, table.handlers, strict=False):
        if handler == 0:
            yield found(path, "bad-vectors", f"{name} has no handler")
        elif not handler & 1:
            yield found(path, "bad-vectors", f"{name} at {handler:#x} is no Thumb address")
        elif abs(handler - table.handlers[0]) > size:
            yield found(path, "bad-vectors", f"{name} at {handler:#x} is outside the image")
    if table.stack % 8:
        yield found(path, "bad-vectors", f"the stack at {table.stack:#x} is not 8-byte aligned")
