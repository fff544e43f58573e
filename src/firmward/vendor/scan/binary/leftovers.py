"""What helps developers and attackers alike: symbols, paths, debuggers, consoles."""

import re
from collections.abc import Iterator
from typing import Final

from firmward.binaries import strings
from firmward.binaries.left_in import left_in
from firmward.vendor.scan.binary.rules import found
from firmward.vendor.scan.elf_file import Elf
from firmward.vendor.scan.sarif import Finding

_SYMBOL_DEBUGGER: Final = re.compile(
    r"^_?(?:gdb_?(?:stub|server|handle_exception|breakpoint|init|putpacket|getpacket)\w*"
    r"|gdbstub_\w+|handle_exception_gdb|kgdb_\w+|SEGGER_RTT_\w+|monitor_handles"
    r"|initialise_monitor_handles"
    r"|rdimon\w*|DebugMon_GdbStub|esp_gdbstub\w*|mri_\w+)$"
)
_SYMBOL_CONSOLE: Final = re.compile(
    r"(?i)^_?(?:(?:debug|factory|service|diag(?:nostic)?|maint\w*|backdoor|uart|serial|dbg)_?"
    r"(?:shell|console|cli|menu|monitor|backdoor|unlock|login)\w*|backdoor\w*|(?:shell"
    r"|cli)_(?:exec|main|"
    r"process|task)\w*|enable_jtag|jtag_(?:enable|unlock)|swd_(?:enable|unlock))$"
)
_MARKS: Final = {
    "arm": ("$d", "$t", "$a"),
    "aarch64": ("$d", "$x", "$x"),
    "riscv": ("$d", "$x", "$x"),
}


def in_elf(elf: Elf, path: str) -> Iterator[Finding]:
    """Debug sections, symbols, and what the symbols name."""
    debug = [
        each.name for each in elf.sections if each.name.startswith((".debug_", ".zdebug_", ".stab"))
    ]
    if debug:
        yield found(path, "debug-left", f"{len(debug)} sections, {debug[0]} among them")
    full = [symbol for symbol in elf.symbols if not symbol.dynamic]
    # Where the compiler marks code and data; `strip` leaves them, and they name nothing.
    named = [symbol for symbol in full if not symbol.name.startswith("$")]
    if named:
        yield found(path, "not-stripped", f"{len(named)} symbols")
    defined = {symbol.name for symbol in elf.symbols if symbol.section}
    for rule, form in (("debugger-left", _SYMBOL_DEBUGGER), ("console-left", _SYMBOL_CONSOLE)):
        names = sorted(name for name in defined if form.match(name))
        if names:
            yield found(path, rule, f"{len(names)} symbols, {names[0]} among them")


def in_bytes(data: bytes, path: str) -> Iterator[Finding]:
    """Paths, and what strings say of debuggers and consoles."""
    for hit in left_in(strings.read(data)):
        yield found(path, hit.rule, hit.says, hit.worth)


# Semihosting, as Arm and RISC-V spell it: a breakpoint that only a debugger can answer.
_THUMB_CALL: Final = re.compile(rb"\xab\xbe")
_ARM_CALL: Final = re.compile(rb"\x56\x34\x12\xef")
_RISCV_CALL: Final = re.compile(rb"\x13\x10\xf0\x01\x73\x00\x10\x00\x13\x50\x70\x40")


def semihosting(elf: Elf, path: str) -> Iterator[Finding]:
    """Semihosting calls in code, and not in the constants between it."""
    if elf.machine not in ("arm", "riscv"):
        return
    forms = (_THUMB_CALL, _ARM_CALL) if elf.machine == "arm" else (_RISCV_CALL,)
    marks = _marks(elf)
    data_spans = _constants(marks)
    for address, code in elf.code():
        places = [
            address + match.start()
            for form in forms
            for match in form.finditer(code)
            if match.start() % 2 == 0 and not _inside(address + match.start(), data_spans)
        ]
        if places:
            certain = elf.machine == "riscv" or bool(marks)
            says = f"{len(places)} calls, the first at {places[0]:#x}"
            yield found(path, "semihosting", says, "warning" if certain else "note")


def _marks(elf: Elf) -> list[tuple[int, str]]:
    """(address, kind) of the mapping symbols, by which compilers tell code from data."""
    starts = _MARKS.get(elf.machine, ())
    return sorted(
        (symbol.address, symbol.name[:2])
        for symbol in elf.symbols
        if symbol.name[:2] in starts and symbol.name[2:3] in ("", ".")
    )


def _constants(marks: list[tuple[int, str]]) -> list[tuple[int, int]]:
    """Address ranges that are data."""
    ends = [*(address for address, _ in marks[1:]), 1 << 64]
    return [(at, end) for (at, kind), end in zip(marks, ends, strict=False) if kind == "$d"]


def _inside(address: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= address < end for start, end in spans)
