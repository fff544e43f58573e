"""Binaries and root file systems that were left soft, each with the rule that must find it."""

import struct
from dataclasses import replace
from pathlib import Path

from tests.planted.elves import Plan, R, W, X, elf
from tests.planted.secrets import ALNUM, drawn, key_bytes

HOSTED = Plan()
BARE = Plan(
    machine="arm",
    hosted=False,
    code=b"\x00\xbf" * 64,
    symbols=(("__stack_chk_fail", 2, b"\0" * 4), ("mpu_init", 2, b"\0" * 4)),
)
RISCV = replace(
    BARE, machine="riscv", code=struct.pack("<I", 0x3A029073) * 8, symbols=BARE.symbols[:1]
)

SEMIHOST_THUMB = b"\x00\xbf" * 8 + b"\xab\xbe" + b"\x00\xbf" * 8
SEMIHOST_RISCV = bytes.fromhex("1310f00173001000135070407300000073000000")
# Code with its own mark, so that the marks alone say what is code.
CODE_MARK = (("$t", 0),)


def vector_table(**changed: int) -> bytes:
    """A Cortex-M image of 16 KiB with a sound vector table, but for what is changed."""
    handlers = {"stack": 0x20004000, "reset": 0x08000101, "nmi": 0x08000111, "fault": 0x08000121}
    first = list((handlers | changed).values())
    rest = [0x08000131] * 3 + [0] * 4 + [0x08000141, 0x08000151, 0, 0x08000161, 0x08000171]
    return struct.pack("<16I", *first, *rest) + b"\x70\x47\x00\xbf\x10\xb5\x00\x24" * 2000


def elf_files() -> dict[str, tuple[bytes, str]]:
    """Name of the defect -> an ELF file, the rule."""
    plans = _unprotected() | _left_over()
    return {name: (elf(plan), rule) for name, (plan, rule) in plans.items()}


def _unprotected() -> dict[str, tuple[Plan, str]]:
    return {
        "writable code": (replace(HOSTED, code_flags=R | W | X), "writable-code"),
        "writable code on Arm": (replace(BARE, code_flags=R | W | X), "writable-code"),
        "executable stack": (replace(HOSTED, stack=R | W | X), "executable-stack"),
        "stack not declared": (replace(HOSTED, stack=None), "executable-stack"),
        "no canaries": (replace(HOSTED, imports=("__memcpy_chk", "puts")), "no-canary"),
        "no canaries on Arm": (replace(BARE, symbols=(("main", 2, b"\0"),)), "no-canary"),
        "stripped bare": (replace(BARE, symbols=()), "canary-unseen"),
        "fixed address": (replace(HOSTED, kind=2), "no-pie"),
        "no RELRO": (replace(HOSTED, relro=False), "no-relro"),
        "half RELRO": (replace(HOSTED, bind_now=False), "partial-relro"),
        "text relocations": (replace(HOSTED, textrel=True), "text-relocations"),
        "not fortified": (
            replace(HOSTED, imports=("__stack_chk_fail", "strcpy", "sprintf")),
            "no-fortify",
        ),
        "rpath anybody writes": (replace(HOSTED, search="/tmp/lib"), "search-path"),
        "rpath of the developer": (
            replace(HOSTED, search="$ORIGIN/../lib:/home/dev/lib"),
            "search-path",
        ),
        "rpath of the working folder": (replace(HOSTED, search="lib"), "search-path"),
    }


def _left_over() -> dict[str, tuple[Plan, str]]:
    return {
        "debug information": (replace(BARE, sections=(".debug_info", ".debug_line")), "debug-left"),
        "stabs": (replace(BARE, sections=(".stab",)), "debug-left"),
        "symbols": (BARE, "not-stripped"),
        "GDB stub": (
            replace(BARE, symbols=(*BARE.symbols, ("gdb_stub_init", 2, b"\0"))),
            "debugger-left",
        ),
        "RTT": (
            replace(BARE, symbols=(*BARE.symbols, ("SEGGER_RTT_Write", 2, b"\0"))),
            "debugger-left",
        ),
        "debug shell": (
            replace(BARE, symbols=(*BARE.symbols, ("debug_shell_run", 2, b"\0"))),
            "console-left",
        ),
        "JTAG unlock": (
            replace(BARE, symbols=(*BARE.symbols, ("jtag_unlock", 2, b"\0"))),
            "console-left",
        ),
        "semihosting": (
            replace(BARE, code=SEMIHOST_THUMB, marks=(*CODE_MARK, ("$d", 200))),
            "semihosting",
        ),
        "semihosting on RISC-V": (replace(RISCV, code=SEMIHOST_RISCV), "semihosting"),
        "semihosting on A32": (replace(BARE, code=bytes.fromhex("563412ef") * 2), "semihosting"),
        "no MPU": (replace(BARE, symbols=BARE.symbols[:1]), "no-mpu"),
        "no PMP": (replace(RISCV, code=b"\x13\0\0\0" * 16), "no-mpu"),
    }


def images() -> dict[str, tuple[bytes, str]]:
    """Name of the defect -> a raw image, the rule."""
    sound = vector_table()
    strings = {
        "path of the developer": (b"\0/home/dev/pump/src/motor.c\0", "build-path"),
        "path on Windows": (b"\0C:\\work\\pump\\motor.c\0", "build-path"),
        "asserts": (b"\0src/motor.c\0", "build-path"),
        "gdbserver": (b"\0starting gdbserver on %d\0", "debugger-left"),
        "GDB protocol": (b"\0qSupported:\0PacketSize=400\0", "debugger-left"),
        "boot prompt": (b"\0Hit any key to stop autoboot: %d\0", "console-left"),
        "shell": (b"\0/bin/sh\0", "console-left"),
        "service menu": (b"\0*** Service menu ***\0", "console-left"),
        "version": (b"\0lwIP/2.1.2\0", "version"),
    }
    found = {name: (sound + text, rule) for name, (text, rule) in strings.items()}
    return found | {
        "even fault handler": (vector_table(fault=0x08000120), "bad-vectors"),
        "no fault handler": (vector_table(fault=0), "bad-vectors"),
        "NMI far away": (vector_table(nmi=0x080F0001), "bad-vectors"),
        "crooked stack": (vector_table(stack=0x20003FFC), "bad-vectors"),
        "no MPU in a raw image": (sound, "no-mpu"),
        "readable": (sound, "entropy"),
    }


def root_file_system(folder: Path) -> dict[str, tuple[str, str]]:
    """Write a root file system full of defects; name of the defect -> path, rule."""
    crypt = "$6$" + drawn(8, ALNUM) + "$" + drawn(86, ALNUM)
    files = {
        "bin/su": (elf(HOSTED), 0o4755),
        "usr/bin/write": (elf(HOSTED), 0o2755),
        "etc/config": (b"x", 0o666),
        "etc/init.d/net": (b"#!/bin/sh\n# telnetd is off\n/usr/sbin/telnetd -l /bin/sh\n", 0o755),
        "usr/sbin/telnetd": (elf(HOSTED), 0o755),
        "etc/dropbear/dropbear_rsa_host_key": (key_bytes(400), 0o600),
        "etc/ssh/ssh_host_ed25519_key": (b"-----BEGIN", 0o600),
        "etc/shadow": (f"root:{crypt}:1:0:9:7:::\nsvc::1:0:9:7:::\nbin:*:1:::::\n".encode(), 0o600),
        "etc/passwd": (b"root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n", 0o644),
        "usr/lib/broken.so": (b"\x7fELF\x02\x01\x01" + b"\xff" * 80, 0o644),
        "usr/bin/old": (elf(replace(HOSTED, stack=R | W | X)), 0o755),
    }
    for name, (data, mode) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    (folder / "var/spool").mkdir(parents=True)
    (folder / "var/spool").chmod(0o777)
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    return {
        "setuid": ("bin/su", "setuid"),
        "setgid": ("usr/bin/write", "setuid"),
        "writable file": ("etc/config", "world-writable"),
        "writable folder": ("var/spool", "world-writable"),
        "telnet started": ("etc/init.d/net", "plain-login"),
        "telnet installed": ("usr/sbin/telnetd", "plain-login"),
        "Dropbear's key": ("etc/dropbear/dropbear_rsa_host_key", "shared-host-key"),
        "OpenSSH's key": ("etc/ssh/ssh_host_ed25519_key", "shared-host-key"),
        "hash": ("etc/shadow", "password-hash"),
        "no password": ("etc/shadow", "empty-password"),
        "second root": ("etc/passwd", "second-root"),
        "broken program": ("usr/lib/broken.so", "not-judged"),
        "soft program": ("usr/bin/old", "executable-stack"),
    }
