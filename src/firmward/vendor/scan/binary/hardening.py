"""Protections that a compiler and a linker give for the asking, and whether they were asked."""

from collections.abc import Iterator
from typing import Final

from firmward.vendor.scan.binary.rules import found
from firmward.vendor.scan.elf_file import Elf
from firmward.vendor.scan.sarif import Finding

# What glibc has a checked version of.
_FORTIFIABLE_TEXT: Final = (
    "memcpy memmove memset strcpy strncpy strcat strncat sprintf snprintf vsprintf vsnprintf "
    "printf fprintf vprintf vfprintf gets fgets read recv recvfrom realpath getcwd readlink "
    "stpcpy syslog mempcpy poll"
)
_FORTIFIABLE: Final = frozenset(_FORTIFIABLE_TEXT.split())
_FIXED_PLACES: Final = ("$ORIGIN", "/lib", "/usr/lib", "/usr/local/lib", "/opt")


def judge(elf: Elf, path: str) -> Iterator[Finding]:
    """Memory, loader and compiler protections of a linked file."""
    yield from _segments(elf, path)
    yield from _canaries(elf, path)
    if elf.hosted:
        yield from _stack(elf, path)
        yield from _relocations(elf, path)
        yield from _fortified(elf, path)
        yield from _search_paths(elf, path)


def _segments(elf: Elf, path: str) -> Iterator[Finding]:
    for each in elf.segments:
        if each.kind == "LOAD" and each.writable and each.executable:
            yield found(path, "writable-code", f"{each.memory} bytes at {each.address:#x}")
        if each.kind == "GNU_STACK" and each.executable:
            yield found(path, "executable-stack", "PT_GNU_STACK has the X flag")


def _stack(elf: Elf, path: str) -> Iterator[Finding]:
    # Linux takes the absence for a wish: READ_IMPLIES_EXEC on these architectures.
    if not elf.has("GNU_STACK") and elf.machine in ("x86", "x86_64", "arm", "mips", "ppc"):
        yield found(path, "executable-stack", "no PT_GNU_STACK says otherwise", "warning")


def _relocations(elf: Elf, path: str) -> Iterator[Finding]:
    """PIE and RELRO mean something only where a loader relocates the program."""
    if elf.kind == 2:
        yield found(path, "no-pie", "file type EXEC")
    if not elf.has("GNU_RELRO"):
        yield found(path, "no-relro", "no PT_GNU_RELRO segment")
    elif not elf.dynamic.bind_now and elf.has("DYNAMIC"):
        yield found(path, "partial-relro", "PT_GNU_RELRO without BIND_NOW leaves .got.plt writable")
    if elf.dynamic.text_relocations:
        yield found(path, "text-relocations", "DT_TEXTREL")


def _canaries(elf: Elf, path: str) -> Iterator[Finding]:
    names = {symbol.name for symbol in elf.symbols}
    if not names:
        yield found(path, "canary-unseen", "no symbol table")
    elif not any(name.startswith(("__stack_chk_", "__stack_smash", "__intel_security_cookie"))
                 for name in names):  # fmt: skip
        yield found(path, "no-canary", f"none of {len(names)} symbols is __stack_chk_fail")


def _fortified(elf: Elf, path: str) -> Iterator[Finding]:
    # musl and bionic have no such functions, or others.
    if not any(name.startswith(("libc.so.6", "libc.so.0")) for name in elf.dynamic.needed):
        return
    imported = {symbol.name.partition("@")[0] for symbol in elf.symbols if symbol.section == 0}
    checked = {name for name in imported if name.endswith("_chk") and "stack" not in name}
    plain = sorted(imported & _FORTIFIABLE)
    if plain and not checked:
        yield found(path, "no-fortify", f"{len(plain)} such functions, {', '.join(plain[:5])}")


def _search_paths(elf: Elf, path: str) -> Iterator[Finding]:
    for place in elf.dynamic.search:
        if place.startswith(_FIXED_PLACES):
            continue
        yield found(path, "search-path", f"{place!r} in DT_RPATH or DT_RUNPATH")
