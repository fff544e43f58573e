"""What clang must be told of a target: its triple, and a C library's headers to read against.

Nothing is compiled, so any C library that declares the standard's functions will do: the target's
own newlib if it is installed, this machine's for this machine, else the musl headers that come with
the zig compiler Firmward builds with.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HOST: Final = Path("/usr/include/stdio.h")
# Architecture as a triple begins -> as zig's folders are called.
_ZIG: Final = (
    ("aarch64", "aarch64"), ("arm64", "aarch64"), ("arm", "arm"), ("thumb", "arm"),
    ("riscv32", "riscv32"), ("riscv64", "riscv64"), ("riscv", "riscv32"),
    ("mips64", "mips64"), ("mips", "mips"), ("powerpc64", "powerpc64"), ("powerpc", "powerpc"),
    ("i386", "x86"), ("i686", "x86"), ("x86_64", "x86_64"), ("m68k", "m68k"),
)  # fmt: skip


def system_flags(triple: str) -> tuple[str, ...]:
    """The flags that make clang read a file as the target's compiler would; "" is this machine."""
    if not triple:
        return () if _HOST.is_file() else tuple(_folders("x86_64"))
    return (f"--target={triple}", *_folders(triple))


def _folders(triple: str) -> Iterator[str]:
    places = (Path("/usr/lib") / triple / "include", Path("/usr") / triple / "include")
    own = next((place for place in places if (place / "stdio.h").is_file()), None)
    if own is not None:
        yield from ("-isystem", str(own))
        return
    spec = importlib.util.find_spec("ziglang")
    architecture = next((name for start, name in _ZIG if triple.startswith(start)), "")
    if spec is None or spec.origin is None or not architecture:
        return
    headers = Path(spec.origin).parent / "lib" / "libc" / "include"
    for folder in (f"{architecture}-linux-musl", "generic-musl"):
        yield from ("-isystem", str(headers / folder))
